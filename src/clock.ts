/** The wall clock, the monotonic clock and sleeping. Passed in, so that tests need not wait. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Wall-clock milliseconds since 1970; may jump. For timestamps that others read. */
  now(): number;
  /** Milliseconds that never go back. For measuring how long something took. */
  monotonic(): number;
  /** @throws the signal's reason when it is aborted first */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** A longer timer would fire immediately. */
const LONGEST_TIMER_MILLISECONDS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    try {
      await delay(Math.min(milliseconds, LONGEST_TIMER_MILLISECONDS), undefined, signal ? { signal } : {});
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};
