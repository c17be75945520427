/** Does nothing but a definite answer change what a record says of its task? */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QueryOutcome } from '../../src/jimeng/api.ts';
import { PROBLEMS, Problem, type ProblemCode } from '../../src/problems.ts';
import { afterQuery, inThisCase, type Looked } from '../../src/tasks/after-query.ts';
import { isWatched, type TaskRecord } from '../../src/tasks/record.ts';

const SUBMITTED = Date.parse('2026-11-22T08:00:00Z');
const HOUR = 3600_000;

const record: TaskRecord = {
  version: 1,
  id: 'jv-00000000-aaaaa',
  status: 'in_queue',
  origin: 'https://example.com',
  account: 'a',
  sandbox: false,
  created_at: new Date(SUBMITTED).toISOString(),
  sent_at: new Date(SUBMITTED).toISOString(),
  submitted_at: new Date(SUBMITTED).toISOString(),
  request: { mode: 't2v_720p', prompt: 'p', duration: 5, fps: 24, notes: [] },
  fingerprint: 'f',
  req_key: 'jimeng_t2v_v30',
  destination: null,
  owner: { pid: 1, place: 'p', started: '1' },
  attempts: 1,
  provider_task_id: '7392616336519610409',
};
const exchange = { requestId: undefined, raw: undefined, sandbox: false };
const looked = (changes: Partial<Looked> = {}): Looked => ({
  now: SUBMITTED + 60_000,
  failedInRow: 1,
  notFoundMilliseconds: 0,
  watchedMilliseconds: 60_000,
  ...changes,
});
const silence = (kind: 'hindered' | 'unanswered', code: ProblemCode): QueryOutcome => ({
  ...exchange,
  kind,
  problem: new Problem(code),
});

const codes = fc.constantFrom(...(Object.keys(PROBLEMS) as ProblemCode[]));

test('no answer about the task, whatever it is and however often, changes its status within its life', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('hindered', 'unanswered'),
      codes,
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: -48 * HOUR, max: 24 * HOUR }),
      (kind, code, failedInRow, age) => {
        const after = afterQuery(record, silence(kind, code), looked({ failedInRow, now: SUBMITTED + age }));
        expect(after.status).toBe(record.status);
        expect(after.finished_at).toBeUndefined();
      },
    ),
  );
});

test('a wall clock alone, however far ahead, never ends a task that nobody answers for', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), (hours) => {
      const late = looked({ now: SUBMITTED + hours * HOUR });
      expect(isWatched(afterQuery(record, silence('unanswered', 'timeout'), late).status)).toBe(true);
      expect(isWatched(afterQuery(record, silence('hindered', 'InvalidTimestamp'), late).status)).toBe(true);
    }),
  );
});

test('a day after its life a task ends where the time is sure', () => {
  const late = looked({ now: SUBMITTED + 25 * HOUR });
  expect(afterQuery(record, silence('hindered', '50500'), late).status).toBe('expired');
  const watched = { ...late, watchedMilliseconds: 25 * HOUR };
  expect(afterQuery(record, silence('unanswered', 'timeout'), watched).status).toBe('expired');
});

test('the same answer again writes nothing', () => {
  const running: QueryOutcome = { ...exchange, kind: 'running', word: 'in_queue' };
  expect(afterQuery(record, running, looked())).toBe(record);
  const told = afterQuery(record, silence('hindered', '50400'), looked());
  expect(told.hindrance).toMatchObject({ code: '50400', count: 1 });
  expect(afterQuery(told, silence('hindered', '50400'), looked({ failedInRow: 2 }))).toBe(told);
});

test('an answer about the task takes away what stood in the way, not_found included', () => {
  const told = afterQuery(record, silence('hindered', '50400'), looked());
  const running: QueryOutcome = { ...exchange, kind: 'running', word: 'generating' };
  expect(afterQuery(told, running, looked())).toMatchObject({ status: 'generating' });
  expect(afterQuery(told, running, looked()).hindrance).toBeUndefined();
  const unknown: QueryOutcome = { ...exchange, kind: 'not_found' };
  expect(afterQuery(told, unknown, looked()).hindrance).toBeUndefined();
  const both = { ...told, first_not_found_at: new Date(SUBMITTED).toISOString() };
  expect(afterQuery(both, unknown, looked()).hindrance).toBeUndefined();
});

test('50215 ends a task whose input it may mean, and says of others that the provider does not know them', () => {
  const refused: QueryOutcome = { ...exchange, kind: 'failed', problem: new Problem('50215') };
  const kindOf = (changes: Partial<TaskRecord>, age = HOUR) =>
    inThisCase({ ...record, ...changes }, refused, SUBMITTED + age).kind;
  const video = { url: 'https://example.com/v.mp4', url_valid_until: record.created_at };
  expect(kindOf({})).toBe('failed');
  expect(kindOf({}, 13 * HOUR)).toBe('not_found');
  expect(kindOf({ video })).toBe('not_found');
  expect(kindOf({ attempts: 0 })).toBe('not_found');
  const other: QueryOutcome = { ...exchange, kind: 'failed', problem: new Problem('50511') };
  expect(inThisCase({ ...record, video }, other, SUBMITTED + HOUR)).toBe(other);
});
