/** Says how long a task has taken and how long it usually takes, no more precisely than past videos allow. Pure. */
import type { UsualTime } from '../tasks/poll-timing.ts';
import type { TaskRecord } from '../tasks/record.ts';

/** No official figure; the source document's (comparable runs took 40 s to 6 min). */
const USUALLY = 'usually 2 to 10 minutes';
/** With a wider spread than this (slow tenth / fast tenth), a range is shown instead of one figure. */
const WIDE = 2;
/** Less than this is not shown as time that is left. */
export const SOON_SECONDS = 5;

/** Seconds since the provider accepted it; since it was recorded, until then. */
export function ageSeconds(
  { acceptedAt, reservedAt }: Pick<TaskRecord, 'acceptedAt' | 'reservedAt'>,
  now: number,
): number {
  return Math.max(0, (now - (acceptedAt ?? reservedAt)) / 1000);
}

/** How long a task has taken, and what past videos say about the rest. Seconds. */
export interface Timing {
  readonly soFar: number;
  /** Equal where past videos took about the same time. */
  readonly usual?: readonly [low: number, high: number];
  /** Absent: not known. `late`: it takes longer than usual. */
  readonly left?: readonly [least: number, most: number] | 'late';
}

/** @param now milliseconds since 1970 */
export function timingOf(
  task: Pick<TaskRecord, 'acceptedAt' | 'reservedAt'>,
  usual: UsualTime | undefined,
  now: number,
): Timing {
  const age = ageSeconds(task, now);
  if (usual === undefined) return { soFar: age };
  const { lowSeconds, medianSeconds, highSeconds } = usual;
  const isWide = highSeconds / lowSeconds > WIDE;
  const [low, high] = isWide ? [lowSeconds, highSeconds] : [medianSeconds, medianSeconds];
  const known = { soFar: age, usual: [low, high] } as const;
  if (task.acceptedAt === undefined) return known;
  return { ...known, left: age > highSeconds ? 'late' : [low - age, high - age] };
}

/** "50 s so far, about 1 min 20 s left, usually 2 min 10 s" @param now milliseconds since 1970 */
export function timeWords(task: TaskRecord, usual: UsualTime | undefined, now: number): string {
  const timing = timingOf(task, usual, now);
  const soFar = `${inMinutes(Math.round(timing.soFar))} so far`;
  if (task.video !== undefined) return soFar;
  // The sandbox takes the seconds that it is set to.
  if (timing.usual === undefined) return task.sandbox ? soFar : `${soFar}, ${USUALLY}`;
  const usually = range(...timing.usual);
  if (timing.left === undefined) return `${soFar}, usually ${usually}`;
  if (timing.left === 'late') return `${soFar}, longer than the usual ${usually}`;
  return `${soFar}, ${left(...timing.left)}, usually ${usually}`;
}

function left(least: number, most: number): string {
  if (most < SOON_SECONDS) return 'due about now';
  return least < SOON_SECONDS ? `under ${about(most)} left` : `about ${range(least, most)} left`;
}

function range(low: number, high: number): string {
  return about(low) === about(high) ? about(high) : `${about(low)} to ${about(high)}`;
}

/** In steps that do not pretend to more than is known. */
export function roundedSeconds(seconds: number): number {
  const step = seconds < 20 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 10 : 60;
  return Math.max(1, Math.round(seconds / step) * step);
}

function about(seconds: number): string {
  return inMinutes(roundedSeconds(seconds));
}

function inMinutes(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}
