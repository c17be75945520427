/** How does a command begin and end? With its service opened when it is needed, and everything that was sent recorded. */
import { systemClock } from '../clock.ts';
import { createLog, type Log } from '../log.ts';
import { holdService, type ServiceHolder } from '../open-service.ts';
import { Problem } from '../problems.ts';
import { timeWords } from '../report/time-left.ts';
import { readSettings, surroundings } from '../settings.ts';
import type { TaskRecord } from '../tasks/record.ts';
import type { Call } from '../tasks/service.ts';
import type { UsualTime } from '../tasks/usual-time.ts';
import { type Outcome, tellProblem } from './outcome.ts';
import type { Terminal } from './terminal.ts';

/** A submit that is out when somebody ends the command is awaited so long. */
const LAST_WAIT_MILLISECONDS = 3_000;
/** To the end, and every task ends within a day or two; a timer takes 24.8 days at most, and fires at once for more. */
const NO_END_SECONDS = 20 * 86_400;

export interface Session {
  readonly holder: ServiceHolder;
  readonly terminal: Terminal;
  /** @param waitSeconds undefined: to the end */
  call(waitSeconds: number | undefined): Call;
  /** The task that the command is about, for whatever has to be told of it. */
  aboutTask(taskId: string): void;
}

/** What is told is read after the end: by then every submit that was out has its outcome on disk. */
export type Tell = () => Promise<Outcome>;

/**
 * Runs a command's work until it is over, its wait is, or somebody presses Ctrl-C.
 * @param json whether `--json` was given, and the shape in which it tells a refusal
 * @returns the exit code
 */
export async function runSession(
  terminal: Terminal,
  json: { readonly isWanted: boolean; readonly ofRefusal?: (report: object) => unknown },
  work: (session: Session) => Promise<Tell>,
): Promise<number> {
  const arrivedAt = systemClock.monotonic();
  const { holder, log } = openHolder();
  const interruption = listenForInterruption();
  const { signal } = interruption;
  let taskId: string | undefined;
  const session: Session = {
    holder,
    terminal,
    call: (waitSeconds) => ({
      signal,
      arrivedAt,
      deadline: arrivedAt + (waitSeconds ?? NO_END_SECONDS) * 1000,
      unrestricted: true,
      onWait: (record, usual) => terminal.showProgress(progressOf(record, usual)),
    }),
    aboutTask: (id) => {
      taskId = id;
    },
  };
  const failed = (error: unknown): Outcome => {
    const problem = problemOf(error, signal, log);
    return tellProblem(problem, { sandbox: holder.sandbox, taskId, jsonOf: json.ofRefusal });
  };
  const tell: Tell = await work(session).catch((error: unknown) => async () => failed(error));
  terminal.clearProgress();
  await holder.end(LAST_WAIT_MILLISECONDS);
  const outcome = await tell().catch(failed);
  if (outcome.sentence !== undefined) terminal.say(outcome.sentence);
  if (json.isWanted) await terminal.print(JSON.stringify(outcome.json, null, 2));
  else if (outcome.text !== undefined) await terminal.print(outcome.text);
  interruption.stopListening();
  // A submit whose answer is still out would hold the process until its own time-out, minutes later.
  if (signal.aborted) process.exit(outcome.exitCode);
  return outcome.exitCode;
}

/** Information in JSON lines would spoil a terminal: warnings only, unless somebody asks for more. */
function openHolder(): { holder: ServiceHolder; log: Log } {
  const read = readSettings(surroundings());
  const log = createLog(read.given.includes('LOG_LEVEL') ? read.settings.logLevel : 'warn');
  return { holder: holdService(read, log), log };
}

/** Heard until the end: npx hands one Ctrl-C on twice, and the second must not lose what the first one waits for. */
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

function progressOf(record: TaskRecord, usual: UsualTime | undefined): string {
  const doing = record.video === undefined ? record.status.replace('_', ' ') : 'saving';
  const hindered = record.hindrance === undefined ? '' : ` (asking is hindered: ${record.hindrance.message})`;
  return `${record.id}: ${doing}, ${timeWords(record, usual, systemClock.now())}${hindered}`;
}

function problemOf(error: unknown, signal: AbortSignal, log: Log): Problem | undefined {
  if (error instanceof Problem) return error;
  if (signal.aborted && (error === signal.reason || (error as Error).name === 'AbortError')) return undefined;
  log.error('command failed', { reason: error instanceof Error ? error.stack : String(error) });
  return new Problem('internal_error');
}
