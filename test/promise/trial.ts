/** What do the trials of the promise share? The program as it is, the program with its moments marked, and a stage for each test. */
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Programs } from '../../bench/promise/crash-matrix.ts';
import { buildProgram, type Moment } from '../../bench/promise/moments.ts';
import { changesWithout } from '../../bench/promise/rules.ts';
import { openStage, type ServerProcess, type Stage } from '../../bench/promise/stage.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';
import type { SandboxOptions } from '../support/sandbox.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const clips = join(root, 'assets', 'sandbox-clips');

/** The built program; one of its own for each test file where a rule is taken out of it. */
export async function buildPlain(): Promise<Pick<Programs, 'plain'> & { remove(): Promise<void> }> {
  const changes = changesWithout(process.env.PROMISE_WITHOUT);
  if (changes.length === 0) return { plain: join(root, 'dist', 'main.js'), remove: async () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'jimeng-promise-build-'));
  const plain = await buildProgram({ root, outfile: join(folder, 'plain.cjs'), marked: false, changes });
  return { plain, remove: () => rm(folder, { recursive: true }) };
}

/** And the one that dies where it is told to, built for each test file: no other file's tests see it half-written. */
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
export async function recordOf(stage: Stage, id: string | undefined): Promise<TaskRecord> {
  const record = (await stage.look()).records.find((one) => one.id === id);
  if (record === undefined) throw new Error(`no record ${id}`);
  return record;
}

/** Makes a task older than it is, where its age is kept: in the record and, once closed, in its file's name. */
export async function age(stage: Stage, id: string | undefined, hours: number): Promise<void> {
  const names = await readdir(stage.stateDir, { recursive: true });
  const name = names.find((one) => basename(one).startsWith(`${id}.`) && /(open|closed)\//.test(one)) ?? '';
  const path = join(stage.stateDir, name);
  const record = JSON.parse(await readFile(path, 'utf8')) as TaskRecord;
  const older = (time: string) => new Date(Date.parse(time) - hours * 3600_000).toISOString();
  const aged = {
    ...record,
    created_at: older(record.created_at),
    ...(record.finished_at === undefined ? {} : { finished_at: older(record.finished_at) }),
  };
  await writeFile(path, JSON.stringify(aged));
  const parts = basename(path).split('.');
  if (parts.length < 5 || aged.finished_at === undefined) return;
  await rename(
    path,
    join(dirname(path), [...parts.slice(0, 3), Date.parse(aged.finished_at).toString(36), 'json'].join('.')),
  );
}

export async function submit(server: ServerProcess, prompt: string, more: object = {}) {
  return await server.call('submit_video_task', { prompt, ...more });
}
