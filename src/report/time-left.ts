/** Says how long a task has taken and how long it usually takes, no more precisely than past videos allow. Pure. */

import type { UsualTime } from '../tasks/poll-timing.ts';
import type { TaskRecord } from '../tasks/record.ts';

/** No official figure; the source document's (comparable runs took 40 s to 6 min). */
const USUALLY = 'usually 2 to 10 minutes';
/** With a wider spread than this (slow tenth / fast tenth), a range is shown instead of one figure. */
const WIDE = 2;
/** Less than this is not shown as time that is left. */
const SOON_SECONDS = 5;

/** Seconds since the provider accepted it; since it was recorded, until then. */
export function ageSeconds({ acceptedAt, reservedAt }: TaskRecord, now: number): number {
  return Math.max(0, (now - (acceptedAt ?? reservedAt)) / 1000);
}

/** "50 s so far, about 1 min 20 s left, usually 2 min 10 s" @param now milliseconds since 1970 */
export function timeWords(task: TaskRecord, usual: UsualTime | undefined, now: number): string {
  const age = ageSeconds(task, now);
  const soFar = `${inMinutes(Math.round(age))} so far`;
  if (task.video !== undefined) return soFar;
  // The sandbox takes the seconds that it is set to.
  if (usual === undefined) return task.sandbox ? soFar : `${soFar}, ${USUALLY}`;
  const { lowSeconds: low, medianSeconds: median, highSeconds: high } = usual;
  const isWide = high / low > WIDE;
  const usually = `usually ${isWide ? range(low, high) : about(median)}`;
  if (task.acceptedAt === undefined) return `${soFar}, ${usually}`;
  if (age > high) return `${soFar}, longer than the usual ${isWide ? range(low, high) : about(median)}`;
  return `${soFar}, ${isWide ? left(low - age, high - age) : left(median - age, median - age)}, ${usually}`;
}

function left(least: number, most: number): string {
  if (most < SOON_SECONDS) return 'due about now';
  return least < SOON_SECONDS ? `under ${about(most)} left` : `about ${range(least, most)} left`;
}

function range(low: number, high: number): string {
  return about(low) === about(high) ? about(high) : `${about(low)} to ${about(high)}`;
}

/** In steps that do not pretend to more than is known. */
function about(seconds: number): string {
  const step = seconds < 20 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 10 : 60;
  return inMinutes(Math.max(1, Math.round(seconds / step) * step));
}

function inMinutes(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}
