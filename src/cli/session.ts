/** Begins and ends a command: opens the service when it is needed, and waits until what was sent is recorded. */
import { type App, createApp } from '../app.ts';
import { systemClock } from '../clock.ts';
import { createLog, type Log, stackOf } from '../log.ts';
import { Problem } from '../problems.ts';
import { progressOf } from '../report/message.ts';
import { phrasingForTerminal } from '../report/phrasing-terminal.ts';
import type { Phrasing } from '../report/phrasing-tools.ts';
import { yuan } from '../report/text.ts';
import { readSettings, surroundings } from '../settings.ts';
import { whenAborted, withTimeLimit } from '../system/wait.ts';
import type { Call, TaskView, VideoService } from '../tasks/calls.ts';
import { commandHere } from './here.ts';
import type { OutputOptions } from './options.ts';
import { asAbandoned, interruptedOutcome, type Outcome, problemOutcome } from './outcome.ts';
import type { Terminal } from './terminal.ts';

/** How long an interrupted command waits for the answer to its submit. */
const LAST_WAIT_MILLISECONDS = 3_000;
/** "To the end", and every task ends within two days. A timer takes 24.8 days at most, and fires immediately for more. */
const NO_END_SECONDS = 20 * 86_400;

export interface Session {
  readonly app: App;
  readonly phrasing: Phrasing;
  readonly verbose: boolean;
  readonly log: Log;
  /** @param waitSeconds undefined: to the end */
  call(waitSeconds: number | undefined): Call;
  /** The task that the command is about, for every answer from now on. */
  aboutTask(taskId: string): void;
  /** Resolves at Ctrl-C. */
  interrupted(): Promise<void>;
  /** The view to report. Waits for the response to a submit of this process, which no other process can receive. */
  lastView(service: VideoService, view: TaskView): Promise<TaskView>;
}

/**
 * Runs a command's work until it is over, its wait is, or Ctrl-C is pressed.
 * @param refusalJson the shape in which `--json` shows a refusal
 * @returns the exit code
 */
export async function runSession(
  terminal: Terminal,
  { json = false, verbose = false }: OutputOptions,
  work: (session: Session) => Promise<Outcome>,
  refusalJson: (problem: Problem, phrasing: Phrasing) => unknown = () => undefined,
): Promise<number> {
  const arrivedAt = systemClock.monotonic();
  const { app, log } = openApp();
  const interruption = listenForInterruption();
  const { signal } = interruption;
  const phrasing = phrasingForTerminal(commandHere());
  let taskId: string | undefined;
  const session: Session = {
    app,
    phrasing,
    verbose,
    log,
    call: (waitSeconds) => ({
      signal,
      arrivedAt,
      deadline: arrivedAt + (waitSeconds ?? NO_END_SECONDS) * 1000,
      caller: { kind: 'terminal' },
      onWait: (view) => terminal.showProgress(progressOf(view)),
      confirm: (question) => confirm(terminal, question, signal),
    }),
    aboutTask: (id) => {
      taskId = id;
    },
    interrupted: () => whenAborted(signal),
    lastView: (service, view) => lastView(service, view, signal, app.settings.apiTimeoutSeconds),
  };
  const outcome = await work(session).catch((error: unknown) => {
    const problem = problemOf(error, signal, log);
    if (problem === undefined) return interruptedOutcome(phrasing, taskId);
    const failed = problemOutcome(problem, phrasing, { sandbox: app.sandbox, taskId });
    return { ...failed, json: refusalJson(problem, phrasing) ?? failed.json };
  });
  terminal.clearProgress();
  await app.end(LAST_WAIT_MILLISECONDS);
  if (outcome.sentence !== undefined) terminal.say(outcome.sentence);
  if (json) await terminal.print(JSON.stringify(outcome.json, null, 2));
  else if (outcome.text !== undefined) await terminal.print(outcome.text);
  if (outcome.isInGallery && terminal.isWatched && !json)
    terminal.say(`\nTo see all videos, run: ${commandHere()} gallery`);
  interruption.stopListening();
  // A submit whose answer is still outstanding would hold the process until its own time-out, minutes later.
  if (signal.aborted) process.exit(outcome.exitCode);
  return outcome.exitCode;
}

/** The call that sends something. Without a deadline of its own, an unreachable provider would be retried without end. */
export function preparing<Made extends Pick<Call, 'deadline' | 'arrivedAt'>>(call: Made, { app }: Session): Made {
  return { ...call, deadline: Math.min(call.deadline, call.arrivedAt + app.settings.waitSeconds * 1000) };
}

/** JSON lines of information would spoil a terminal: warnings only, unless LOG_LEVEL is set. */
function openApp(): { app: App; log: Log } {
  const read = readSettings(surroundings());
  const log = createLog(read.given.includes('LOG_LEVEL') ? read.settings.logLevel : 'warn');
  return { app: createApp(read, log), log };
}

/** Listened for until the end: npx passes one Ctrl-C on twice, and the second must not lose what the first waits for. */
export function listenForInterruption(): { readonly signal: AbortSignal; stopListening(): void } {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new Error('interrupted'));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: interruption.signal,
    stopListening() {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}

/** Prints what was wrong and how to fix it. @returns the exit code */
export function sayProblem(terminal: Terminal, problem: Problem): number {
  const { sentence = '', exitCode } = problemOutcome(problem, phrasingForTerminal(commandHere()));
  terminal.say(sentence);
  return exitCode;
}

async function confirm(
  terminal: Terminal,
  { fen, videos }: { readonly fen: number; readonly videos: number },
  signal: AbortSignal,
): Promise<'yes' | 'no' | 'unavailable'> {
  const what = videos === 1 ? 'This video costs' : `These ${videos} videos cost`;
  const answer = await terminal.ask(
    `${what} about ${yuan(fen / 100)}. Pay for ${videos === 1 ? 'it' : 'them'}? [y/N] `,
    signal,
  );
  if (answer === undefined) return 'unavailable';
  return /^\s*y(es)?\s*$/i.test(answer) ? 'yes' : 'no';
}

/** @param apiTimeoutSeconds how long a submit may take; an interrupted command waits for LAST_WAIT_MILLISECONDS */
async function lastView(
  service: VideoService,
  view: TaskView,
  interrupted: AbortSignal,
  apiTimeoutSeconds: number,
): Promise<TaskView> {
  const isTaken = ({ task }: TaskView) => task.status !== 'submitting';
  if (isTaken(view)) return view;
  const wait = (signal: AbortSignal, milliseconds: number) => {
    const arrivedAt = systemClock.monotonic();
    const call: Call = { signal, arrivedAt, deadline: arrivedAt + milliseconds, caller: { kind: 'terminal' } };
    return service.waitUntilTaken(view, call).catch(() => view);
  };
  const answered = interrupted.aborted ? view : await wait(interrupted, apiTimeoutSeconds * 1000);
  if (isTaken(answered)) return answered;
  const last = await withTimeLimit(systemClock, LAST_WAIT_MILLISECONDS, (over) => wait(over, LAST_WAIT_MILLISECONDS));
  return asAbandoned(last);
}

/** @returns undefined when the command was interrupted */
function problemOf(error: unknown, signal: AbortSignal, log: Log): Problem | undefined {
  if (error instanceof Problem) return error;
  if (signal.aborted && (error === signal.reason || (error as Error).name === 'AbortError')) return undefined;
  log.error('command failed', { reason: stackOf(error) });
  return new Problem('internal_error');
}
