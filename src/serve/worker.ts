/** Resumes what other processes leave open, as long as this one runs: queries and downloads, and on a shared store the queue. */
import type { App } from '../app.ts';
import type { Clock } from '../clock.ts';
import { type Log, RepeatedProblem, reasonOf } from '../log.ts';
import { START_WORKER } from '../report/phrasing-tools.ts';
import { pause, whenAborted } from '../system/wait.ts';

const TRY_AGAIN_MILLISECONDS = 5_000;

interface Working {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the process is about to end. */
  readonly over: AbortSignal;
}

/** @param app opened as one that sends everything: its recovery goes on until it ends @returns when the signal is aborted. Never throws. */
export async function work(app: App, { clock, log, over }: Working): Promise<void> {
  const problem = new RepeatedProblem(log, 'open work is not resumed', 'open work is resumed again');
  while (!over.aborted) {
    try {
      (await app.service('query')).resume();
      problem.succeeded();
      return await whenAborted(over);
    } catch (error) {
      problem.failed(reasonOf(error));
    }
    await pause(clock, { atMost: TRY_AGAIN_MILLISECONDS, signals: [over] });
  }
}

/** The log's event, which the metrics count. */
export const NO_WORKER_EVENT = 'no process works on the queue';
/** Reported when it was so twice in a row: a worker that is started again is none that is missing. */
const COUNT_MILLISECONDS = 10_000;

/**
 * For a server that only takes in: reports where no process works on the queue.
 * @param count undefined: the store is not shared @returns when the signal is aborted. Never throws.
 */
export async function watchWorkers(
  count: () => Promise<number | undefined>,
  { clock, log, over }: Working,
): Promise<void> {
  let countedNone = 0;
  while (!over.aborted) {
    await pause(clock, { atMost: COUNT_MILLISECONDS, signals: [over] });
    // A store that is away is reported elsewhere.
    const workers = await count().catch(() => undefined);
    if (over.aborted || workers === undefined) continue;
    if (workers > 0 && countedNone > 1) log.info('a process works on the queue again');
    countedNone = workers > 0 ? 0 : countedNone + 1;
    if (countedNone === 2) log.warn(NO_WORKER_EVENT, { hint: START_WORKER });
  }
}

/** @returns undefined where the store is not shared: a process sends its own there */
export async function countWorkers(app: App): Promise<number | undefined> {
  return app.settings.store === undefined ? undefined : await (await app.service('read')).workers();
}
