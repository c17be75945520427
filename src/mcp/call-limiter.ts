/** Bounds how many calls work at the same time: the rest waits for its turn, or is refused within its time. */
import type { Clock } from '../clock.ts';
import { Problem } from '../problems.ts';

export interface CallLimits {
  /** Calls that prepare, record and send. */
  readonly working: number;
  /** Calls that only wait for a video; beyond it a waiting call keeps its place among the working ones. */
  readonly waiting: number;
  /** Calls that wait for their turn; more are refused immediately. */
  readonly queued: number;
  /** A call that has waited this long for its turn is refused: many clients give up after 60 s. */
  readonly queueMilliseconds: number;
}

export const CALL_LIMITS: CallLimits = { working: 32, waiting: 256, queued: 2000, queueMilliseconds: 30_000 };

export class CallLimiter {
  private readonly limits: CallLimits;
  private readonly clock: Clock;
  private working = 0;
  private waiting = 0;
  private readonly queue: (() => void)[] = [];

  constructor(limits: CallLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
  }

  /**
   * @param work receives a function to be called when it only waits from now on: its place is free for another call
   * @throws Problem too_many_calls, with the work not begun; the signal's reason
   */
  async run<Value>(signal: AbortSignal, work: (onWaiting: () => void) => Promise<Value>): Promise<Value> {
    if (this.working < this.limits.working) this.working += 1;
    else await this.turn(signal);
    let isWaiting = false;
    try {
      return await work(() => {
        if (isWaiting || this.waiting >= this.limits.waiting) return;
        isWaiting = true;
        this.waiting += 1;
        this.next();
      });
    } finally {
      if (isWaiting) this.waiting -= 1;
      else this.next();
    }
  }

  /** Hands the place of a working call to the first in the queue. */
  private next(): void {
    const start = this.queue.shift();
    if (start === undefined) this.working -= 1;
    else start();
  }

  private async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.queue.length >= this.limits.queued) throw this.tooMany('so it was refused immediately');
    const over = new AbortController();
    const limit = AbortSignal.any([signal, over.signal]);
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        over.abort();
        resolve();
      };
      const leave = (error: unknown) => {
        const place = this.queue.indexOf(start);
        if (place < 0) return;
        this.queue.splice(place, 1);
        reject(error);
      };
      this.queue.push(start);
      this.clock.sleep(this.limits.queueMilliseconds, limit).then(
        () => leave(this.tooMany(`and its turn did not come within ${this.limits.queueMilliseconds / 1000} s`)),
        () => leave(signal.reason),
      );
    });
  }

  private tooMany(what: string): Problem {
    return new Problem('too_many_calls', {
      what: `The server is working on ${this.working + this.waiting} other calls, and ${this.queue.length} wait before this one, ${what}.`,
    });
  }
}
