/** The status of a task after each outcome of a submit. */
import { describe, expect, test } from 'vitest';
import type { SubmitOutcome } from '../../../src/jimeng/api.ts';
import { Problem } from '../../../src/problems.ts';
import { afterSubmit, cancelled, interrupted, leftInQueue } from '../../../src/tasks/outcome.ts';
import { chargeOf, errorOf, TASK_STATUSES } from '../../../src/tasks/record.ts';
import { HOUR, SUBMITTED, sampleLedger, sampleTask } from '../../support/sample-task.ts';

const { acceptedAt: _a, providerTaskId: _p, providerStatus: _s, ...unsent } = sampleTask({ status: 'submitting' });
const ledger = sampleLedger({ inFlight: 1 });
const exchange = { requestId: 'r', raw: '{}', sandbox: false };
const rules = { concurrency: 2, isTriedAgain: true, random: 1 };
const settle = (outcome: SubmitOutcome, changes: Partial<typeof rules> = {}, task = unsent) =>
  afterSubmit(task, ledger, outcome, { ...rules, ...changes });
const problem = (code: ConstructorParameters<typeof Problem>[0]) => new Problem(code);

describe('an outcome', () => {
  test('accepted: the provider has it, it holds a slot, and may be charged', () => {
    const { record, slotUntil } = settle({ ...exchange, kind: 'accepted', providerTaskId: '42' });
    expect(record).toMatchObject({ status: 'generating', providerTaskId: '42', acceptedAt: SUBMITTED, requestId: 'r' });
    expect(slotUntil).toBe(Number.MAX_SAFE_INTEGER);
    expect(chargeOf(record)).toBe('possible');
  });

  test('refused: over, free, and no slot', () => {
    const { record, slotUntil } = settle({ ...exchange, kind: 'refused', problem: problem('50412') });
    expect(record).toMatchObject({ status: 'failed', error: { code: '50412' }, finishedAt: SUBMITTED });
    expect([chargeOf(record), slotUntil]).toEqual(['none', undefined]);
  });

  test('unknown: over, perhaps charged, and holds its slot for ten minutes', () => {
    const { record, slotUntil } = settle({ ...exchange, kind: 'unknown', problem: problem('timeout') });
    expect(record).toMatchObject({ status: 'unknown', error: { code: 'timeout' } });
    expect([chargeOf(record), slotUntil]).toEqual(['possible', SUBMITTED + 10 * 60_000]);
  });

  test('busy: back in its place, never sent, and the pace follows', () => {
    const { record, pacing } = settle({ ...exchange, kind: 'busy', problem: problem('50430') });
    expect(record).toMatchObject({ status: 'queued' });
    expect(record.sentAt).toBeUndefined();
    expect(pacing).toMatchObject({ limit: 1, refusals: 1 });
  });

  test('not sent: tried again with the reason, or given up for nothing', () => {
    const notSent: SubmitOutcome = { ...exchange, kind: 'not_sent', problem: problem('not_sent') };
    const again = settle(notSent).record;
    expect(again).toMatchObject({ status: 'queued', sendingProblem: { code: 'not_sent', count: 1 } });
    expect(settle(notSent, {}, { ...again, status: 'submitting', ownerAlive: true }).record.sendingProblem?.count).toBe(
      2,
    );
    const over = settle(notSent, { isTriedAgain: false }).record;
    expect(over).toMatchObject({ status: 'failed', error: { code: 'not_sent' } });
    expect(chargeOf(over)).toBe('none');
  });

  test('of a task that others declared lost: late answers count, and what never left is not sent after all', () => {
    const lost = { ...unsent, status: 'unknown' as const, finishedAt: 1, error: errorOf(problem('interrupted')) };
    const late = settle({ ...exchange, kind: 'accepted', providerTaskId: '42' }, {}, lost).record;
    expect(late).toMatchObject({ status: 'generating', providerTaskId: '42' });
    expect([late.error, late.finishedAt]).toEqual([undefined, undefined]);
    expect(settle({ ...exchange, kind: 'not_sent', problem: problem('claim_lost') }, {}, lost).record.status).toBe(
      'failed',
    );
  });
});

test('a claim without an outcome is unknown, and holds its slot for ten minutes', () => {
  const { record, slotUntil } = interrupted(unsent, SUBMITTED);
  expect(record).toMatchObject({ status: 'unknown', error: { code: 'interrupted' } });
  expect(slotUntil).toBe(SUBMITTED + 10 * 60_000);
});

test('an entry that was left in the queue stays for an hour, then expires for nothing', () => {
  const { sentAt: _, ...queued } = sampleTask({ status: 'queued' });
  expect(leftInQueue(queued, SUBMITTED + HOUR)).toBeUndefined();
  const over = leftInQueue(queued, SUBMITTED + HOUR + 1);
  expect(over).toMatchObject({ status: 'expired' });
  expect(over && chargeOf(over)).toBe('none');
});

test.each(TASK_STATUSES)('cancelling a task that is %s changes what was not sent, and nothing else', (status) => {
  const settlement = cancelled(sampleTask({ status }), SUBMITTED);
  if (status === 'queued') expect(settlement?.record).toMatchObject({ status: 'cancelled' });
  else if (status === 'unknown') expect(settlement).toMatchObject({ record: { status }, slotUntil: undefined });
  else expect(settlement).toBeUndefined();
});
