/** Only definite answers change a task's status. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QueryOutcome } from '../../../src/jimeng/api.ts';
import { PROBLEMS, Problem, type ProblemCode } from '../../../src/problems.ts';
import { afterQuery, inThisCase, type PollState } from '../../../src/tasks/polling.ts';
import { chargeOf, type TaskRecord } from '../../../src/tasks/record.ts';
import { HOUR, SUBMITTED, sampleTask } from '../../support/sample-task.ts';

const record: TaskRecord = sampleTask();
const exchange = { requestId: undefined, raw: undefined, sandbox: false };
const polled = (changes: Partial<PollState> = {}): PollState => ({
  now: SUBMITTED + 60_000,
  failedInRow: 1,
  notFoundMilliseconds: 0,
  polledMilliseconds: 60_000,
  ...changes,
});
const silence = (kind: 'blocked' | 'unanswered', code: ProblemCode): QueryOutcome => ({
  ...exchange,
  kind,
  problem: new Problem(code),
});

const codes = fc.constantFrom(...(Object.keys(PROBLEMS) as ProblemCode[]));

test('no answer about the task, whatever it is and however often, changes its status within its life', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('blocked', 'unanswered'),
      codes,
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: -48 * HOUR, max: 24 * HOUR }),
      (kind, code, failedInRow, age) => {
        const after = afterQuery(record, silence(kind, code), polled({ failedInRow, now: SUBMITTED + age }));
        expect(after.status).toBe(record.status);
        expect(after.finishedAt).toBeUndefined();
      },
    ),
  );
});

test('a wall clock alone, however far ahead, never ends a task without answers', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), (hours) => {
      const late = polled({ now: SUBMITTED + hours * HOUR });
      expect(afterQuery(record, silence('unanswered', 'timeout'), late).status).toBe('generating');
      expect(afterQuery(record, silence('blocked', 'InvalidTimestamp'), late).status).toBe('generating');
    }),
  );
});

test('a day after its life a task ends where the time is sure', () => {
  const late = polled({ now: SUBMITTED + 25 * HOUR });
  expect(afterQuery(record, silence('blocked', '50500'), late).status).toBe('expired');
  const longPolled = { ...late, polledMilliseconds: 25 * HOUR };
  expect(afterQuery(record, silence('unanswered', 'timeout'), longPolled).status).toBe('expired');
});

test('the same answer again writes nothing', () => {
  const running: QueryOutcome = { ...exchange, kind: 'running', word: 'in_queue' };
  expect(afterQuery(record, running, polled())).toBe(record);
  const reported = afterQuery(record, silence('blocked', '50400'), polled());
  expect(reported.pollingProblem).toMatchObject({ code: '50400', count: 1 });
  expect(afterQuery(reported, silence('blocked', '50400'), polled({ failedInRow: 2 }))).toBe(reported);
});

test('an answer about the task clears the earlier problem, not_found included', () => {
  const reported = afterQuery(record, silence('blocked', '50400'), polled());
  const running: QueryOutcome = { ...exchange, kind: 'running', word: 'generating' };
  expect(afterQuery(reported, running, polled())).toMatchObject({ status: 'generating' });
  expect(afterQuery(reported, running, polled()).pollingProblem).toBeUndefined();
  const unknown: QueryOutcome = { ...exchange, kind: 'not_found' };
  expect(afterQuery(reported, unknown, polled()).pollingProblem).toBeUndefined();
  const both = { ...reported, firstNotFoundAt: SUBMITTED };
  expect(afterQuery(both, unknown, polled()).pollingProblem).toBeUndefined();
});

test('50215 ends a task whose input it may mean, and says of others that the provider does not know them', () => {
  const refused: QueryOutcome = { ...exchange, kind: 'failed', problem: new Problem('50215') };
  const kindOf = (changes: Partial<TaskRecord>, age = HOUR) =>
    inThisCase({ ...record, ...changes }, refused, SUBMITTED + age).kind;
  const video = { url: 'https://example.com/v.mp4', urlValidUntil: SUBMITTED };
  expect(kindOf({})).toBe('failed');
  expect(kindOf({}, 13 * HOUR)).toBe('not_found');
  expect(kindOf({ video })).toBe('not_found');
  expect(kindOf({ attempts: 0 })).toBe('not_found');
  const other: QueryOutcome = { ...exchange, kind: 'failed', problem: new Problem('50511') };
  expect(inThisCase({ ...record, video }, other, SUBMITTED + HOUR)).toBe(other);
});

test('done without a link is queried again, then over, and may have been charged', () => {
  const task = withoutLink(4);
  expect(withoutLink(3)).toMatchObject({ status: 'generating', withoutLink: 3 });
  expect(task).toMatchObject({ status: 'done', error: { code: 'no_video' } });
  expect(chargeOf(task)).toBe('possible');
});

const WITHOUT: QueryOutcome = { ...exchange, kind: 'done_without_link', problem: new Problem('no_video') };

function withoutLink(answers: number): TaskRecord {
  let task = record;
  for (let answer = 1; answer <= answers; answer++) task = afterQuery(task, WITHOUT, polled());
  return task;
}

test('its link is asked for again, ever more seldom, while the provider keeps it', () => {
  const pauses = [4, 5, 6, 20].map((answers) => (withoutLink(answers).saveAgainAt ?? 0) - polled().now);
  expect(pauses).toEqual([5_000, 10_000, 20_000, 1_800_000]);
  const late = afterQuery(withoutLink(4), WITHOUT, polled({ now: SUBMITTED + 13 * HOUR }));
  expect([late.status, late.saveAgainAt]).toEqual(['done', undefined]);
});

test('what says nothing of the link leaves it done, and the next time is later than the last', () => {
  const task = withoutLink(4);
  for (const kind of ['running', 'not_found', 'blocked', 'unanswered'] as const) {
    const outcome = { ...exchange, kind, word: 'generating', problem: new Problem('timeout') } as QueryOutcome;
    const after = afterQuery(task, outcome, polled());
    expect(after).toMatchObject({ status: 'done', error: task.error });
    expect(after.saveAgainAt).toBeGreaterThan(task.saveAgainAt ?? 0);
  }
});

test('a refusal or the end of its life closes it: nothing is tried again', () => {
  const refused: QueryOutcome = { ...exchange, kind: 'failed', problem: new Problem('50511') };
  const failed = afterQuery(withoutLink(4), refused, polled());
  expect([failed.status, failed.saveAgainAt, chargeOf(failed)]).toEqual(['failed', undefined, 'none']);
  const expired = afterQuery(withoutLink(4), { ...exchange, kind: 'expired' }, polled());
  expect([expired.status, expired.saveAgainAt]).toEqual(['expired', undefined]);
});
