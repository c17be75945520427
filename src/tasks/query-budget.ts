/** Limits this process to ten queries a second, in order; queries that a caller waits for go first. */
import type { Clock } from '../clock.ts';

/** The promise is ten in any second where they arrive, and a slow disk or a new connection bunches them on the way (1.1 s was too short). */
const MOST_IN_WINDOW = 10;
const WINDOW_MILLISECONDS = 1_250;
/** Evenly spaced, so that an urgent query can be sent immediately. */
const APART_MILLISECONDS = WINDOW_MILLISECONDS / MOST_IN_WINDOW;

/** One waiting query. */
export interface Turn {
  /** Resolves when it may be asked, or when the signal is aborted. */
  readonly come: Promise<void>;
  /** Somebody waits for it now. */
  hurry(): void;
}

interface Waiting {
  isUrgent: boolean;
  readonly go: () => void;
}

export class QueryBudget {
  private readonly clock: Clock;
  /** When the last MOST_IN_WINDOW left, oldest first, on the monotonic clock. */
  private readonly left: number[] = [];
  private readonly waiting: Waiting[] = [];
  private isServing = false;
  private lookAgain: () => void = () => undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @param isUrgent a caller waits for it: before scheduled queries, but still within the limit */
  take(isUrgent: boolean, signal: AbortSignal): Turn {
    if (signal.aborted) return { come: Promise.resolve(), hurry: () => undefined };
    let go: () => void = () => undefined;
    const come = new Promise<void>((resolve) => {
      go = resolve;
    });
    const waiting: Waiting = { isUrgent, go };
    const giveUp = () => {
      this.remove(waiting);
      go();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.waiting.push(waiting);
    if (this.isServing) this.lookAgain();
    else void this.serve();
    return {
      come: come.finally(() => signal.removeEventListener('abort', giveUp)),
      hurry: () => {
        waiting.isUrgent = true;
        this.lookAgain();
      },
    };
  }

  private async serve(): Promise<void> {
    this.isServing = true;
    for (let next = this.next(); next !== undefined; next = this.next()) {
      const milliseconds = this.untilFree(next.isUrgent);
      if (milliseconds > 0) {
        await this.pause(milliseconds);
        continue;
      }
      this.remove(next);
      this.left.push(this.clock.monotonic());
      if (this.left.length > MOST_IN_WINDOW) this.left.shift();
      next.go();
    }
    // Without an await since the last check: a later query starts a new loop.
    this.isServing = false;
  }

  /** First come, first served, urgent queries first. */
  private next(): Waiting | undefined {
    return this.waiting.find(({ isUrgent }) => isUrgent) ?? this.waiting[0];
  }

  private untilFree(isUrgent: boolean): number {
    const now = this.clock.monotonic();
    const oldest = this.left.length < MOST_IN_WINDOW ? undefined : this.left[0];
    const windowFreeAt = oldest === undefined ? now : oldest + WINDOW_MILLISECONDS;
    const last = this.left.at(-1);
    const apartAt = isUrgent || last === undefined ? now : last + APART_MILLISECONDS;
    return Math.max(windowFreeAt, apartAt) - now;
  }

  private async pause(milliseconds: number): Promise<void> {
    const over = new AbortController();
    this.lookAgain = () => over.abort();
    await this.clock.sleep(milliseconds, over.signal).catch(() => undefined);
    this.lookAgain = () => undefined;
  }

  private remove(waiting: Waiting): void {
    const index = this.waiting.indexOf(waiting);
    if (index >= 0) this.waiting.splice(index, 1);
  }
}
