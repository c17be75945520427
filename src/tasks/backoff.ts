/** Pauses before something that costs nothing is tried again. Never imported by the submitter or the provider's client. */

export interface Backoff {
  readonly firstMilliseconds: number;
  readonly maxMilliseconds: number;
}

/** A lost query is mostly a blip: soon, then seldom. */
export const QUERY_BACKOFF: Backoff = { firstMilliseconds: 1_000, maxMilliseconds: 30_000 };

/** Wrong keys, a closed capability, a wrong clock: a person has to fix it, which takes minutes. */
export const OPERATOR_BACKOFF: Backoff = { firstMilliseconds: 5_000, maxMilliseconds: 60_000 };

/** A video that could not be saved: the file host may be a few seconds late, or the disk full for hours. */
export const SAVING_BACKOFF: Backoff = { firstMilliseconds: 5_000, maxMilliseconds: 30 * 60_000 };

/** Doubled each time, with up to a quarter of jitter so that several processes do not poll in step. */
export function pauseBefore(attempt: number, { firstMilliseconds, maxMilliseconds }: Backoff, random: number): number {
  const doubled = Math.min(firstMilliseconds * 2 ** (attempt - 1), maxMilliseconds);
  return doubled * (0.75 + random * 0.25);
}
