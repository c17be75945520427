/** Builds the list of tasks: compact, because a model polls it. */
import * as z from 'zod';
import { compact } from '../compact.ts';
import type { Problem } from '../problems.ts';
import type { ListView } from '../tasks/calls.ts';
import { chargeOf, isOpen, TASK_STATUSES, type Task } from '../tasks/record.ts';
import { sentenceOf, waitsFor } from './message.ts';
import { ALL_KEYS, type KnownKeys, nextStepAfter, nextStepOfList, openCount } from './next-step.ts';
import type { Phrasing } from './phrasing-tools.ts';
import { cnyOf, isoOf, refusalMessage } from './report.ts';
import { cut, oneLine, shownPerson } from './text.ts';

const MAX_PROMPT_CHARACTERS = 80;
const MAX_ERROR_CHARACTERS = 120;
/** Enough to tell people apart. */
const MIN_PERSON_CHARACTERS = 24;
/** 50 tasks with long prompts in Chinese have more; then prompts and errors are cut shorter. */
const MAX_BYTES = 17_000;

const money = z.number().describe('CNY');

const errorSchema = z.strictObject({ code: z.string(), message: z.string().optional() });

export const listSchema = z.strictObject({
  tasks: z.array(
    z.strictObject({
      task_id: z.string(),
      status: z.enum(TASK_STATUSES),
      mode: z.string().optional(),
      person: z.string().optional(),
      prompt: z.string().optional(),
      path: z.string().optional(),
      cost_cny: money.optional(),
      submitted_at: z.string().optional(),
      waits_for: z.string().optional(),
      error: errorSchema.optional(),
    }),
  ),
  films: z
    .array(
      z.strictObject({
        film_id: z.string(),
        status: z.string(),
        title: z.string().optional(),
        person: z.string().optional(),
        shots: z.number(),
        shots_done: z.number(),
        path: z.string().optional(),
        cost_cny: money.optional(),
      }),
    )
    .optional(),
  changed: z.array(z.string()).describe('Ids whose status changed while the call waited.').optional(),
  counts: z
    .strictObject(Object.fromEntries(['open', 'total', ...TASK_STATUSES].map((name) => [name, z.number().optional()])))
    .optional(),
  spent: z
    .strictObject({
      last_24h_cny: money,
      all_time_cny: money,
      pending_cny: money,
      budget_cny: money.optional(),
      left_cny: money.optional(),
    })
    .optional(),
  sandbox: z.boolean().optional(),
  error: errorSchema.optional(),
  next_step: z.string(),
});
export type ListReport = z.infer<typeof listSchema>;
type Item = ListReport['tasks'][number];

export function listReport(
  view: ListView,
  phrasing: Phrasing,
  keys: KnownKeys = ALL_KEYS,
  films: NonNullable<ListReport['films']> = [],
): ListReport {
  const { counts, total, changed } = view;
  const sandbox = view.sandbox || view.tasks.some((task) => task.sandbox);
  const report = compact({
    tasks: view.tasks.map((task) => (changed === undefined ? itemOf : newsOf)(task, view, phrasing)),
    films: [...films],
    changed: changed === undefined ? undefined : [...changed],
    counts: { ...counts, open: openCount(counts), total },
    // Nothing of the sandbox is ever spent.
    spent: sandbox || !keys.isAccountKnown ? undefined : spentOf(view),
    sandbox: sandbox ? true : undefined,
    next_step: nextStepIn(view, phrasing, keys, films),
  });
  return shortened(report);
}

/** After a warning nothing says that all is well. */
function nextStepIn(
  view: ListView,
  phrasing: Phrasing,
  keys: KnownKeys,
  films: NonNullable<ListReport['films']>,
): string {
  const ofTasks = nextStepOfList(view, keys);
  const waiting = films.find(({ status }) => status === 'waiting');
  const isIdle = ofTasks.action === 'none' || (ofTasks.action === 'wait_for_all' && ofTasks.open <= view.stuck);
  const step =
    waiting !== undefined && isIdle ? ({ action: 'look_at_film', filmId: waiting.film_id } as const) : ofTasks;
  const { warning } = view;
  if (warning === undefined) return phrasing.listStep(step);
  return step.action === 'none' ? oneLine(warning) : `${oneLine(warning)} ${phrasing.listStep(step)}`;
}

/** The call was refused, in the shape of a list. */
export function listRefusal(problem: Problem, phrasing: Phrasing): ListReport {
  const error = { code: problem.code, message: refusalMessage(problem, phrasing) };
  return { tasks: [], error, next_step: phrasing.nextStep(nextStepAfter(problem, undefined)) };
}

function itemOf(task: Task, { queue, sandbox, persons }: ListView, phrasing: Phrasing): Item {
  const { id, status, request, video } = task;
  const error = task.error ?? task.pollingProblem ?? task.sendingProblem;
  const state = queue.get(id);
  const person = persons.get(id);
  const isFree = sandbox || task.sandbox || (status !== 'queued' && chargeOf(task) === 'none');
  return compact({
    task_id: id,
    status,
    mode: request.mode,
    person: person && shownPerson(person),
    prompt: request.prompt === undefined ? undefined : cut(oneLine(request.prompt), MAX_PROMPT_CHARACTERS),
    path: video?.file?.path,
    cost_cny: isFree ? undefined : cnyOf(task.fen),
    submitted_at: isoOf(task.acceptedAt ?? task.sentAt),
    waits_for: state?.waitsFor === undefined ? undefined : waitsFor(state, phrasing),
    error: error && { code: error.code, message: cut(sentenceOf(error), MAX_ERROR_CHARACTERS) },
  });
}

/** After a wait: only what can have changed. The caller has the rest from the calls before. */
function newsOf(task: Task, view: ListView, phrasing: Phrasing): Item {
  const { task_id, status, person, path, cost_cny, waits_for, error } = itemOf(task, view, phrasing);
  if (!isOpen(task.status)) return compact({ task_id, status, person, path, cost_cny, error });
  const isUsual = ['turn', 'slot', undefined].includes(view.queue.get(task.id)?.waitsFor);
  return compact({ task_id, status, waits_for: isUsual ? undefined : waits_for, error });
}

function spentOf({ spending }: ListView): NonNullable<ListReport['spent']> {
  const { last24hFen, allTimeFen, pendingFen, budget } = spending;
  return {
    last_24h_cny: last24hFen / 100,
    all_time_cny: allTimeFen / 100,
    pending_cny: pendingFen / 100,
    ...(budget && { budget_cny: budget.fen / 100, left_cny: budget.leftFen / 100 }),
  };
}

function shortened(report: ListReport): ListReport {
  let shorter = report;
  for (const share of [0.5, 0.2, 0]) {
    if (Buffer.byteLength(JSON.stringify(shorter)) <= MAX_BYTES) break;
    const tasks = report.tasks.map(({ person, prompt, error, ...item }) => ({
      ...item,
      ...(person === undefined ? {} : { person: shownPerson(person, MIN_PERSON_CHARACTERS) }),
      ...(prompt === undefined || share === 0 ? {} : { prompt: cut(prompt, MAX_PROMPT_CHARACTERS * share) }),
      ...(error === undefined ? {} : { error: shortError(error, MAX_ERROR_CHARACTERS * share) }),
    }));
    shorter = { ...report, tasks };
  }
  return shorter;
}

function shortError({ code, message }: NonNullable<Item['error']>, max: number): NonNullable<Item['error']> {
  return message === undefined || max === 0 ? { code } : { code, message: cut(message, max) };
}
