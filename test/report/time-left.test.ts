/** Is the time that is left told as surely as it is known, and never as less than nothing? */
import { expect, test } from 'vitest';
import { timeWords } from '../../src/report/time-left.ts';
import type { UsualTime } from '../../src/tasks/usual-time.ts';
import { ACCEPTED, recordOf } from '../mcp/records.ts';

const record = recordOf({ status: 'generating', ...ACCEPTED });
const START = Date.parse(ACCEPTED.submitted_at);
const words = (age: number, usual?: UsualTime) => timeWords(record, usual, START + age * 1000);
const usualTime = (lowSeconds: number, medianSeconds: number, highSeconds: number): UsualTime => ({
  ...{ count: 20, lowSeconds, medianSeconds, highSeconds },
  finishedBy: () => 0.5,
});

test.each([
  [3, undefined, '3 s so far, usually 2 to 10 minutes'],
  [700, undefined, '11 min 40 s so far, usually 2 to 10 minutes'],
  [50, usualTime(100, 130, 170), '50 s so far, about 1 min 20 s left, usually 2 min 10 s for t2v_720p'],
  [128, usualTime(100, 130, 170), '2 min 8 s so far, due about now, usually 2 min 10 s for t2v_720p'],
  [165, usualTime(100, 130, 170), '2 min 45 s so far, due about now, usually 2 min 10 s for t2v_720p'],
  [171, usualTime(100, 130, 170), '2 min 51 s so far, longer than usual: usually 2 min 10 s for t2v_720p'],
  [20, usualTime(60, 120, 240), '20 s so far, about 40 s to 3 min 40 s left, usually 1 min to 4 min for t2v_720p'],
  [
    90,
    usualTime(60, 120, 240),
    '1 min 30 s so far, probably under 2 min 30 s left, usually 1 min to 4 min for t2v_720p',
  ],
  [238, usualTime(60, 120, 240), '3 min 58 s so far, due about now, usually 1 min to 4 min for t2v_720p'],
  [999, usualTime(60, 120, 240), '16 min 39 s so far, longer than usual: usually 1 min to 4 min for t2v_720p'],
  [-30, usualTime(2, 3, 4), '0 s so far, due about now, usually 3 s for t2v_720p'],
])('after %i s', (age, usual, told) => {
  expect(words(age, usual)).toBe(told);
});

test('what waits for its turn has nothing left yet, and what is saved is over', () => {
  const queued = recordOf({ status: 'queued' });
  const usual = usualTime(100, 130, 170);
  expect(timeWords(queued, usual, Date.parse(queued.created_at) + 9000)).toBe(
    '9 s so far, usually 2 min 10 s for t2v_720p',
  );
  const saving = { ...record, video: { url: 'https://x/', url_valid_until: ACCEPTED.submitted_at } };
  expect(timeWords(saving, usual, START + 9000)).toBe('9 s so far');
});
