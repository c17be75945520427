/** How long something takes, on a machine that may stand still for seconds meanwhile. */
import { expect } from 'vitest';

/**
 * A busy machine may be slow once, and slow twice; a program that waits for something is slow each time.
 *
 * @param attempt makes it once, and checks all else each time; what it returns are the milliseconds
 */
export async function expectWithin(most: number, attempt: (round: number) => Promise<number>): Promise<void> {
  const times: number[] = [];
  for (let round = 1; round <= 3; round++) {
    times.push(await attempt(round));
    if (Math.min(...times) < most) return;
  }
  expect(Math.min(...times)).toBeLessThan(most);
}
