/** Two computers with disks of their own on one PostgreSQL: a video is saved where it was requested. */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from '../../support/mcp-client.ts';
import { type PostgresServer, startPostgres, statements } from '../../support/postgres.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace } from '../../support/server-workspace.ts';

const HOURS = 3600_000;

let server: PostgresServer;
let sandbox: Sandbox;
let store: string;
let endings: (() => Promise<unknown>)[];
beforeEach(async () => {
  server = await startPostgres();
  sandbox = await startSandbox({ generationSeconds: 0.1 });
  endings = [() => server.close(), () => sandbox.close()];
  store = await server.createDatabase();
});
afterEach(async () => {
  for (const end of endings.reverse()) await end();
});

const VIDEO = ['submit_video_task', { prompt: 'a lighthouse in the fog' }] as const;
const FILM = ['generate_film', { shots: [{ prompt: 'a gull' }, { prompt: 'a wave' }], wait_seconds: 0 }] as const;

async function workspaceOnStore() {
  const workspace = await makeWorkspace();
  endings.push(() => workspace.remove());
  return {
    folder: workspace.folder,
    async start() {
      const settings = { JIMENG_VIDEO_STORE: store, PATH: process.env.PATH ?? '' };
      const session = await connect({ ...workspace.environment(sandbox.url), ...settings });
      endings.push(() => session.close());
      return session;
    },
  };
}

/** A laptop requested it and was closed; its disk is not the other computer's. */
async function leftByLaptop([tool, given]: readonly [string, object] = VIDEO, submits = 1) {
  const laptop = await workspaceOnStore();
  const session = await laptop.start();
  // Nothing is finished while the laptop runs, however long that takes.
  sandbox.faults.add({ on: 'query', fault: { kind: 'status-word', word: 'generating' }, times: 'always' });
  const { report } = await session.call(tool, { ...given });
  await expect.poll(() => sandbox.submits().length).toBe(submits);
  await session.close();
  sandbox.faults.clear();
  const [videos, away] = [join(laptop.folder, 'videos'), join(laptop.folder, 'of the laptop')];
  await rename(videos, away);
  const id = report.task_id ?? report.film_id ?? '';
  return {
    ...{ id, videos, isBack: () => rename(away, videos) },
    /** The laptop was started again. */
    async getThere() {
      const again = await laptop.start();
      return (await again.call('get_video_task', { task_id: id, wait_seconds: 45 })).report;
    },
  };
}

test('another computer polls it and leaves the saving to the laptop, which saves it when it is back', async () => {
  const { id, videos, isBack, getThere } = await leftByLaptop();
  const other = await (await workspaceOnStore()).start();
  const polled = (await other.call('get_video_task', { task_id: id, wait_seconds: 20 })).report;
  expect(polled).toMatchObject({ status: 'done', error: { code: 'save_failed' } });
  expect(polled.video?.path).toBeUndefined();
  expect(polled.error?.message).toContain(`"${videos}", which this computer does not have`);
  expect(polled.video?.url).toMatch(/^http/);
  await expect(readdir(videos)).rejects.toMatchObject({ code: 'ENOENT' });

  await isBack();
  const report = await getThere();
  expect(report).toMatchObject({ status: 'done', video: { path: expect.stringContaining(videos) } });
  expect(report.error).toBeUndefined();
  expect(sandbox.submits()).toHaveLength(1);
});

test('after ten of the twelve hours any computer saves it, among its own videos', async () => {
  const { id } = await leftByLaptop();
  const workspace = await workspaceOnStore();
  const other = await workspace.start();
  const get = async () => (await other.call('get_video_task', { task_id: id, wait_seconds: 20 })).report;
  expect((await get()).video?.path).toBeUndefined();
  const longAgo = `UPDATE task SET record = jsonb_set(record::jsonb, '{acceptedAt}', to_jsonb(${Date.now() - 11 * HOURS}))::text`;
  await statements(store, [longAgo]);
  expect(await get()).toMatchObject({ status: 'done', video: { path: expect.stringContaining(workspace.folder) } });
});

test('an own folder that was removed meanwhile is made again', async () => {
  const { videos, getThere } = await leftByLaptop();
  expect(await getThere()).toMatchObject({ status: 'done', video: { path: expect.stringContaining(videos) } });
});

test('a film is joined where its shots are', async () => {
  const { id, videos, isBack, getThere } = await leftByLaptop(FILM, 2);
  const other = await (await workspaceOnStore()).start();
  const list = async () =>
    (await other.call('list_video_tasks', {})).report as unknown as { tasks: { status: string }[] };
  // It has polled both, and left their saving to the laptop.
  const statuses = async () => (await list()).tasks.map(({ status }) => status);
  await expect.poll(statuses, { interval: 200 }).toEqual(['done', 'done']);
  const polled = await other.call('get_video_task', { task_id: id, wait_seconds: 3 });
  expect(polled.report).toMatchObject({ status: 'running' });
  await isBack();
  expect(await getThere()).toMatchObject({ status: 'done', film: { path: expect.stringContaining(videos) } });
  expect(sandbox.submits()).toHaveLength(2);
});
