/** The same request gets the same answer over HTTP as over stdio, to the byte: one state folder, two servers, raw messages. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectV2, type HttpServer, startHttp } from '../../support/http-server.ts';
import { type RawServer, startRaw } from '../../support/mcp-client.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let sandbox: Sandbox;
let workspace: Workspace;
let stdio: RawServer;
let http: HttpServer;
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100, requestsPerSecond: 100_000 });
  workspace = await makeWorkspace();
  // A person over HTTP has a folder of their own: only links are the same.
  const env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_OUTPUT_DIR: 'none' };
  stdio = startRaw(env, workspace.folder);
  await stdio.initialize();
  http = await startHttp(env, [], workspace.folder);
});
afterAll(async () => {
  const ended = stdio.exit();
  stdio.child.stdin?.end();
  await ended;
  await http.stop();
  await sandbox.close();
  await workspace.remove();
});

let nextId = 100;
async function both(message: Record<string, unknown>) {
  const id = message.id ?? nextId++;
  stdio.send({ ...message, id });
  const overStdio = await stdio.answer(id as number);
  const { body } = await http.post({ ...message, id });
  return { overStdio, overHttp: body };
}

const call = (name: unknown, given?: unknown) => ({ method: 'tools/call', params: { name, arguments: given } });

it.each([
  ['the tools', { method: 'tools/list' }],
  ['the resources', { method: 'resources/list' }],
  ['their templates', { method: 'resources/templates/list' }],
  ['a resource', { method: 'resources/read', params: { uri: 'jimeng://modes' } }],
  ['the prompts', { method: 'prompts/list' }],
  ['a prompt', { method: 'prompts/get', params: { name: 'write_shot', arguments: { idea: 'a fox' } } }],
  [
    'a completion',
    {
      method: 'completion/complete',
      params: { ref: { type: 'ref/prompt', name: 'write_shot' }, argument: { name: 'quality', value: '' } },
    },
  ],
  ['ping', { method: 'ping' }],
])('the list or text: %s', async (_what, message) => {
  const { overStdio, overHttp } = await both(message);
  expect(overStdio.result).toBeDefined();
  expect(JSON.stringify(overHttp.result)).toBe(JSON.stringify(overStdio.result));
});

it.each([
  ['a dry run', call('generate_video', { prompt: 'a fox', duration: 8, dry_run: true })],
  ['arguments as one JSON text', call('generate_video', '{"prompt":"a fox","dry_run":"true","seed":null}')],
  ['arguments in a wrapping object', call('generate_video', { input: { prompt: 'a fox', dry_run: true } })],
  ['arguments that are a list', call('generate_video', ['a fox'])],
  ['arguments that are left out', call('generate_video')],
  ['a wrong input', call('generate_video', { prompt: 'a fox', image_url: 'https://example.com/a.png' })],
  ['an unknown task', call('get_video_task', { task_id: 'jv-00000000-00000' })],
  ['an empty list', call('list_video_tasks', { limit: 3 })],
  ['a film that is checked', call('generate_film', { shots: [{ prompt: 'one' }, { prompt: 'two' }], dry_run: true })],
])('the result of a call: %s', async (_what, message) => {
  const { overStdio, overHttp } = await both(message);
  expect(overStdio.result?.content).toBeDefined();
  expect(JSON.stringify(overHttp.result)).toBe(JSON.stringify(overStdio.result));
});

it('the result of a finished video', async () => {
  await http.post({ id: 1, ...call('generate_video', { prompt: 'finished', wait_seconds: 30 }) });
  const { overStdio, overHttp } = await both(call('list_video_tasks', {}));
  expect(overStdio.result?.content[0]?.text).toContain('finished');
  expect(JSON.stringify(overHttp.result)).toBe(JSON.stringify(overStdio.result));
});

const INITIALIZE = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'odd', version: '1' } };

it.each<[string, Record<string, unknown>]>([
  ['an unknown tool', call('generate_movie', {})],
  ['a call without a name', { method: 'tools/call', params: { arguments: {} } }],
  ['a name that is a number', call(5, {})],
  ['an unknown method', { method: 'tools/remove' }],
  ['params that are a list', { method: 'ping', params: [] }],
  ['params that are a text', { method: 'tools/call', params: 'x' }],
  [
    'a progress token that is a fraction',
    { method: 'tools/call', params: { name: 'list_video_tasks', _meta: { progressToken: 1.5 } } },
  ],
  ['another version of JSON-RPC', { jsonrpc: '1.0', id: 'one', method: 'ping' }],
  ['a method that is a number', { method: 5 }],
  ['an unknown field', { method: 'ping', extra: 1 }],
  ['initialize without params', { method: 'initialize' }],
  ['initialize with a wrong version', { method: 'initialize', params: { ...INITIALIZE, protocolVersion: 5 } }],
  ['a resource without a uri', { method: 'resources/read', params: {} }],
  ['a prompt without a name', { method: 'prompts/get', params: {} }],
  ['an unknown prompt', { method: 'prompts/get', params: { name: 'nothing' } }],
  [
    'a prompt with wrong arguments',
    { method: 'prompts/get', params: { name: 'write_shot', arguments: { idea: 'x', quality: '8k' } } },
  ],
  [
    'a reference that is none',
    { method: 'completion/complete', params: { ref: { type: 'prompt' }, argument: { name: 'x', value: '' } } },
  ],
  ['a cursor that is a number', { method: 'tools/list', params: { cursor: 5 } }],
])('the protocol error of %s', async (_what, message) => {
  const { overStdio, overHttp } = await both(message);
  expect(overStdio.error).toBeDefined();
  expect(overHttp).toEqual(overStdio);
  expect(JSON.stringify(overHttp)).not.toMatch(/zod|expected|received/i);
});

it.each(['jimeng://nothing', 'jimeng://tasks/jv-00000000-00000'])(
  'an unknown resource has the same error, and to clients of 2026-07-28 the code that this revision gives it: %s',
  async (uri) => {
    const { overStdio, overHttp } = await both({ method: 'resources/read', params: { uri } });
    expect(overStdio.error?.code).toBe(-32002);
    expect(overHttp).toEqual(overStdio);
    const streamed = await http.post(
      { id: 'x', method: 'resources/read', params: { uri } },
      { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    );
    expect(streamed.body.error).toEqual(overStdio.error);
    const newest = await connectV2(http.url);
    await expect(newest.readResource({ uri })).rejects.toMatchObject({ ...overStdio.error, code: -32602 });
    await newest.close();
  },
);

it.each([
  ['params', { method: 'ping', params: null }],
  ['params._meta', { method: 'tools/call', params: { name: 'list_video_tasks', _meta: null } }],
  ['a capability', { method: 'initialize', params: { ...INITIALIZE, capabilities: { sampling: null } } }],
])('a request that writes null for %s is answered as one that leaves it out', async (_what, message) => {
  const { overHttp } = await both(message);
  expect(overHttp.result).toBeDefined();
});
