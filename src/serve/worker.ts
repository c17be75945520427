/** Resumes what other processes leave open, as long as this one runs: queries and downloads, and on a shared store the queue. */
import type { App } from '../app.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
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
  let reported: string | undefined;
  while (!over.aborted) {
    try {
      (await app.service('query')).resume();
      return await whenAborted(over);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== reported) log.warn('open work is not resumed', { reason });
      reported = reason;
    }
    await pause(clock, { atMost: TRY_AGAIN_MILLISECONDS, signals: [over] });
  }
}
