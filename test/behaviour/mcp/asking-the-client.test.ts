/** What a tool call may ask a real client for, over the SDK and stdio: a person's yes or no, and the client's folders. */
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import type { Handlers } from '../../../src/mcp/handlers.ts';
import { serveStdio } from '../../../src/mcp/stdio-server.ts';
import type { Answer, ToolCall } from '../../../src/mcp/tool.ts';

type Message = { id?: number; method?: string; params?: Record<string, unknown>; result?: unknown };

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** The adapter with handlers that expose the call, and a client with prepared answers. */
async function connect(capabilities: object, answer: (message: Message) => object | undefined) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const calls: ToolCall[] = [];
  const handlers: Handlers = {
    log: silentLog,
    async call(_name, _given, call) {
      calls.push(call);
      await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
      return { structured: {}, text: 'over', isError: false };
    },
    readResource: async () => undefined,
    renderPrompt: async () => undefined,
    complete: async () => [],
    resume: async () => undefined,
    end: async () => undefined,
  };
  const seen: Message[] = [];
  const send = (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString('utf8').trim().split('\n')) {
      const message = JSON.parse(line) as Message;
      seen.push(message);
      const reply = message.method === undefined ? undefined : answer(message);
      if (reply !== undefined) send({ id: message.id, ...reply });
    }
  });
  await serveStdio(async () => handlers, stdin, stdout);
  const clientInfo = { name: 'test', version: '1' };
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities, clientInfo } });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'generate_video', arguments: {} } });
  while (calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  ends.push(() => send({ method: 'notifications/cancelled', params: { requestId: 2 } }));
  return { call: calls[0] as ToolCall, seen, send };
}

const none = new AbortController().signal;

describe('a person is asked', () => {
  it.each<[string, object, Answer]>([
    ['accepts', { result: { action: 'accept', content: { confirm: true } } }, 'yes'],
    ['sends the form with a no', { result: { action: 'accept', content: { confirm: false } } }, 'no'],
    ['declines', { result: { action: 'decline' } }, 'no'],
    ['cancels', { result: { action: 'cancel' } }, 'no'],
    ['has a client that fails', { error: { code: -32603, message: 'no window' } }, 'no_answer'],
  ])('and %s', async (_what, reply, expected) => {
    const { call, seen } = await connect({ elicitation: {} }, ({ method }) =>
      method === 'elicitation/create' ? reply : undefined,
    );
    expect(await call.elicit?.('2 videos for ¥10.00: yes or no?', none)).toBe(expected);
    const asked = seen.find(({ method }) => method === 'elicitation/create');
    expect(asked?.params).toMatchObject({ message: '2 videos for ¥10.00: yes or no?' });
  });

  it('and never answers: the caller ends it, and the client is notified', async () => {
    const { call, seen } = await connect({ elicitation: { form: {} } }, () => undefined);
    const until = new AbortController();
    const answer = call.elicit?.('Pay?', until.signal);
    while (!seen.some(({ method }) => method === 'elicitation/create'))
      await new Promise((resolve) => setImmediate(resolve));
    until.abort(new Error('45 s are over'));
    expect(await answer).toBe('no_answer');
    while (!seen.some(({ method }) => method === 'notifications/cancelled'))
      await new Promise((resolve) => setImmediate(resolve));
  });
});

it('a client without these capabilities is asked for nothing', async () => {
  const { call } = await connect({}, () => undefined);
  expect([call.elicit, call.roots]).toEqual([undefined, undefined]);
});

it.skipIf(process.platform === 'win32')('the folders of a client that has some are its roots', async () => {
  const { call } = await connect({ roots: {} }, ({ method }) =>
    method === 'roots/list' ? { result: { roots: [{ uri: 'file:///home/you/film', name: 'film' }] } } : undefined,
  );
  expect(await call.roots?.()).toEqual(['/home/you/film']);
});
