// Builds dist/: the program as one CommonJS file, which starts faster than ESM, and what it loads when it is needed.
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

// Built beside its place and moved there: a program that starts meanwhile finds the old one or the new one.
const out = `.dist-${process.pid}`;
await mkdir(out);

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  // CommonJS has no import.meta.url; the sources use it to find what lies beside the program.
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

await build({ ...shared, entryPoints: ['src/main.ts'], outfile: `${out}/main.js` });
// The decoder and encoder await their WebAssembly at the top, which CommonJS cannot; a thread of its own loads them.
await build({
  ...shared,
  format: 'esm',
  define: {},
  banner: {},
  entryPoints: ['src/media/image-worker.ts'],
  outfile: `${out}/image-worker.mjs`,
  loader: { '.wasm': 'file' },
});
await writeFile(`${out}/package.json`, '{ "type": "commonjs" }\n');
await cp('assets/sandbox-clips', `${out}/sandbox-clips`, { recursive: true });
await rename('dist', `${out}-old`).catch(() => undefined);
await rename(out, 'dist');
await rm(`${out}-old`, { recursive: true, force: true });
