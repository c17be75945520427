/** The time that is left is shown no more precisely than past videos allow. */
import { expect, test } from 'vitest';
import { timeWords } from '../../../src/report/time-left.ts';
import type { UsualTime } from '../../../src/tasks/poll-timing.ts';
import { ACCEPTED, LINK, taskOf } from './views.ts';

const task = taskOf({ status: 'generating', ...ACCEPTED });
const words = (age: number, usual?: UsualTime) => timeWords(task, usual, ACCEPTED.acceptedAt + age * 1000);
const usualTime = (lowSeconds: number, medianSeconds: number, highSeconds: number) =>
  ({ count: 20, lowSeconds, medianSeconds, highSeconds }) as UsualTime;

test.each([
  [3, undefined, '3 s so far, usually 2 to 10 minutes'],
  [700, undefined, '11 min 40 s so far, usually 2 to 10 minutes'],
  [50, usualTime(100, 130, 170), '50 s so far, about 1 min 20 s left, usually 2 min 10 s'],
  [128, usualTime(100, 130, 170), '2 min 8 s so far, due about now, usually 2 min 10 s'],
  [165, usualTime(100, 130, 170), '2 min 45 s so far, due about now, usually 2 min 10 s'],
  [171, usualTime(100, 130, 170), '2 min 51 s so far, longer than the usual 2 min 10 s'],
  [20, usualTime(60, 120, 240), '20 s so far, about 40 s to 3 min 40 s left, usually 1 min to 4 min'],
  [90, usualTime(60, 120, 240), '1 min 30 s so far, under 2 min 30 s left, usually 1 min to 4 min'],
  [238, usualTime(60, 120, 240), '3 min 58 s so far, due about now, usually 1 min to 4 min'],
  [999, usualTime(60, 120, 240), '16 min 39 s so far, longer than the usual 1 min to 4 min'],
  [-30, usualTime(2, 3, 4), '0 s so far, due about now, usually 3 s'],
])('after %i s', (age, usual, shown) => {
  expect(words(age, usual)).toBe(shown);
});

test('a request that waits for its turn has no time left yet, and a video that is saved is past it', () => {
  const queued = taskOf({ status: 'queued' });
  const usual = usualTime(100, 130, 170);
  expect(timeWords(queued, usual, queued.reservedAt + 9000)).toBe('9 s so far, usually 2 min 10 s');
  expect(timeWords({ ...task, video: LINK }, usual, ACCEPTED.acceptedAt + 9000)).toBe('9 s so far');
});
