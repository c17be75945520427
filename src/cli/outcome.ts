/** Turns what a command found into its output and its exit code. */
import { Problem } from '../problems.ts';
import type { Phrasing } from '../report/phrasing-tools.ts';
import { renderForTerminal } from '../report/render-terminal.ts';
import { type Report, refusal, reportOf, reportSchema } from '../report/report.ts';
import type { TaskView } from '../tasks/calls.ts';
import { errorOf, type TaskRecord } from '../tasks/record.ts';

export const EXIT = { done: 0, failed: 1, wrongUsage: 2, stillRunning: 3 } as const;

export interface Outcome {
  /** For stdout, without `--json`. */
  readonly text?: string;
  /** For stderr. */
  readonly sentence?: string;
  /** For stdout, with `--json`. */
  readonly json: unknown;
  readonly exitCode: number;
  /** The gallery shows these videos, too: the command mentions it on a terminal. */
  readonly isInGallery?: boolean;
}

const EXIT_OF_STATUS: Record<Report['status'], number> = {
  checked: EXIT.done,
  done: EXIT.done,
  cancelled: EXIT.done,
  failed: EXIT.failed,
  unknown: EXIT.failed,
  not_found: EXIT.failed,
  expired: EXIT.failed,
  refused: EXIT.wrongUsage,
  queued: EXIT.stillRunning,
  submitting: EXIT.stillRunning,
  generating: EXIT.stillRunning,
  running: EXIT.stillRunning,
  waiting: EXIT.failed,
};

export function exitCodeOf({ status, video, error }: Pick<Report, 'status' | 'video' | 'error'>): number {
  // Finished and paid, but not saved where requested: a script must not continue as if the file existed.
  if (status === 'done' && error !== undefined && video?.path === undefined) return EXIT.failed;
  if (status === 'refused' && error?.code === 'save_failed') return EXIT.failed;
  return EXIT_OF_STATUS[status];
}

/** Of several: a failure comes first, because what still runs is reported again by the next call. */
export function worstExitCode(codes: readonly number[]): number {
  const order = [EXIT.wrongUsage, EXIT.failed, EXIT.stillRunning];
  return order.find((code) => codes.includes(code)) ?? EXIT.done;
}

export function reportOutcome(report: Report, verbose: boolean, task?: TaskRecord): Outcome {
  const shown = reportSchema.parse(report);
  return { text: renderForTerminal(shown, { verbose }), json: withRaw(shown, task), exitCode: exitCodeOf(shown) };
}

export function taskOutcome(view: TaskView, phrasing: Phrasing, verbose: boolean): Outcome {
  const outcome = reportOutcome(reportOf(view, phrasing), verbose, view.task);
  // A requested copy that could not be made is a failure, although the first file is there.
  const isMissed = view.task.status === 'done' && view.problem !== undefined && view.copy === undefined;
  return isMissed ? { ...outcome, exitCode: EXIT.failed } : outcome;
}

/** This process ends before the response to its submit: shown as the next command will find it. */
export function asAbandoned(view: TaskView): TaskView {
  if (view.task.status !== 'submitting') return view;
  const error = errorOf(new Problem('interrupted'));
  return { ...view, task: { ...view.task, status: 'unknown', finishedAt: view.now, error } };
}

/** A report with the provider's last answer, which only `--json` shows. */
export function withRaw(report: { readonly provider?: object | undefined }, task: TaskRecord | undefined): object {
  if (task?.raw === undefined) return report;
  return { ...report, provider: { ...report.provider, raw: parsedOrText(task.raw) } };
}

/** JSON's numbers are rounded beyond 2^53, and a rounded id is a wrong one: then the text is shown as it came. */
function parsedOrText(raw: string): unknown {
  if (/[:[,]\s*-?\d{16,}/.test(raw)) return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

/** @param taskId the task that the command was about, if there is one */
export function problemOutcome(
  problem: Problem,
  phrasing: Phrasing,
  { sandbox = false, taskId }: { readonly sandbox?: boolean; readonly taskId?: string | undefined } = {},
): Outcome {
  const report = refusal(problem, phrasing, { sandbox, taskId });
  const about = report.task_id === undefined ? [] : [`Task: ${report.task_id}`];
  const sentence = [report.message, report.next_step, ...about].join('\n');
  return { sentence, json: report, exitCode: exitCodeOf(report) };
}

/** Somebody ended the command. @param taskId undefined: before anything was recorded */
export function interruptedOutcome(phrasing: Phrasing, taskId: string | undefined): Outcome {
  if (taskId === undefined) {
    const message = 'Interrupted before anything was recorded or sent; nothing was charged.';
    return { sentence: message, json: { status: 'refused', message }, exitCode: EXIT.failed };
  }
  const message = 'Interrupted.';
  const nextStep = phrasing.nextStep({ action: 'wait', get: { taskId }, isSent: true, release: [] });
  const json = { task_id: taskId, message, next_step: nextStep };
  return { sentence: `${message}\n${nextStep}`, json, exitCode: EXIT.stillRunning };
}
