/** How many requests each person may send: a burst, then a steady rate. */
import type { Clock } from '../clock.ts';

export interface RateLimits {
  readonly burst: number;
  readonly perSecond: number;
}

/** A conversation sends a few requests a minute; a client that starts sends four at once. */
export const RATE_LIMITS: RateLimits = { burst: 200, perSecond: 20 };

/** Those that are full again are forgotten above this number. */
const MANY = 10_000;

export class RateLimiter {
  private readonly limits: RateLimits;
  private readonly clock: Clock;
  private readonly left = new Map<string, { tokens: number; at: number }>();

  constructor(limits: RateLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
  }

  /** @returns 0, or the seconds after which the person may send the next one */
  take(person: string): number {
    const { burst, perSecond } = this.limits;
    const now = this.clock.monotonic();
    if (this.left.size >= MANY) this.forgetIdle(now);
    const { tokens, at } = this.left.get(person) ?? { tokens: burst, at: now };
    const present = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    this.left.set(person, { tokens: present < 1 ? present : present - 1, at: now });
    return present < 1 ? Math.ceil((1 - present) / perSecond) : 0;
  }

  private forgetIdle(now: number): void {
    const { burst, perSecond } = this.limits;
    for (const [person, { tokens, at }] of this.left) {
      if (tokens + ((now - at) / 1000) * perSecond >= burst) this.left.delete(person);
    }
  }
}
