/** Builds the report of one task: one plain object, from which every text is rendered. */
import * as z from 'zod';
import { compact } from '../compact.ts';
import { TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import type { Problem } from '../problems.ts';
import type { CheckedView, TaskView } from '../tasks/calls.ts';
import { type Charge, chargeOf, isOpen, TASK_STATUSES, type TaskError, type TaskRecord } from '../tasks/record.ts';
import { conversionNotes, messageOf, SANDBOX, sentence, sentenceOf } from './message.ts';
import { fixOf, nextStepAfter, nextStepOf } from './next-step.ts';
import type { Phrasing } from './phrasing-tools.ts';
import { cleanText, oneLine, yuan } from './text.ts';
import { ageSeconds } from './time-left.ts';

/** `running` and `waiting` are a film's. */
export const REPORT_STATUSES = ['checked', 'refused', ...TASK_STATUSES, 'running', 'waiting'] as const;

const shotSchema = z.strictObject({
  shot: z.number(),
  task_id: z.string().optional(),
  take: z.number().optional(),
  status: z.string().optional(),
  mode: z.string().optional(),
  duration: z.number().optional(),
  continues: z.boolean().optional(),
  path: z.string().optional(),
  cost_cny: z.number().optional(),
  prompt: z.string().optional(),
  waits_for: z.string().optional(),
  error: z.string().optional(),
});

export const videoSchema = z.strictObject({
  url: z.string().optional(),
  url_valid_until: z.string().optional(),
  path: z.string().optional(),
  bytes: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  duration_seconds: z.number().optional(),
  fps: z.number().optional(),
});

/** Times are ISO 8601 in UTC, money is CNY, lengths are seconds. */
export const reportSchema = z.strictObject({
  task_id: z.string().optional(),
  status: z.enum(REPORT_STATUSES),
  message: z.string(),
  next_step: z.string(),
  prompt: z.string().optional(),
  person: z.string().optional(),
  mode: z.string().optional(),
  duration: z.number().optional(),
  fps: z.number().optional(),
  video: videoSchema.optional(),
  provider: z
    .strictObject({
      status: z.enum(['in_queue', 'generating']).optional(),
      task_id: z.string().optional(),
      req_key: z.string().optional(),
      request_id: z.string().optional(),
    })
    .optional(),
  submitted_at: z.string().optional(),
  finished_at: z.string().optional(),
  elapsed_seconds: z.number().optional(),
  collect_before: z.string().optional(),
  film_id: z.string().optional(),
  title: z.string().optional(),
  shots: z.array(shotSchema).optional(),
  film: videoSchema.omit({ fps: true }).required({ path: true }).optional(),
  sandbox: z.boolean().optional(),
  cost: z
    .strictObject({
      estimated_cny: z.number().optional(),
      billed_seconds: z.number().optional(),
      charge: z.enum(['none', 'possible', 'made']),
    })
    .optional(),
  error: z
    .strictObject({
      code: z.string(),
      provider_code: z.string().optional(),
      message: z.string(),
      who: z.enum(['you', 'operator', 'provider', 'unknown']),
      retryable: z.boolean(),
    })
    .optional(),
});
export type Report = z.infer<typeof reportSchema>;

/** A film that waits for a retake has lost nothing. */
export function isErrorStatus(status: Report['status']): boolean {
  return ['refused', 'failed', 'unknown', 'not_found', 'expired'].includes(status);
}

export function reportOf(view: TaskView, phrasing: Phrasing): Report {
  const { task, now, problem } = view;
  const { request } = task;
  const blockedBy = isOpen(task.status) ? (task.pollingProblem ?? task.sendingProblem) : undefined;
  return compact({
    task_id: task.id,
    status: task.status,
    message: messageOf(view, phrasing),
    next_step: phrasing.nextStep(nextStepOf(view)),
    prompt: request.prompt === undefined ? undefined : cleanText(request.prompt),
    person: view.person && oneLine(view.person),
    mode: request.mode,
    duration: request.duration,
    fps: request.fps,
    video: videoOf(view),
    provider: compact({
      status: task.status === 'generating' && task.video === undefined ? task.providerStatus : undefined,
      task_id: task.providerTaskId,
      req_key: task.reqKey,
      request_id: task.requestId,
    }),
    submitted_at: isoOf(task.acceptedAt ?? task.sentAt),
    finished_at: isOpen(task.status) ? undefined : isoOf(task.finishedAt),
    elapsed_seconds: elapsedSeconds(task, now),
    collect_before: collectBefore(task),
    sandbox: task.sandbox ? true : undefined,
    cost: compact({ estimated_cny: cnyOf(task.fen), billed_seconds: task.billedSeconds, charge: shownCharge(task) }),
    error: shownError(problem ?? task.error ?? blockedBy),
  });
}

/** What became of a withdrawal: a task that could not be withdrawn is reported as it is. */
export function cancelReport(
  result: TaskView & { readonly withdrawn: boolean; readonly slotReleased: boolean },
  phrasing: Phrasing,
): Report {
  const { withdrawn, slotReleased, ...view } = result;
  const report = reportOf(view, phrasing);
  const { status } = view.task;
  if (withdrawn || status === 'cancelled') return report;
  const first = slotReleased
    ? 'Its slot is free for queued requests.'
    : isOpen(status)
      ? 'Not cancelled: the request has already been sent, and the provider cannot stop it.'
      : `Not cancelled: ${status === 'done' ? 'the video is already finished' : 'the task has already ended'}.`;
  return { ...report, message: `${first} ${report.message}` };
}

/** Nothing of the sandbox is ever charged. */
function shownCharge(task: TaskRecord): Charge {
  return task.sandbox ? 'none' : chargeOf(task);
}

/**
 * The call was refused: nothing was recorded or sent. Only after an error of our own that is not certain.
 * @param about.taskId the task that the call was about; its cost is not reported
 */
export function refusal(
  problem: Problem,
  phrasing: Phrasing,
  about: { readonly sandbox?: boolean; readonly taskId?: string | undefined } = {},
): Report {
  const isFree = problem.charge === 'none';
  const taskId = problem.code === 'no_record' ? undefined : about.taskId;
  const isFilm = taskId?.startsWith('jf-') ?? false;
  return compact({
    task_id: isFilm ? undefined : taskId,
    film_id: isFilm ? taskId : undefined,
    status: isFree ? ('refused' as const) : ('unknown' as const),
    message: refusalMessage(problem, phrasing),
    next_step: phrasing.nextStep(nextStepAfter(problem, taskId)),
    sandbox: about.sandbox ? true : undefined,
    cost: taskId === undefined ? { charge: about.sandbox ? ('none' as const) : problem.charge } : undefined,
    error: shownError(problem),
  });
}

export function refusalMessage({ message, retryAt }: Problem, { time }: Phrasing): string {
  const when = retryAt === undefined ? '' : ` The call can succeed from ${time(retryAt)} on.`;
  return `${oneLine(message)}${when}`;
}

/**
 * A dry run: everything is valid, and nothing was recorded or sent.
 * @param whyNotPaid what the call would be refused with, all the same: keys that are missing
 */
export function checkedReport(view: CheckedView, phrasing: Phrasing, whyNotPaid?: Problem): Report {
  const { request, estimatedFen, billedSeconds, path, same, notes, sandbox } = view;
  const cny = estimatedFen / 100;
  const price = `${sandbox ? 'Price outside the sandbox' : 'Estimated cost'}: ${yuan(cny)} (${billedSeconds} s billed).`;
  const where =
    path === undefined ? 'Its link would be given, and nothing saved.' : `It would be saved to ${oneLine(path)}.`;
  const sentences =
    same === undefined
      ? [`Valid. ${price} ${where}`, ...conversionNotes(request, billedSeconds), ...notes.map(sentence)]
      : [
          `Valid, but the same request already exists as task ${same.id} (${same.status}): the call would join it, and cost nothing.`,
        ];
  if (whyNotPaid !== undefined) sentences.push(sentenceOf(whyNotPaid));
  return compact({
    status: 'checked' as const,
    message: [...sentences, 'Nothing was sent.', ...(sandbox ? [SANDBOX] : [])].join(' '),
    next_step: phrasing.nextStep(compact({ action: 'make', same: same?.id, fix: whyNotPaid && fixOf(whyNotPaid) })),
    prompt: request.prompt === undefined ? undefined : cleanText(request.prompt),
    mode: request.mode,
    duration: request.duration,
    fps: request.fps,
    sandbox: sandbox ? true : undefined,
    cost:
      same === undefined
        ? { estimated_cny: cny, billed_seconds: billedSeconds, charge: 'none' as const }
        : { estimated_cny: 0, charge: 'none' as const },
  });
}

/** An expired link is left out: it would look like an answer. */
function videoOf({ task: { video }, now, missingFile, copy, link }: TaskView): Report['video'] {
  if (video === undefined) return undefined;
  const { url, validUntil } = link ?? { url: video.url, validUntil: video.urlValidUntil };
  const isAlive = validUntil > now;
  const file = missingFile === undefined ? video.file : undefined;
  const facts = video.file?.facts;
  return compact({
    url: isAlive ? url : undefined,
    url_valid_until: isAlive ? isoOf(validUntil) : undefined,
    path: copy?.path ?? file?.path,
    bytes: file?.bytes,
    width: facts?.width,
    height: facts?.height,
    duration_seconds: facts?.durationSeconds,
    fps: facts?.fps,
  });
}

function elapsedSeconds(task: TaskRecord, now: number): number {
  const isOver = !isOpen(task.status) && task.finishedAt !== undefined;
  return Math.round(ageSeconds(task, isOver ? task.finishedAt : now) * 10) / 10;
}

/** The provider keeps a task for 12 h; until then the video, or a fresh link, can be had. */
function collectBefore({ acceptedAt, status }: TaskRecord): string | undefined {
  if (acceptedAt === undefined || !['generating', 'done'].includes(status)) return undefined;
  return isoOf(acceptedAt + TASK_LIFE_SECONDS * 1000);
}

export function cnyOf(fen: number | undefined): number | undefined {
  return fen === undefined ? undefined : fen / 100;
}

export function isoOf(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}

export function shownError(error: TaskError | Problem | undefined): Report['error'] {
  if (error === undefined) return undefined;
  const { code, providerCode, who, retryable } = error;
  return compact({ code, provider_code: providerCode, message: sentenceOf(error), who, retryable });
}
