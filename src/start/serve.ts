/** How does the server live: from its first line to the moment when its client is gone? */
import type { Handlers } from '../mcp/handlers.ts';
import { loadServer } from './load-server.ts';

/** A submit that is out is awaited so long: SDK clients kill 4 s after they closed stdin. */
const LAST_WAIT_MILLISECONDS = 3_000;

/** Answers over stdio until stdin or stdout is closed, or a signal ends it; then exits with 0. */
export async function serve(): Promise<void> {
  let handlers: Promise<Handlers> | undefined;
  let ending = false;
  const end = async (reason: string, exitCode = 0) => {
    if (ending) return;
    ending = true;
    try {
      await (await handlers)?.end(reason, LAST_WAIT_MILLISECONDS);
    } finally {
      // Whatever went wrong with the handlers, or with loading it: a server whose client is gone does not stay.
      process.exit(exitCode);
    }
  };
  /** What was sent is recorded all the same, where that can still be done. */
  const crash = (error: unknown) => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(
      `jimeng-video-mcp: an unexpected error ends the server; its tasks are recorded, and go on when it is started again. ${reason.replace(/\s*\n\s*/g, ' ')}\n`,
    );
    void end('crash', 1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  // Nobody reads what is said there: no reason to end, and nothing to say it on.
  process.stderr.on('error', () => undefined);
  // The client went away: what it would have read goes nowhere, and that is no error.
  process.stdout.on('error', () => void end('stdout is gone'));
  process.stdin.on('end', () => void end('stdin ended'));
  process.stdin.on('close', () => void end('stdin closed'));
  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGINT', () => void end('SIGINT'));
  process.on('SIGHUP', () => void end('SIGHUP'));

  // After the above: a client may send a signal before the protocol’s part is there.
  const { serveStdio, keep } = await loadServer();
  /** Loaded by the first call: initialize and the lists need none of it. */
  const loadHandlers = (): Promise<Handlers> => {
    handlers ??= import('../mcp/handlers.ts').then(
      ({ openHandlers }) => {
        keep();
        return openHandlers();
      },
      (cause: unknown) => {
        // An update or a new build puts other parts in the place of those that this process would load.
        const sentence = 'The server’s program was changed or removed since it was started, so nothing was sent';
        throw new Error(`${sentence}: restart the server, then call again.`, { cause });
      },
    );
    return handlers;
  };
  await serveStdio(loadHandlers, process.stdin, process.stdout);
}
