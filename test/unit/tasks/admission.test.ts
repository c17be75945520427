/** Admission: duplicates are joined, and everything that may be charged counts against the budget. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReservationLedger } from '../../../src/store/store.ts';
import { admit, beyondBudget, fingerprintOf, sameRequest } from '../../../src/tasks/admission.ts';
import type { TaskStatus } from '../../../src/tasks/record.ts';
import { HOUR, MINUTE, SUBMITTED, sampleTask } from '../../support/sample-task.ts';

const NOW = SUBMITTED + 20 * HOUR;
const ledger = (changes: Partial<ReservationLedger> = {}): ReservationLedger => ({
  now: NOW,
  same: [],
  reservedFen: 0,
  roomAt: undefined,
  ...changes,
});

describe('a fingerprint', () => {
  const body = { req_key: 'k', prompt: '千军万马', frames: 121 };
  const first = fingerprintOf(body, 5, 24);

  test('is the same for the same request, in whatever order its fields come', () => {
    expect(fingerprintOf({ frames: 121, prompt: '千军万马', req_key: 'k' }, 5, 24)).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });
  test('without a seed is that of seed −1, and 0 is another', () => {
    expect(fingerprintOf({ ...body, seed: -1 }, 5, 24)).toBe(first);
    expect(fingerprintOf({ ...body, seed: 0 }, 5, 24)).not.toBe(first);
  });
  test('of another length, rate, prompt, mode, ratio or order of images is another', () => {
    const others = [
      fingerprintOf(body, 4, 24),
      fingerprintOf(body, 5, 25),
      fingerprintOf({ ...body, prompt: '千军万马 ' }, 5, 24),
      fingerprintOf({ ...body, req_key: 'l' }, 5, 24),
      fingerprintOf({ ...body, aspect_ratio: '16:9' }, 5, 24),
      fingerprintOf({ ...body, image_urls: ['a', 'b'] }, 5, 24),
      fingerprintOf({ ...body, image_urls: ['b', 'a'] }, 5, 24),
      fingerprintOf({ ...body, image_urls: ['a,b'] }, 5, 24),
    ];
    expect(new Set([first, ...others]).size).toBe(9);
  });
  test('of two bodies is the same only when the bodies are', () => {
    const values = fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(fc.string(), fc.integer()), { maxKeys: 3 });
    const key = (one: Record<string, unknown>) =>
      JSON.stringify(Object.entries({ seed: -1, ...one }).sort(([a], [b]) => (a < b ? -1 : 1)));
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(fingerprintOf(a, 5, 24) === fingerprintOf(b, 5, 24)).toBe(key(a) === key(b));
      }),
    );
  });
});

describe('the same request', () => {
  // Made twenty hours ago: only the time of its end counts, and for an open one none at all.
  test.each<[TaskStatus, number, boolean]>([
    ['submitting', 0, true],
    ['generating', 0, true],
    ['done', 29, true],
    ['done', 31, false],
    ['unknown', 12 * 60 - 1, true],
    ['unknown', 12 * 60 + 1, false],
    ['failed', 0, false],
    ['cancelled', 0, false],
    ['expired', 0, false],
    ['not_found', 0, false],
  ])('that is %s, ended %i minutes ago, is joined: %s', (status, minutes, isJoined) => {
    const task = sampleTask({ status, finishedAt: NOW - minutes * MINUTE });
    expect(sameRequest(ledger({ same: [task] })) !== undefined).toBe(isJoined);
  });

  test('that is queued is joined, and no longer when its process has been gone for an hour', () => {
    const queued = (ageMinutes: number, ownerAlive: boolean) =>
      sameRequest(
        ledger({ same: [sampleTask({ status: 'queued', reservedAt: NOW - ageMinutes * MINUTE, ownerAlive })] }),
      );
    expect(queued(300, true)).toBeDefined();
    expect(queued(59, false)).toBeDefined();
    expect(queued(61, false)).toBeUndefined();
  });

  test('is the newest of several that can be joined', () => {
    const same = [
      sampleTask({ id: 'failed', status: 'failed' }),
      sampleTask({ id: 'newer' }),
      sampleTask({ id: 'older' }),
    ];
    expect(sameRequest(ledger({ same }))?.id).toBe('newer');
  });

  test('is paid again only on purpose', () => {
    const there = ledger({ same: [sampleTask()] });
    const limits = { fen: 140, budgetFen: undefined, personBudgetFen: undefined };
    expect(admit(there, { ...limits, allowDuplicate: false }).kind).toBe('join');
    expect(admit(there, { ...limits, allowDuplicate: true }).kind).toBe('create');
  });
});

describe('the budget', () => {
  const admission = (budgetFen: number | undefined, fen: number, changes: Partial<ReservationLedger> = {}) =>
    admit(ledger(changes), { fen, budgetFen, personBudgetFen: undefined, allowDuplicate: false });
  const refusal = (...given: Parameters<typeof admission>) => {
    const refused = admission(...given);
    if (refused.kind !== 'refuse') throw new Error(`not refused: ${refused.kind}`);
    return refused.problem;
  };

  test('has room up to the last fen', () => {
    expect(admission(280, 140, { reservedFen: 140 }).kind).toBe('create');
    expect(admission(279, 140, { reservedFen: 140 }).kind).toBe('refuse');
    expect(admission(undefined, 1000, { reservedFen: 100_000 }).kind).toBe('create');
    expect(admission(0, 140).kind).toBe('refuse');
  });

  test('does not stand in the way of joining what exists', () => {
    expect(admission(0, 140, { same: [sampleTask()] }).kind).toBe('join');
  });

  test('names the cost, the sum, the budget, and when there is room for this one', () => {
    const problem = refusal(420, 315, { reservedFen: 420, roomAt: SUBMITTED });
    expect(problem.message).toBe(
      'This video costs about ¥3.15, and ¥4.20 of the daily budget of ¥4.20 are used or reserved in the last 24 hours.',
    );
    expect(problem).toMatchObject({ code: 'budget_exceeded', charge: 'none', retryable: true, retryAt: SUBMITTED });
  });

  test('that is less than this one costs is not to be waited for', () => {
    const problem = refusal(300, 315);
    expect(problem.retryable).toBe(false);
    expect(problem.message).toContain('This video alone costs more than the budget.');
    expect(problem.hint).toBe('choose a cheaper mode or a shorter duration, or raise JIMENG_VIDEO_DAILY_BUDGET_CNY');
    expect(refusal(139, 140).hint).toBe('raise JIMENG_VIDEO_DAILY_BUDGET_CNY');
  });
});

describe('the budgets of a person and of the account', () => {
  const LATER = SUBMITTED + 60 * MINUTE;
  const account = { reservedFen: 900, roomAt: LATER };
  const own = { reservedFen: 200, roomAt: SUBMITTED };
  const refusal = (budgetFen: number, personBudgetFen: number | undefined, changes: Partial<ReservationLedger> = {}) =>
    beyondBudget(ledger({ ...account, own, ...changes }), { fen: 140, budgetFen, personBudgetFen });

  test('have room up to the last fen of each', () => {
    expect(refusal(1040, 340)).toBeUndefined();
    expect(refusal(1040, undefined)).toBeUndefined();
    expect(refusal(1039, 340)).toBeDefined();
    expect(refusal(1040, 339)).toBeDefined();
  });

  test('name the person’s own with its amounts, and the account’s without any', () => {
    expect(refusal(1040, 339)).toMatchObject({
      message:
        'This video costs about ¥1.40, and ¥2.00 of your own daily budget of ¥3.39 are used or reserved in the last 24 hours.',
      hint: 'wait until the budget has room again, or ask the operator of this server to raise it',
      retryAt: SUBMITTED,
    });
    expect(refusal(1039, 340)).toMatchObject({
      message:
        'This video costs about ¥1.40, and the daily budget of the account, which is shared here, is exhausted for now.',
      retryAt: LATER,
    });
  });

  test('that are both exhausted have room when the later one has', () => {
    expect(refusal(1039, 339)).toMatchObject({ message: expect.stringContaining('your own'), retryAt: LATER });
  });

  test('that are less than the video costs are not to be waited for, whichever of them it is', () => {
    expect(refusal(1039, 139, { own: { reservedFen: 0, roomAt: undefined } })).toMatchObject({
      message: expect.stringMatching(/your own.*This video alone costs more than the budget\.$/),
      hint: 'ask the operator of this server to raise it',
      retryable: false,
    });
    const dear = refusal(139, 339, { roomAt: undefined });
    expect(dear).toMatchObject({ message: expect.stringContaining('the account'), retryable: false });
    expect(dear?.message).not.toContain('¥1.39');
  });
});
