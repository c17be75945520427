/** What to do next, as data. A surface phrases it for its reader: phrasing-tools.ts, phrasing-terminal.ts. Pure. */
import { TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import { PROBLEMS, type Problem, type Who } from '../problems.ts';
import type { ListView, TaskView } from '../tasks/calls.ts';
import { isAdopted, isOpen, type TaskError, type TaskRecord } from '../tasks/record.ts';

/** What has to be fixed first, and by whom. */
export interface Fix {
  readonly code: string;
  readonly who: Who;
  /** An imperative without a full stop. */
  readonly hint: string;
}

/** Polls, waits, saves, and refreshes the link. */
export interface GetCall {
  readonly taskId: string;
  /** Where this call wants the video, while the task does not have it there. */
  readonly output?: string;
}

export type NextStep =
  /** The task continues without the caller. `isSent`: it can no longer be withdrawn. `release`: unknown tasks that hold the slot. */
  | { readonly action: 'wait'; readonly get: GetCall; readonly isSent: boolean; readonly release: readonly string[] }
  /** `get` changes something: it sends, saves, or refreshes the link. */
  | { readonly action: 'get'; readonly get: GetCall; readonly to: 'send' | 'save' | 'refresh_link' }
  | { readonly action: 'fix_then_get'; readonly fix: Fix; readonly get: GetCall }
  /** No process works on the queue: whoever runs the server has to start one. */
  | { readonly action: 'start_worker'; readonly get: GetCall }
  /** `request`: the request of a failed task. `call_about_task`: the task exists, and repeating the call pays for nothing. */
  | { readonly action: 'fix_then_repeat'; readonly fix: Fix; readonly repeat: 'request' | 'call' | 'call_about_task' }
  /** Another task has to be saved before the call can be made. */
  | { readonly action: 'get_then_repeat'; readonly get: GetCall }
  | { readonly action: 'show_file' }
  /** A preview was made. */
  | { readonly action: 'judge'; readonly filmId?: string }
  | { readonly action: 'give_link'; readonly validUntil: number }
  /** The money may be gone: only the user may decide to pay again. `mustDiffer`: the same request would join this one. */
  | {
      readonly action: 'ask_before_paying';
      readonly mustDiffer: boolean;
      readonly console: boolean;
      readonly fix?: Fix;
    }
  | { readonly action: 'get_with_mode'; readonly providerTaskId: string }
  | { readonly action: 'list'; readonly to: 'find_id' | 'check_before_paying' }
  /** The dry run was fine. `same`: the call would join this task. `fix`: the paid call needs it first. */
  | { readonly action: 'make'; readonly same?: string; readonly fix?: Fix }
  /** A film continues without the caller. */
  | { readonly action: 'wait_for_film'; readonly filmId: string }
  /** A shot has no video. `mayCost`: it may have been charged, and in the provider's console it can be looked for. */
  | {
      readonly action: 'retake';
      readonly filmId: string;
      readonly shot: number;
      readonly mayCost?: 'console' | 'ask';
      readonly fix?: Fix;
    }
  /** Videos that are there can be joined again. */
  | { readonly action: 'join'; readonly videos: readonly string[] }
  /** Over, and nothing was paid. */
  | { readonly action: 'repeat_if_wanted' };

export type ListStep =
  | { readonly action: 'wait_for_all'; readonly open: number }
  | { readonly action: 'save'; readonly get: GetCall }
  /** All that is open was queued by processes that are gone. `get`: the first of them. */
  | { readonly action: 'send'; readonly get: GetCall; readonly left: number }
  /** What is open is queued, and no process works on the queue. */
  | { readonly action: 'start_worker' }
  /** Without the keys nothing is polled; and where no account is known, nothing is listed. */
  | { readonly action: 'set_keys'; readonly isAccountKnown: boolean; readonly fix: Fix; readonly why: string }
  /** It needs a retake to continue. */
  | { readonly action: 'look_at_film'; readonly filmId: string }
  | { readonly action: 'none' };

export function fixOf({ code, who, hint }: Fix): Fix {
  return { code, who, hint };
}

/** The provider no longer has it. */
export function isPastLife({ acceptedAt }: TaskRecord, now: number): boolean {
  return acceptedAt !== undefined && now >= acceptedAt + TASK_LIFE_SECONDS * 1000;
}

export function hasLink({ video }: TaskRecord, now: number): boolean {
  return video !== undefined && video.urlValidUntil > now;
}

export function nextStepOf(view: TaskView): NextStep {
  const { task, output } = view;
  const get: GetCall = { taskId: task.id, ...(isOpen(task.status) && output !== undefined ? { output } : {}) };
  switch (task.status) {
    case 'queued':
      return whenQueued(view, get);
    case 'submitting':
    case 'generating': {
      const problem = view.problem ?? task.pollingProblem ?? task.sendingProblem;
      if (problem?.who === 'operator') return { action: 'fix_then_get', fix: fixOf(problem), get };
      return { action: 'wait', get, isSent: true, release: [] };
    }
    case 'done':
      return whenDone(view, get);
    case 'failed':
      return { action: 'fix_then_repeat', fix: failure(task.error), repeat: 'request' };
    case 'unknown': {
      const { error } = task;
      const fix = error?.who === 'unknown' && error.retryable ? { fix: fixOf(error) } : {};
      return { action: 'ask_before_paying', mustDiffer: true, console: true, ...fix };
    }
    case 'not_found':
      if (isAdopted(task)) return { action: 'get_with_mode', providerTaskId: task.providerTaskId ?? '' };
      return askBeforePaying();
    case 'expired':
      return task.sentAt === undefined && !isAdopted(task) ? { action: 'repeat_if_wanted' } : askBeforePaying();
    case 'cancelled':
      return { action: 'repeat_if_wanted' };
  }
}

function askBeforePaying(): NextStep {
  return { action: 'ask_before_paying', mustDiffer: false, console: false };
}

function failure(error: TaskError | undefined): Fix {
  return error === undefined ? { code: 'unknown_code', who: 'you', hint: 'change the request' } : fixOf(error);
}

function whenQueued({ task, queue, problem }: TaskView, get: GetCall): NextStep {
  if (queue?.waitsFor === 'worker') return { action: 'start_worker', get };
  const blockedBy = problem ?? task.sendingProblem;
  if (blockedBy?.who === 'operator') return { action: 'fix_then_get', fix: fixOf(blockedBy), get };
  if (queue?.waitsFor === 'process') return { action: 'get', get, to: 'send' };
  return { action: 'wait', get, isSent: false, release: queue?.waitsFor === 'unknown' ? queue.unknowns : [] };
}

function whenDone({ task, now, problem, missingFile, copy, output }: TaskView, get: GetCall): NextStep {
  const isSaved = task.video?.file !== undefined && missingFile === undefined;
  const again = output === undefined ? get : { ...get, output };
  if (problem !== undefined && copy === undefined) return afterProblem(problem, isSaved, task, now, again);
  if (isSaved || copy !== undefined) return { action: 'show_file' };
  if (task.error !== undefined) return afterProblem(task.error, false, task, now, get);
  if (isPastLife(task, now) && !hasLink(task, now)) return askBeforePaying();
  if (task.place !== null) return { action: 'get', get, to: 'save' };
  const { video } = task;
  if (video === undefined || !hasLink(task, now)) return { action: 'get', get, to: 'refresh_link' };
  return { action: 'give_link', validUntil: video.urlValidUntil };
}

/** A file that was saved earlier is what the user gets, where the provider cannot give the video again. */
function afterProblem(problem: TaskError, isSaved: boolean, task: TaskRecord, now: number, get: GetCall): NextStep {
  const isLost = isPastLife(task, now) && !hasLink(task, now);
  if (isLost || ['not_found', 'expired'].includes(problem.code)) {
    return isSaved ? { action: 'show_file' } : askBeforePaying();
  }
  if (problem.code === 'conversion_failed' && isSaved) return { action: 'show_file' };
  return { action: 'fix_then_get', fix: fixOf(problem), get };
}

/** @param taskId the task that the call was about */
export function nextStepAfter(problem: Problem, taskId: string | undefined): NextStep {
  if (problem.code === 'internal_error') return { action: 'list', to: 'check_before_paying' };
  if (problem.getFirst !== undefined) return { action: 'get_then_repeat', get: { taskId: problem.getFirst } };
  if (problem.code === 'no_record' && problem.hint === PROBLEMS.no_record.hint)
    return { action: 'list', to: 'find_id' };
  return { action: 'fix_then_repeat', fix: fixOf(problem), repeat: taskId === undefined ? 'call' : 'call_about_task' };
}

export interface KnownKeys {
  readonly whyNotPolled: Problem | undefined;
  readonly isAccountKnown: boolean;
}

export const ALL_KEYS: KnownKeys = { whyNotPolled: undefined, isAccountKnown: true };

/** @param keys without both nothing is polled; the access key alone decides whose videos are listed */
export function nextStepOfList({ tasks, counts, now, queue }: ListView, keys: KnownKeys = ALL_KEYS): ListStep {
  const { whyNotPolled, isAccountKnown } = keys;
  const open = openCount(counts);
  // With a wrong setting these may be another account's, or another service's.
  const isWrong = whyNotPolled?.code === 'invalid_settings';
  if (whyNotPolled !== undefined && (open > 0 || !isAccountKnown || isWrong))
    return { action: 'set_keys', isAccountKnown, fix: fixOf(whyNotPolled), why: whyNotPolled.message };
  const left = tasks.filter(({ id }) => queue.get(id)?.waitsFor === 'process');
  const first = left.at(-1);
  if (first !== undefined && left.length === open)
    return { action: 'send', get: { taskId: first.id }, left: left.length };
  const isUnsent = tasks.some(({ id }) => queue.get(id)?.waitsFor === 'worker');
  if (isUnsent && counts.queued === open) return { action: 'start_worker' };
  if (open > 0) return { action: 'wait_for_all', open };
  const unsaved = tasks.find(
    (task) => task.status === 'done' && task.place !== null && task.video?.file === undefined && !isPastLife(task, now),
  );
  return unsaved === undefined ? { action: 'none' } : { action: 'save', get: { taskId: unsaved.id } };
}

export function openCount(counts: ListView['counts']): number {
  return (counts.queued ?? 0) + (counts.submitting ?? 0) + (counts.generating ?? 0);
}
