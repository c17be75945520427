/** What the trials of the promise share: the program as it is, the program with its moments marked, and a stage for each test. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Programs } from '../../../bench/promise/crash-matrix.ts';
import { buildProgram, type Moment } from '../../../bench/promise/moments.ts';
import { changesWithout } from '../../../bench/promise/rules.ts';
import { openStage, type ServerProcess, type Stage } from '../../../bench/promise/stage.ts';
import type { Task } from '../../../src/tasks/record.ts';
import { ageTask } from '../../support/records.ts';
import type { SandboxOptions } from '../../support/sandbox.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const clips = join(root, 'assets', 'sandbox-clips');

/** The built program; one of its own for each test file where a rule is taken out of it. */
export async function buildPlain(): Promise<Pick<Programs, 'plain'> & { remove(): Promise<void> }> {
  const changes = changesWithout(process.env.PROMISE_WITHOUT);
  if (changes.length === 0) return { plain: join(root, 'dist', 'main.js'), remove: async () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'jimeng-promise-build-'));
  const plain = await buildProgram({ root, outfile: join(folder, 'plain.cjs'), marked: false, changes });
  return { plain, remove: () => rm(folder, { recursive: true }) };
}

/** The build with kill points, made for each test file: no other file's tests see it half-written. */
export async function buildPrograms(): Promise<Programs & { remove(): Promise<void> }> {
  const { plain, remove } = await buildPlain();
  const folder = mkdtempSync(join(tmpdir(), 'jimeng-promise-marked-'));
  const changes = changesWithout(process.env.PROMISE_WITHOUT);
  const marked = await buildProgram({ root, outfile: join(folder, 'marked.cjs'), marked: true, changes });
  const removeBoth = async () => {
    await remove();
    await rm(folder, { recursive: true });
  };
  return { plain, marked, clips, remove: removeBoth };
}

/** Of this test alone; taken down when it is over. */
export async function setStage(options: SandboxOptions = {}): Promise<Stage> {
  const stage = await openStage(clips, options);
  onTestFinished(() => stage.close());
  return stage;
}

/** A process that dies there, with this request. */
export async function dieAt(moment: Moment, stage: Stage, programs: Programs, request: object): Promise<void> {
  const server = await stage.start({ program: programs.marked, environment: { CRASH_AT: moment } });
  await server.call('submit_video_task', request).catch(() => undefined);
  await server.gone;
}

/** The record as it lies on disk. */
export async function recordOf(stage: Stage, id: string | undefined): Promise<Task> {
  const record = (await stage.look()).records.find((one) => one.id === id);
  if (record === undefined) throw new Error(`no record ${id}`);
  return record;
}

/** Makes a task older than it is. */
export function age(stage: Stage, id: string | undefined, hours: number): void {
  ageTask(stage.stateDir, id ?? '', hours);
}

export async function submit(server: ServerProcess, prompt: string, more: object = {}) {
  return await server.call('submit_video_task', { prompt, ...more });
}
