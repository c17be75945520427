// Builds dist/: a small main.js, the protocol's part (server.js), and all that is loaded when it is needed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { collectLicenses } from './collect-licenses.mjs';
import { leanSdk } from './lean-sdk.mjs';

// Built beside its place and moved there: a program that starts meanwhile finds the old one or the new one.
const out = `.dist-${process.pid}`;
await mkdir(out);

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
const commonJs = {
  ...shared,
  format: 'cjs',
  // CommonJS has no import.meta.url; the sources use it to find what lies beside the program.
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** @param {RegExp} filter @param {import('esbuild').OnResolveResult} result what an import stands for */
function resolve(filter, result) {
  return { name: `resolve ${filter}`, setup: ({ onResolve }) => onResolve({ filter }, () => result) };
}

/** @param {RegExp} filter @param {string} contents what stands in the file's place */
function replace(filter, contents) {
  return { name: `replace ${filter}`, setup: ({ onLoad }) => onLoad({ filter }, () => ({ contents })) };
}

/** Loaded as a part of its own, CommonJS has a default export only: the names are given back to it. */
function nameExports(libraries) {
  return {
    name: 'name exports',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^(${libraries.join('|')})$`) }, ({ path, kind, resolveDir }) =>
        kind === 'dynamic-import' ? { path, namespace: 'named', pluginData: resolveDir } : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'named' }, async ({ path, pluginData: resolveDir }) => {
        const names = Object.keys(await import(path)).filter((name) => !['default', 'module.exports'].includes(name));
        return { contents: `export { ${names.join(', ')} } from '${path}';`, resolveDir };
      });
    },
  };
}

/** Evaluates what never changes once it is built. */
async function evaluate(entry) {
  const outfile = join(out, 'evaluated.mjs');
  await build({ ...shared, format: 'esm', entryPoints: [entry], outfile });
  const { default: _, ...values } = await import(pathToFileURL(outfile).href);
  await rm(outfile);
  return Object.entries(values)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
    .join('\n');
}

/** For the Node that builds; another one compiles it itself, and keeps that in its user's folder. */
async function compileServer() {
  const kept = `${process.version}-${process.versions.v8}-${process.arch}.v8`;
  const compiling = spawn(process.execPath, ['scripts/compile-server.cjs', join(out, 'server.js'), join(out, kept)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const clientInfo = { name: 'build', version: '1' };
  const messages = [
    { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/list' },
  ];
  compiling.stdin.end(messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''));
  const [code] = await once(compiling, 'exit');
  if (code !== 0) throw new Error('server.js could not be compiled');
}

// For the sake of older ones that only read why they cannot run it.
const program = await build({
  ...commonJs,
  target: 'node14.18',
  supported: { 'dynamic-import': true },
  entryPoints: ['src/main.ts'],
  outfile: join(out, 'main.js'),
  plugins: [
    resolve(/\/load-server\.ts$/, { path: join(process.cwd(), 'src/start/load-kept-server.ts') }),
    resolve(/\/mcp\/work\.ts$/, { path: './work.mjs', external: true }),
    resolve(/\/cli\/commands\.ts$/, { path: './commands.mjs', external: true }),
  ],
});
// One CommonJS file: it starts faster than ESM. Schemas of tools are no work of a start.
const server = await build({
  ...commonJs,
  define: {},
  // One function, as load-kept-server.ts runs it.
  banner: { js: '(function (module, require) {' },
  footer: { js: '})' },
  entryPoints: ['src/mcp/server.ts'],
  outfile: join(out, 'server.js'),
  plugins: [replace(/[/\\]mcp[/\\]listing\.ts$/, await evaluate('src/mcp/listing.ts')), leanSdk],
});
await compileServer();
// What calls and commands need, in parts that are loaded when they are used.
const parts = await build({
  ...shared,
  format: 'esm',
  splitting: true,
  entryPoints: { work: 'src/mcp/work.ts', commands: 'src/cli/commands.ts' },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'part-[hash]',
  plugins: [nameExports(['pino', 'undici'])],
  // Some of the libraries are CommonJS.
  banner: { js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);" },
});
// Programs of worker threads: for pictures, and for MP4 files.
const workers = await build({
  ...shared,
  format: 'esm',
  entryPoints: { 'image-worker': 'src/media/image-worker.ts', 'clip-worker': 'src/media/clip/worker.ts' },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  loader: { '.wasm': 'file' },
});
const metafiles = [program, server, parts, workers].map(({ metafile }) => metafile);
await writeFile(join(out, 'third-party-licenses.txt'), await collectLicenses(metafiles));
await writeFile(join(out, 'package.json'), '{ "type": "commonjs" }\n');
await cp('assets/sandbox-clips', join(out, 'sandbox-clips'), { recursive: true });
await rename('dist', `${out}-old`).catch(() => undefined);
await rename(out, 'dist');
await rm(`${out}-old`, { recursive: true, force: true });
