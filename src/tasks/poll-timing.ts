/** When a task may be polled: by how long videos usually take, within ten queries a second. */
import type { Clock } from '../clock.ts';

/** Ages between which a past video was finished, milliseconds since the provider took it. */
export type FinishedBetween = readonly [from: number, to: number];

export interface UsualTime {
  /** Past videos that this is made of; never below FEW. */
  readonly count: number;
  /** One in ten is finished by then, half of them, nine in ten. */
  readonly lowSeconds: number;
  readonly medianSeconds: number;
  readonly highSeconds: number;
  /** Standard deviation of the logarithm. */
  readonly spread: number;
}

/** Fewer show nothing: neither a figure nor a schedule is made of them. */
const FEW = 5;
/** More are no better, and providers change. */
const MOST_DURATIONS = 200;
/** The newest counts twice as much as the one that is so many videos back: a provider that changes is followed. */
const HALF_LIFE_VIDEOS = 60;
/** Spread before anything was seen, and how many videos that is worth. */
const PRIOR_SPREAD = 0.5;
const PRIOR_WORTH = 3;
/** One in ten lies beyond so many standard deviations on each side. */
const TENTH = 1.2816;

/** The source document's pace, and ours while nothing is learned. */
export const DEFAULT_POLL_SECONDS = 5;
/** Upper bound of a learned pause. */
export const LONGEST_PAUSE_SECONDS = 30;
/** Later than most that was learned, the provider has changed: polled at least this often. */
const LATE_PAUSE_SECONDS = 10;
/** A request that is refused late (a picture that cannot be fetched) is known soon. */
const FIRST_PAUSE_SECONDS = 20;
const SHORTEST_PAUSE_SECONDS = 1;
/** From finished to known, in the mean: under half of DEFAULT_POLL_SECONDS. */
const MEAN_LAG_SECONDS = 2.2;
const JITTER = 0.1;
const STEP_SECONDS = 0.5;
const LOOKED_UP_AGAIN_MILLISECONDS = 10_000;
const SURPRISE_WORTH = 2;
/** The middle of each tenth of the normal distribution. */
const QUANTILES = [-1.645, -1.036, -0.674, -0.385, -0.126, 0.126, 0.385, 0.674, 1.036, 1.645];

/** A log-normal distribution. @param finished newest first @returns undefined where there are fewer than FEW */
export function usualTimeOf(finished: readonly FinishedBetween[]): UsualTime | undefined {
  const known = finished.slice(0, MOST_DURATIONS);
  if (known.length < FEW) return undefined;
  const logs = known.map(([from, to]) => Math.log(Math.max((from + to) / 2000, 0.1)));
  const weights = logs.map((_, index) => 2 ** (-index / HALF_LIFE_VIDEOS));
  const weigh = (values: readonly number[]) => {
    return values.reduce((sum, value, index) => sum + value * (weights[index] ?? 0), 0);
  };
  const total = weigh(logs.map(() => 1));
  const mean = weigh(logs) / total;
  const squares = weigh(logs.map((log) => (log - mean) ** 2));
  const spread = Math.sqrt((PRIOR_WORTH * PRIOR_SPREAD ** 2 + squares) / (PRIOR_WORTH + total));
  return {
    count: known.length,
    lowSeconds: Math.exp(mean - TENTH * spread),
    medianSeconds: Math.exp(mean),
    highSeconds: Math.exp(mean + TENTH * spread),
    spread,
  };
}

/**
 * Seldom while a video cannot be finished, often around the usual time: pauses in proportion to the inverse square root
 * of the hazard (the chance that a running video finishes in the next second), which costs the fewest queries for a mean lag.
 * @param ageSeconds since the provider took it @param random 0 to 1, for jitter: several processes do not poll in step
 * @returns seconds until the next query
 */
export function learnedPause(usual: UsualTime, ageSeconds: number, random: number): number {
  const longest = ageSeconds > usual.highSeconds ? LATE_PAUSE_SECONDS : FIRST_PAUSE_SECONDS + ageSeconds / 2;
  const enough = queriesPerRootHazard(usual);
  // Followed forward second by second: a pause must not reach far into the time in which most videos finish.
  let pause = 0;
  for (let spent = 0; spent < enough && pause < longest; pause += STEP_SECONDS) {
    spent += Math.sqrt(hazardAt(usual, ageSeconds + pause + STEP_SECONDS / 2)) * STEP_SECONDS;
  }
  return Math.min(Math.max(pause, SHORTEST_PAUSE_SECONDS) * (1 + JITTER * (2 * random - 1)), LONGEST_PAUSE_SECONDS);
}

/** What is known of each mode, looked up again now and then. */
export class UsualTimes {
  private readonly load: (mode: string, limit: number) => Promise<readonly FinishedBetween[]>;
  private readonly clock: Clock;
  private readonly known = new Map<string, { readonly usual: UsualTime | undefined; readonly at: number }>();

  constructor(load: (mode: string, limit: number) => Promise<readonly FinishedBetween[]>, clock: Clock) {
    this.load = load;
    this.clock = clock;
  }

  /** @returns undefined where too little is known. Never throws. */
  async of(mode: string): Promise<UsualTime | undefined> {
    const found = this.known.get(mode);
    const now = this.clock.monotonic();
    if (found !== undefined && now - found.at < LOOKED_UP_AGAIN_MILLISECONDS) return found.usual;
    const usual = await this.load(mode, MOST_DURATIONS).then(usualTimeOf, () => found?.usual);
    this.known.set(mode, { usual, at: now });
    return usual;
  }
}

/** How much of the integral of √hazard one pause spends, so that the mean lag is MEAN_LAG_SECONDS. */
function queriesPerRootHazard(usual: UsualTime): number {
  const perUnit = QUANTILES.map((z) => {
    const age = usual.medianSeconds * Math.exp(z * usual.spread);
    return 1 / Math.sqrt(hazardAt(usual, age));
  });
  const mean = perUnit.reduce((sum, seconds) => sum + seconds, 0) / perUnit.length;
  return (2 * MEAN_LAG_SECONDS) / mean;
}

/** The chance that a video that still runs at this age finishes in the next second. */
function hazardAt({ medianSeconds, spread, count }: UsualTime, ageSeconds: number): number {
  const z = Math.log(ageSeconds / medianSeconds) / spread;
  const density = Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * spread * ageSeconds);
  const seen = density / Math.max(1 - normalShare(z), 1e-3);
  // What was never seen happens, too.
  return seen + SURPRISE_WORTH / (count + SURPRISE_WORTH) / medianSeconds;
}

/** The standard normal distribution (Abramowitz and Stegun 26.2.17; off by less than 1e-7). */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const beyond = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z > 0 ? 1 - beyond : beyond;
}

/** The promise is ten in any second where they arrive, and a slow disk or a new connection bunches them on the way (1.1 s was too short). */
const MOST_IN_WINDOW = 10;
const WINDOW_MILLISECONDS = 1_250;
/** Evenly spaced, so that an urgent query can be sent immediately. */
const APART_MILLISECONDS = WINDOW_MILLISECONDS / MOST_IN_WINDOW;

/** One waiting query. */
export interface QueryTurn {
  /** Resolves when it may be asked, or when the signal is aborted. */
  readonly come: Promise<void>;
  /** Somebody waits for it now. */
  hurry(): void;
}

interface Waiting {
  isUrgent: boolean;
  readonly go: () => void;
}

export class QueryBudget {
  private readonly clock: Clock;
  /** When the last MOST_IN_WINDOW left, oldest first, on the monotonic clock. */
  private readonly left: number[] = [];
  private readonly waiting: Waiting[] = [];
  private isServing = false;
  private lookAgain: () => void = () => undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @param isUrgent a caller waits for it: before scheduled queries, but still within the limit */
  take(isUrgent: boolean, signal: AbortSignal): QueryTurn {
    if (signal.aborted) return { come: Promise.resolve(), hurry: () => undefined };
    let go: () => void = () => undefined;
    const come = new Promise<void>((resolve) => {
      go = resolve;
    });
    const waiting: Waiting = { isUrgent, go };
    const giveUp = () => {
      this.remove(waiting);
      go();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.waiting.push(waiting);
    if (this.isServing) this.lookAgain();
    else void this.serve();
    return {
      come: come.finally(() => signal.removeEventListener('abort', giveUp)),
      hurry: () => {
        waiting.isUrgent = true;
        this.lookAgain();
      },
    };
  }

  private async serve(): Promise<void> {
    this.isServing = true;
    for (let next = this.next(); next !== undefined; next = this.next()) {
      const milliseconds = this.untilFree(next.isUrgent);
      if (milliseconds > 0) {
        await this.pause(milliseconds);
        continue;
      }
      this.remove(next);
      this.left.push(this.clock.monotonic());
      if (this.left.length > MOST_IN_WINDOW) this.left.shift();
      next.go();
    }
    // Without an await since the last check: a later query starts a new loop.
    this.isServing = false;
  }

  /** First come, first served, urgent queries first. */
  private next(): Waiting | undefined {
    return this.waiting.find(({ isUrgent }) => isUrgent) ?? this.waiting[0];
  }

  private untilFree(isUrgent: boolean): number {
    const now = this.clock.monotonic();
    const oldest = this.left.length < MOST_IN_WINDOW ? undefined : this.left[0];
    const windowFreeAt = oldest === undefined ? now : oldest + WINDOW_MILLISECONDS;
    const last = this.left.at(-1);
    const apartAt = isUrgent || last === undefined ? now : last + APART_MILLISECONDS;
    return Math.max(windowFreeAt, apartAt) - now;
  }

  private async pause(milliseconds: number): Promise<void> {
    const over = new AbortController();
    this.lookAgain = () => over.abort();
    await this.clock.sleep(milliseconds, over.signal).catch(() => undefined);
    this.lookAgain = () => undefined;
  }

  private remove(waiting: Waiting): void {
    const index = this.waiting.indexOf(waiting);
    if (index >= 0) this.waiting.splice(index, 1);
  }
}
