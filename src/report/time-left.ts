/** How long has it taken, how long will it take, in words? No more certain than the past videos are alike. */
import type { TaskRecord } from '../tasks/record.ts';
import type { UsualTime } from '../tasks/usual-time.ts';

/** No official figure; the source document's (comparable runs took 40 s to 6 min). */
const USUALLY = 'usually 2 to 10 minutes';
/** One in ten takes longer than so many times what one in ten is faster than: a single figure would promise too much. */
const WIDE = 2;
/** Less than this is not told as a time that is left. */
const SOON_SECONDS = 5;

/** Seconds since the provider took it; since it was recorded, until then. */
export function ageSeconds({ submitted_at, created_at }: TaskRecord, now: number): number {
  return Math.max(0, (now - Date.parse(submitted_at ?? created_at)) / 1000);
}

/** "50 s so far, about 1 min 20 s left, usually 2 min 10 s for t2v_720p" @param now milliseconds since 1970 */
export function timeWords(record: TaskRecord, usual: UsualTime | undefined, now: number): string {
  const age = ageSeconds(record, now);
  const soFar = `${exactly(age)} so far`;
  if (record.video !== undefined) return soFar;
  if (usual === undefined) return `${soFar}, ${USUALLY}`;
  const mode = `for ${record.request.mode}`;
  const { lowSeconds: low, medianSeconds: middle, highSeconds: high } = usual;
  const isWide = high / low > WIDE;
  const usually = isWide ? `usually ${range(low, high)}` : `usually ${about(middle)}`;
  // Nothing runs down while it waits for its turn.
  if (record.submitted_at === undefined) return `${soFar}, ${usually} ${mode}`;
  if (age > high) return `${soFar}, longer than usual: ${usually} ${mode}`;
  return `${soFar}, ${isWide ? leftOfRange(low - age, high - age) : left(middle - age)}, ${usually} ${mode}`;
}

function left(seconds: number): string {
  return seconds < SOON_SECONDS ? 'due about now' : `about ${about(seconds)} left`;
}

function leftOfRange(least: number, most: number): string {
  if (most < SOON_SECONDS) return 'due about now';
  return least < SOON_SECONDS ? `probably under ${about(most)} left` : `about ${range(least, most)} left`;
}

function range(low: number, high: number): string {
  return about(low) === about(high) ? about(high) : `${about(low)} to ${about(high)}`;
}

function exactly(seconds: number): string {
  return inMinutes(Math.round(seconds));
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
