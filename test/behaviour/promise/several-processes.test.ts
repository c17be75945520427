/** Several processes on one database pay once, save once, and take over from each other. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sameRequest, takeover } from '../../../bench/promise/several-processes.ts';
import { newPrompt, until } from '../../../bench/promise/stage.ts';
import { expectWithin } from '../../support/promptly.ts';
import { lockDatabase } from '../../support/records.ts';
import { buildPrograms, clips, dieAt, setStage, submit } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPrograms>>;
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

test('processes that ask for the same in the same instant pay once', async () => {
  const figures = await sameRequest(programs.plain, clips, 4, 3);
  expect(figures.submitsARound).toEqual([1, 1, 1]);
  expect(figures.joined).toBe(9);
});

test('when the process that watches a task is killed, another one goes on within 10 s and saves it once', async () => {
  await expectWithin(10_000, async () => {
    const { askedAfterSeconds, videos } = await takeover(programs.plain, clips);
    expect(videos).toBe(1);
    return askedAfterSeconds * 1000;
  });
});

test('of several living processes one polls a task and saves it', async () => {
  const stage = await setStage({ generationSeconds: 1 });
  // A process that is starved for seconds opens a second connection: its log tells who asked.
  const environment = { LOG_LEVEL: 'debug' };
  const servers = await Promise.all([1, 2, 3].map(() => stage.start({ program: programs.plain, environment })));
  const { task_id } = await submit(servers[0] as never, newPrompt('watched'));
  // Each looks at what is open with its first call.
  await Promise.all(servers.map((server) => server.list()));
  await Promise.all(servers.map((server) => server.call('get_video_task', { task_id, wait_seconds: 50 })));
  expect(servers.filter((server) => server.stderr().includes('CVSync2AsyncGetResult'))).toHaveLength(1);
  expect(await stage.look()).toMatchObject({ videos: [expect.any(String)], broken: [], parts: [] });
});

test('one provider task that two processes adopt at once becomes one record and one file', async () => {
  const stage = await setStage();
  await dieAt('answered', stage, programs, { prompt: newPrompt('elsewhere') });
  const elsewhere = stage.sandbox.accepted[0]?.taskId;
  const other = await Promise.all([1, 2].map(() => stage.start({ program: programs.plain })));
  const asked = { task_id: elsewhere, mode: 't2v_720p', wait_seconds: 50 };
  // The first list opens the database.
  await Promise.all(other.map((server) => server.list()));
  // Both have found no record of it before either can write one.
  const unlock = lockDatabase(stage.stateDir);
  const calls = other.map((server) => server.call('get_video_task', asked));
  for (let round = 0; round < 2; round++) await Promise.all(other.map((server) => server.list()));
  unlock();
  const reports = await Promise.all(calls);
  expect(reports.map(({ status }) => status)).toEqual(['done', 'done']);
  expect(reports[0]?.task_id).toBe(reports[1]?.task_id);
  expect((await stage.look()).videos).toHaveLength(1);
});

test('what a dead process left in the queue is sent by a paid call, of whatever mode, and never by a free one', async () => {
  const stage = await setStage();
  const [left, paid] = [newPrompt('left'), newPrompt('paid')];
  await dieAt('reserved', stage, programs, { prompt: left, mode: 't2v_1080p' });
  const server = await stage.start({ program: programs.plain });
  await until('its process is known to be dead', async () => {
    const [queued] = await server.list();
    return queued?.waits_for?.includes('a process to send it') ? true : undefined;
  });
  await server.list(1);
  expect(stage.accepted(left)).toBe(0);
  await submit(server, paid);
  await until('both are saved', async () => ((await stage.look()).videos.length === 2 ? true : undefined));
  expect([stage.accepted(left), stage.accepted(paid)]).toEqual([1, 1]);
});

test('the same request again joins what a dead process left in the queue, and sends it', async () => {
  const stage = await setStage();
  const prompt = newPrompt('left');
  await dieAt('reserved', stage, programs, { prompt });
  const server = await stage.start({ program: programs.plain });
  const report = await server.call('generate_video', { prompt, wait_seconds: 50 });
  expect(report).toMatchObject({ status: 'done', message: expect.stringContaining('already exists as task') });
  expect(stage.accepted(prompt)).toBe(1);
});

const inNamespace = ['unshare', '-ru', 'sh', '-c', 'exec "$0" "$@"'];
const canRename = spawnSync('unshare', ['-ru', 'hostname', 'x']).status === 0;

test.skipIf(!canRename)(
  'a computer that gets another name, as laptops do, goes on sending and is taken over from',
  async () => {
    const stage = await setStage({ generationSeconds: 1 });
    const server = await stage.start({ program: programs.plain, wrapper: inNamespace });
    await submit(server, newPrompt('before'));
    const rename = spawnSync('nsenter', [
      '-t',
      String(server.pid),
      '-U',
      '-u',
      '--preserve-credentials',
      'hostname',
      'cafe',
    ]);
    expect(rename.status).toBe(0);
    const { task_id } = await submit(server, newPrompt('after'));
    expect(stage.sandbox.accepted).toHaveLength(2);
    await server.kill();
    // Of the old name, and its process is gone: no quarter of an hour is waited for it.
    const next = await stage.start({ program: programs.plain });
    expect(await next.call('get_video_task', { task_id, wait_seconds: 50 })).toMatchObject({ status: 'done' });
  },
);
