/** What does a command tell when it is over? */
import { Problem } from '../problems.ts';
import { renderReport } from '../report/render.ts';
import { type Report, refusal, reportOf, reportSchema } from '../report/report.ts';
import { commandSurface, type Surface } from '../report/surface.ts';
import { iso } from '../tasks/context.ts';
import { isAlive, isOwn } from '../tasks/process-identity.ts';
import { isOpen, type TaskRecord } from '../tasks/record.ts';
import type { VideoService } from '../tasks/service.ts';
import { errorOf } from '../tasks/submit.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { commandHere } from './here.ts';
import type { Terminal } from './terminal.ts';
import { inCommandWords } from './wording.ts';

export interface Outcome {
  /** For stdout, without `--json`. */
  readonly text?: string;
  /** For stderr. */
  readonly sentence?: string;
  /** For stdout, with `--json`. */
  readonly json: unknown;
  readonly exitCode: number;
}

/** A report as a person at a terminal reads it. */
export function phrased(report: Report): Report {
  const { message, next_step: nextStep, error } = report;
  const command = commandHere();
  return reportSchema.parse({
    ...report,
    message: inCommandWords(message, command),
    ...(nextStep === undefined ? {} : { next_step: inCommandWords(nextStep, command) }),
    ...(error === undefined ? {} : { error: { ...error, message: inCommandWords(error.message, command) } }),
  });
}

export function tellReport(report: Report, record?: TaskRecord): Outcome {
  const said = phrased(report);
  return { text: renderReport(said), json: withRaw(said, record), exitCode: exitCodeOf(said) };
}

interface Said {
  /** The request was there already. */
  readonly joined?: boolean;
  /** Where this command wants the video. */
  readonly output?: string | undefined;
  /** What has to be said first. */
  readonly before?: string;
}

export async function tellTask(
  service: VideoService,
  record: TaskRecord,
  { joined = false, output, before = '' }: Said = {},
): Promise<Outcome> {
  const surface = commandSurface(commandHere());
  const report = reportOf(record, {
    surface,
    now: service.context.clock.now(),
    usual: await service.context.pastTimes.usualTime(record.request.mode),
    joined,
    output,
    placeInQueue: await service.placeInQueue(record),
    unwritten: service.context.journal.isUnwritten(record.id),
  });
  const message = isLeftInQueue(record) ? left(report.message, surface) : report.message;
  return tellReport({ ...report, message: `${before} ${message}`.trim() }, record);
}

/** As its record is now; as it was last seen where somebody has removed that. */
export async function tellAtEnd(service: VideoService, seen: TaskRecord, said: Said = {}): Promise<Outcome> {
  const now = await service.asItIs(seen);
  // Finished since, and not where this command wants it: the next one puts it there.
  const isElsewhere = said.output !== undefined && isOpen(seen.status) && now.status === 'done';
  return await tellTask(service, isElsewhere ? seen : asItEnds(now, service.context.clock.now()), said);
}

/** Its process is this one, which is about to end, or has ended. */
function isLeft({ owner }: TaskRecord): boolean {
  return isOwn(owner) || isAlive(owner) === false;
}

/** The queue of a dead process is nobody's. */
export function isLeftInQueue(record: TaskRecord): boolean {
  return record.status === 'queued' && isLeft(record);
}

/** Nobody hears the answer to its submit any more: told as the next command will find it. */
function asItEnds(record: TaskRecord, now: number): TaskRecord {
  if (record.status !== 'submitting' || !isLeft(record)) return record;
  return { ...record, status: 'unknown', finished_at: iso(now), error: errorOf(new Problem('interrupted')) };
}

function left(message: string, { whenLeft }: Surface): string {
  return message.replace('it is sent by itself', `no process is left to send it, so it is sent ${whenLeft}`);
}

/** What `--json` tells of a task beyond its report. */
export function withRaw(report: Report, record: TaskRecord | undefined): object {
  if (record?.raw === undefined) return report;
  return { ...report, provider: { ...report.provider, raw: parsedOrText(record.raw) } };
}

/** JSON's numbers are rounded beyond 2^53, and a rounded id is a wrong one: then the text is told as it came. */
function parsedOrText(raw: string): unknown {
  if (/[:[,]\s*-?\d{16,}/.test(raw)) return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

export interface ProblemCircumstances {
  readonly sandbox: boolean;
  /** The task that was at hand, if one was. */
  readonly taskId: string | undefined;
  readonly jsonOf: ((report: object) => unknown) | undefined;
}

/** @param problem undefined: somebody ended the command before anything was recorded */
export function tellProblem(problem: Problem | undefined, circumstances: ProblemCircumstances): Outcome {
  const { sandbox, taskId, jsonOf = (report: object) => report } = circumstances;
  const surface = commandSurface(commandHere());
  if (problem === undefined) {
    if (taskId !== undefined) {
      const sentence = `Interrupted; to go on, ${surface.get(taskId)}`;
      return { sentence, json: jsonOf({ task_id: taskId, message: sentence }), exitCode: EXIT.stillRunning };
    }
    const sentence = 'Interrupted before anything was recorded or sent; nothing was charged.';
    return { sentence, json: jsonOf({ status: 'refused', message: sentence }), exitCode: EXIT.failed };
  }
  const refused = refusal(problem, surface, sandbox, taskId);
  const report = phrased(taskId === undefined ? refused : { ...refused, task_id: taskId });
  const told = [report.message, report.next_step].filter((line) => line !== undefined).join('\n');
  const sentence = taskId === undefined || told.includes(taskId) ? told : `${told}\nTask: ${taskId}`;
  return { sentence, json: jsonOf(report), exitCode: exitCodeOf(report) };
}

/** For a command that is about no task. @returns the exit code @throws what is no Problem */
export function sayProblem(terminal: Terminal, error: unknown): number {
  if (!(error instanceof Problem)) throw error;
  const { sentence, exitCode } = tellProblem(error, { sandbox: false, taskId: undefined, jsonOf: undefined });
  terminal.say(sentence ?? '');
  return exitCode;
}
