/** What a query's outcome makes of a task, and when it is polled next. Pure. */
import { compact } from '../compact.ts';
import type { QueryOutcome } from '../jimeng/api.ts';
import { LINK_LIFE_SECONDS, TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import { pauseBefore, SAVING_BACKOFF } from './backoff.ts';
import { errorOf, isAdopted, type TaskError, type TaskRecord, type TaskVideo } from './record.ts';

/** A task can be unknown shortly after its submit; the answer counts only after it has lasted this long. */
export const NOT_FOUND_BELIEVED_MILLISECONDS = 120_000;
/** `done` without a link: queried again this often, since the link may be a moment late. */
const WITHOUT_LINK_BELIEVED = 4;
const INPUT_ERROR = '50215';
/** Blips are not worth reporting; this many in a row are. */
const REPORT_AFTER_LOST = 3;
const REPORT_AFTER_INTERNAL_ERRORS = 10;
/** The provider forgets a task after 12 h (an FAQ says 24 h): what it does not know after this is over. */
const GIVEN_UP_MILLISECONDS = 24 * 3600_000;

/** Known when an answer arrives, beside the answer itself. Milliseconds. */
export interface PollState {
  /** Wall clock. */
  readonly now: number;
  /** Queries in a row, this one included, without an answer about the task. */
  readonly failedInRow: number;
  /** For how long the provider has answered not_found, on the monotonic clock. */
  readonly notFoundMilliseconds: number;
  /** For how long this process has polled it, on the monotonic clock. */
  readonly polledMilliseconds: number;
}

/**
 * A service returns 50215 for an input that it cannot use, and also for a task that it has forgotten, or never had
 * under this req_key (reference sections 6 and 7): for a task whose input is known to be right, or that was made
 * elsewhere, the latter.
 * @param now milliseconds since 1970
 */
export function inThisCase(task: TaskRecord, outcome: QueryOutcome, now: number): QueryOutcome {
  if (outcome.kind !== 'failed' || outcome.problem.code !== INPUT_ERROR) return outcome;
  const isForgotten = task.video !== undefined || isPastLife(task, now);
  if (isForgotten || isAdopted(task)) return { ...outcome, kind: 'not_found' };
  return task.request.image === undefined ? { ...outcome, problem: withoutPicture(outcome.problem) } : outcome;
}

/** The row's advice is about pictures. */
function withoutPicture({ providerCode, providerText }: Problem): Problem {
  return new Problem(INPUT_ERROR, {
    what: 'The provider could not use the request, and does not say why.',
    hint: 'reword the prompt, or choose another mode',
    ...{ providerCode, providerText },
  });
}

/** @returns the same record when nothing worth writing down has changed */
export function afterQuery(task: TaskRecord, outcome: QueryOutcome, state: PollState): TaskRecord {
  const { pollingProblem: _p, firstNotFoundAt: _n, saveAgainAt: _s, ...clean } = task;
  const seen: TaskRecord = {
    ...clean,
    sandbox: task.sandbox || outcome.sandbox,
    ...compact({ requestId: outcome.requestId, raw: outcome.raw }),
  };
  const closed = { finishedAt: state.now };
  const withoutLink = whileWithoutLink(task, outcome, state.now);
  if (withoutLink !== undefined) return withoutLink;
  switch (outcome.kind) {
    case 'done':
      return { ...seen, status: 'generating', video: videoOf(task, outcome, state.now) };
    case 'failed':
      return { ...seen, ...closed, status: 'failed', error: errorOf(outcome.problem) };
    case 'done_without_link':
      return afterDoneWithoutLink(seen, errorOf(outcome.problem), state.now);
    case 'expired':
      return { ...seen, ...closed, status: 'expired', error: errorOf(expired(task, state.now)) };
    case 'not_found':
      return afterNotFound(task, seen, state);
    case 'running': {
      const providerStatus = outcome.word === 'in_queue' ? 'in_queue' : 'generating';
      const isNews =
        providerStatus !== task.providerStatus ||
        task.pollingProblem !== undefined ||
        task.firstNotFoundAt !== undefined;
      return isNews ? { ...seen, providerStatus } : task;
    }
    default:
      return afterNoAnswer(task, outcome, state);
  }
}

/** The provider made it, and does not say where it is: perhaps a moment later, perhaps hours. It may have been charged. */
function afterDoneWithoutLink(task: TaskRecord, error: TaskError, now: number): TaskRecord {
  const withoutLink = (task.withoutLink ?? 0) + 1;
  if (withoutLink < WITHOUT_LINK_BELIEVED) return { ...task, withoutLink };
  const pause = pauseBefore(withoutLink - WITHOUT_LINK_BELIEVED + 1, SAVING_BACKOFF, 1);
  const again = isPastLife(task, now) ? {} : { saveAgainAt: now + pause };
  return { ...task, ...again, withoutLink, status: 'done', finishedAt: task.finishedAt ?? now, error };
}

/** The task is finished, and only its link is missing: an answer without one changes nothing. */
function whileWithoutLink(task: TaskRecord, { kind }: QueryOutcome, now: number): TaskRecord | undefined {
  if (task.status !== 'done' || task.video !== undefined || task.error === undefined) return undefined;
  const isNews = ['done', 'done_without_link', 'failed', 'expired'].includes(kind);
  if (isNews || (kind === 'not_found' && isPastLife(task, now))) return undefined;
  const { saveAgainAt: _, ...rest } = task;
  return afterDoneWithoutLink(rest, task.error, now);
}

/** The provider may let one expire before its time. */
function expired(task: TaskRecord, now: number): Problem {
  return new Problem('expired', isPastLife(task, now) ? {} : { what: 'The provider says that the task has expired.' });
}

/** The answer itself proves the wall clock: the provider refuses a signature that is 15 minutes off. */
function afterNotFound(task: TaskRecord, seen: TaskRecord, state: PollState): TaskRecord {
  const closed = { finishedAt: state.now };
  if (isPastLife(task, state.now)) {
    return { ...seen, ...closed, status: 'expired', error: errorOf(new Problem('expired')) };
  }
  if (state.notFoundMilliseconds >= NOT_FOUND_BELIEVED_MILLISECONDS) {
    return { ...seen, ...closed, status: 'not_found', error: errorOf(new Problem('not_found')) };
  }
  if (task.firstNotFoundAt === undefined) return { ...seen, firstNotFoundAt: state.now };
  return task.pollingProblem === undefined ? task : { ...seen, firstNotFoundAt: task.firstNotFoundAt };
}

type NoAnswer = Extract<QueryOutcome, { kind: 'blocked' | 'unanswered' }>;

/** Nothing was learned of the task; what prevents polling is reported once it is more than a blip. */
function afterNoAnswer(task: TaskRecord, outcome: NoAnswer, state: PollState): TaskRecord {
  if (ageOf(task, state.now) > GIVEN_UP_MILLISECONDS && isTimeProven(outcome, state)) {
    return { ...task, status: 'expired', finishedAt: state.now, error: errorOf(new Problem('expired')) };
  }
  const passing = outcome.kind === 'unanswered' ? REPORT_AFTER_LOST : REPORT_AFTER_INTERNAL_ERRORS;
  const reportAfter = outcome.problem.who === 'operator' && outcome.kind === 'blocked' ? 1 : passing;
  const isReported = task.pollingProblem?.code === outcome.problem.code;
  if (state.failedInRow < reportAfter || isReported) return task;
  return { ...task, pollingProblem: { ...errorOf(outcome.problem), count: state.failedInRow } };
}

/**
 * A wall clock that jumped must not end a running task: its age counts only if the provider took the signature's
 * date (a business code, all digits, comes from behind the gateway), or if it was polled for that long.
 */
function isTimeProven(outcome: NoAnswer, state: PollState): boolean {
  const isBusinessCode = outcome.kind === 'blocked' && /^\d+$/.test(outcome.problem.code);
  return isBusinessCode || state.polledMilliseconds > GIVEN_UP_MILLISECONDS;
}

/** The provider no longer has it. @param now milliseconds since 1970 */
export function isPastLife(task: TaskRecord, now: number): boolean {
  return ageOf(task, now) > TASK_LIFE_SECONDS * 1000;
}

/** @returns milliseconds since the provider took it; of one that it has not taken, since it was reserved */
export function ageOf(task: TaskRecord, now: number): number {
  return now - (task.acceptedAt ?? task.reservedAt);
}

function videoOf({ video }: TaskRecord, outcome: Extract<QueryOutcome, { kind: 'done' }>, now: number): TaskVideo {
  return { ...video, ...linkOf(outcome.url, now), ...compact({ isLabelled: outcome.aigcMetaTagged }) };
}

/** @param now when the link was given, milliseconds since 1970 */
export function linkOf(url: string, now: number): { readonly url: string; readonly urlValidUntil: number } {
  return { url, urlValidUntil: now + LINK_LIFE_SECONDS * 1000 };
}
