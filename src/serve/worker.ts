/** Resumes what other processes leave open, as long as this one runs: queries and downloads, and on a shared store the queue. */
import type { App } from '../app.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { pause } from '../system/wait.ts';

/** While anything is open, the recovery itself looks more often. */
const LOOK_MILLISECONDS = 5_000;

/** Resolves when the signal is aborted. Never throws: a store that is away comes back. */
export async function work(
  app: App,
  { clock, log, over }: { clock: Clock; log: Log; over: AbortSignal },
): Promise<void> {
  let reported: string | undefined;
  while (!over.aborted) {
    try {
      (await app.service('query')).resume();
      reported = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== reported) log.warn('open work is not resumed', { reason });
      reported = reason;
    }
    await pause(clock, { atMost: LOOK_MILLISECONDS, signals: [over] });
  }
}
