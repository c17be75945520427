/** What does a query's outcome make of a task's record? Pure. */
import type { QueryOutcome } from '../jimeng/api.ts';
import { LINK_LIFE_SECONDS, TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import { iso } from './context.ts';
import { isAdopted, type TaskRecord } from './record.ts';
import { errorOf } from './submit.ts';

/** A task can be unknown for a moment after its submit; so long in a row it is believed. */
export const NOT_FOUND_BELIEVED_MILLISECONDS = 120_000;
const INPUT_ERROR = '50215';
/** Blips are not worth telling; this many in a row are. */
const TELL_AFTER_LOST = 3;
const TELL_AFTER_INTERNAL_ERRORS = 10;
/** A finished task without a usable link is queried so often, then reported with charge `possible`. */
const LINK_QUERIES = 5;
/** The provider forgets a task after 12 h (an FAQ says 24 h): whatever it does not know after this is over. */
const GIVEN_UP_MILLISECONDS = 24 * 3600_000;

/** What is known at the moment of an answer beside the answer itself. Milliseconds. */
export interface Looked {
  /** Wall clock. */
  readonly now: number;
  /** Queries in a row, this one included, that said nothing of the task. */
  readonly failedInRow: number;
  /** For how long the provider has said not_found, on the monotonic clock. */
  readonly notFoundMilliseconds: number;
  /** For how long this process has watched, on the monotonic clock. */
  readonly watchedMilliseconds: number;
}

/**
 * 50215 is what a service says of an input that it cannot use, and also of a task that it has forgotten, or never had under
 * this req_key (reference section 6 and 7): for one whose input is known to be right, or that was made elsewhere, the latter.
 * @param now milliseconds since 1970
 */
export function inThisCase(record: TaskRecord, outcome: QueryOutcome, now: number): QueryOutcome {
  if (outcome.kind !== 'failed' || outcome.problem.code !== INPUT_ERROR) return outcome;
  const isForgotten = record.video !== undefined || isPastLife(record, now);
  if (isForgotten || isAdopted(record)) return { ...outcome, kind: 'not_found' };
  return record.request.image === undefined ? { ...outcome, problem: withoutPicture(outcome.problem) } : outcome;
}

/** The row's advice is about pictures. */
function withoutPicture({ providerCode, providerText }: Problem): Problem {
  return new Problem(INPUT_ERROR, {
    what: 'The provider could not use the request, and says no more than that.',
    mend: 'reword the prompt, or choose another mode',
    ...(providerCode === undefined ? {} : { providerCode }),
    ...(providerText === undefined ? {} : { providerText }),
  });
}

/** @returns the same record when nothing worth writing down has changed */
export function afterQuery(record: TaskRecord, outcome: QueryOutcome, looked: Looked): TaskRecord {
  const { hindrance: _h, first_not_found_at: _n, ...clean } = record;
  const seen: TaskRecord = {
    ...clean,
    sandbox: record.sandbox || outcome.sandbox,
    ...(outcome.requestId === undefined ? {} : { request_id: outcome.requestId }),
    ...(outcome.raw === undefined ? {} : { raw: outcome.raw }),
  };
  const over = { finished_at: iso(looked.now) };
  switch (outcome.kind) {
    case 'done':
      return { ...seen, status: 'generating', video: { ...record.video, ...linkOf(outcome.url, looked.now) } };
    case 'failed':
      return { ...seen, ...over, status: 'failed', error: errorOf(outcome.problem) };
    case 'expired':
      return { ...seen, ...over, status: 'expired', error: errorOf(expired(record, looked.now)) };
    case 'not_found':
      return afterNotFound(record, seen, looked);
    case 'done_without_link':
      if (looked.failedInRow < LINK_QUERIES) return record;
      return { ...seen, ...over, status: 'expired', error: errorOf(outcome.problem) };
    case 'running': {
      const status = outcome.word === 'in_queue' ? 'in_queue' : 'generating';
      const changed =
        status !== record.status || record.hindrance !== undefined || record.first_not_found_at !== undefined;
      return changed ? { ...seen, status } : record;
    }
    default:
      return afterNoAnswer(record, outcome, looked);
  }
}

/** The provider may let one expire before its time. */
function expired(record: TaskRecord, now: number): Problem {
  return new Problem(
    'expired',
    isPastLife(record, now) ? {} : { what: 'The provider says that the task has expired.' },
  );
}

/** The answer itself proves the wall clock: the provider refuses a signature that is 15 minutes off. */
function afterNotFound(record: TaskRecord, seen: TaskRecord, looked: Looked): TaskRecord {
  const over = { finished_at: iso(looked.now) };
  if (isPastLife(record, looked.now)) {
    return { ...seen, ...over, status: 'expired', error: errorOf(new Problem('expired')) };
  }
  if (looked.notFoundMilliseconds >= NOT_FOUND_BELIEVED_MILLISECONDS) {
    return { ...seen, ...over, status: 'not_found', error: errorOf(new Problem('not_found')) };
  }
  if (record.first_not_found_at === undefined) return { ...seen, first_not_found_at: iso(looked.now) };
  return record.hindrance === undefined ? record : { ...seen, first_not_found_at: record.first_not_found_at };
}

/** Nothing was learned of the task; what stands in the way is told once it is more than a blip. */
function afterNoAnswer(
  record: TaskRecord,
  outcome: Extract<QueryOutcome, { kind: 'hindered' | 'unanswered' }>,
  looked: Looked,
): TaskRecord {
  if (ageOf(record, looked.now) > GIVEN_UP_MILLISECONDS && isTimeProven(outcome, looked)) {
    return { ...record, status: 'expired', finished_at: iso(looked.now), error: errorOf(new Problem('expired')) };
  }
  const passing = outcome.kind === 'unanswered' ? TELL_AFTER_LOST : TELL_AFTER_INTERNAL_ERRORS;
  const tellAfter = outcome.problem.who === 'operator' && outcome.kind === 'hindered' ? 1 : passing;
  const same = record.hindrance?.code === outcome.problem.code;
  if (looked.failedInRow < tellAfter || same) return record;
  return { ...record, hindrance: { ...errorOf(outcome.problem), count: looked.failedInRow } };
}

/**
 * A wall clock that jumped must not end a running task: its age counts only if the provider took the signature's
 * date (a business code, all digits, comes from behind the gateway), or if it was watched for that long.
 */
function isTimeProven(outcome: Extract<QueryOutcome, { kind: 'hindered' | 'unanswered' }>, looked: Looked): boolean {
  const isBusinessCode = outcome.kind === 'hindered' && /^\d+$/.test(outcome.problem.code);
  return isBusinessCode || looked.watchedMilliseconds > GIVEN_UP_MILLISECONDS;
}

/** @param now milliseconds since 1970 */
export function isPastLife(record: TaskRecord, now: number): boolean {
  return ageOf(record, now) > TASK_LIFE_SECONDS * 1000;
}

function ageOf(record: TaskRecord, now: number): number {
  return now - Date.parse(record.submitted_at ?? record.created_at);
}

/** @param now when the link was given, milliseconds since 1970 */
export function linkOf(url: string, now: number): { url: string; url_valid_until: string } {
  return { url, url_valid_until: iso(now + LINK_LIFE_SECONDS * 1000) };
}
