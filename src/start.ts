/** The stdio server's process: its compile cache, what is loaded when, and how it ends. */
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import type { Handlers } from './mcp/handlers.ts';
import { surroundings } from './settings/surroundings.ts';
import { cacheFolder } from './settings/user-folders.ts';

/** How long an unanswered submit is awaited at the end: SDK clients kill the server 4 s after they close stdin. */
const MAX_END_MILLISECONDS = 3_000;

const WRITABLE_BY_OTHERS = 0o022;
const ACCESSIBLE_TO_OTHERS = 0o077;
/** As /tmp has it: only the owner of an entry may replace it. */
const STICKY = 0o1000;

/**
 * Creates the folder with mode 0700 where it is missing. Code is loaded from it, so nobody else may be able to put a
 * file into it, or another folder in its place. Windows has no such modes; its folder for application data is private.
 * @param userId of this process; undefined on Windows
 * @returns false for a folder that must not be used: a link, not this user's, open to others, or below a folder in
 *   which others may rename entries
 * @throws what the file system says
 */
export function makePrivateFolder(folder: string, userId: number | undefined): boolean {
  if (!isAbsolute(folder)) return false;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (userId === undefined) return true;
  const own = lstatSync(folder);
  if (!own.isDirectory() || own.uid !== userId || (own.mode & ACCESSIBLE_TO_OTHERS) !== 0) return false;
  return [...ancestors(folder), ...ancestors(realpathSync(folder))].every((path) => {
    const parent = lstatSync(path);
    if (parent.uid !== userId && parent.uid !== 0) return false;
    // A link's own mode says nothing: only who may write the folder that holds it can replace it.
    return parent.isSymbolicLink() || (parent.mode & WRITABLE_BY_OTHERS) === 0 || (parent.mode & STICKY) !== 0;
  });
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...ancestors(parent)];
}

/** Node keeps what it compiles of all that is imported from here on. Without a cache the start takes longer, no more. */
function useCompileCache(): void {
  try {
    const cache = cacheFolder(surroundings());
    const folder = cache === undefined ? '' : join(cache, 'compiled');
    if (makePrivateFolder(folder, process.getuid?.())) enableCompileCache(folder);
  } catch {
    // No home folder, a full disk, a file in the folder's place.
  }
}

/** Answers over stdio until stdin or stdout is closed or a signal arrives; then exits with code 0. */
export async function serve(): Promise<void> {
  let handlers: Promise<Handlers> | undefined;
  let isEnding = false;
  const end = async (reason: string, exitCode = 0) => {
    if (isEnding) return;
    isEnding = true;
    try {
      await (await handlers)?.end(reason, MAX_END_MILLISECONDS);
    } finally {
      // Whatever failed: a server without a client must not stay.
      process.exit(exitCode);
    }
  };
  const crash = (error: unknown) => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(
      `jimeng-video-mcp: an unexpected error ends the server; its tasks are recorded, and go on when it is started again. ${reason.replace(/\s*\n\s*/g, ' ')}\n`,
    );
    void end('crash', 1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  // EPIPE: the client is gone, which is not an error.
  process.stdout.on('error', () => void end('stdout is gone'));
  process.stdin.on('end', () => void end('stdin ended'));
  process.stdin.on('close', () => void end('stdin closed'));
  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGINT', () => void end('SIGINT'));
  process.on('SIGHUP', () => void end('SIGHUP'));

  useCompileCache();
  // Imported only now: a signal that arrives meanwhile finds its handler.
  const { serveStdio } = await import('./mcp/stdio-server.ts');
  /** Loaded by the first call: initialize and the lists do not need it. */
  const loadHandlers = (): Promise<Handlers> => {
    handlers ??= import('./mcp/handlers.ts').then(
      ({ openHandlers }) => {
        // A closed stderr is no reason to end. Here, because nothing is logged before and opening it takes 2 ms.
        process.stderr.on('error', () => undefined);
        return openHandlers();
      },
      (cause: unknown) => {
        // An update or a new build replaces the files that this process would load.
        const sentence = 'The server’s program was changed or removed since it was started, so nothing was sent';
        throw new Error(`${sentence}: restart the server, then call again.`, { cause });
      },
    );
    return handlers;
  };
  await serveStdio(loadHandlers, process.stdin, process.stdout);
}
