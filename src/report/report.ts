/** What is a caller told about a task? One plain object; the text is rendered from it. */
import * as z from 'zod';
import { TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import type { Problem } from '../problems.ts';
import type { Listed } from '../tasks/list.ts';
import type { Prepared } from '../tasks/prepare.ts';
import { chargeOf, isOpen, TASK_STATUSES, type TaskError, type TaskRecord } from '../tasks/record.ts';
import type { UsualTime } from '../tasks/usual-time.ts';
import { messageOf, nextStepOf, SANDBOX } from './sentences.ts';
import { capitalised, type Surface } from './surface.ts';

export const REPORT_STATUSES = ['checked', 'refused', ...TASK_STATUSES] as const;

const money = z.number().describe('CNY');
const costSchema = z.strictObject({
  estimated_cny: money.optional(),
  billed_seconds: z.number().optional(),
  charge: z.enum(['none', 'possible', 'made']),
});

/** The structuredContent of every tool that speaks of one task. */
export const reportSchema = z.strictObject({
  task_id: z.string().optional(),
  status: z.enum(REPORT_STATUSES),
  message: z.string(),
  next_step: z.string().optional(),
  prompt: z.string().optional(),
  mode: z.string().optional(),
  duration: z.number().optional(),
  fps: z.number().optional(),
  video: z
    .strictObject({
      url: z.string().optional(),
      url_valid_until: z.string().optional(),
      path: z.string().optional(),
      bytes: z.number().optional(),
      width: z.number().optional(),
      height: z.number().optional(),
      duration_seconds: z.number().optional(),
      fps: z.number().optional(),
    })
    .optional(),
  provider: z
    .strictObject({ task_id: z.string().optional(), req_key: z.string().optional(), request_id: z.string().optional() })
    .optional(),
  submitted_at: z.string().optional(),
  finished_at: z.string().optional(),
  elapsed_seconds: z.number().optional(),
  collect_before: z.string().optional(),
  sandbox: z.boolean().optional(),
  cost: costSchema.optional(),
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

export const listSchema = z.strictObject({
  message: z.string(),
  tasks: z.array(reportSchema),
  spent: z.strictObject({ last_24h_cny: money, all_time_cny: money, possible_cny: money }).optional(),
  sandbox: z.boolean().optional(),
});
export type ListReport = z.infer<typeof listSchema>;

export function isErrorStatus(status: Report['status']): boolean {
  return ['refused', 'failed', 'unknown', 'not_found', 'expired'].includes(status);
}

export interface Circumstances {
  readonly surface: Surface;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long videos of its mode usually take, as far as that is known. */
  readonly usual?: UsualTime | undefined;
  /** The caller's request was there already. */
  readonly joined?: boolean;
  /** Entries before it in the queue. */
  readonly placeInQueue?: number | undefined;
  /** Where this call wants the video: the task itself may go elsewhere. */
  readonly output?: string | undefined;
  /** The disk would not take the record. */
  readonly unwritten?: boolean;
}

/** A task as its record tells it. */
export function reportOf(record: TaskRecord, circumstances: Circumstances): Report {
  const { now } = circumstances;
  const { request } = record;
  return compact({
    task_id: record.id,
    status: record.status,
    message: messageOf(record, circumstances),
    next_step: nextStepOf(record, circumstances),
    prompt: request.prompt,
    mode: request.mode,
    duration: request.duration,
    fps: request.fps,
    video: videoOf(record, now),
    provider: compact({
      task_id: record.provider_task_id,
      req_key: record.req_key,
      request_id: record.request_id,
    }),
    submitted_at: record.submitted_at,
    finished_at: isOpen(record.status) ? undefined : record.finished_at,
    elapsed_seconds: elapsedSeconds(record, now),
    collect_before: collectBefore(record),
    sandbox: record.sandbox ? true : undefined,
    cost: compact({
      estimated_cny: record.estimated_cny,
      billed_seconds: record.billed_seconds,
      charge: chargeOf(record),
    }),
    error: errorOf(record.error ?? (isOpen(record.status) ? record.hindrance : undefined)),
  });
}

/** The sandbox is named wherever its tasks are: sums of it are no money. */
export function listReport(
  { records, total, spending, usualTimes }: Listed,
  surface: Surface,
  now: number,
  inSandbox: boolean,
): ListReport {
  const open = records.filter((record) => isOpen(record.status));
  const sandbox = inSandbox || records.some((record) => record.sandbox);
  const next = open[0] === undefined ? '' : ` To wait for one, ${surface.get(open[0].id)}${surface.stop}`;
  const reminder = sandbox ? ' This is the sandbox: no real videos, and nothing is really charged.' : '';
  return listSchema.parse({
    message: `${records.length} of ${total} tasks, ${open.length} of them still open.${next}${reminder}`,
    tasks: records.map((record) => reportOf(record, { surface, now, usual: usualTimes.get(record.request.mode) })),
    spent: {
      last_24h_cny: spending.last24hCny,
      all_time_cny: spending.allTimeCny,
      possible_cny: spending.possibleCny,
    },
    ...(sandbox ? { sandbox: true } : {}),
  });
}

/**
 * Nothing was recorded or sent; only after an error of our own that cannot be told.
 * @param taskId the task that the call was about: its id is told, and nothing of what it may have cost
 */
export function refusal(problem: Problem, surface: Surface, sandbox: boolean, taskId?: string): Report {
  const error: TaskError = { ...problem, message: problem.message };
  const isFree = problem.charge === 'none';
  const about = problem.code === 'no_record' ? undefined : taskId;
  const after = about === undefined ? surface.afterRefusal(problem.mend) : surface.afterRefusalAbout(problem.mend);
  return compact({
    task_id: about,
    status: isFree ? ('refused' as const) : ('unknown' as const),
    message: problem.message,
    next_step: isFree ? after : `${capitalised(problem.mend)}.`,
    sandbox: sandbox ? true : undefined,
    cost: about === undefined ? { charge: problem.charge } : undefined,
    error: errorOf(error),
  });
}

/** A dry run: everything was checked, nothing was sent. */
export function checkedReport(
  prepared: Prepared,
  same: TaskRecord | undefined,
  surface: Surface,
  sandbox: boolean,
): Report {
  const { request, estimatedCny, billedSeconds, notes } = prepared;
  const { destination, preview } = prepared;
  const saved = destination?.name === undefined ? `in ${destination?.folder}` : `as ${preview}`;
  const place = destination === undefined ? 'only its link would be given' : `it would be saved ${saved}`;
  const sentences = [
    `Everything is right: the video would cost about ¥${estimatedCny.toFixed(2)} (${billedSeconds} s are billed), and ${place}.`,
    ...(same === undefined
      ? []
      : [`The same request is there as task ${same.id} (${same.status}): the call would join it and cost nothing.`]),
    ...notes.map((note) => `${note}.`),
    'Nothing was sent.',
    ...(sandbox ? [SANDBOX] : []),
  ];
  return compact({
    status: 'checked' as const,
    message: sentences.join(' '),
    next_step: surface.afterCheck(),
    prompt: request.prompt,
    mode: request.mode,
    duration: request.duration,
    fps: request.fps,
    provider: { req_key: prepared.reqKey },
    sandbox: sandbox ? true : undefined,
    cost: { estimated_cny: estimatedCny, billed_seconds: billedSeconds, charge: 'none' as const },
  });
}

/** A link that has died is not given: it would look like an answer. */
function videoOf({ video }: TaskRecord, now: number): Report['video'] {
  if (video === undefined) return undefined;
  const alive = Date.parse(video.url_valid_until) > now;
  return compact({
    url: alive ? video.url : undefined,
    url_valid_until: alive ? video.url_valid_until : undefined,
    path: video.file?.path,
    bytes: video.file?.bytes,
    ...video.file?.facts,
  });
}

function elapsedSeconds(record: TaskRecord, now: number): number {
  const from = Date.parse(record.submitted_at ?? record.created_at);
  const to = isOpen(record.status) || record.finished_at === undefined ? now : Date.parse(record.finished_at);
  return Math.max(0, Math.round((to - from) / 100) / 10);
}

/** The provider keeps a task for 12 h; until then the video, or a fresh link, can be had. */
function collectBefore(record: TaskRecord): string | undefined {
  if (record.submitted_at === undefined || ['failed', 'expired', 'not_found'].includes(record.status)) return undefined;
  return new Date(Date.parse(record.submitted_at) + TASK_LIFE_SECONDS * 1000).toISOString();
}

function errorOf(error: TaskError | undefined): Report['error'] {
  if (error === undefined) return undefined;
  const { code, provider_code, message, who, retryable } = error;
  return compact({ code, provider_code, message, who, retryable });
}

type Compact<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> } & object;

/** Leaves out what is undefined: only what is known stands in a report. */
function compact<Value extends object>(value: Value): Compact<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Compact<Value>;
}
