/** Bounds how many calls work at the same time, in all and of each person: the rest waits for its turn, or is refused in time. */
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

export const CALL_LIMITS: CallLimits = { working: 32, waiting: 1000, queued: 2000, queueMilliseconds: 30_000 };

/** Of the calls of one person over HTTP: what they wait for would otherwise keep everybody else waiting. */
const PERSON_LIMITS: CallLimits = { working: 8, waiting: 200, queued: 200, queueMilliseconds: 30_000 };

export class CallLimiter {
  private readonly limits: CallLimits;
  private readonly clock: Clock;
  private working = 0;
  private waiting = 0;
  private readonly queue: (() => void)[] = [];
  private readonly ofPerson: CallLimits;
  /** Of each person that has calls now. */
  private readonly people = new Map<string, CallLimiter>();
  private readonly whose: string;

  constructor(limits: CallLimits, clock: Clock, ofPerson = PERSON_LIMITS, whose = '') {
    this.limits = limits;
    this.clock = clock;
    this.ofPerson = ofPerson;
    this.whose = whose;
  }

  /**
   * @param work receives a function to be called when it only waits from now on: its place is free for another call
   * @param person who calls over HTTP
   * @throws Problem too_many_calls, with the work not begun; the signal's reason
   */
  async run<Value>(
    signal: AbortSignal,
    work: (onWaiting: () => void) => Promise<Value>,
    person?: string,
  ): Promise<Value> {
    if (person !== undefined) return await this.runFor(person, signal, work);
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

  private async runFor<Value>(
    person: string,
    signal: AbortSignal,
    work: (onWaiting: () => void) => Promise<Value>,
  ): Promise<Value> {
    const own = this.people.get(person) ?? new CallLimiter(this.ofPerson, this.clock, this.ofPerson, ' of yours');
    this.people.set(person, own);
    try {
      // A call that keeps a place of its person, because too many of them wait, keeps none of everybody's.
      return await own.run(signal, (onOwnWaiting) =>
        this.run(signal, (onWaiting) =>
          work(() => {
            onOwnWaiting();
            onWaiting();
          }),
        ),
      );
    } finally {
      if (own.working + own.waiting + own.queue.length === 0) this.people.delete(person);
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
      what: `The server is working on ${this.working + this.waiting} other calls${this.whose}, and ${this.queue.length} wait before this one, ${what}.`,
    });
  }
}
