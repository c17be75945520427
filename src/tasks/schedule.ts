/** When is a running task asked for next? Seldom while it cannot be finished, often around the usual time. Pure. */
import { normalShare, type UsualTime } from './usual-time.ts';

export interface Schedule {
  /**
   * @param ageSeconds since the provider took the task
   * @param random 0 to 1, for jitter: several processes do not ask in step
   * @returns seconds until the next question
   */
  delaySeconds(ageSeconds: number, random: number): number;
}

/** The source document's pace, and ours while nothing is learned. */
export const DEFAULT_POLL_SECONDS = 5;
/** Never longer between two questions while the quick watch lives, however sure one is. */
export const LONGEST_DELAY_SECONDS = 30;
/** Questions are laid out for so long a generation at most; what takes longer is asked for seldom. */
const HORIZON_SECONDS = 3600;
/** A request that is refused late (a picture that cannot be fetched) is known soon. */
const FIRST_DELAY_SECONDS = 20;
/** Later than all that was learned, the provider has changed: asked at least this often. */
const LATE_DELAY_SECONDS = 10;
/** From finished to known, in the mean: under half of DEFAULT_POLL_SECONDS, for what was learned is a sample (bench/polling: ±0.1 s of 200 videos). */
const MEAN_LAG_SECONDS = 2.3;
/** What was never seen happens, too: so large a part of what is expected lies so wide (logarithmically) around the middle. */
const SURPRISE_SPREAD = 1;
const SURPRISE_LEAST = 0.02;
const STEP_SECONDS = 1;
const JITTER = 0.1;

/** What the user set is what is done; else what was learned, if enough was. */
export function chooseSchedule(pollIntervalSeconds: number | undefined, learned: Schedule | undefined): Schedule {
  const fixed: Schedule = { delaySeconds: () => pollIntervalSeconds ?? DEFAULT_POLL_SECONDS };
  return pollIntervalSeconds === undefined ? (learned ?? fixed) : fixed;
}

/**
 * The fewest questions for a mean lag, exactly: what the next question costs (the chance that there is need of it) and
 * what the pause before it costs (the lag that is to be expected in it) are added up from the end backwards. Where
 * pauses are short beside the changes of the hazard (the chance that a running task finishes in the next moment), the
 * density of questions comes out as its square root.
 */
export function learnedSchedule(usual: UsualTime): Schedule {
  const courses = coursesOf(usual);
  const horizonSeconds = (courses.longest.length - 1) * STEP_SECONDS;
  const pauses = cheapestPauses(courses, priceOfLag(courses));
  return {
    delaySeconds(ageSeconds, random) {
      const step = Math.max(0, Math.round(ageSeconds / STEP_SECONDS));
      const seconds = ageSeconds >= horizonSeconds ? LATE_DELAY_SECONDS : (pauses[step] ?? 1) * STEP_SECONDS;
      return Math.min(seconds * (1 + JITTER * (2 * random - 1)), LONGEST_DELAY_SECONDS);
    },
  };
}

/** How many are finished, step by step. */
interface Course {
  /** The share at each step. */
  readonly finished: Float64Array;
  /** Its sum up to the step, in seconds. */
  readonly area: Float64Array;
}

interface Courses {
  /** As past videos were; the mean lag is that of these. */
  readonly seen: Course;
  /** With room for what was never seen; questions are laid out for this. */
  readonly expected: Course;
  /** The longest pause that may begin at the step, in steps. */
  readonly longest: Int32Array;
}

function coursesOf(usual: UsualTime): Courses {
  const seconds = Math.max(usual.highSeconds * 2, LONGEST_DELAY_SECONDS);
  const steps = Math.ceil(Math.min(seconds, HORIZON_SECONDS) / STEP_SECONDS);
  const ages = Array.from({ length: steps + 1 }, (_, step) => step * STEP_SECONDS);
  const seen = ages.map((age) => (age === 0 ? 0 : usual.finishedBy(age)));
  const surprise = SURPRISE_LEAST + 1 / (usual.count + 4);
  const unseen = ages.map((age) => normalShare(Math.log(age / usual.medianSeconds) / SURPRISE_SPREAD));
  const expected = seen.map((share, step) => (1 - surprise) * share + surprise * (unseen[step] ?? 0));
  const longest = ages.map((age) => (age > usual.highSeconds ? LATE_DELAY_SECONDS : FIRST_DELAY_SECONDS + age / 2));
  return {
    seen: courseOf(seen),
    expected: courseOf(expected),
    longest: Int32Array.from(longest, (seconds) => Math.min(seconds, LONGEST_DELAY_SECONDS) / STEP_SECONDS),
  };
}

function courseOf(shares: readonly number[]): Course {
  const finished = Float64Array.from(shares);
  const area = new Float64Array(shares.length);
  for (let step = 1; step < area.length; step++) {
    area[step] = at(area, step - 1) + (STEP_SECONDS * (at(finished, step) + at(finished, step - 1))) / 2;
  }
  return { finished, area };
}

/** What a second of lag may cost, in questions: the price at which the mean lag is as wanted. */
function priceOfLag(courses: Courses): number {
  let low = 1e-4;
  let high = 100;
  for (let round = 0; round < 24; round++) {
    const price = Math.sqrt(low * high);
    if (meanLag(courses.seen, cheapestPauses(courses, price)) > MEAN_LAG_SECONDS) low = price;
    else high = price;
  }
  return high;
}

/** @returns steps to the next question, from each step */
function cheapestPauses({ expected, longest }: Courses, price: number): Int32Array {
  const { finished } = expected;
  const last = finished.length - 1;
  const cost = new Float64Array(last + 1);
  const pauses = new Int32Array(last + 1).fill(1);
  for (let step = last - 1; step >= 0; step--) {
    let least = Number.POSITIVE_INFINITY;
    const end = Math.min(last, step + at(longest, step));
    for (let next = step + 1; next <= end; next++) {
      const lag = lagBetween(expected, step, next);
      // Needed if it still runs at the step before.
      const total = 1 - at(finished, step) + price * lag + at(cost, next);
      if (total < least) {
        least = total;
        pauses[step] = next - step;
      }
    }
    cost[step] = least;
  }
  return pauses;
}

/** Of those that finish between two questions, weighed with how many they are. */
function lagBetween({ finished, area }: Course, step: number, next: number): number {
  return at(area, next) - at(area, step) - at(finished, step) * (next - step) * STEP_SECONDS;
}

function meanLag(course: Course, pauses: Int32Array): number {
  const last = course.finished.length - 1;
  let lag = 0;
  for (let step = 0; step < last; ) {
    const next = Math.min(last, step + at(pauses, step));
    lag += lagBetween(course, step, next);
    step = next;
  }
  return lag / at(course.finished, last);
}

function at(numbers: Float64Array | Int32Array, index: number): number {
  return numbers[index] ?? 0;
}
