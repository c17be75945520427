/** Are there fewer questions where a video cannot be finished, more around its usual time, and never too few? */
import { describe, expect, test } from 'vitest';
import {
  chooseSchedule,
  DEFAULT_POLL_SECONDS,
  LONGEST_DELAY_SECONDS,
  learnedSchedule,
} from '../../src/tasks/schedule.ts';
import { type TimeSpan, usualTimeOf } from '../../src/tasks/usual-time.ts';

/** Evenly over the logarithmic spread around the median: as many below it as above. */
function timesAround(median: number, spread: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const share = (index * 7919) % count;
    return median * Math.exp(spread * Math.sqrt(3) * ((2 * (share + 0.5)) / count - 1));
  });
}

const exactly = (seconds: number): TimeSpan => ({ fromSeconds: seconds, toSeconds: seconds });

function learned(seconds: readonly number[]) {
  const usual = usualTimeOf(seconds.map(exactly));
  if (usual === undefined) throw new Error('too few');
  return learnedSchedule(usual);
}

function poll(delayAt: (age: number) => number, finishedAt: number): { questions: number; lag: number } {
  let age = 0;
  for (let questions = 1; ; questions++) {
    age += delayAt(age);
    if (age >= finishedAt) return { questions, lag: age - finishedAt };
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('what was learned', () => {
  test.each([
    [75, 0.25, 0.6],
    [200, 0.4, 0.75],
  ])(
    'of videos of %i s, spread %d, spares questions and is no later than every five seconds',
    (median, spread, reach) => {
      const schedule = learned(timesAround(median, spread, 200));
      const finished = timesAround(median, spread, 997);
      const ours = finished.map((at, index) =>
        poll((age) => schedule.delaySeconds(age, ((index * 31) % 100) / 100), at),
      );
      const fixed = finished.map((at) => poll(() => 5, at));
      const share = mean(ours.map(({ questions }) => questions)) / mean(fixed.map(({ questions }) => questions));
      expect(share).toBeLessThan(reach);
      expect(share).toBeGreaterThan(0.3);
      expect(mean(ours.map(({ lag }) => lag))).toBeLessThan(mean(fixed.map(({ lag }) => lag)));
    },
  );

  test('asks densest around the usual time', () => {
    const schedule = learned(timesAround(120, 0.2, 100));
    expect(schedule.delaySeconds(118, 0.5)).toBeLessThan(6);
    expect(schedule.delaySeconds(30, 0.5)).toBeGreaterThan(15);
  });

  test.each([
    ['videos that all took as long', Array(200).fill(100)],
    ['videos that took no time', Array(50).fill(0)],
    ['videos of hours', Array(20).fill(7200)],
    ['videos of all lengths', [1, 10, 100, 1000, 10_000]],
  ])('never pauses for longer than the bound, nor not at all: %s', (_, seconds) => {
    const schedule = learned(seconds);
    for (let age = 0; age < 20_000; age += 13.7) {
      for (const random of [0, 0.5, 1]) {
        const delay = schedule.delaySeconds(age, random);
        expect(delay).toBeGreaterThan(0.5);
        expect(delay).toBeLessThanOrEqual(LONGEST_DELAY_SECONDS);
      }
    }
  });

  test('a provider that has become slow is asked every five to ten seconds', () => {
    const schedule = learned(timesAround(60, 0.2, 200));
    for (let age = 100; age < 3000; age += 5) {
      expect(schedule.delaySeconds(age, 0.5)).toBeLessThanOrEqual(10);
      expect(schedule.delaySeconds(age, 0.5)).toBeGreaterThan(4.5);
    }
  });

  test('is asked with jitter, so that several processes are not in step', () => {
    const schedule = learned(timesAround(120, 0.3, 50));
    expect(schedule.delaySeconds(60, 0)).toBeLessThan(schedule.delaySeconds(60, 1));
  });
});

describe('the pace that is chosen', () => {
  test('with nothing learned is the fixed one, and with a setting that, whatever was learned', () => {
    const some = learned(timesAround(120, 0.3, 50));
    expect(chooseSchedule(undefined, undefined).delaySeconds(17, 0.9)).toBe(DEFAULT_POLL_SECONDS);
    expect(chooseSchedule(7, some).delaySeconds(17, 0.9)).toBe(7);
    expect(chooseSchedule(undefined, some)).toBe(some);
  });
});
