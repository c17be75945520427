/** A server over a raw pipe stays alive and correct whatever its client sends. Its ending is in ending.test.ts. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawServer, startRaw, until } from '../../support/mcp-client.ts';
import { readRecords } from '../../support/records.ts';
import { startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace } from '../../support/server-workspace.ts';

const homes: string[] = [];
const running: RawServer[] = [];
function freshHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'jimeng-manners-'));
  homes.push(home);
  return home;
}
function start(env: Record<string, string> = {}): RawServer {
  const home = freshHome();
  const server = startRaw({ HOME: home, JIMENG_VIDEO_API_URL: 'sandbox', LOG_LEVEL: 'silent', ...env }, home);
  running.push(server);
  return server;
}
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  for (const home of homes) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

/** The newest answer to the next request, which comes after everything before it was read. */
let nextId = 1000;
async function ask(server: RawServer, method: string, params?: object) {
  const id = nextId++;
  server.send({ id, method, ...(params === undefined ? {} : { params }) });
  return await server.answer(id);
}

/** Every test below leaves the server as it was: alive, listening, its stdout pure. */
describe('a misbehaving client', () => {
  let server: RawServer;
  beforeAll(async () => {
    server = start({ LOG_LEVEL: 'trace' });
    await server.initialize();
  });
  const write = (text: string | Buffer) => void server.child.stdin?.write(text);
  const isListening = async () => expect(await ask(server, 'ping')).toMatchObject({ result: {} });

  it.each([
    ['words', 'hello\n'],
    ['half a message', '{"jsonrpc":"2.0","id":1,"method":"tools/li\n'],
    ['JSON that is no message', 'null\n{}\n[]\n"x"\n17\n{"id":1,"method":"ping"}\n{"jsonrpc":"1.0","id":1}\n'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x0a])],
    [
      'an answer to nothing',
      '{"jsonrpc":"2.0","id":77,"result":{}}\n{"jsonrpc":"2.0","id":78,"error":{"code":1,"message":"x"}}\n',
    ],
    ['an unknown notification', '{"jsonrpc":"2.0","method":"notifications/nothing"}\n'],
    ['a cancellation of nothing', '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}\n'],
    ['__proto__', '{"jsonrpc":"2.0","__proto__":{"id":1},"method":"__proto__"}\n'],
    ['JSON 100,000 deep', `${'['.repeat(100_000)}\n`],
  ])('that sends %s is still listened to', async (_what, text) => {
    write(text);
    await isListening();
  });

  it('that sends a message in pieces, or several in one, is answered each', async () => {
    const text = '{"jsonrpc":"2.0","id":601,"method":"ping","params":{"_meta":{"x":"日出"}}}\r\n';
    const bytes = Buffer.from(text);
    for (const [from, to] of [
      [0, 1],
      [1, 30],
      [30, 64],
      [64, 65],
      [65, bytes.length],
    ])
      write(bytes.subarray(from, to));
    write(`${text.replace('601', '602')}${text.replace('601', '603')}`);
    for (const id of [601, 602, 603]) expect(await server.answer(id)).toMatchObject({ result: {} });
  });

  it('that calls an unknown method gets −32601', async () => {
    for (const method of ['tools/run', 'server/discover', 'logging/setLevel', 'tasks/list', '']) {
      expect(await ask(server, method)).toMatchObject({ error: { code: -32601 } });
    }
  });

  it('that calls an unknown tool, or none, gets −32602 and the names of the tools', async () => {
    for (const params of [{ name: 'make_movie', arguments: {} }, {}, { name: 5 }]) {
      const { error } = await ask(server, 'tools/call', params);
      expect(error?.code, JSON.stringify(params)).toBe(-32602);
      expect(error?.message).toMatch(/^(Unknown tool "make_movie"|A call needs a tool’s name); .* generate_video, /);
    }
  });

  it.each([[[1]], ['a cat'], [5]])('that gives %j as arguments gets a tool error', async (given) => {
    const { result } = await ask(server, 'tools/call', { name: 'generate_video', arguments: given });
    expect(result).toMatchObject({ isError: true, structuredContent: { status: 'refused', cost: { charge: 'none' } } });
    expect(result?.content[0]?.text).toContain('The arguments must be an object.');
  });

  it('that asks for a task of the protocol, which this server does not have, gets the call’s own result', async () => {
    const checked = { name: 'generate_video', arguments: { prompt: 'a cat', dry_run: true }, task: { ttl: 60_000 } };
    const { result } = await ask(server, 'tools/call', checked);
    expect(result).toMatchObject({ structuredContent: { status: 'checked' } });
  });

  it('that sends 12 MB of garbage is still listened to', async () => {
    write(`${'x'.repeat(12_000_000)}\n`);
    await isListening();
  });

  it('that sends a call of 12 MB gets a tool error that says what is too long', async () => {
    const long = { name: 'generate_video', arguments: { prompt: 'x'.repeat(12_000_000) } };
    const { result } = await ask(server, 'tools/call', long);
    expect(result).toMatchObject({ isError: true, structuredContent: { status: 'refused', cost: { charge: 'none' } } });
    expect(result?.content[0]?.text).toContain(
      '`prompt` has 12000000 characters, at most 800 are accepted: shorten it.',
    );
    expect(result?.content[0]?.text?.length).toBeLessThan(1_000);
  });

  it('that sends a picture of 15 MB as a data URL gets an answer about the picture', async () => {
    const image = `data:image/png;base64,${'A'.repeat(20_000_000)}`;
    const { result } = await ask(server, 'tools/call', {
      name: 'generate_video',
      arguments: { prompt: 'x', image, dry_run: true },
    });
    expect(result).toMatchObject({ isError: true, structuredContent: { error: { code: 'invalid_image' } } });
  });

  it('that sends a message of more than 64 MB gets an error that says so', async () => {
    const params = JSON.stringify({ name: 'generate_video', arguments: { prompt: 'x'.repeat(64 * 1024 * 1024) } });
    const id = nextId++;
    write(`{"method":"tools/call","params":${params},"jsonrpc":"2.0","id":${id}}\n`);
    const message = 'The message is longer than 64 MB.';
    expect(await server.answer(id)).toEqual({ jsonrpc: '2.0', id, error: { code: -32600, message } });
    await isListening();
  });

  it('has had nothing but JSON-RPC on stdout, at LOG_LEVEL=trace', async () => {
    await until('the log', () => server.stderr().includes('protocol error'));
    expect(server.stdoutLines.length).toBeGreaterThan(20);
    for (const line of server.stdoutLines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  });
});

it('a client that asks before it has initialized is answered, and can initialize then', async () => {
  const server = start();
  const early = await Promise.all([
    ask(server, 'ping'),
    ask(server, 'tools/list'),
    ask(server, 'tools/call', { name: 'get_video_task', arguments: { task_id: 'jv-00000000-aaaaa' } }),
  ]);
  for (const answer of early) expect('result' in answer || 'error' in answer).toBe(true);
  await server.initialize();
  expect(await ask(server, 'tools/list')).toMatchObject({ result: { tools: expect.any(Array) } });
});

it('wrong arguments are a tool error that names each and how to correct it', async () => {
  const server = start();
  await server.initialize();
  const wrong = { prompt: true, mode: 't2v', duration: '7', tail_image: '', seed: 0.5, resolution: '1080p' };
  const { result } = await ask(server, 'tools/call', { name: 'generate_video', arguments: wrong });
  const text = result?.content[0]?.text ?? '';
  expect(result?.isError).toBe(true);
  for (const part of [
    '`prompt` must be a text',
    '`mode` must be one of t2v_720p',
    '`duration` must be one of 4, 5, 6, 8, 10, but is 7',
    '`seed` must be a whole number',
    '`resolution` is not an input; the resolution is chosen by `mode`',
  ]) {
    expect(text).toContain(part);
  }
  expect(result?.structuredContent?.message).toSatisfy((message: string) => text.includes(message));
});

it('starting, being listed and ending leaves only Node’s compile cache on the disk and asks nobody', async () => {
  const knocks: string[] = [];
  const door = createServer((socket) => {
    knocks.push('a connection');
    socket.destroy();
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const { port } = door.address() as { port: number };
  const home = freshHome();
  const folders = { JIMENG_VIDEO_STATE_DIR: join(home, 'state'), JIMENG_VIDEO_OUTPUT_DIR: join(home, 'videos') };
  for (const places of [{}, folders]) {
    const server = startRaw(
      {
        HOME: home,
        VOLC_ACCESSKEY: 'AKLTx',
        VOLC_SECRETKEY: 'secret',
        JIMENG_VIDEO_API_URL: `http://127.0.0.1:${port}`,
        HTTPS_PROXY: `http://127.0.0.1:${port}`,
        ...places,
      },
      home,
    );
    running.push(server);
    await server.initialize();
    const asked = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'ping'];
    for (const method of asked) expect(await ask(server, method)).toHaveProperty('result');
    const ended = server.exit();
    server.child.stdin?.end();
    expect([(await ended).code, server.stderr()]).toEqual([0, '']);
  }
  door.close();
  expect(knocks).toEqual([]);
  expect(readdirSync(home)).toEqual(['.cache']);
  const cache = join(home, '.cache', 'jimeng-video-mcp');
  expect([readdirSync(join(home, '.cache')), readdirSync(cache)]).toEqual([['jimeng-video-mcp'], ['compiled']]);
});

describe('a client whose end of stdout is gone', () => {
  /** Asks on until it has ended: a process that another test is just starting holds that end, too, until its own program runs. */
  async function closeStdout(server: RawServer): Promise<Awaited<ReturnType<RawServer['exit']>>> {
    const ended = server.exit();
    server.child.stdout?.destroy();
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    // Ever more slowly: Node warns of more than ten answers that wait for a pipe that is gone.
    for (let pause = 100; !isOver; pause *= 2) {
      server.send({ id: nextId++, method: 'ping' });
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, pause))]);
    }
    return await ended;
  }

  it('while idle: the next answer ends the server, with 0 and in silence', async () => {
    const server = start({ LOG_LEVEL: 'warn' });
    await server.initialize();
    const { code, milliseconds } = await closeStdout(server);
    expect([code, server.stderr()]).toEqual([0, '']);
    expect(milliseconds).toBeLessThan(10_000);
  });

  it('in a call: the task is on disk', async () => {
    const sandbox = await startSandbox({ generationSeconds: 30 });
    const workspace = await makeWorkspace();
    const server = startRaw(workspace.environment(sandbox.url));
    running.push(server);
    await server.initialize();
    server.send({ id: 1, method: 'tools/call', params: { name: 'generate_video', arguments: { prompt: 'gone' } } });
    await until('it is sent', () => sandbox.accepted.length === 1);
    const { code, milliseconds } = await closeStdout(server);
    expect([code, server.stderr()]).toEqual([0, '']);
    expect(milliseconds).toBeLessThan(10_000);
    expect(readRecords(workspace.stateDir)).toMatchObject([{ providerTaskId: sandbox.accepted[0]?.taskId }]);
    await sandbox.close();
    await workspace.remove();
  });
});
