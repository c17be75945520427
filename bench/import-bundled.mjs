/** Imports TypeScript on any supported Node: bundled into the cache of node_modules first. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** The project's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * @param entry path in the project, such as `bench/storm/run.ts`
 * @returns what the bundle exports, and its folder, which is the entry's own
 */
export async function importBundled(entry) {
  const folder = join(root, 'node_modules', '.cache', 'bench', entry.replace(/\W+/g, '-'));
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `${process.pid}.mjs`);
  const source = join(root, entry);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
    // What lies beside the sources is looked for from there, not from the cache.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(source).href) },
  });
  return { exports: await import(pathToFileURL(outfile).href), folder };
}
