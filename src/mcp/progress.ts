/** Progress notifications of a waiting call: one immediately, then one every few seconds. */
import type { Clock } from '../clock.ts';
import { ageSeconds, timeWords } from '../report/time-left.ts';
import type { TaskRecord } from '../tasks/record.ts';
import type { UsualTime } from '../tasks/usual-time.ts';
import type { Progress } from './tool.ts';

const INTERVAL_MILLISECONDS = 5_000;

/** @returns a function that may be called as often as one likes while a task is waited for */
export function createProgress(
  clock: Clock,
  send: (progress: Progress) => void,
): (record: TaskRecord, usual?: UsualTime) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  return (record, usual) => {
    const now = clock.monotonic();
    if (now < nextAt) return;
    nextAt = now + INTERVAL_MILLISECONDS;
    last = Math.max(last + 0.001, Math.round(ageSeconds(record, clock.now()) * 1000) / 1000);
    const state = record.video === undefined ? record.status.replace('_', ' ') : 'saving';
    send({ progress: last, message: `${record.id}: ${state}, ${timeWords(record, usual, clock.now())}` });
  };
}
