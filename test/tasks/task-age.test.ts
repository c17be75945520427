/** Is a video's time learned only where it is known? */
import { expect, test } from 'vitest';
import { TaskAge } from '../../src/tasks/task-age.ts';

const START = Date.parse('2026-11-22T12:00:00Z');
const at = (seconds: number, wallSeconds = seconds) => ({
  wall: START + wallSeconds * 1000,
  monotonic: 7_000_000 + seconds * 1000,
});
const record = { submitted_at: new Date(START).toISOString() };

function begun(isNew: boolean, seconds = 0): TaskAge {
  const age = new TaskAge();
  age.begin(record, isNew, at(seconds));
  return age;
}

test('it lies between the last "still running" and "done"', () => {
  const age = begun(true);
  age.stillRunning(at(60));
  age.stillRunning(at(65));
  expect(age.secondsAt(at(66))).toBeCloseTo(66);
  expect(age.finishedWithin(at(70))).toEqual({ fromSeconds: 65, toSeconds: 70 });
});

test('of one that was watched from its beginning it is known that it was not finished then', () => {
  expect(begun(true).finishedWithin(at(5))).toEqual({ fromSeconds: 0, toSeconds: 5 });
});

test('of one that another process left it is not, until it was seen running', () => {
  const age = begun(false, 100);
  expect(age.finishedWithin(at(101))).toBeUndefined();
  age.stillRunning(at(101));
  expect(age.finishedWithin(at(106))).toEqual({ fromSeconds: 101, toSeconds: 106 });
});

test.each([
  ['the computer slept', 3600],
  ['the clock was set back', -600],
])('nothing is known when %s', (_, seconds) => {
  const age = begun(true);
  age.stillRunning(at(60));
  expect(age.finishedWithin(at(65, 65 + seconds))).toBeUndefined();
});

test('nor of a task that was made elsewhere', () => {
  const age = new TaskAge();
  age.begin({}, false, at(0));
  age.stillRunning(at(1));
  expect([age.secondsAt(at(5)), age.finishedWithin(at(5))]).toEqual([undefined, undefined]);
});

test('a submission in the future, by a clock that was set back, is age 0', () => {
  expect(begun(true, -500).secondsAt(at(-500))).toBe(0);
});
