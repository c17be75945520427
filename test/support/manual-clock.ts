/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/clock.ts';

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  private wall: number;
  private steady = 0;
  private readonly sleepers = new Set<Sleeper>();

  private readonly whenIdle: () => Promise<void>;

  /** @param whenIdle resolves when what was begun outside this process is done */
  constructor(wall = Date.UTC(2026, 10, 28), whenIdle = async () => {}) {
    this.wall = wall;
    this.whenIdle = whenIdle;
  }

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.steady;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const sleeper = { wakesAt: this.steady + milliseconds, wake: resolve };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Time passes, and sleepers wake in order. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.steady + milliseconds;
    for (;;) {
      const next = [...this.sleepers].sort((a, b) => a.wakesAt - b.wakesAt)[0];
      if (next === undefined || next.wakesAt > end) break;
      this.move(Math.max(next.wakesAt - this.steady, 0));
      this.sleepers.delete(next);
      next.wake();
      await this.settled();
    }
    this.move(end - this.steady);
    await this.settled();
  }

  /** The process is suspended: time passes, and nobody wakes in between. @param stopsMonotonic as when a computer sleeps */
  suspend(milliseconds: number, stopsMonotonic = false): void {
    this.wall += milliseconds;
    if (!stopsMonotonic) this.steady += milliseconds;
  }

  /** Somebody sets the wall clock. */
  set(wall: number): void {
    this.wall = wall;
  }

  private move(milliseconds: number): void {
    this.wall += milliseconds;
    this.steady += milliseconds;
  }

  /** What was woken has done what it can without time passing. */
  private async settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    await this.whenIdle();
  }
}
