// Starts run.ts on any Node that the project supports: npm run storm [-- --tasks 100 …].
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const entry = new URL('run.ts', import.meta.url);
const cache = join(dirname(fileURLToPath(entry)), '..', '..', 'node_modules', '.cache', 'storm');
await mkdir(cache, { recursive: true });
const outfile = join(cache, `run-${process.pid}.mjs`);
await build({
  entryPoints: [fileURLToPath(entry)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
  // What lies beside the sources is looked for from here, not from the cache.
  define: { 'import.meta.url': JSON.stringify(entry.href) },
});
await import(pathToFileURL(outfile).href);
