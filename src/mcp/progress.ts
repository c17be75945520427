/** What does a waiting client see? Something at once, then every few seconds. */
import type { Clock } from '../clock.ts';
import { ageSeconds, timeWords } from '../report/time-left.ts';
import type { TaskRecord } from '../tasks/record.ts';
import type { UsualTime } from '../tasks/usual-time.ts';

const EVERY_MILLISECONDS = 5_000;

export interface Progress {
  /** Strictly rising: seconds. No `total` beside it: what is usual is no promise, and a bar that stands full is worse than none. */
  readonly progress: number;
  /** Under 200 characters: Claude Code shows no more. */
  readonly message: string;
}

export function createProgress(
  clock: Clock,
  send: (progress: Progress) => void,
): (record: TaskRecord, usual?: UsualTime) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  return (record, usual) => {
    const now = clock.monotonic();
    if (now < nextAt) return;
    nextAt = now + EVERY_MILLISECONDS;
    last = Math.max(last + 0.001, Math.round(ageSeconds(record, clock.now()) * 1000) / 1000);
    send({ progress: last, message: progressMessage(record, usual, clock.now()) });
  };
}

function progressMessage(record: TaskRecord, usual: UsualTime | undefined, now: number): string {
  const doing = record.video === undefined ? record.status.replace('_', ' ') : 'saving';
  return `${record.id}: ${doing}, ${timeWords(record, usual, now)}`;
}
