/** Two computers with disks of their own on one PostgreSQL: a video is saved where it was asked for. */
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
beforeEach(async () => {
  server = await startPostgres();
  sandbox = await startSandbox({ generationSeconds: 1 });
  store = await server.createDatabase();
});
afterEach(async () => {
  await sandbox.close();
  await server.close();
});

const VIDEO = ['submit_video_task', { prompt: 'a lighthouse in the fog' }] as const;
const FILM = ['generate_film', { shots: [{ prompt: 'a gull' }, { prompt: 'a wave' }], wait_seconds: 0 }] as const;

/** A laptop asked for it and was closed; its disk is not the other computer's. */
async function leftByLaptop([tool, given]: readonly [string, object] = VIDEO) {
  const [laptop, other] = [await makeWorkspace(), await makeWorkspace()];
  const environment = { JIMENG_VIDEO_STORE: store, PATH: process.env.PATH ?? '' };
  const open = async (workspace: typeof laptop) =>
    await connect({ ...workspace.environment(sandbox.url), ...environment });
  const session = await open(laptop);
  const { report } = await session.call(tool, { ...given });
  await session.close();
  const [videos, away] = [join(laptop.folder, 'videos'), join(laptop.folder, 'of the laptop')];
  await rename(videos, away);
  return {
    taskId: report.task_id ?? report.film_id ?? '',
    ...{ laptop, other, videos, open },
    isBack: () => rename(away, videos),
    submits: () => sandbox.requests.filter(({ operation }) => operation === 'submit').length,
    async close() {
      await laptop.remove();
      await other.remove();
    },
  };
}

test('another computer polls it and leaves the saving to the laptop, which saves it when it is back', async () => {
  const { taskId, laptop, other, videos, open, isBack, submits, close } = await leftByLaptop();
  const there = await open(other);
  try {
    const polled = await there.call('get_video_task', { task_id: taskId, wait_seconds: 20 });
    expect(polled.report).toMatchObject({ status: 'done', error: { code: 'save_failed' } });
    expect(polled.report.video?.path).toBeUndefined();
    expect(polled.report.error?.message).toContain(`"${videos}", which this computer does not have`);
    expect(polled.report.video?.url).toMatch(/^http/);
    await expect(readdir(videos)).rejects.toMatchObject({ code: 'ENOENT' });

    await isBack();
    const back = await open(laptop);
    try {
      const { report } = await back.call('get_video_task', { task_id: taskId, wait_seconds: 20 });
      expect(report).toMatchObject({ status: 'done', video: { path: expect.stringContaining(videos) } });
      expect(report.error).toBeUndefined();
    } finally {
      await back.close();
    }
    expect(submits()).toBe(1);
  } finally {
    await there.close();
    await close();
  }
});

test('after ten of the twelve hours any computer saves it, among its own videos', async () => {
  const { taskId, other, open, close } = await leftByLaptop();
  const there = await open(other);
  try {
    const polled = await there.call('get_video_task', { task_id: taskId, wait_seconds: 20 });
    expect(polled.report.video?.path).toBeUndefined();
    const longAgo = `UPDATE task SET record = jsonb_set(record::jsonb, '{acceptedAt}', to_jsonb(${Date.now() - 11 * HOURS}))::text`;
    await statements(store, [longAgo]);
    const { report } = await there.call('get_video_task', { task_id: taskId, wait_seconds: 20 });
    expect(report).toMatchObject({ status: 'done', video: { path: expect.stringContaining(other.folder) } });
  } finally {
    await there.close();
    await close();
  }
});

test('an own folder that was removed meanwhile is made again', async () => {
  const { taskId, laptop, videos, open, close } = await leftByLaptop();
  const back = await open(laptop);
  try {
    const { report } = await back.call('get_video_task', { task_id: taskId, wait_seconds: 20 });
    expect(report).toMatchObject({ status: 'done', video: { path: expect.stringContaining(videos) } });
  } finally {
    await back.close();
    await close();
  }
});

test('a film is joined where its shots are', async () => {
  const { taskId, laptop, other, videos, open, isBack, submits, close } = await leftByLaptop(FILM);
  const there = await open(other);
  try {
    for (let tries = 0; submits() < 2 && tries < 5; tries++)
      await there.call('list_video_tasks', { wait_seconds: 5, wait_for: 'all_finished' });
    const polled = await there.call('get_video_task', { task_id: taskId, wait_seconds: 3 });
    expect(polled.report).toMatchObject({ status: 'running' });
    await isBack();
    const back = await open(laptop);
    try {
      const { report } = await back.call('get_video_task', { task_id: taskId, wait_seconds: 45 });
      expect(report).toMatchObject({ status: 'done', film: { path: expect.stringContaining(videos) } });
    } finally {
      await back.close();
    }
    expect(submits()).toBe(2);
  } finally {
    await there.close();
    await close();
  }
});
