/** A download whose process ended in the middle is fetched again, and what dead processes left is removed. */
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect, startRaw, until } from '../../support/mcp-client.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';
import { holdsOnly } from './delivered-files.ts';

const MADE = '1248x704-121';
const HALF = 4260;

let sandbox: Sandbox;
let workspace: Workspace;
beforeEach(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.1, requestsPerSecond: 100_000 });
  workspace = await makeWorkspace();
});
afterEach(async () => {
  await sandbox.close();
  await workspace.remove();
});

function videoRanges(): (string | undefined)[] {
  return sandbox.requests.filter(({ operation }) => operation === 'video').map(({ headers }) => headers.range);
}

/** A server that has half of a video when the signal ends it. @returns the task's id */
async function endInTheMiddle(signal: NodeJS.Signals): Promise<string> {
  sandbox.faults.add({ on: 'video', fault: { kind: 'stall', atByte: HALF } });
  const server = startRaw(workspace.environment(sandbox.url), workspace.folder);
  await server.initialize();
  server.send({ id: 1, method: 'tools/call', params: { name: 'submit_video_task', arguments: { prompt: 'a cut' } } });
  const { result } = await server.answer(1);
  await until('the request for the video', () => videoRanges().length === 1);
  await until('the .part file', async () =>
    (await readdir(workspace.outputDir)).some((name) => name.endsWith('.part')),
  );
  // What is on its way gets there.
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.child.kill(signal);
  await server.exit();
  return String(result?.structuredContent?.task_id);
}

async function collect(taskId: string): Promise<void> {
  const next = await connect(workspace.environment(sandbox.url), workspace.folder);
  try {
    const { report } = await next.call('get_video_task', { task_id: taskId, wait_seconds: 50 });
    expect([report.status, report.error]).toEqual(['done', undefined]);
  } finally {
    await next.close();
  }
  expect(await holdsOnly(workspace.outputDir, MADE)).toBe(true);
  expect(sandbox.accepted).toHaveLength(1);
}

it('a process that is asked to end removes its half, and the next one fetches the video', async () => {
  const taskId = await endInTheMiddle('SIGTERM');
  expect(await readdir(workspace.outputDir)).toEqual([]);
  await collect(taskId);
  expect(videoRanges()).toEqual([undefined, undefined]);
});

it('after a kill nobody knows which bytes are on the disk: the next process starts the file again', async () => {
  const taskId = await endInTheMiddle('SIGKILL');
  expect(await readdir(workspace.outputDir)).toEqual([`.jimeng-video-${taskId}.part`]);
  await collect(taskId);
  expect(videoRanges()).toEqual([undefined, undefined]);
});

it('old parts of tasks that are over are removed; what is young or belongs to others stays', async () => {
  await collect(await endInTheMiddle('SIGTERM'));
  const [video = ''] = await readdir(workspace.outputDir);
  const old = new Date(Date.now() - 3600_000);
  const parts: readonly (readonly [string, Date])[] = [
    ['.jimeng-video-jv-mws00000-aaaaa.part', old],
    ['.jimeng-video-jv-mws00000-aaaaa.part.resume', old],
    ['.jimeng-video-jv-mws00000-aaaaa-cut.part', old],
    ['.jimeng-video-jv-mws00000-bbbbb.part', new Date()],
    ['film.part', old],
  ];
  for (const [name, at] of parts) {
    await writeFile(join(workspace.outputDir, name), name);
    await utimes(join(workspace.outputDir, name), at, at);
  }
  // Another folder that videos are saved to.
  const allowed = join(workspace.folder, 'allowed');
  await mkdir(allowed);
  await writeFile(join(allowed, '.jimeng-video-jv-mws00000-aaaaa.part'), 'old');
  await utimes(join(allowed, '.jimeng-video-jv-mws00000-aaaaa.part'), old, old);
  const environment = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_ALLOWED_DIRS: allowed };
  const server = await connect(environment, workspace.folder);
  try {
    await server.call('list_video_tasks', {});
    await until('the sweep of the allowed folder', async () => (await readdir(allowed)).length === 0);
    const left = ['.jimeng-video-jv-mws00000-bbbbb.part', video, 'film.part'];
    await until('the sweep', async () => (await readdir(workspace.outputDir)).length === left.length);
    expect((await readdir(workspace.outputDir)).sort()).toEqual(left);
    expect(await readFile(join(workspace.outputDir, 'film.part'), 'utf8')).toBe('film.part');
  } finally {
    await server.close();
  }
});
