/** Does every problem say who can mend it, and in one sentence what happened and what to do? */
import { describe, expect, test } from 'vitest';
import {
  GATEWAY_NUMBERS,
  isProblemCode,
  PROBLEMS,
  Problem,
  type ProblemCode,
  type ProblemRow,
} from '../src/problems.ts';

const ROWS = Object.entries(PROBLEMS) as [ProblemCode, ProblemRow][];

describe.each(ROWS)('the row %s', (code, row) => {
  test('says in a sentence what happened, and as an imperative without a full stop what to do', () => {
    expect(row.what).toMatch(/^[A-Z].*\.$/s);
    expect(row.mend).toMatch(/^[a-z].*[^.]$/s);
    expect(`${row.what}${row.mend}`).not.toMatch(/\n/);
  });

  test('becomes a Problem with all it says', () => {
    const problem = new Problem(code);
    expect([problem.code, problem.message, problem.mend]).toEqual([code, row.what, row.mend]);
    expect([problem.who, problem.charge, problem.retryable]).toEqual([row.who, row.charge, row.retryable]);
  });
});

test('money may have been spent only where the answer does not tell', () => {
  const possible = ROWS.filter(([, row]) => row.charge === 'possible').map(([code]) => code);
  expect(possible.sort()).toEqual(
    [
      ...['50500', '50501', 'InternalError', 'FailToConnect', 'InternalServiceTimeout', 'ServiceUnavailableTemp'],
      ...['timeout', 'connection_lost', 'unreadable_answer', 'interrupted', 'not_found', 'expired', 'internal_error'],
    ].sort(),
  );
});

test('what the reference calls retryable is so in the table', () => {
  const official = ['50429', '50430', '50500', '50501', '50511', '50516', '50517', '50519'];
  const business = ROWS.filter(([code]) => /^\d/.test(code));
  expect(business.filter(([, row]) => row.retryable).map(([code]) => code)).toEqual(official);
});

test('every number of the gateway leads to a row', () => {
  for (const name of Object.values(GATEWAY_NUMBERS)) expect(isProblemCode(name)).toBe(true);
  expect(Object.keys(GATEWAY_NUMBERS)).toHaveLength(13);
});

test('a name that every object has is no code', () => {
  for (const name of ['constructor', 'toString', '__proto__']) expect(isProblemCode(name)).toBe(false);
});

test('numbers and names replace the row’s words, and the rest of the row stays', () => {
  const problem = new Problem('unknown_code', { what: 'W.', mend: 'm', code: '50999', providerText: 'p', cause: 'c' });
  expect(problem).toMatchObject({
    message: 'W.',
    mend: 'm',
    code: '50999',
    providerText: 'p',
    cause: 'c',
    who: 'unknown',
  });
});
