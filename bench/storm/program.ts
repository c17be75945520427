/** Builds the program as it is in the sources now, for one run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type PluginBuild } from 'esbuild';

export interface Program {
  /** What node is started with. */
  readonly path: string;
  /** The same program as a worker of a shared store. */
  readonly workerPath: string;
  remove(): Promise<void>;
}

/** Not dist/: that may be older than the sources, or be written at the moment. */
export async function buildProgram(sources: string = fileURLToPath(new URL('../../src', import.meta.url))) {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-program-'));
  const path = join(folder, 'main.cjs');
  const workerPath = join(folder, 'worker.cjs');
  const shared = {
    bundle: true,
    platform: 'node',
    target: 'node22.13',
    format: 'cjs',
    logLevel: 'error',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  } as const;
  await build({ ...shared, entryPoints: [join(sources, 'main.ts')], outfile: path });
  const worker = fileURLToPath(new URL('host-worker.ts', import.meta.url));
  const fromSources = {
    name: 'from the given sources',
    setup({ onResolve }: PluginBuild) {
      onResolve({ filter: /^\.\.\/\.\.\/src\// }, ({ path: given }) => ({
        path: join(sources, given.slice('../../src/'.length)),
      }));
    },
  };
  await build({ ...shared, entryPoints: [worker], outfile: workerPath, plugins: [fromSources] });
  const program: Program = { path, workerPath, remove: () => rm(folder, { recursive: true, force: true }) };
  return program;
}
