/** How long is waited before something that costs nothing is tried again? Never imported by submit. */

export interface Delays {
  readonly firstMilliseconds: number;
  readonly maxMilliseconds: number;
}

/** A lost query is mostly a blip: soon, then seldom. */
export const QUERY_DELAYS: Delays = { firstMilliseconds: 1_000, maxMilliseconds: 30_000 };

/** Wrong keys, a closed capability, a wrong clock: somebody has to mend it, and that takes minutes. */
export const HINDRANCE_DELAYS: Delays = { firstMilliseconds: 5_000, maxMilliseconds: 60_000 };

/** Doubled each time, with up to a quarter of jitter so that several processes do not ask in step. */
export function delayBefore(attempt: number, { firstMilliseconds, maxMilliseconds }: Delays, random: number): number {
  const doubled = Math.min(firstMilliseconds * 2 ** (attempt - 1), maxMilliseconds);
  return doubled * (0.75 + random * 0.25);
}
