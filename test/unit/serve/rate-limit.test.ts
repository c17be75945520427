/** The rate limit of a person: a burst, a steady rate, and nobody pays for another. */
import { expect, it } from 'vitest';
import { RateLimiter } from '../../../src/serve/rate-limit.ts';

function limiter() {
  let now = 0;
  const clock = { now: () => now, monotonic: () => now, sleep: async () => undefined };
  return {
    rates: new RateLimiter({ burst: 3, perSecond: 0.5 }, clock),
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

it('after a burst the next request is refused with the seconds to wait, and let in after them', () => {
  const { rates, pass } = limiter();
  expect([1, 2, 3].map(() => rates.take('mei'))).toEqual([0, 0, 0]);
  expect(rates.take('mei')).toBe(2);
  pass(2_000);
  expect([rates.take('mei'), rates.take('mei')]).toEqual([0, 2]);
});

it('one person’s requests are not counted against another', () => {
  const { rates } = limiter();
  for (let index = 0; index < 10; index++) rates.take('mei');
  expect(rates.take('yu')).toBe(0);
});

it('a person that waits long enough has a whole burst again, and no more', () => {
  const { rates, pass } = limiter();
  for (let index = 0; index < 10; index++) rates.take('mei');
  pass(3_600_000);
  expect([1, 2, 3, 4].map(() => rates.take('mei') > 0)).toEqual([false, false, false, true]);
});
