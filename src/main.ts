#!/usr/bin/env node
/** What was this program started for: to serve a client over stdio, or to run a command? */

/** `engines` in package.json; a desktop's Node is chosen by nobody who reads that. */
const OLDEST_NODE: readonly number[] = [20, 18, 1];

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  const index = OLDEST_NODE.findIndex((part, place) => part !== parts[place]);
  return index >= 0 && (parts[index] ?? 0) < (OLDEST_NODE[index] ?? 0);
}

async function main(): Promise<void> {
  if (isOlder(process.versions.node)) {
    process.stderr.write(
      `jimeng-video-mcp needs Node.js ${OLDEST_NODE.join('.')} or newer, and this is ${process.version}: install a newer one from https://nodejs.org, and start it again.\n`,
    );
    process.exit(1);
  }
  // Imported here and not at the top: an older Node could not read what follows.
  if (process.argv.length <= 2) {
    const { serve } = await import('./start/serve.ts');
    return await serve();
  }
  const { runCommand } = await import('./cli/commands.ts');
  process.exitCode = await runCommand(process.argv.slice(2));
}

main().catch((error: unknown) => {
  process.stderr.write(
    `jimeng-video-mcp: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});

export {};
