/** Every problem says who can fix it, what happened, and what to do. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  GATEWAY_NUMBERS,
  isProblemCode,
  PROBLEMS,
  Problem,
  type ProblemCode,
  type ProblemRow,
  together,
} from '../../src/problems.ts';

const ROWS = Object.entries(PROBLEMS) as [ProblemCode, ProblemRow][];

describe.each(ROWS)('the row %s', (code, row) => {
  test('has a sentence for what happened, and an imperative without a full stop for what to do', () => {
    expect(row.what).toMatch(/^[A-Z].*\.$/s);
    expect(row.hint).toMatch(/^[a-z].*[^.]$/s);
    expect(`${row.what}${row.hint}`).not.toMatch(/\n/);
  });

  test('names no tool and no input of one: each surface adds its own calls', () => {
    const words =
      /_video_task|generate_video|allow_duplicate|wait_seconds|dry_run|`|(?<!jimeng-video-mcp doctor )--[a-z]/;
    expect(`${row.what} ${row.hint}`).not.toMatch(words);
  });

  test('becomes a Problem with all of its fields', () => {
    const problem = new Problem(code);
    expect([problem.code, problem.message, problem.hint]).toEqual([code, row.what, row.hint]);
    expect([problem.who, problem.charge, problem.retryable]).toEqual([row.who, row.charge, row.retryable]);
  });
});

test('money may have been spent only where the answer leaves that open', () => {
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

test('a name that every object has is not a code', () => {
  for (const name of ['constructor', 'toString', '__proto__']) expect(isProblemCode(name)).toBe(false);
});

test('numbers and names replace the row’s words, and the rest of the row stays', () => {
  const problem = new Problem('unknown_code', { what: 'W.', hint: 'm', code: '50999', providerText: 'p', cause: 'c' });
  expect(problem).toMatchObject({
    message: 'W.',
    hint: 'm',
    code: '50999',
    providerText: 'p',
    cause: 'c',
    who: 'unknown',
  });
});

test('rows are grouped by who can fix them', () => {
  const changes = (codes: readonly (readonly [string, ProblemRow])[]) =>
    codes.filter(([, { who }], index) => index > 0 && codes[index - 1]?.[1].who !== who).length;
  const ours = ROWS.filter(([code]) => /^[a-z]/.test(code));
  const gateway = ROWS.filter(([code]) => /^[A-Z]/.test(code));
  expect([changes(ours), changes(gateway)]).toEqual([3, 1]);
});

test('several problems become one, with each hint once', () => {
  const first = new Problem('invalid_image', { what: 'A.', hint: 'fix it' });
  const all = together([first, new Problem('invalid_input', { what: 'B.', hint: 'fix it' }), first]);
  expect([all.code, all.message, all.hint]).toEqual(['invalid_image', 'A. B.', 'fix it']);
});

test('no hint in the sources names a tool or an option: it would be wrong for one of its readers', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = (readdirSync(source, { recursive: true }) as string[]).filter((path) => path.endsWith('.ts'));
  const wrong = files
    .filter((path) => !/^(report|mcp|cli)[\\/]/.test(path))
    .flatMap((path) =>
      readFileSync(join(source, path), 'utf8')
        .split('\n')
        .map((line) => `${path}: ${line.trim()}`),
    )
    .filter(
      (line) =>
        /: hint: /.test(line) &&
        /_video_task|generate_video|restart the server|server's settings|hint: '.*`/.test(line),
    );
  expect(wrong).toEqual([]);
});
