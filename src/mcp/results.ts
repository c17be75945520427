/** Turns reports, and problems, into tool results. */
import type { Caller } from '../library/library.ts';
import type { Log } from '../log.ts';
import { isOfStore, Problem, type ProblemCode } from '../problems.ts';
import { type ClipReport, clipRefusal, clipSchema, renderClip } from '../report/clip-report.ts';
import { type ListReport, listRefusal, listSchema } from '../report/list-report.ts';
import type { Phrasing } from '../report/phrasing-tools.ts';
import { renderList, renderReport } from '../report/render.ts';
import { isErrorStatus, type Report, refusal, reportSchema } from '../report/report.ts';
import { seenBy } from '../tasks/person.ts';
import type { Tool, ToolResult } from './tool.ts';

/** Built through the schema's parse: one undeclared field, and a client discards the whole result. */
export function taskResult(report: Report): ToolResult {
  const structured = reportSchema.parse(report);
  return { structured, text: renderReport(structured), isError: isErrorStatus(structured.status) };
}

export function listResult(list: ListReport): ToolResult {
  const structured = listSchema.parse(list);
  return { structured, text: renderList(structured), isError: list.error !== undefined };
}

/** @param jpeg of a preview, where the client takes pictures */
export function clipResult(report: ClipReport, jpeg?: Uint8Array): ToolResult {
  const structured = clipSchema.parse(report);
  const isError = structured.status === 'refused';
  return { structured, text: renderClip(structured), ...(jpeg === undefined ? {} : { jpeg }), isError };
}

/**
 * In the shape of the tool's own output: a client rejects an error whose structured copy does not conform.
 * @param taskId the task that the call was about, where that is known
 */
export function problemResult(
  tool: Pick<Tool, 'output'>,
  problem: Problem,
  {
    phrasing,
    sandbox,
    taskId,
  }: { readonly phrasing: Phrasing; readonly sandbox: boolean; readonly taskId?: string | undefined },
): ToolResult {
  if (tool.output === listSchema) return listResult(listRefusal(problem, phrasing));
  if (tool.output === clipSchema) return clipResult(clipRefusal(problem, phrasing));
  return taskResult(refusal(problem, phrasing, { sandbox, taskId }));
}

/**
 * What a caller may know of a problem. One of the server's own database is shown without where it is and what is wrong with it
 * to a person who can do nothing about it: all of it goes to the log.
 */
export function problemFor(caller: Caller | undefined, problem: Problem, log: Log): Problem {
  if (caller === undefined || seenBy(caller) === undefined || !isOfStore(problem.code)) return problem;
  log.warn('the store cannot be used', { reason: problem.message });
  const wait = problem.retryable ? 'wait a minute; if it stays so, ' : '';
  return new Problem(problem.code as ProblemCode, {
    hint: `${wait}ask the operator of this server, whose log has the reason`,
  });
}
