/** Progress notifications of a waiting call: one immediately, then one every few seconds. */
import type { Clock } from '../clock.ts';
import { progressOf } from '../report/message.ts';
import { ageSeconds } from '../report/time-left.ts';
import type { TaskView } from '../tasks/calls.ts';
import type { Progress } from './tool.ts';

const INTERVAL_MILLISECONDS = 5_000;

/**
 * @param read of what is waited for; `progress` in seconds
 * @returns a function that may be called as often as one likes while it is waited for
 */
export function createProgress<View>(
  clock: Clock,
  send: (progress: Progress) => void,
  read: (view: View) => Progress,
): (view: View) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  return (view) => {
    const now = clock.monotonic();
    if (now < nextAt) return;
    nextAt = now + INTERVAL_MILLISECONDS;
    const { progress, message } = read(view);
    last = Math.max(last + 0.001, Math.round(progress * 1000) / 1000);
    send({ progress: last, message });
  };
}

export function taskProgress(clock: Clock, send: (progress: Progress) => void): (view: TaskView) => void {
  const read = (view: TaskView) => ({ progress: ageSeconds(view.task, clock.now()), message: progressOf(view) });
  return createProgress(clock, send, read);
}
