/** The built program's start: what it keeps for the next one, and how it ends when it is stopped early. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startRaw } from '../support/mcp-client.ts';

let home: string;
let cache: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'jimeng-start-')));
  cache = join(home, '.cache', 'jimeng-video-mcp', 'compiled');
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

/** Starts the server, initializes it and closes its stdin. */
async function startOnce(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const server = startRaw({ HOME: home, ...env }, home);
  await server.initialize();
  server.child.stdin?.end();
  expect(await server.exit()).toMatchObject({ code: 0 });
  expect(server.stderr()).toBe('');
}

/** Path → inode of every compiled file. */
function compiled(folder = cache): Map<string, number> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map(({ parentPath, name }) => [join(parentPath, name), statSync(join(parentPath, name)).ino] as const),
  );
}

it('the first start keeps what was compiled in a private folder, and the second one uses it unchanged', async () => {
  await startOnce();
  const first = compiled();
  expect(first.size).toBeGreaterThan(0);
  expect(statSync(cache).mode & 0o777).toBe(0o700);
  await startOnce();
  expect(compiled()).toEqual(first);
});

it('compiled code that is damaged is compiled again', async () => {
  await startOnce();
  const first = compiled();
  for (const path of first.keys()) writeFileSync(path, Buffer.alloc(statSync(path).size, 0xff));
  await startOnce();
  for (const path of first.keys()) expect(statSync(path).size).toBeGreaterThan(0);
  await startOnce();
});

it.each([
  ['that others may write', 0o777],
  ['whose parent others may write', 0o700],
])('a cache folder %s is not used', async (what, mode) => {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  chmodSync(cache, mode);
  if (what.startsWith('whose')) chmodSync(join(home, '.cache'), 0o777);
  await startOnce();
  expect(readdirSync(cache)).toEqual([]);
});

it.each([
  ['a file in its place', () => writeFileSync(join(home, '.cache'), ''), {}],
  ['a relative home folder', () => undefined, { HOME: 'home' }],
  ['an empty home folder', () => undefined, { HOME: '' }],
])('without a usable cache folder it starts all the same: %s', async (_what, prepare, env) => {
  prepare();
  const before = readdirSync(home);
  await startOnce(env);
  expect(readdirSync(home)).toEqual(before);
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s while the server is loaded ends it with code 0',
  async (signal) => {
    // Sent by the program to itself as it requires its largest part.
    const preload = join(home, 'preload.cjs');
    writeFileSync(
      preload,
      `const { Module } = require('node:module'); const load = Module._load;
     Module._load = function (name, ...more) { if (/server\\.js$/.test(name)) process.kill(process.pid, '${signal}'); return load.call(this, name, ...more); };`,
    );
    const server = startRaw({ HOME: home, NODE_OPTIONS: `--require ${JSON.stringify(preload)}` }, home);
    expect(await server.exit()).toMatchObject({ code: 0 });
    expect(server.stderr()).toBe('');
  },
);
