/** Kills a process at a given moment, lets another one go on, and looks at what is left of the video. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from '../../test/support/sandbox.ts';
import { inLanes } from './lanes.ts';
import type { FilmMoment, Moment } from './moments.ts';
import { type Found, newPrompt, openStage, type ServerProcess, type Stage, until } from './stage.ts';

export interface Kill {
  readonly moment: Moment;
  /** Milliseconds after the moment; 0: exactly there. */
  readonly afterMilliseconds: number;
}

export interface Outcome extends Kill {
  /** The last moment that the killed process has passed. */
  readonly lastMoment: string;
  readonly accepted: number;
  readonly saved: number;
  readonly unknown: number;
  /** Of these: the provider has taken it. accepted = saved + this. */
  readonly unknownTaken: number;
  /** `unknown`, though the kill fell outside the time between claim and recorded outcome. */
  readonly unknownElsewhere: number;
  /** Accepted by the provider, but neither saved nor reported as unknown. */
  readonly lost: number;
  readonly submittedTwice: number;
  /** Sent by a call that is free. */
  readonly sentByFreeCall: number;
  readonly savedTwice: number;
  readonly stillOpen: number;
  readonly unreadable: number;
  readonly broken: number;
  readonly parts: number;
  readonly seconds: number;
}

export interface Programs {
  readonly marked: string;
  readonly plain: string;
  readonly clips: string;
}

/** A kill after one of these, and before the outcome is recorded, leaves an outcome that nobody knows. */
const OPEN_WINDOW: readonly Moment[] = [
  'claim written',
  'claimed',
  'before the last check',
  'after the last check',
  'sending',
  'answered',
  'outcome written',
];
/** On a machine with other work to do. */
export const DEATH_SECONDS = 60;
const TAKEOVERS: readonly Moment[] = ['takeover: dead process removed', 'takeover: held'];

/** A process is killed, and a fresh one makes a free call and goes on until nothing is open. */
async function killOnce(programs: Programs, kill: Kill, shared?: Sandbox): Promise<Outcome> {
  const startedAt = performance.now();
  const stage = await openStage(programs.clips, {}, shared);
  try {
    const prompts = await bringToMoment(stage, programs, kill);
    const free = await stage.start({ program: programs.plain });
    // By now the provider has read what the dead process sent.
    const before = sum(prompts, stage);
    await untilSettled(() => free.list(0));
    const sentByFreeCall = sum(prompts, stage) - before;
    // What was never sent waits for a paid call, or its own `get`.
    for (const { task_id } of (await free.list()).filter(({ status }) => status === 'queued')) {
      await free.call('get_video_task', { task_id, wait_seconds: 30 });
    }
    await free.close();
    const found = await stage.look();
    const trace = (await readFile(join(stage.folder, 'trace'), 'utf8')).trim().split('\n');
    const lastMoment = trace.at(-1) ?? '';
    return {
      ...kill,
      lastMoment,
      ...judge(stage, prompts, found, OPEN_WINDOW.includes(lastSubmitMoment(trace))),
      sentByFreeCall,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await stage.close();
  }
}

/** Of the sending: what came after the last record of an outcome. */
function lastSubmitMoment(trace: readonly string[]): Moment {
  const submits = trace.filter((name) => name === 'outcome recorded' || OPEN_WINDOW.includes(name as Moment));
  return (submits.at(-1) ?? 'before the reservation') as Moment;
}

/** @returns the prompts that were asked for; the process has died at the moment */
async function bringToMoment(stage: Stage, programs: Programs, kill: Kill): Promise<string[]> {
  const { moment, afterMilliseconds } = kill;
  const { faults } = stage.sandbox;
  const trace = join(stage.folder, 'trace');
  await appendFile(trace, '');
  const deadly = { CRASH_AT: moment, CRASH_AFTER: String(afterMilliseconds), TRACE: trace };
  const prompts = [newPrompt(moment)];
  const isMine = (body: Readonly<Record<string, unknown>> | undefined) => prompts.includes(String(body?.prompt));
  // The answer is on its way for long enough to die before it.
  if (moment === 'sending') {
    faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 1000 }, when: ({ body }) => isMine(body) });
  }
  if (TAKEOVERS.includes(moment)) {
    const first = await stage.start({
      program: programs.marked,
      environment: { CRASH_AT: 'polled', TRACE: trace },
    });
    await first.call('generate_video', { prompt: prompts[0] }).catch(() => undefined);
    await first.gone;
    const second = await stage.start({ program: programs.marked, environment: deadly });
    second.list(0).catch(() => undefined);
    await until('the one that takes over is dead', () => diesSoon(second), DEATH_SECONDS);
    return prompts;
  }
  const environment = { ...deadly, ...(moment === 'queued' ? { JIMENG_VIDEO_CONCURRENCY: '1' } : {}) };
  const server = await stage.start({ program: programs.marked, environment });
  if (moment === 'queued') prompts.unshift(await holdTheOnlySlot(stage, server));
  await server.call('generate_video', { prompt: prompts.at(-1) }).catch(() => undefined);
  await dead(server, moment);
  return prompts;
}

/** A kill that did not happen must not count. @throws when the process is still alive */
export async function dead({ gone }: ServerProcess, moment: Moment | FilmMoment): Promise<void> {
  const isMissed = await Promise.race([
    gone.then(() => false),
    delay(DEATH_SECONDS * 1000, undefined, { ref: false }).then(() => true),
  ]);
  if (isMissed) throw new Error(`the process did not come to "${moment}"`);
}

async function diesSoon({ gone }: ServerProcess): Promise<true | undefined> {
  return await Promise.race([gone.then(() => true as const), delay(100, undefined, { ref: false })]);
}

/**
 * By a generation that lasts until the process is dead, so that no submit is out when it dies.
 * @returns the prompt
 */
async function holdTheOnlySlot({ sandbox }: Stage, server: ServerProcess): Promise<string> {
  const prompt = newPrompt('holds the slot');
  let isHeld = true;
  void server.gone.then(() => {
    isHeld = false;
  });
  const isIts = (taskId: unknown) =>
    sandbox.accepted.some((task) => task.taskId === taskId && task.request.body?.prompt === prompt);
  const fault = { kind: 'status-word', word: 'generating' } as const;
  sandbox.faults.add({ on: 'query', times: 'always', fault, when: ({ body }) => isHeld && isIts(body?.task_id) });
  await server.call('submit_video_task', { prompt });
  return prompt;
}

export async function untilSettled(list: () => Promise<readonly { status: string }[]>): Promise<void> {
  const isMoving = ({ status }: { status: string }) => ['submitting', 'generating'].includes(status);
  const settled = async () => ((await list()).some(isMoving) ? undefined : true);
  await until('nothing is open', settled, 60).catch(() => undefined);
}

function sum(prompts: readonly string[], stage: Stage): number {
  return prompts.reduce((total, prompt) => total + stage.accepted(prompt), 0);
}

export function judge(stage: Stage, prompts: readonly string[], found: Found, isUnknownAllowed: boolean) {
  const { records, videos } = found;
  const isSaved = (path: string | undefined) => path !== undefined && videos.includes(path);
  const saved = records.filter(({ status, video }) => status === 'done' && isSaved(video?.file?.path));
  const unknown = records.filter(({ status }) => status === 'unknown');
  const kept = new Set([...saved, ...unknown].map(({ request }) => request.prompt));
  return {
    accepted: sum(prompts, stage),
    saved: saved.length,
    unknown: unknown.length,
    unknownTaken: unknown.filter(({ request }) => stage.accepted(String(request.prompt)) > 0).length,
    unknownElsewhere: isUnknownAllowed ? 0 : unknown.length,
    lost: prompts.filter((prompt) => stage.accepted(prompt) > 0 && !kept.has(prompt)).length,
    submittedTwice: prompts.filter((prompt) => stage.accepted(prompt) > 1).length,
    savedTwice: videos.length - saved.length,
    stillOpen: records.filter(({ status }) => ['queued', 'submitting', 'generating'].includes(status)).length,
    unreadable: found.unreadable.length,
    broken: found.broken.length,
    parts: found.parts.length,
  };
}

export async function runMatrix(
  programs: Programs,
  kills: readonly Kill[],
  lanes: number,
  each?: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  return await inLanes(kills, lanes, (kill, sandbox) => killOnce(programs, kill, sandbox), each);
}

/** Half of them exactly there, the others up to `spread` ms later, while the process goes on. */
export function planKills(moments: readonly Moment[], times: number): Kill[] {
  return moments.flatMap((moment) =>
    Array.from({ length: times }, (_, index) => {
      // Between the request's bytes and the answer, which comes after a second.
      if (moment === 'sending' && index > 1) return { moment, afterMilliseconds: 20 + index * 10 };
      return { moment, afterMilliseconds: index % 2 === 0 ? 0 : (index * 5) / times };
    }),
  );
}
