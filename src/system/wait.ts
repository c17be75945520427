/** Waits that end at a deadline, a signal or a promise: the one place where waits race. */
import { once } from 'node:events';
import type { Clock } from '../clock.ts';

export interface Pause {
  /** Milliseconds at the most. */
  readonly atMost: number;
  /** Each ends the pause when it is aborted. */
  readonly signals?: readonly (AbortSignal | undefined)[];
  /** Ends the pause when it resolves; its signal is aborted when the pause is over for another reason. */
  readonly until?: (over: AbortSignal) => Promise<unknown>;
}

/** Resolves when the first of them has come, and leaves no listener or timer behind. Never rejects. */
export async function pause(clock: Clock, { atMost, signals = [], until }: Pause): Promise<void> {
  const given = signals.filter((signal) => signal !== undefined);
  if (atMost <= 0 || given.some((signal) => signal.aborted)) return;
  const over = new AbortController();
  // By hand: AbortSignal.any on a signal that lives as long as the process leaves something behind each time.
  const end = () => over.abort();
  for (const signal of given) signal.addEventListener('abort', end);
  const timer = clock.sleep(atMost, over.signal);
  await Promise.race(until === undefined ? [timer] : [timer, until(over.signal)]).catch(() => undefined);
  for (const signal of given) signal.removeEventListener('abort', end);
  over.abort();
}

export async function whenAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** The work's signal is aborted when its time is over, with this reason: the work decides what follows. Leaves no timer behind. */
export async function withTimeLimit<Value>(
  clock: Clock,
  milliseconds: number,
  work: (over: AbortSignal) => Promise<Value>,
  reason?: unknown,
): Promise<Value> {
  const [over, done] = [new AbortController(), new AbortController()];
  clock.sleep(milliseconds, done.signal).then(
    () => over.abort(reason),
    () => undefined,
  );
  try {
    return await work(over.signal);
  } finally {
    done.abort();
  }
}

/** @throws the signal's reason when it is aborted first; the promise goes on */
export async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
