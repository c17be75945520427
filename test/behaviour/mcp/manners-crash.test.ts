/** A server that cannot go on says why in one line on stderr. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RawServer, startRaw, until } from '../../support/mcp-client.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jimeng-crash-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The built server with some lines of ours run before it. */
function startAfter(name: string, lines: string): RawServer {
  const preload = join(folder, `${name}.cjs`);
  writeFileSync(preload, lines);
  return startRaw({ HOME: folder, LOG_LEVEL: 'trace', NODE_OPTIONS: `--require ${JSON.stringify(preload)}` }, folder);
}

it.concurrent.each([
  ['an exception that nobody caught', 'throw new Error("boom\\nand more")'],
  ['a rejection that nobody handled', 'Promise.reject(new Error("boom\\nand more"))'],
  ['one that is no error', 'Promise.reject("boom")'],
])('%s: one line on stderr, exit code 1, stdout pure', async (what, crash) => {
  const server = startAfter(what.replaceAll(' ', '-'), `process.on('SIGUSR2', () => { ${crash} });`);
  await server.initialize();
  const ended = server.exit();
  server.child.kill('SIGUSR2');
  expect((await ended).code).toBe(1);
  const said = server
    .stderr()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
  expect(said).toEqual([expect.stringMatching(/^jimeng-video-mcp: .*boom/)]);
  expect(server.stdoutLines.length).toBeGreaterThan(0);
  for (const line of server.stdoutLines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
});

it.concurrent.each(['16.0.0', '20.20.2', '22.12.0'])(
  'Node %s: one sentence says what is needed, what was found and what to install; exit code 1',
  async (old) => {
    const server = startAfter(
      `old-node-${old}`,
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${old}' } });
     Object.defineProperty(process, 'version', { value: 'v${old}' });`,
    );
    server.child.stdin?.end();
    const { code } = await server.exit();
    expect(server.stdoutLines).toEqual([]);
    expect(code).toBe(1);
    const said = server.stderr().trimEnd();
    expect(said).not.toContain('\n');
    expect(said).toBe(
      `jimeng-video-mcp needs Node.js 22.13 or newer, but this is v${old}: install Node.js 24 from https://nodejs.org and start it again.`,
    );
  },
);

it('the warning that Node 22 prints for node:sqlite is not shown, every other warning is', async () => {
  const warn = (text: string) => `process.emitWarning('${text}', 'ExperimentalWarning');`;
  const sqlite = 'SQLite is an experimental feature and might change at any time';
  const other = 'Another thing is an experimental feature';
  const server = startAfter('warnings', `process.on('SIGUSR2', () => { ${warn(sqlite)} ${warn(other)} });`);
  await server.initialize();
  server.child.kill('SIGUSR2');
  await until('the other warning', () => server.stderr().includes(other));
  expect(server.stderr()).not.toContain('SQLite');
  server.child.stdin?.end();
  await server.exit();
});
