/** No key, and no prompt in a log, leaves the server. */
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RawServer, startRaw } from '../../support/mcp-client.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const CREDENTIALS = {
  accessKeyId: 'AKLTsecretAccessKeyOfATest',
  secretAccessKey: 'U2VjcmV0/S2V5+T2ZBVGVzdA==',
  sessionToken: 'STS/VG9rZW4+T2ZBVGVzdA==',
};
/** Their beginnings: a cut secret is one, too. */
const SECRETS = ['AKLTsecretAccess', 'U2VjcmV0', 'S2V5+T2ZB', 'STS/VG9r', 'VG9rZW4+T2'];

let sandbox: Sandbox;
let workspace: Workspace;
let server: RawServer;

beforeAll(async () => {
  sandbox = await startSandbox({ credentials: CREDENTIALS, generationSeconds: 0.1 });
  workspace = await makeWorkspace();
  server = startRaw({ ...workspace.environment(sandbox.url, CREDENTIALS), LOG_LEVEL: 'trace' });
  await server.initialize();
  const { accessKeyId, secretAccessKey, sessionToken } = CREDENTIALS;
  const echo = `${accessKeyId} ${secretAccessKey} ${sessionToken}`;
  const escaped = JSON.stringify({ code: 50400, message: echo, data: null })
    .replaceAll('/', '\\/')
    .replaceAll('=', '\\u003d')
    .replaceAll('+', '\\u002B');
  sandbox.faults.add(
    { on: 'submit', fault: { kind: 'business', code: 50400, message: echo } },
    { on: 'submit', fault: { kind: 'raw', status: 401, body: escaped } },
    { on: 'submit', fault: { kind: 'html', status: 502, body: `<p>${echo}</p>` } },
    { on: 'query', fault: { kind: 'business', code: 50400, message: echo } },
  );
  const prompts = ['refused with an echo', 'refused with an escaped echo', 'lost with an echo', 'made'];
  for (const [index, prompt] of prompts.entries()) {
    const params = { name: 'generate_video', arguments: { prompt, wait_seconds: 50 } };
    server.send({ id: index + 1, method: 'tools/call', params });
    await server.answer(index + 1);
  }
  server.send({ id: 9, method: 'tools/call', params: { name: 'list_video_tasks', arguments: {} } });
  await server.answer(9);
  server.child.stdin?.end();
  await server.exit();
});
afterAll(async () => {
  await sandbox.close();
  await workspace.remove();
});

it('the calls went as the test means them to', async () => {
  const statuses = await Promise.all(
    [1, 2, 3, 4].map(async (id) => (await server.answer(id)).result?.structuredContent?.status),
  );
  expect(statuses).toEqual(['failed', 'failed', 'unknown', 'done']);
  expect(server.stdoutLines.join('\n')).toContain('(key) (key) (key)');
});

it('no key is in a result, in stderr at trace, or in the state folder', async () => {
  const state = await workspace.readState();
  expect([...state.values()].join('')).toContain('refused with an echo');
  expect(server.stderr().split('\n').length).toBeGreaterThan(5);
  const places = { results: server.stdoutLines.join('\n'), stderr: server.stderr(), ...Object.fromEntries(state) };
  for (const [place, text] of Object.entries(places)) {
    for (const secret of SECRETS) expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
  }
});

it('stderr holds no prompt', () => {
  expect(server.stderr()).not.toContain('with an echo');
});

it('stdout holds nothing but JSON-RPC', () => {
  expect(server.stdoutLines.length).toBeGreaterThan(4);
  for (const line of server.stdoutLines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
});

it.skipIf(process.platform === 'win32')('the state folder is its owner’s alone: 0700, files 0600', async () => {
  const entries = await readdir(workspace.stateDir, { recursive: true, withFileTypes: true });
  const wrong = entries.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const mode = (statSync(path).mode & 0o777).toString(8);
    return mode === (entry.isDirectory() ? '700' : '600') ? [] : [`${path} ${mode}`];
  });
  expect(wrong).toEqual([]);
  expect((statSync(workspace.stateDir).mode & 0o777).toString(8)).toBe('700');
});
