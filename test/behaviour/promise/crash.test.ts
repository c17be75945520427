/** No paid video is lost, or paid for twice, when its process is killed or suspended: each moment once; `npm run promise` has 25. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planKills, runMatrix } from '../../../bench/promise/crash-matrix.ts';
import { ANCHORS, type Moment } from '../../../bench/promise/moments.ts';
import { runSleeps, SLEEPS } from '../../../bench/promise/suspension.ts';
import { buildPrograms } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPrograms>>;
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

const KEPT = { lost: 0, submittedTwice: 0, savedTwice: 0, stillOpen: 0, unreadable: 0, broken: 0, parts: 0 };

test('a process killed at any point loses nothing, pays nothing twice and leaves nothing half-written', async () => {
  const outcomes = await runMatrix(programs, planKills(Object.keys(ANCHORS) as Moment[], 1), 12);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ ...KEPT, sentByFreeCall: 0, unknownElsewhere: 0 });
    expect(outcome.accepted).toBe(outcome.saved + outcome.unknownTaken);
  }
  const unknown = outcomes.filter((outcome) => outcome.unknown > 0).map(({ moment }) => moment);
  expect(new Set(unknown)).toEqual(
    new Set(['claimed', 'before the last check', 'after the last check', 'sending', 'answered', 'outcome written']),
  );
});

test('a process suspended beyond its lease sends, saves and writes nothing that is no longer its own', async () => {
  const outcomes = await runSleeps(programs, SLEEPS, 12);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ ...KEPT, sentLate: 0, unknown: 0 });
    expect(outcome.status).toBe(outcome.accepted === 0 ? 'failed' : 'done');
    expect(outcome.accepted).toBe(outcome.saved);
  }
});
