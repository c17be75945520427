/** The npm package, installed offline into an empty folder: what it holds, and that it works alone. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NAME, VERSION } from '../../src/version.ts';
import { connect, type Session } from '../support/mcp-client.ts';
import { filesUnder } from './unpacked-bundle.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const place = realpathSync(mkdtempSync(join(tmpdir(), 'jimeng-tarball-')));
const project = join(place, 'an empty folder');
const installed = join(project, 'node_modules', NAME);
/** A user's, with nothing of the machine's npm configuration. */
const env = {
  PATH: process.env.PATH ?? '',
  HOME: join(place, 'home'),
  npm_config_cache: join(place, 'cache'),
  npm_config_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};
let files: string[];

beforeAll(async () => {
  for (const folder of [project, env.HOME]) mkdirSync(folder);
  const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', place];
  const { stdout } = await run('npm', packing, { cwd: ROOT, env });
  const [packed] = JSON.parse(stdout) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  files = packed.files.map(({ path }) => path).sort();
  await run('npm', ['install', join(place, packed.filename)], { cwd: project, env });
});
afterAll(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }));

const SANDBOX = {
  JIMENG_VIDEO_API_URL: 'sandbox',
  JIMENG_VIDEO_SANDBOX_SECONDS: '0.1',
  JIMENG_VIDEO_POLL_INTERVAL: '0.1',
  JIMENG_VIDEO_WAIT_SECONDS: '30',
  JIMENG_VIDEO_OUTPUT_DIR: join(place, 'videos'),
};

async function expectVideo({ call }: Session): Promise<void> {
  const { report } = await call('generate_video', { prompt: 'A paper boat', allow_duplicate: true });
  expect([report.status, report.sandbox]).toEqual(['done', true]);
  expect(statSync(report.video?.path ?? '').size).toBeGreaterThan(1000);
}

it('the tarball holds these files, and of the build all of it', () => {
  // Parts of the build have a hash of their content in their names, and how many there are is the build's.
  const kinds = files.map((path) =>
    path.replace(/-[A-Z0-9]{8}(\.\w+)$/, '-HASH$1').replace(/\/mozjpeg_\w+-/, '/mozjpeg-'),
  );
  expect([...new Set(kinds)].sort()).toEqual([
    'LICENSE',
    'README.md',
    'README.zh-CN.md',
    'assets/storyboard.schema.json',
    'dist/avif_dec-HASH.wasm',
    'dist/clip-worker.mjs',
    'dist/commands.mjs',
    'dist/gallery/icon.svg',
    'dist/gallery/index.html',
    'dist/gallery/page.css',
    'dist/gallery/page.js',
    'dist/handlers.mjs',
    'dist/image-worker.mjs',
    'dist/main.js',
    'dist/mozjpeg-HASH.wasm',
    'dist/package.json',
    'dist/part-HASH.mjs',
    'dist/sandbox-font.br',
    'dist/sandbox-worker.mjs',
    'dist/server.js',
    'dist/squoosh_png_bg-HASH.wasm',
    'dist/third-party-licenses.txt',
    'dist/webp_dec-HASH.wasm',
    'package.json',
  ]);
  const built = filesUnder(join(ROOT, 'dist')).map((path) => `dist/${path}`);
  expect(files.filter((path) => path.startsWith('dist/'))).toEqual(built);
});

it('the gallery’s page takes less than 60 kB on its way, and asks nothing of anybody else', () => {
  const folder = join(installed, 'dist', 'gallery');
  const names = readdirSync(folder);
  const bytes = names.map((name) => gzipSync(readFileSync(join(folder, name))).length);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
  for (const name of names.filter((file) => file !== 'icon.svg')) {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(text.match(/https?:\/\/(?!www\.w3\.org\/)[^\s"'`]*/g) ?? []).toEqual([]);
    expect(text).not.toMatch(/@import|url\(|eval\(|new Function/);
  }
});

it('nothing in it names a place of the machine that made it', () => {
  const names = [ROOT.replace(/\/$/, ''), `${homedir()}/`, hostname(), 'node_modules/.bin'].filter(
    (name) => name.length > 3,
  );
  const texts = files.filter((path) => /\.(js|mjs|json|md|txt)$/.test(path));
  expect(texts.length).toBeGreaterThan(4);
  for (const path of texts) {
    const text = readFileSync(join(installed, path), 'utf8');
    for (const name of names) expect(text.includes(name), `${path} names ${name}`).toBe(false);
  }
});

it('it installs no other package, and no Node', () => {
  expect(filesUnder(join(project, 'node_modules')).filter((path) => !path.startsWith(`${NAME}/`))).toEqual([
    '.package-lock.json',
  ]);
});

it('the command runs through npm’s link to it, by its own first line', async () => {
  const link = join(project, 'node_modules', '.bin', NAME);
  expect(readFileSync(link, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true);
  expect(statSync(link).mode & 0o111).toBe(0o111);
  expect((await run(link, ['--version'], { cwd: place, env })).stdout).toBe(`${VERSION}\n`);
});

it('npx starts the server, which makes a video in the sandbox and no file elsewhere', async () => {
  const before = filesUnder(project);
  const session = await connect({ ...env, ...SANDBOX }, project, ['npx', NAME]);
  expect(session.client.getServerVersion()).toMatchObject({ name: NAME, version: VERSION });
  await expectVideo(session);
  await session.close();
  expect(filesUnder(project)).toEqual(before);
});

const PLUGINS = [
  '.claude-plugin/plugin.json',
  '.codex-plugin/plugin.json',
  '.cursor-plugin/mcp.json',
  'gemini-extension.json',
];

it.each(PLUGINS)('the command of %s starts the packed server, which makes a video', async (path) => {
  const { mcpServers } = JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  const { command, args, env: given } = mcpServers[NAME];
  // As the client leaves it where its user has set nothing, but for the address.
  const session = await connect({ ...env, ...given, ...SANDBOX }, project, [command, ...args]);
  await expectVideo(session);
  await session.close();
});
