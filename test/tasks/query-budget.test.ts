/** Do no more than ten questions a second leave, in turn, and first what somebody waits for? */
import { setMaxListeners } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { QueryBudget } from '../../src/tasks/query-budget.ts';
import { FastClock } from './watch-world.ts';

let clock: FastClock;
let budget: QueryBudget;
const never = new AbortController().signal;
setMaxListeners(0, never);
beforeEach(() => {
  clock = new FastClock();
  // Whoever was let go notes the time before it goes on.
  clock.onSleep = () => new Promise(setImmediate);
  budget = new QueryBudget(clock);
});

/** Takes a turn, and notes when it came. */
function note(told: { name: string; at: number }[], name: string, isUrgent = false, signal = never) {
  const turn = budget.take(isUrgent, signal);
  return { turn, noted: turn.come.then(() => void told.push({ name, at: clock.monotonic() })) };
}

function mostInASecond(times: readonly number[]): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}

describe('the budget of questions', () => {
  test('a lone question leaves at once, without a timer', async () => {
    await budget.take(false, never).come;
    expect(clock.sleeps).toEqual([]);
  });

  test.each([false, true])(
    'never lets more than ten leave within a second (urgent: %j), and keeps the order',
    async (isUrgent) => {
      const told: { name: string; at: number }[] = [];
      await Promise.all(Array.from({ length: 60 }, (_, index) => note(told, `${index}`, isUrgent).noted));
      expect(mostInASecond(told.map(({ at }) => at))).toBeLessThanOrEqual(10);
      expect(told.map(({ name }) => Number(name))).toEqual(Array.from({ length: 60 }, (_, index) => index));
      expect(clock.monotonic()).toBeLessThan(8000);
    },
  );

  test('what somebody waits for is before a hundred that wait, and so is one that is hurried', async () => {
    const told: { name: string; at: number }[] = [];
    const all = Array.from({ length: 100 }, (_, index) => note(told, `${index}`));
    all[90]?.turn.hurry();
    const asked = note(told, 'asked', true);
    await asked.noted;
    expect(told.slice(0, 3).map(({ name }) => name)).toEqual(['0', '90', 'asked']);
    await Promise.all(all.map(({ noted }) => noted));
    expect(mostInASecond(told.map(({ at }) => at))).toBeLessThanOrEqual(10);
  });

  test('who gives up leaves the line, and nobody waits for ever', async () => {
    const told: { name: string; at: number }[] = [];
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    const all = Array.from({ length: 30 }, (_, index) =>
      note(told, `${index}`, false, index < 20 ? over.signal : never),
    );
    over.abort();
    await Promise.all(all.map(({ noted }) => noted));
    expect(clock.monotonic()).toBeLessThan(2000);
    await budget.take(false, over.signal).come;
  });

  test('begins anew after it was idle', async () => {
    for (let index = 0; index < 3; index++) {
      await Promise.all([budget.take(false, never).come, budget.take(true, never).come]);
    }
    expect(clock.monotonic()).toBeLessThan(1000);
  });
});
