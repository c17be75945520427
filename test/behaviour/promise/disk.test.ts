/** A request is not sent while the database cannot be written, and not lost when that happens after it was accepted. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newPrompt, type Stage, until } from '../../../bench/promise/stage.ts';
import type { Task } from '../../../src/tasks/record.ts';
import { databaseIn, readRecords } from '../../support/records.ts';
import { buildPlain, setStage, submit } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPlain>>;
beforeAll(async () => {
  programs = await buildPlain();
});
afterAll(() => programs.remove());

/** A file system of its own, which only the process sees. */
function onFileSystem(options: string): string[] {
  const script = `mount -t tmpfs -o ${options} tmpfs "$JIMENG_VIDEO_STATE_DIR" && exec "$0" "$@"`;
  return ['unshare', '-rm', 'sh', '-c', script];
}
/** In one step: a running process may be making files in it. */
async function removeState({ stateDir }: Stage): Promise<void> {
  const gone = `${stateDir}-removed`;
  await rename(stateDir, gone);
  await rm(gone, { recursive: true, maxRetries: 5 });
}
const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0;

test('a state folder that cannot be made stops the request before it is sent, with its path', async () => {
  const stage = await setStage();
  await writeFile(stage.stateDir, 'a file where the folder should be');
  const server = await stage.start({ program: programs.plain });
  const report = await submit(server, newPrompt('no folder'));
  expect(report).toMatchObject({ status: 'refused', error: { code: 'state_not_writable' }, cost: { charge: 'none' } });
  expect(report.message).toContain(stage.stateDir);
  expect(stage.sandbox.requests).toHaveLength(0);
});

test('a state folder that is removed while the server runs is made again by the next call', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  await server.call('generate_video', { prompt: newPrompt('before'), wait_seconds: 50 });
  await removeState(stage);
  expect((await server.call('generate_video', { prompt: newPrompt('after'), wait_seconds: 50 })).status).toBe('done');
});

test('a state folder that is removed under a running task loses and pays nothing twice', async () => {
  let secondsAhead = 0;
  const stage = await setStage({ generationSeconds: 600, now: () => Date.now() + secondsAhead * 1000 });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('running');
  const { task_id } = await submit(server, prompt);
  const isAsked = () => stage.sandbox.requests.some(({ operation }) => operation === 'query');
  await until('it is watched', () => isAsked() || undefined);
  await removeState(stage);
  // The next look at the task finds the database gone.
  await until('it is written again', async () =>
    (await stage.look()).records.some(({ id }) => id === task_id) ? true : undefined,
  );
  expect((await submit(server, prompt)).task_id).toBe(task_id);
  secondsAhead = 600;
  const done = await server.call('get_video_task', { task_id, wait_seconds: 50 });
  expect(done.status).toBe('done');
  expect(stage.accepted(prompt)).toBe(1);
});

test('a database that another process makes again first gets the open tasks of this one, too', async () => {
  let secondsAhead = 0;
  const stage = await setStage({ generationSeconds: 600, now: () => Date.now() + secondsAhead * 1000 });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('running');
  const { task_id } = await submit(server, prompt);
  process.kill(server.pid, 'SIGSTOP');
  await removeState(stage);
  const other = await stage.start({ program: programs.plain });
  await other.list();
  process.kill(server.pid, 'SIGCONT');
  await until('it is written again', async () =>
    readRecords(stage.stateDir).some(({ id }) => id === task_id) ? true : undefined,
  );
  expect((await submit(other, prompt)).task_id).toBe(task_id);
  secondsAhead = 600;
  expect((await other.call('get_video_task', { task_id, wait_seconds: 50 })).status).toBe('done');
  expect(stage.accepted(prompt)).toBe(1);
});

test('what could not be recorded is joined, listed and found by the provider’s id all the same', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 500 } });
  const prompt = newPrompt('unwritten');
  const sent = submit(server, prompt);
  await until('it is sent', () => (stage.accepted(prompt) === 1 ? true : undefined));
  await removeState(stage);
  const { task_id, provider } = await sent;
  const asked = { task_id: provider?.task_id, wait_seconds: 50 };
  expect((await server.list()).map((task) => task.task_id)).toEqual([task_id]);
  expect((await submit(server, prompt)).task_id).toBe(task_id);
  expect(await server.call('get_video_task', asked)).toMatchObject({ task_id, status: 'done' });
  expect(stage.accepted(prompt)).toBe(1);
});

test('a damaged database is set aside and named, and nothing is paid until a person has looked', async () => {
  const stage = await setStage();
  const first = await stage.start({ program: programs.plain });
  await first.call('generate_video', { prompt: newPrompt('before'), wait_seconds: 50 });
  await first.close();
  await writeFile(databaseIn(stage.stateDir), 'not a database, but long enough to be read as the head of one');
  const second = await stage.start({ program: programs.plain });
  const refused = await submit(second, newPrompt('damaged'));
  expect(refused).toMatchObject({ status: 'refused', error: { code: 'state_damaged' }, cost: { charge: 'none' } });
  const [aside = ''] = (await readdir(stage.stateDir)).filter((name) => name.includes('.damaged-'));
  expect(refused.message).toContain(join(stage.stateDir, aside));
  expect(await readFile(join(stage.stateDir, aside), 'utf8')).toContain('not a database');
  // A later process does not forget it either.
  const third = await stage.start({ program: programs.plain });
  expect(await submit(third, newPrompt('still'))).toMatchObject({ error: { code: 'state_damaged' } });
  expect(stage.sandbox.accepted).toHaveLength(1);
  await rm(join(stage.stateDir, aside));
  expect((await third.call('generate_video', { prompt: newPrompt('after'), wait_seconds: 50 })).status).toBe('done');
});

test('a database that is damaged under a running task loses and pays nothing twice', async () => {
  let secondsAhead = 0;
  const stage = await setStage({ generationSeconds: 600, now: () => Date.now() + secondsAhead * 1000 });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('running');
  const { task_id } = await submit(server, prompt);
  const file = databaseIn(stage.stateDir);
  for (const suffix of ['', '-wal']) await writeFile(file + suffix, Buffer.alloc(64 * 1024, 0x5a));
  // The running process may have all pages in memory: another one finds the damage.
  const other = await stage.start({ program: programs.plain });
  await other.list();
  expect(await readdir(stage.stateDir)).toContainEqual(expect.stringContaining('.damaged-'));
  await until('it is written again', async () =>
    readRecords(stage.stateDir).some(({ id }) => id === task_id) ? true : undefined,
  );
  secondsAhead = 600;
  const done = await server.call('get_video_task', { task_id, wait_seconds: 50 });
  expect(done.status).toBe('done');
  expect(stage.accepted(prompt)).toBe(1);
});

describe.skipIf(!canMount)('on a file system', () => {
  test.each([
    ['that is read-only', 'ro'],
    ['that is full', 'size=8k'],
  ])('%s the request is stopped before it is sent, with the path', async (_, options) => {
    const stage = await setStage();
    await mkdir(stage.stateDir);
    const server = await stage.start({ program: programs.plain, wrapper: onFileSystem(options) });
    const report = await submit(server, newPrompt('unwritable'));
    expect(report).toMatchObject({ status: 'refused', error: { code: 'state_not_writable' } });
    expect(report.message).toContain(stage.stateDir);
    await server.list(1);
    expect(stage.sandbox.accepted).toHaveLength(0);
  });

  test('that is full when the answer comes, the ids are reported and the record is written later', async () => {
    const stage = await setStage({ generationSeconds: 0.5 });
    await mkdir(stage.stateDir);
    const server = await stage.start({ program: programs.plain, wrapper: onFileSystem('size=512k') });
    // The process's own view of the folder.
    const inside = join(`/proc/${server.pid}/root`, stage.stateDir);
    const filler = join(inside, 'filler');
    stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 1 }, when: () => fill(filler) });
    const report = await submit(server, newPrompt('full'));
    const providerTaskId = stage.sandbox.accepted[0]?.taskId ?? '';
    expect(report.provider).toMatchObject({ task_id: providerTaskId, req_key: 'jimeng_t2v_v30' });
    expect(report.message).toContain(providerTaskId);
    expect(report.message).toContain('jimeng_t2v_v30');
    await until('the ids on stderr', () => server.stderr().includes(providerTaskId) || undefined);
    expect(server.stderr()).toContain('jimeng_t2v_v30');
    await rm(filler);
    const done = await server.call('get_video_task', { task_id: report.task_id, wait_seconds: 50 });
    expect(done.status).toBe('done');
    const written = await until('it is written', async () =>
      // A copy that was made while the process wrote may be a damaged one.
      (await recordsInside(inside).catch(() => [])).find(
        ({ id, status }) => id === report.task_id && status === 'done',
      ),
    );
    expect(written.providerTaskId).toBe(providerTaskId);
    expect(stage.sandbox.accepted).toHaveLength(1);
    expect((await stage.look()).videos).toHaveLength(1);
  });
});

/** Read from a copy: SQLite would look for the file in its own view of the folders. */
async function recordsInside(stateDir: string): Promise<Task[]> {
  const copy = await mkdtemp(join(tmpdir(), 'jimeng-copy-'));
  try {
    const names = (await readdir(stateDir)).filter((name) => /^jimeng\.db(-wal)?$/.test(name));
    for (const name of names) await copyFile(join(stateDir, name), join(copy, name));
    return readRecords(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** To the last byte. @returns true */
function fill(path: string): boolean {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch {
    return true;
  } finally {
    closeSync(file);
  }
}
