#!/usr/bin/env node
/** Checks the version of Node, then starts the stdio server (no argument) or runs a command. */

/** `engines` in package.json, which npx and desktop apps do not enforce. */
const OLDEST_NODE: readonly [major: number, minor: number] = [22, 13];

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

/** Node 22 prints this warning when node:sqlite is loaded. All other warnings stay. */
function hideSqliteWarning(): void {
  const emitWarning = process.emitWarning as (warning: string | Error, ...more: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...more: unknown[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning.call(process, warning, ...more);
  };
}

async function main(): Promise<void> {
  if (isTooOld(process.versions.node)) {
    process.stderr.write(
      `jimeng-video-mcp needs Node.js ${OLDEST_NODE.join('.')} or newer, but this is ${process.version}: install Node.js 24 from https://nodejs.org and start it again.\n`,
    );
    process.exitCode = 1;
    return;
  }
  hideSqliteWarning();
  // Imported here and not at the top: an older Node cannot load the rest.
  if (process.argv.length <= 2 && !(await isAtTerminal())) {
    const { serve } = await import('./start.ts');
    return await serve();
  }
  const { isFirstRun, runCommand } = await import('./cli/commands.ts');
  if (process.argv.length > 2) process.exitCode = await runCommand(process.argv.slice(2));
  else if (isFirstRun()) process.exitCode = await runCommand(['init']);
  else await serveAtTerminal();
}

/** A client talks through pipes: a person has started it. */
async function isAtTerminal(): Promise<boolean> {
  const { isatty } = await import('node:tty');
  return isatty(0) && isatty(1);
}

async function serveAtTerminal(): Promise<void> {
  const { serve } = await import('./start.ts');
  const serving = serve();
  process.stderr.write(
    'This is the MCP server: it waits for a client. Ctrl-C ends it; jimeng-video-mcp --help shows the commands.\n',
  );
  await serving;
}

main().catch((error: unknown) => {
  process.stderr.write(
    `jimeng-video-mcp: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});

export {};
