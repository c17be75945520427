/** An update that replaces the running program loses nothing, and the answers say what to do. */
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, startRaw } from '../../support/mcp-client.ts';
import { makeNoisePng } from '../../support/pictures.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));
const REPLACED = 'program was changed or removed since it was started';

let sandbox: Sandbox;
let secondsAhead = 0;
let workspace: Workspace;
let programs: string;
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 60, now: () => Date.now() + secondsAhead * 1000 });
  workspace = await makeWorkspace();
  programs = await mkdtemp(join(tmpdir(), 'jimeng-replaced-'));
});
afterAll(async () => {
  await sandbox.close();
  await workspace.remove();
  await rm(programs, { recursive: true, force: true });
});

/** A copy of the built program that can be taken away while it runs. */
async function installed(name: string) {
  const folder = join(programs, name);
  await cp(DIST, folder, { recursive: true });
  return {
    main: join(folder, 'main.js'),
    async removeParts() {
      for (const file of await readdir(folder)) if (file.endsWith('.mjs')) await rm(join(folder, file));
    },
  };
}

it('before the first call: restart it, and it ends when its client goes', async () => {
  const program = await installed('first');
  await program.removeParts();
  const server = startRaw({ HOME: programs }, programs, program.main);
  await server.initialize();
  server.send({ id: 7, method: 'tools/call', params: { name: 'list_video_tasks', arguments: {} } });
  const { error } = await server.answer(7);
  expect(error?.message).toMatch(
    /^The server’s program was changed or removed .* restart the server, then call again\.$/,
  );
  server.child.stdin?.write('no message\n');
  server.send({ id: 8, method: 'ping' });
  expect(await server.answer(8)).toMatchObject({ result: {} });
  server.child.stdin?.end();
  expect((await server.exit()).code).toBe(0);
  expect(server.stderr()).toBe('');
});

it('before the first submit: nothing is sent, the refusal comes immediately, and a log line does not end the server', async () => {
  const program = await installed('submit');
  const session = await connect(workspace.environment(sandbox.url), workspace.folder, [process.execPath, program.main]);
  await session.call('list_video_tasks', {});
  await program.removeParts();
  const { report } = await session.call('generate_video', { prompt: 'replaced' });
  expect(report).toMatchObject({
    status: 'failed',
    message: expect.stringContaining(REPLACED),
    next_step: 'Tell the user to restart the server. Then request the video again.',
    cost: { charge: 'none' },
    error: { code: 'program_replaced' },
  });
  expect(report.elapsed_seconds).toBeLessThan(10);
  const image = join(workspace.folder, 'large.png');
  await writeFile(image, makeNoisePng(1120, 840, 256, 16));
  const refused = await session.call('generate_video', { prompt: 'replaced', image });
  expect(refused.report).toMatchObject({ status: 'refused', error: { code: 'program_replaced' } });
  expect(sandbox.requests).toEqual([]);
  expect((await session.call('list_video_tasks', {})).isError).toBe(false);
  await session.close();
});

it('while the video is made: it is saved as it came, and what is said of it is true', async () => {
  const program = await installed('save');
  const session = await connect(workspace.environment(sandbox.url), workspace.folder, [process.execPath, program.main]);
  const { report } = await session.call('submit_video_task', { prompt: 'cut', duration: 8 });
  await program.removeParts();
  secondsAhead = 60;
  const { task_id } = report;
  const saved = await session.call('get_video_task', { task_id, wait_seconds: 50 });
  expect(saved.report).toMatchObject({ status: 'done', error: { code: 'conversion_failed' } });
  expect(saved.text).toContain(REPLACED);
  expect(saved.text).not.toContain('not a playable');
  await session.close();
});
