/** Stops a process beyond its lease, lets another one take its task over, wakes it, and looks at what it does. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../../test/support/sandbox.ts';
import { judge, type Programs, untilSettled } from './crash-matrix.ts';
import { inLanes } from './lanes.ts';
import type { Moment } from './moments.ts';
import { newPrompt, openStage, type Stage, until } from './stage.ts';

export interface Sleep {
  readonly moment: Moment;
  /** When it wakes: the other one has closed the task, or has begun to download the video. */
  readonly wakes: 'afterwards' | 'meanwhile';
}

export interface SleepOutcome extends Sleep, Omit<ReturnType<typeof judge>, 'unknownElsewhere'> {
  /** Sent after the claim had been given up. */
  readonly sentLate: number;
  readonly status: string;
  readonly seconds: number;
}

/** Stopped at one of these, the last check has yet to come: nothing is sent. */
const BEFORE_SENDING: readonly Moment[] = ['claimed', 'before the last check', 'after the last check'];
/** Until here nobody knows the outcome, so whoever takes over records it as unknown. */
const BEFORE_OUTCOME: readonly Moment[] = [...BEFORE_SENDING, 'sending', 'answered'];

export const SLEEPS: readonly Sleep[] = [
  ...BEFORE_OUTCOME.map((moment) => ({ moment, wakes: 'afterwards' }) as const),
  ...(['polled', 'mid-download', 'downloaded', "before the file's name"] as const).flatMap((moment) =>
    (['afterwards', 'meanwhile'] as const).map((wakes) => ({ moment, wakes })),
  ),
  { moment: 'named', wakes: 'afterwards' },
];

async function sleepOnce(programs: Programs, sleep: Sleep, shared: Sandbox): Promise<SleepOutcome> {
  const startedAt = performance.now();
  const stage = await openStage(programs.clips, {}, shared);
  const prompt = newPrompt(`${sleep.moment} ${sleep.wakes}`);
  try {
    const trace = join(stage.folder, 'trace');
    await appendFile(trace, '');
    const sleeper = await stage.start({
      program: programs.marked,
      environment: { STOP_AT: sleep.moment, TRACE: trace },
    });
    const call = sleeper.call('generate_video', { prompt, wait_seconds: 50 }).catch(() => undefined);
    await until(`it is stopped: ${sleep.moment}`, async () =>
      (await readFile(trace, 'utf8')).split('\n').includes(sleep.moment) ? true : undefined,
    );
    const other = await stage.start({ program: programs.plain });
    const slow = sleep.wakes === 'meanwhile' ? slowDownload(stage, prompt) : undefined;
    const takenOver = BEFORE_OUTCOME.includes(sleep.moment) ? 'unknown' : 'done';
    await until(`it is taken over: ${sleep.moment}`, async () => {
      const [task] = await other.list();
      return task?.status === takenOver || slow?.hasBegun() ? true : undefined;
    });
    process.kill(sleeper.pid, 'SIGCONT');
    await call;
    // It awaits and records the answer that is still out.
    await sleeper.close();
    await untilSettled(() => other.list());
    await other.close();
    const found = await stage.look();
    const { unknownElsewhere: _, ...judged } = judge(stage, [prompt], found, true);
    return {
      ...sleep,
      ...judged,
      sentLate: BEFORE_SENDING.includes(sleep.moment) ? judged.accepted : 0,
      status: found.records.map(({ status }) => status).join(' '),
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await stage.close();
  }
}

/** The other process's: the sleeper has asked for the video already, or asks for it after the wake. */
function slowDownload({ sandbox }: Stage, prompt: string): { hasBegun(): boolean } {
  let hasBegun = false;
  const isIts = (id: string | undefined) =>
    sandbox.accepted.some(({ taskId, request }) => request.body?.prompt === prompt && taskId === id);
  const fault = { kind: 'slow', milliseconds: 1500 } as const;
  sandbox.faults.add({
    on: 'video',
    fault,
    when: ({ taskId }) => {
      if (hasBegun || !isIts(taskId)) return false;
      hasBegun = true;
      return true;
    },
  });
  return { hasBegun: () => hasBegun };
}

export async function runSleeps(
  programs: Programs,
  sleeps: readonly Sleep[],
  lanes: number,
  each?: (outcome: SleepOutcome) => void,
): Promise<SleepOutcome[]> {
  return await inLanes(sleeps, lanes, (sleep, sandbox) => sleepOnce(programs, sleep, sandbox), each);
}
