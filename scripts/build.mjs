// Builds dist/: main.js, which any Node can parse, and the parts that it loads when they are needed.
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { collectLicenses } from './collect-licenses.mjs';
import { leanSdk } from './lean-sdk.mjs';

// Built under another name and renamed: a program that starts meanwhile finds the old build or the new one.
const out = `.dist-${process.pid}`;
await mkdir(out);

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node22.13',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  alias: {
    // Its main file loads its parts in a way that cannot be bundled.
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
    // The storage's keys are given to its client: it never looks for others in files, processes and web services.
    '@aws-sdk/credential-provider-node': './scripts/no-other-keys.mjs',
  },
};

/** What main.js loads → its name in dist/. */
const PARTS = {
  'mcp/stdio-server.ts': 'server.js',
  'mcp/handlers.ts': 'handlers.mjs',
  'cli/commands.ts': 'commands.mjs',
};

const externalParts = {
  name: 'external parts',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/(mcp|cli)\// }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${PARTS[path.slice(2)]}`, external: true } : undefined,
    );
  },
};

/** A CommonJS library that is a chunk of its own has only a default export: this restores its names. */
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

/** Replaces a module by the values of its exports, so that the start does not compute them. */
async function evaluated(entry) {
  const outfile = join(out, 'evaluated.mjs');
  await build({ ...shared, format: 'esm', entryPoints: [entry], outfile });
  const { default: _, ...values } = await import(pathToFileURL(outfile).href);
  await rm(outfile);
  const contents = Object.entries(values)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
    .join('\n');
  const filter = new RegExp(`${entry.replaceAll('/', '[/\\\\]').replace('.', '\\.')}$`);
  return { name: `evaluated ${entry}`, setup: ({ onLoad }) => onLoad({ filter }, () => ({ contents })) };
}

const program = await build({
  ...shared,
  format: 'cjs',
  // For the sake of versions that only say why they cannot run it.
  target: 'node12',
  // import() becomes require(), which is a few milliseconds faster. Node takes ECMAScript modules there, too, as long as
  // none of them has a top-level await.
  supported: { 'dynamic-import': false },
  entryPoints: ['src/main.ts'],
  outfile: join(out, 'main.js'),
  plugins: [externalParts],
});
// One CommonJS file is loaded 4 ms faster than ECMAScript modules with shared chunks (Node 24.21, 2026-11).
const server = await build({
  ...shared,
  format: 'cjs',
  entryPoints: ['src/mcp/stdio-server.ts'],
  outfile: join(out, 'server.js'),
  plugins: [await evaluated('src/mcp/listing.ts'), leanSdk],
});
const parts = await build({
  ...shared,
  format: 'esm',
  splitting: true,
  // The workers are threads of their own: for pictures, MP4 files, and the sandbox's clips.
  entryPoints: {
    handlers: 'src/mcp/handlers.ts',
    commands: 'src/cli/commands.ts',
    'image-worker': 'src/media/image/worker.ts',
    'clip-worker': 'src/media/clip/worker.ts',
    'sandbox-worker': 'src/sandbox/clip/worker.ts',
  },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'part-[hash]',
  loader: { '.wasm': 'file' },
  plugins: [nameExports(['pg', 'pino', 'undici', 'yaml'])],
  // Some of the libraries are CommonJS.
  banner: { js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);" },
});
/** The gallery's page: for browsers of the last years, beside the server that serves it. */
const page = await build({
  ...shared,
  platform: 'browser',
  target: ['chrome123', 'firefox125', 'safari17.5'],
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryPoints: { page: 'src/web/page/main.tsx' },
  outdir: join(out, 'gallery'),
});
const style = await build({
  ...shared,
  entryPoints: { page: 'src/web/page/page.css' },
  target: ['chrome123', 'firefox125', 'safari17.5'],
  outdir: join(out, 'gallery'),
});
for (const file of ['index.html', 'icon.svg']) await cp(`src/web/page/${file}`, join(out, 'gallery', file));
const metafiles = [program, server, parts, page, style].map(({ metafile }) => metafile);
const fontLicense = await readFile('assets/sandbox-font.md', 'utf8');
await writeFile(join(out, 'third-party-licenses.txt'), `${await collectLicenses(metafiles)}\n\n${fontLicense}`);
await writeFile(join(out, 'package.json'), '{ "type": "commonjs" }\n');
await cp('assets/sandbox-font.br', join(out, 'sandbox-font.br'));
await rename('dist', `${out}-old`).catch(() => undefined);
await rename(out, 'dist');
await rm(`${out}-old`, { recursive: true, force: true });
