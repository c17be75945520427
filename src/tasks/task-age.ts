/** How old is a task that is watched, and between which two ages was it finished? Whatever the clocks do meanwhile. */
import type { TaskRecord } from './record.ts';
import type { TimeSpan } from './usual-time.ts';

/** Milliseconds on the two clocks. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** By so much the two clocks may differ between two answers: more, and the computer slept, or the wall clock was set. */
const CLOCKS_APART_MILLISECONDS = 2_000;

export class TaskAge {
  /** When watching began. */
  private start: Moment | undefined;
  private ageAtStart = 0;
  /** When it was surely not finished yet; undefined: never seen so. */
  private running: Moment | undefined;

  /** @param isNew the provider took it this moment. Of a task that was made elsewhere nothing is known. */
  begin({ submitted_at: at }: Pick<TaskRecord, 'submitted_at'>, isNew: boolean, now: Moment): void {
    if (at === undefined) return;
    this.start = now;
    this.ageAtStart = Math.max(0, now.wall - Date.parse(at));
    if (isNew) this.running = now;
  }

  stillRunning(askedAt: Moment): void {
    this.running = askedAt;
  }

  /** @returns undefined where it is not known */
  secondsAt({ monotonic }: Moment): number | undefined {
    return this.start && (this.ageAtStart + monotonic - this.start.monotonic) / 1000;
  }

  /** @returns undefined where that cannot be told */
  finishedWithin(doneAt: Moment): TimeSpan | undefined {
    if (this.running === undefined || this.start === undefined) return undefined;
    if (apart(this.start, doneAt) > CLOCKS_APART_MILLISECONDS) return undefined;
    const fromSeconds = this.secondsAt(this.running);
    const toSeconds = this.secondsAt(doneAt);
    return fromSeconds === undefined || toSeconds === undefined ? undefined : { fromSeconds, toSeconds };
  }
}

function apart(from: Moment, to: Moment): number {
  return Math.abs(to.wall - from.wall - (to.monotonic - from.monotonic));
}
