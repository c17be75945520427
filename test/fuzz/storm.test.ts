/** A small fault storm: the large one, with 1,000 tasks and 20 processes, is `npm run storm`. */
import { expect, test } from 'vitest';
import { isKept, stormTableOf } from '../../bench/storm/figures.ts';
import { runStorm } from '../../bench/storm/storm.ts';

test('with a fifth of all answers wrong and processes killed nothing is lost, paid twice or reported wrongly', async () => {
  const figures = await runStorm({
    tasks: 24,
    processes: 3,
    processesAtOnce: 3,
    faultShare: 0.2,
    killEveryMilliseconds: 800,
    killsAtMost: 6,
    seed: 7,
    generationSeconds: 0.3,
    busyFrom: 6,
  });
  expect(isKept(figures), stormTableOf(figures)).toBe(true);
  expect(figures.saved + figures.unknownBecauseTheAnswerWasLost + figures.unknownBecauseTheProcessWasKilled).toBe(24);
  expect(figures.answersThatWentWrong).toBeGreaterThan(5);
});
