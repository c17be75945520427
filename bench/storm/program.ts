/** Builds the program as it is in the sources now, for one run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Program {
  /** What node is started with. */
  readonly path: string;
  remove(): Promise<void>;
}

/** Not dist/: that may be older than the sources, or be written at the moment. */
export async function buildProgram(sources: string = fileURLToPath(new URL('../../src', import.meta.url))) {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-program-'));
  const path = join(folder, 'main.cjs');
  await build({
    entryPoints: [join(sources, 'main.ts')],
    outfile: path,
    bundle: true,
    platform: 'node',
    target: 'node22.13',
    format: 'cjs',
    logLevel: 'error',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  const program: Program = { path, remove: () => rm(folder, { recursive: true, force: true }) };
  return program;
}
