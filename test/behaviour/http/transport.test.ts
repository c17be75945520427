/** MCP over Streamable HTTP: both revisions, streams and plain answers, clients that leave, and large requests. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectV1, connectV2, type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { makeJpeg, padJpeg } from '../../support/pictures.ts';
import { readRecords } from '../../support/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let sandbox: Sandbox;
let workspace: Workspace;
let server: HttpServer;
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 1.5, tasksInFlight: 100, requestsPerSecond: 100_000 });
  workspace = await makeWorkspace();
  server = await startHttp(workspace.environment(sandbox.url), [], workspace.folder);
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await workspace.remove();
});

const NEWEST_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

const submitsOf = (prompt: string) => sandbox.submits(prompt).length;
const call = (name: string, given: object, meta?: object) => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: given, ...(meta === undefined ? {} : { _meta: meta }) },
});

it.each([
  ['2025-11-25', connectV1],
  ['2026-07-28', connectV2],
])('a client of revision %s makes a video, sees progress, and gets the report', async (revision, connect) => {
  const client = await connect(server.url);
  const prompt = `made over ${revision}`;
  const progress: number[] = [];
  const given = { name: 'generate_video', arguments: { prompt, wait_seconds: 30 } };
  const onprogress = ({ progress: value }: { progress: number }) => void progress.push(value);
  const result = await (connect === connectV1
    ? (client as Awaited<ReturnType<typeof connectV1>>).callTool(given, undefined, { onprogress })
    : (client as Awaited<ReturnType<typeof connectV2>>).callTool(given, { onprogress }));
  await client.close();
  expect(result.structuredContent).toMatchObject({ status: 'done', prompt });
  expect(progress.length).toBeGreaterThan(0);
  expect(submitsOf(prompt)).toBe(1);
});

it.each([
  ['text/event-stream first', 'application/json, text/event-stream', 'text/event-stream'],
  ['anything', '*/*', 'application/json'],
  ['JSON alone', 'application/json', 'application/json'],
])('a call by a client that accepts %s is answered in what it takes', async (_what, accept, type) => {
  const { status, headers, body } = await server.post(call('list_video_tasks', {}, { progressToken: 1 }), { accept });
  expect([status, headers.get('content-type')]).toEqual([200, type]);
  expect(body.result.structuredContent.counts).toBeDefined();
});

it('GET and DELETE are answered with 405: there are no sessions', async () => {
  for (const method of ['GET', 'DELETE']) {
    const response = await fetch(`${server.url}/mcp`, { method, headers: { accept: 'text/event-stream' } });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  }
});

it.each([
  ['no JSON', '{"jsonrpc":"2.0",', 400, -32700, 'The body is not JSON.'],
  ['nothing', '', 400, -32700, 'The body is not JSON.'],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32600, 'Send one message a request, not a batch.'],
  ['no message', '5', 400, -32600, 'A message must be an object.'],
])('a body that is %s is refused with a JSON-RPC error', async (_what, text, status, code, message) => {
  const answer = await server.post(text);
  expect([answer.status, answer.body]).toEqual([status, { jsonrpc: '2.0', id: null, error: { code, message } }]);
});

it('a prompt in another encoding is refused: it would be paid for with damaged characters', async () => {
  const message = { jsonrpc: '2.0', ...call('generate_video', { prompt: 'PROMPT', dry_run: true }) };
  const [before = '', after = ''] = JSON.stringify(message).split('PROMPT');
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // 金毛 in GBK.
    body: Buffer.concat([Buffer.from(before), Buffer.from([0xbd, 0xf0, 0xc3, 0xab]), Buffer.from(after)]),
  });
  const body = (await response.json()) as { error: { code: number; message: string } };
  expect([response.status, body.error.code]).toEqual([400, -32700]);
  expect(body.error.message).toContain('not UTF-8');
});

/** What the server has used: a machine that stands still uses none. */
async function cpuSeconds(): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
}

it.each([
  ['millions of values', `[${'{},'.repeat(7_000_000)}{}]`],
  ['lists within lists', '['.repeat(100_000) + ']'.repeat(100_000)],
  ['objects within objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
])('a message of %s is refused before it is parsed, and nobody waits for it', async (_what, value) => {
  const bomb = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"generate_video","arguments":{"prompt":${value}}}}`;
  const before = await cpuSeconds();
  const [{ status, body }, ping] = await Promise.all([server.post(bomb), server.post({ id: 2, method: 'ping' })]);
  expect([status, body.error.code]).toEqual([400, -32600]);
  expect(body.error.message).toMatch(/^The message has more than [\d,]+ (values|levels)/);
  expect(ping.body.result).toEqual({});
  // Parsed, the first of them takes more than ten seconds.
  expect((await cpuSeconds()) - before).toBeLessThan(5);
});

it('brackets, quotes and backslashes inside of a text are no values', async () => {
  const prompt = `a "fox" \\ ${'[{,"'.repeat(50)}`;
  const { body } = await server.post(
    call('generate_video', { prompt, dry_run: true, image: `data:,${'[,"'.repeat(50_000)}` }),
  );
  expect(body.result.structuredContent.message).toContain('the picture in `image` is a JSON or text file');
});

it('a body that is not declared as JSON is refused: a page of another site could send it', async () => {
  const { status } = await server.post({ id: 1, method: 'ping' }, { 'content-type': 'text/plain' });
  expect(status).toBe(415);
});

it('a protocol version that does not exist is refused, and so is a header that contradicts its message', async () => {
  const old = await server.post({ id: 1, method: 'tools/list' }, { 'mcp-protocol-version': '2020-01-01' });
  expect([old.status, old.body.error.message]).toEqual([400, expect.stringContaining('protocol version')]);
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'cancel_video_task' };
  const contradicting = await server.post(call('list_video_tasks', {}, NEWEST_META), headers);
  expect(contradicting.status).toBe(400);
  const right = await server.post(call('list_video_tasks', {}, NEWEST_META), {
    ...headers,
    'mcp-name': 'list_video_tasks',
  });
  expect(right.body.result.structuredContent.counts).toBeDefined();
});

it('a notification is accepted without an answer', async () => {
  const { status, body } = await server.post({ method: 'notifications/initialized' });
  expect([status, body]).toEqual([202, undefined]);
});

it.each(['application/json', 'application/json, text/event-stream'])(
  'a client that goes away ends only the waiting: the video is made and saved (%s)',
  async (accept) => {
    const prompt = `left alone, ${accept}`;
    const leaving = new AbortController();
    const request = fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ jsonrpc: '2.0', ...call('generate_video', { prompt, wait_seconds: 600 }) }),
      signal: leaving.signal,
    }).then((response) => response.text());
    await until('the submit', () => submitsOf(prompt) === 1);
    leaving.abort();
    await expect(request).rejects.toThrow();
    const found = () => readRecords(workspace.stateDir).find(({ request }) => request.prompt === prompt);
    await until('the video to be saved', () => found()?.video?.file !== undefined);
    expect(submitsOf(prompt)).toBe(1);
  },
);

describe('a call that waits', () => {
  let slow: Sandbox;
  let own: Workspace;
  let at: HttpServer;
  beforeAll(async () => {
    slow = await startSandbox({ generationSeconds: 600, tasksInFlight: 100 });
    own = await makeWorkspace();
    at = await startHttp({ ...own.environment(slow.url), LOG_LEVEL: 'info' });
  });
  afterAll(async () => {
    await at.stop();
    await slow.close();
    await own.remove();
  });
  const answers = () => at.stderr().split('"msg":"answer"').length - 1;
  const recordOf = (prompt: string) => readRecords(own.stateDir).find(({ request }) => request.prompt === prompt);

  function begin(prompt: string, revision: string, accept: string, id = 1) {
    const isNewest = revision === '2026-07-28';
    const message = call('generate_video', { prompt, wait_seconds: 600 }, isNewest ? NEWEST_META : undefined);
    const leaving = new AbortController();
    const request = fetch(`${at.url}/mcp`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', accept, 'mcp-protocol-version': revision },
        ...(isNewest ? { 'mcp-method': 'tools/call', 'mcp-name': 'generate_video' } : {}),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message, id }),
      signal: leaving.signal,
    }).then((response) => response.text());
    return { request, leave: () => leaving.abort() };
  }

  it.each([
    ['2025-11-25', 'application/json'],
    ['2025-11-25', 'application/json, text/event-stream'],
    ['2026-07-28', 'application/json'],
    ['2026-07-28', 'application/json, text/event-stream'],
  ])('is over at once when its client goes away, and its task goes on (%s, %s)', async (revision, accept) => {
    const prompt = `slow ${revision} ${accept}`;
    const { request, leave } = begin(prompt, revision, accept);
    await until('polling', () => recordOf(prompt)?.providerTaskId !== undefined);
    const before = answers();
    leave();
    await expect(request).rejects.toThrow();
    // Before the next sign of life on its stream, which would find it gone as well.
    await until('the end of its call', () => answers() === before + 1, 10_000);
    expect(recordOf(prompt)?.status).toBe('generating');
  });

  it('is not ended by notifications/cancelled: two clients of one person use the same ids', async () => {
    const [json, stream] = ['application/json', 'application/json, text/event-stream'];
    const calls = [begin('one of two', '2025-11-25', json), begin('two of two', '2025-11-25', stream)];
    await until('polling', () => ['one of two', 'two of two'].every((prompt) => recordOf(prompt)?.providerTaskId));
    const before = answers();
    const { status, body } = await at.post({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect([status, body]).toEqual([202, undefined]);
    // Whatever the notification began has come before this answer.
    expect((await at.post({ id: 2, method: 'ping' })).status).toBe(200);
    expect(answers()).toBe(before);
    for (const { request, leave } of calls) {
      leave();
      await expect(request).rejects.toThrow();
    }
  });
});

it('a request that names its whole address, as proxies send it, is answered', async () => {
  const sending = request(server.url, {
    method: 'POST',
    path: `${server.url}/mcp`,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
  });
  sending.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }));
  const [response] = await once(sending, 'response');
  response.resume();
  expect(response.statusCode).toBe(200);
});

it('two pictures of 15 MB as data URLs reach the provider', async () => {
  const picture = padJpeg(await makeJpeg(640, 360), 15_000_000);
  const image = `data:image/jpeg;base64,${picture.toString('base64')}`;
  const prompt = 'large pictures';
  const { body } = await server.post(call('submit_video_task', { prompt, image, tail_image: image, duration: 5 }));
  expect(body.result.structuredContent).toMatchObject({ task_id: expect.any(String) });
  // A busy machine takes longer to read, shrink and send them than a call waits.
  await until('the provider has accepted both', () => sandbox.submits(prompt)[0]?.taskId !== undefined);
  expect(submitsOf(prompt)).toBe(1);
}, 120_000);
