#!/usr/bin/env node
/** What was this program started for: to serve a client over stdio, or to run a command? */
import { createLog } from './log.ts';
import { holdService } from './open-service.ts';
import { missingKeys, readSettings, surroundings } from './settings.ts';

const NEEDED_NODE = [20, 18, 1] as const;

/** A submit that is out is awaited so long: SDK clients kill 4 s after they closed stdin. */
const LAST_WAIT_MILLISECONDS = 3_000;

async function serve(): Promise<void> {
  const from = surroundings();
  const read = readSettings(from);
  const log = createLog(read.settings.logLevel);
  const holder = holdService(read, missingKeys(from), log);
  const { serveStdio } = await import('./mcp/server.ts');

  let ending = false;
  const end = async (reason: string) => {
    if (ending) return;
    ending = true;
    log.debug('ending', { reason });
    await holder.end(LAST_WAIT_MILLISECONDS);
    process.exit(0);
  };
  // The client went away: what it would have read goes nowhere, and that is no error.
  process.stdout.on('error', () => void end('stdout is gone'));
  process.stdin.on('end', () => void end('stdin ended'));
  process.stdin.on('close', () => void end('stdin closed'));
  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGINT', () => void end('SIGINT'));
  process.on('SIGHUP', () => void end('SIGHUP'));
  await serveStdio(holder, log, process.stdin);
}

async function main(): Promise<void> {
  if (process.argv.length <= 2) return await serve();
  const { runCommand } = await import('./cli/commands.ts');
  process.exitCode = await runCommand(process.argv.slice(2));
}

/** One line on stderr, and exit code 1: what was paid for is on disk, and the next start goes on with it. */
function crash(error: unknown): void {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`jimeng-video-mcp: ${words.replace(/\s*\n\s*/g, ' ')}\n`, () => process.exit(1));
}

/** @returns what is wrong with this Node; the first that this runs on is NEEDED_NODE */
function oldNode(): string | undefined {
  const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number);
  const [neededMajor, neededMinor, neededPatch] = NEEDED_NODE;
  const isNewEnough =
    major !== neededMajor ? major > neededMajor : minor !== neededMinor ? minor > neededMinor : patch >= neededPatch;
  if (isNewEnough) return undefined;
  return `needs Node ${NEEDED_NODE.join('.')} or newer, and was started by Node ${process.versions.node}: install a newer one from https://nodejs.org`;
}

const old = oldNode();
process.on('uncaughtException', crash);
if (old === undefined) main().catch(crash);
else crash(old);
