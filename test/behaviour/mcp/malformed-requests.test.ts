/** Every request gets an answer, however malformed: a client that gets none waits for ever. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RawServer, startRaw, until } from '../../support/mcp-client.ts';

let home: string;
let server: RawServer;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'jimeng-odd-'));
  server = startRaw({ HOME: home, JIMENG_VIDEO_API_URL: 'sandbox', LOG_LEVEL: 'debug' }, home);
  await server.initialize();
});
afterAll(async () => {
  const ended = server.exit();
  server.child.stdin?.end();
  await ended;
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

const INITIALIZE = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'odd', version: '1' } };
const LIST = { name: 'list_video_tasks', arguments: {} };

it.each([
  ['params', { id: 10, method: 'ping', params: null }],
  ['params._meta', { id: 11, method: 'tools/call', params: { ...LIST, _meta: null } }],
  ['params._meta.progressToken', { id: 12, method: 'tools/call', params: { ...LIST, _meta: { progressToken: null } } }],
  ['a method’s own field', { id: 14, method: 'tools/list', params: { cursor: null } }],
  ['a capability', { id: 15, method: 'initialize', params: { ...INITIALIZE, capabilities: { sampling: null } } }],
  ['all that it does not use', { id: 13, method: 'ping', params: null, result: null, error: null }],
])('a request that writes null for %s is answered as one that leaves it out', async (_what, request) => {
  server.send(request);
  expect(await server.answer(request.id)).toEqual({ jsonrpc: '2.0', id: request.id, result: expect.any(Object) });
});

it.each<[string, { id: number | string; [field: string]: unknown }]>([
  ['`params` must be an object.', { id: 20, method: 'ping', params: [] }],
  ['`params` must be an object.', { id: 21, method: 'tools/call', params: 'x' }],
  ['`params._meta` must be an object.', { id: 22, method: 'ping', params: { _meta: 5 } }],
  [
    '`params._meta.progressToken` must be a text or a whole number.',
    { id: 23, method: 'tools/call', params: { ...LIST, _meta: { progressToken: 1.5 } } },
  ],
  ['`id` must be a text or a whole number.', { id: 1.5, method: 'ping' }],
  ['`id` does not follow the protocol.', { id: 2 ** 60, method: 'ping' }],
  ['`jsonrpc` must be "2.0".', { jsonrpc: '1.0', id: 'twenty-four', method: 'ping' }],
  ['`jsonrpc` is missing.', { jsonrpc: undefined, id: 25, method: 'ping' }],
  ['`method` must be a text.', { id: 26, method: 5 }],
  ['A request has no field "extra".', { id: 27, method: 'ping', extra: 1 }],
  [`A request has no field "${'x'.repeat(80)}…".`, { id: 28, method: 'ping', ['x'.repeat(100)]: 1 }],
])('%s is the answer to such a request', async (message, request) => {
  server.send(request);
  expect(await server.answer(request.id)).toEqual({ jsonrpc: '2.0', id: request.id, error: { code: -32600, message } });
});

it.each([
  ['`params` is missing.', { id: 50, method: 'initialize' }],
  [
    '`params.protocolVersion` must be a text.',
    { id: 51, method: 'initialize', params: { ...INITIALIZE, protocolVersion: 5 } },
  ],
  ['`params.uri` is missing.', { id: 52, method: 'resources/read', params: {} }],
  ['`params.name` is missing.', { id: 53, method: 'prompts/get', params: {} }],
  [
    '`params.arguments` must be an object.',
    { id: 54, method: 'prompts/get', params: { name: 'write_shot', arguments: ['idea'] } },
  ],
  ['`params.ref` is missing.', { id: 55, method: 'completion/complete', params: {} }],
  [
    '`params.ref` does not follow the protocol.',
    { id: 56, method: 'completion/complete', params: { ref: { type: 'prompt' }, argument: { name: 'x', value: '' } } },
  ],
  ['`params.cursor` must be a text.', { id: 57, method: 'tools/list', params: { cursor: 5 } }],
  ['`params.cursor` must be a text.', { id: 58, method: 'resources/list', params: { cursor: 5 } }],
  ['`params.cursor` must be a text.', { id: 59, method: 'resources/templates/list', params: { cursor: 5 } }],
  ['`params.cursor` must be a text.', { id: 60, method: 'prompts/list', params: { cursor: 5 } }],
])('%s is the answer, with -32602, where a method’s own field is wrong', async (message, request) => {
  server.send(request);
  expect(await server.answer(request.id)).toEqual({ jsonrpc: '2.0', id: request.id, error: { code: -32602, message } });
});

it('a message that nobody waits for is logged, and nothing is sent to the client', async () => {
  const before = server.stdoutLines.length;
  const messages = ['no JSON', '17', '{}', '{"jsonrpc":"2.0","id":null,"method":"ping"}', '{"jsonrpc":"2.0","id":30}'];
  for (const message of messages) server.child.stdin?.write(`${message}\n`);
  server.send({ id: 31, method: 'ping' });
  await server.answer(31);
  expect(server.stdoutLines.length).toBe(before + 1);
  const logged = () => server.stderr().split('protocol error').length - 1;
  await until('a line for each in the log', () => logged() === messages.length);
});

it('a batch is answered message by message, malformed ones included', async () => {
  const batch = [
    { jsonrpc: '2.0', id: 40, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/nothing' },
    { jsonrpc: '2.0', id: 41, method: 'ping', params: [] },
    [{ jsonrpc: '2.0', id: 42, method: 'ping' }],
    5,
    { jsonrpc: '2.0', id: 43, method: 'tools/list' },
  ];
  server.child.stdin?.write(`${JSON.stringify(batch)}\n[]\n`);
  expect(await server.answer(40)).toMatchObject({ result: {} });
  expect(await server.answer(41)).toMatchObject({ error: { code: -32600, message: '`params` must be an object.' } });
  expect(await server.answer(43)).toMatchObject({ result: { tools: expect.any(Array) } });
  await until('the empty batch in the log', () => server.stderr().includes('an empty batch'));
  expect(server.stdoutLines.filter((line) => JSON.parse(line).id === 42)).toEqual([]);
});

it('a byte order mark before the first message does not keep it from being answered', async () => {
  const marked = startRaw({ HOME: home }, home);
  marked.child.stdin?.write('\uFEFF');
  await marked.initialize();
  expect(JSON.parse(marked.stdoutLines[0] ?? '')).toMatchObject({ id: 0, result: { serverInfo: expect.any(Object) } });
  const ended = marked.exit();
  marked.child.stdin?.end();
  expect((await ended).code).toBe(0);
});
