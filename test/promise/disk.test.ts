/** What happens to a request when the state folder cannot be written: before it is sent, and after it was accepted? */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newPrompt, until } from '../../bench/promise/stage.ts';
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

test('a state folder that is removed while the server runs is made anew by the next call', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  await server.call('generate_video', { prompt: newPrompt('before'), wait_seconds: 50 });
  await rm(stage.stateDir, { recursive: true });
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
  await rm(stage.stateDir, { recursive: true });
  // The next look at the task finds its record gone.
  await until('it is written again', async () => {
    const names = await readdir(stage.stateDir, { recursive: true }).catch(() => []);
    return names.some((name) => name.endsWith(`open/${task_id}.json`)) ? true : undefined;
  });
  expect((await submit(server, prompt)).task_id).toBe(task_id);
  secondsAhead = 600;
  const done = await server.call('get_video_task', { task_id, wait_seconds: 50 });
  expect(done.status).toBe('done');
  expect(stage.accepted(prompt)).toBe(1);
});

test('what could not be recorded is joined, listed and found by the provider’s id all the same', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 500 } });
  const prompt = newPrompt('unwritten');
  const sent = submit(server, prompt);
  await until('it is sent', () => (stage.accepted(prompt) === 1 ? true : undefined));
  await rm(stage.stateDir, { recursive: true });
  const { task_id, provider } = await sent;
  const asked = { task_id: provider?.task_id, wait_seconds: 50 };
  expect((await server.list()).map((task) => task.task_id)).toEqual([task_id]);
  expect((await submit(server, prompt)).task_id).toBe(task_id);
  expect(await server.call('get_video_task', asked)).toMatchObject({ task_id, status: 'done' });
  expect(stage.accepted(prompt)).toBe(1);
});

test('a state folder that fails a fresh process is named, and the video is fetched when it works again', async () => {
  let secondsAhead = 0;
  const stage = await setStage({ generationSeconds: 600, now: () => Date.now() + secondsAhead * 1000 });
  const first = await stage.start({ program: programs.plain });
  const { task_id } = await submit(first, newPrompt('left'));
  await first.kill();
  const [scope = ''] = await readdir(stage.stateDir);
  const leases = join(stage.stateDir, scope, 'leases');
  const broken = async () => {
    await rm(leases, { recursive: true });
    await writeFile(leases, 'a file where the folder should be');
  };
  const mended = async () => {
    await rm(leases);
    await mkdir(leases);
  };
  await broken();
  const server = await stage.start({ program: programs.plain });
  const stuck = await server.call('get_video_task', { task_id, wait_seconds: 1 });
  expect(stuck).toMatchObject({ status: 'in_queue', error: { code: 'state_not_writable' } });
  expect(stuck.message).toContain(`${stage.stateDir}/${scope} cannot be used (ENOTDIR), so the provider is not asked`);
  expect(stuck.next_step).toMatch(/^Make room in that folder, or make it writable; then call get_video_task/);
  await until('it is told on stderr', () => server.stderr().includes('watch failed') || undefined);
  expect(server.stderr().match(/watch failed/g)).toHaveLength(1);
  await mended();
  secondsAhead = 600;
  const done = await server.call('get_video_task', { task_id, wait_seconds: 50 });
  expect([done.status, done.error]).toEqual(['done', undefined]);
  // And when it fails as a finished video is to be saved again.
  await rm(done.video?.path ?? '');
  await broken();
  const unsaved = await server.call('get_video_task', { task_id, wait_seconds: 1 });
  expect(unsaved).toMatchObject({ status: 'done', error: { code: 'state_not_writable' } });
  expect(unsaved.video?.path).toBeUndefined();
  await mended();
  const saved = await server.call('get_video_task', { task_id });
  expect([saved.status, saved.error]).toEqual(['done', undefined]);
  expect((await stage.look()).videos).toHaveLength(1);
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

  test('that is full when the answer comes, the ids are told and the record is written later', async () => {
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
    const written = await until('it is written', async () => {
      const names = await readdir(inside, { recursive: true });
      const name = names.find((one) => one.includes(`closed/${report.task_id}.done`));
      return name === undefined ? undefined : await readFile(join(inside, name), 'utf8');
    });
    expect(JSON.parse(written)).toMatchObject({ status: 'done', provider_task_id: providerTaskId });
    expect(stage.sandbox.accepted).toHaveLength(1);
    expect((await stage.look()).videos).toHaveLength(1);
  });
});

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
