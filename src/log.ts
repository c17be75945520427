/** Writes the log: JSON lines on stderr, with allow-listed fields only. */
import type { LogLevel } from './settings.ts';

/** Never a key, a header, a body or a prompt: the caller names each field. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  trace(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

type Method = keyof Log;
const RANK: Record<LogLevel, number> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4, fatal: 5, silent: 6 };

/** pino writes to stdout by default, which is the protocol's: stderr is file descriptor 2, written synchronously. */
const STDERR = 2;

/** @param write makes the function of each level */
export function logOf(write: (method: Method) => Log[Method]): Log {
  const methods: readonly Method[] = ['trace', 'debug', 'info', 'warn', 'error'];
  return Object.fromEntries(methods.map((method) => [method, write(method)])) as unknown as Log;
}

/** pino is loaded by the first line that is written: a server that is only listed writes none. */
export function createLog(level: LogLevel): Log {
  let writer: Promise<Log> | undefined;
  const load = async (): Promise<Log> => {
    const { pino } = await import('pino');
    return pinoLog(pino({ level, base: { pid: process.pid } }, pino.destination({ dest: STDERR, sync: true })));
  };
  const write = (method: Method) => (event: string, fields?: LogFields) => {
    if (RANK[method] < RANK[level]) return;
    writer ??= load();
    // A line that cannot be written is no reason to end.
    writer.then((log) => log[method](event, fields)).catch(() => undefined);
  };
  return logOf(write);
}

function pinoLog(logger: Record<Method, (fields: object, message: string) => void>): Log {
  return logOf((method) => (event, fields) => logger[method](fields ?? {}, event));
}

/** @returns a log whose lines all have these fields */
export function withFields(log: Log, fields: LogFields): Log {
  return logOf((method) => (event, more) => log[method](event, { ...fields, ...more }));
}

/** A problem that repeats is logged when its reason changes, and its end once: a database may be away for hours. */
export class RepeatedProblem {
  private readonly log: Log;
  private readonly problem: string;
  private readonly end: string;
  private reason: string | undefined;

  /** @param problem the event of the failures @param end the event of the first success after them */
  constructor(log: Log, problem: string, end: string) {
    this.log = log;
    this.problem = problem;
    this.end = end;
  }

  failed(reason: string): void {
    if (reason !== this.reason) this.log.warn(this.problem, { reason });
    this.reason = reason;
  }

  succeeded(): void {
    if (this.reason !== undefined) this.log.info(this.end);
    this.reason = undefined;
  }
}

/** What went wrong, for the field `reason`. A host with several addresses fails with one error for each. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** The same of what nobody expected: with where it happened. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** For code that is used without a server around it. */
export const silentLog: Log = createLog('silent');
