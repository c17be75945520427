/** Problems of the server's own database, for a person who can do nothing about it: without where it is and what ails it. */
import type { Caller } from '../library/library.ts';
import type { Log } from '../log.ts';
import { Problem, type ProblemCode } from '../problems.ts';
import { seenBy } from '../tasks/person.ts';

const INNER: ReadonlySet<string> = new Set<ProblemCode>([
  'state_not_writable',
  'state_busy',
  'state_damaged',
  'store_replaced',
  'store_unavailable',
]);

/** The whole problem goes to the log instead. */
export function problemFor(caller: Caller | undefined, problem: Problem, log: Log): Problem {
  if (caller === undefined || seenBy(caller) === undefined || !INNER.has(problem.code)) return problem;
  log.warn('the store cannot be used', { reason: problem.message });
  const wait = problem.retryable ? 'wait a minute; if it stays so, ' : '';
  return new Problem(problem.code as ProblemCode, {
    hint: `${wait}ask the operator of this server, whose log has the reason`,
  });
}
