// Proves the promise with real processes that are really killed, and prints the figures: npm run promise [-- TIMES].
// The harness is TypeScript, which the oldest Node that is supported does not run: it is bundled first.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const cache = join(root, 'node_modules', '.cache', 'promise');
await mkdir(cache, { recursive: true });
const outfile = join(cache, 'run.mjs');
await build({
  entryPoints: [join(here, 'run.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
const { run } = await import(pathToFileURL(outfile).href);
process.exitCode = await run(root, cache, process.argv.slice(2));
