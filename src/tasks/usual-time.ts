/** How long do videos of a mode usually take, as far as one's own past ones tell? Pure. */

/** A video was still being made at the one moment, and finished at the other. Seconds since the provider took it. */
export interface TimeSpan {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

export interface UsualTime {
  /** Past videos that this is made of; below FEW_TIMES nobody should be told a figure. */
  readonly count: number;
  /** One in ten is finished by then, half of them, nine in ten. */
  readonly lowSeconds: number;
  readonly medianSeconds: number;
  readonly highSeconds: number;
  /** The share, 0 to 1, that was finished at this age, smoothed. */
  finishedBy(ageSeconds: number): number;
}

/** Fewer tell nothing: neither a figure nor a schedule is made of them. */
const FEW_TIMES = 5;
/** More are no better, and providers change. */
export const MOST_TIMES = 200;
/** The newest counts twice as much as the one that is so many videos back: a provider that changes is followed. */
const HALF_LIFE_VIDEOS = 120;
/** Logarithmic spread before anything was seen, and how many videos that is worth. */
const PRIOR_SPREAD = 0.5;
const PRIOR_WORTH = 3;
/** A video that takes no time would have no logarithm. */
const LEAST_SECONDS = 0.1;

interface Kernel {
  readonly logSeconds: number;
  readonly weight: number;
  readonly spread: number;
}

/** @param spans oldest first @returns undefined where there are fewer than FEW_TIMES */
export function usualTimeOf(spans: readonly TimeSpan[]): UsualTime | undefined {
  const known = spans.slice(-MOST_TIMES);
  if (known.length < FEW_TIMES) return undefined;
  const kernels = kernelsOf(known);
  const finishedBy = (seconds: number) => shareBelow(kernels, Math.log(Math.max(seconds, LEAST_SECONDS)));
  return {
    count: known.length,
    lowSeconds: secondsWhere(finishedBy, 0.1),
    medianSeconds: secondsWhere(finishedBy, 0.5),
    highSeconds: secondsWhere(finishedBy, 0.9),
    finishedBy,
  };
}

/** Each video stands for the times around it: as far as the fewness of them, and its own span, leave open. */
function kernelsOf(spans: readonly TimeSpan[]): Kernel[] {
  const newest = spans.length - 1;
  const raw = spans.map(({ fromSeconds, toSeconds }, index) => {
    const middle = Math.max((fromSeconds + toSeconds) / 2, LEAST_SECONDS);
    return {
      logSeconds: Math.log(middle),
      share: 2 ** ((index - newest) / HALF_LIFE_VIDEOS),
      // The standard deviation of what is spread evenly over the span.
      ownSpread: (toSeconds - fromSeconds) / middle / Math.sqrt(12),
    };
  });
  const total = raw.reduce((sum, { share }) => sum + share, 0);
  const worth = total ** 2 / raw.reduce((sum, { share }) => sum + share ** 2, 0);
  const mean = raw.reduce((sum, { share, logSeconds }) => sum + share * logSeconds, 0) / total;
  const squares = raw.reduce((sum, { share, logSeconds }) => sum + share * (logSeconds - mean) ** 2, 0) / total;
  const spread = Math.sqrt((PRIOR_WORTH * PRIOR_SPREAD ** 2 + worth * squares) / (PRIOR_WORTH + worth));
  // Silverman's rule.
  const bandwidth = 0.9 * spread * worth ** -0.2;
  return raw.map(({ logSeconds, share, ownSpread }) => ({
    logSeconds,
    weight: share / total,
    spread: Math.hypot(bandwidth, ownSpread),
  }));
}

function shareBelow(kernels: readonly Kernel[], logSeconds: number): number {
  let share = 0;
  for (const kernel of kernels) share += kernel.weight * normalShare((logSeconds - kernel.logSeconds) / kernel.spread);
  return share;
}

function secondsWhere(shareAt: (seconds: number) => number, share: number): number {
  let low = LEAST_SECONDS;
  let high = 1e6;
  for (let step = 0; step < 40; step++) {
    const middle = Math.sqrt(low * high);
    if (shareAt(middle) < share) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

/** The standard normal distribution (Abramowitz and Stegun 26.2.17; off by less than 1e-7). */
export function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const beyond = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z > 0 ? 1 - beyond : beyond;
}
