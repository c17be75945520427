/** The schedule polls rarely while a video cannot be finished, and often when it can. */
import { describe, expect, test } from 'vitest';
import {
  type FinishedBetween,
  learnedPause,
  type UsualTime,
  UsualTimes,
  usualTimeOf,
} from '../../../src/tasks/poll-timing.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Seconds at the quantiles of a log-normal distribution. */
function timesAround(median: number, spread: number, count: number): FinishedBetween[] {
  return Array.from({ length: count }, (_, index) => {
    // Not in order: the newest count most.
    const share = (((index * 73) % count) + 0.5) / count;
    // A logistic quantile: near enough to the normal one.
    const z = Math.log(share / (1 - share)) / 1.702;
    const at = median * Math.exp(z * spread) * 1000;
    return [at, at];
  });
}

function usual(...given: Parameters<typeof timesAround>): UsualTime {
  const found = usualTimeOf(timesAround(...given));
  if (found === undefined) throw new Error('too few');
  return found;
}

describe('the usual time', () => {
  test('gives no estimate from fewer than five videos', () => {
    expect(usualTimeOf(timesAround(100, 0.3, 4))).toBeUndefined();
    expect(usualTimeOf(timesAround(100, 0.3, 5))).toMatchObject({ count: 5 });
  });

  test('is that of past videos, and the newest count most', () => {
    const { lowSeconds, medianSeconds, highSeconds } = usual(120, 0.3, 100);
    expect(medianSeconds).toBeCloseTo(120, -1);
    expect(lowSeconds).toBeGreaterThan(70);
    expect(highSeconds).toBeLessThan(190);
    const faster = [...timesAround(60, 0.2, 60), ...timesAround(240, 0.2, 60)];
    expect(usualTimeOf(faster)?.medianSeconds).toBeLessThan(105);
  });

  test('is looked up again when it may have changed, and known although it cannot be', async () => {
    const clock = new ManualClock();
    let times = timesAround(100, 0.2, 10);
    let loads = 0;
    const usualTimes = new UsualTimes(async () => {
      loads++;
      if (loads === 3) throw new Error('the disk is away');
      return times;
    }, clock);
    expect((await usualTimes.of('m'))?.count).toBe(10);
    times = timesAround(100, 0.2, 20);
    expect((await usualTimes.of('m'))?.count).toBe(10);
    await clock.advance(60_000);
    expect((await usualTimes.of('m'))?.count).toBe(20);
    await clock.advance(60_000);
    expect((await usualTimes.of('m'))?.count).toBe(20);
  });
});

describe('the pause before the next query', () => {
  test('is long at first, short around the usual time, and never long after it', () => {
    const learned = usual(200, 0.25, 100);
    expect(learnedPause(learned, 0, 0.5)).toBeGreaterThan(15);
    expect(learnedPause(learned, 200, 0.5)).toBeLessThan(6);
    for (let age = 300; age < 3000; age += 50) expect(learnedPause(learned, age, 0.5)).toBeLessThanOrEqual(10);
  });

  test('does not reach over the time in which most videos finish', () => {
    const learned = usual(100, 0.1, 100);
    for (let age = 0; age < 90; age += 1) expect(age + learnedPause(learned, age, 0.5)).toBeLessThan(101);
  });

  test('has jitter, so that several processes are not in step', () => {
    const learned = usual(120, 0.3, 50);
    expect(learnedPause(learned, 60, 0)).toBeLessThan(learnedPause(learned, 60, 1));
  });

  test.each([0.25, 0.4, 0.6])('costs fewer queries than every 5 s for no more lag, at a spread of %d', (spread) => {
    const learned = usual(150, spread, 200);
    const videos = timesAround(150, spread, 301).map(([at]) => at / 1000);
    let [queries, lag, fixed] = [0, 0, 0];
    for (const [index, seconds] of videos.entries()) {
      let age = 0;
      for (let query = 0; age < seconds; query++, queries++)
        age += learnedPause(learned, age, ((index + query) % 11) / 10);
      lag += age - seconds;
      fixed += Math.ceil(seconds / 5);
    }
    expect(queries / fixed).toBeLessThan({ 0.25: 0.65, 0.4: 0.8, 0.6: 0.95 }[spread] ?? 0);
    expect(lag / videos.length).toBeLessThan(2.8);
  });
});
