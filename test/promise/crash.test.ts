/** Is a paid video lost, or paid for twice, when its process is killed? One kill at each moment; `npm run promise` has 25. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planKills, runMatrix } from '../../bench/promise/crash-matrix.ts';
import { ANCHORS, type Moment } from '../../bench/promise/moments.ts';
import { buildPrograms } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPrograms>>;
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

test('a process killed at any moment leaves nothing lost, nothing paid twice and nothing half', async () => {
  const outcomes = await runMatrix(programs, planKills(Object.keys(ANCHORS) as Moment[], 1), 3);
  for (const outcome of outcomes) {
    const zero = { lost: 0, submittedTwice: 0, sentByFreeCall: 0, savedTwice: 0, unknownElsewhere: 0 };
    const clean = { stillOpen: 0, unreadable: 0, broken: 0, parts: 0 };
    expect(outcome).toMatchObject({ ...zero, ...clean });
    expect(outcome.accepted).toBe(outcome.saved + outcome.unknownTaken);
  }
  const unknown = outcomes.filter((outcome) => outcome.unknown > 0).map(({ moment }) => moment);
  expect(unknown.sort()).toEqual(['answered', 'claimed', 'sending']);
});
