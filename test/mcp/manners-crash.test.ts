/** Is the server's last word a clear one, on stderr and in one line, when it cannot go on? */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RawServer, startRaw } from '../support/mcp-client.ts';

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

it.concurrent.each(['18.20.8', '20.18.0', '16.0.0'])(
  'Node %s: it says which one it needs, and does not start',
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
    expect(said).toContain(old);
    expect(said).toMatch(/Node(\.js)? .*20\.18\.1/);
  },
);
