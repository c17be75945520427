/** Progress notifications of a waiting call: one immediately, then one every few seconds. */
import type { Clock } from '../clock.ts';
import { progressOf } from '../report/message.ts';
import { ageSeconds } from '../report/time-left.ts';
import type { TaskView } from '../tasks/calls.ts';
import type { Progress } from './tool.ts';

const INTERVAL_MILLISECONDS = 5_000;

/** @returns a function that may be called as often as one likes while a task is waited for */
export function createProgress(clock: Clock, send: (progress: Progress) => void): (view: TaskView) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  return (view) => {
    const now = clock.monotonic();
    if (now < nextAt) return;
    nextAt = now + INTERVAL_MILLISECONDS;
    last = Math.max(last + 0.001, Math.round(ageSeconds(view.task, clock.now()) * 1000) / 1000);
    send({ progress: last, message: progressOf(view) });
  };
}
