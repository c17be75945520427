/** What one sender cannot do to the others: large and slow requests, many connections, many requests, foreign pages. */
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import type { Handlers } from '../../../src/mcp/handlers.ts';
import { ONE_USER } from '../../../src/serve/access.ts';
import type { Metrics } from '../../../src/serve/metrics.ts';
import { startServer } from '../../../src/serve/server.ts';
import { HTTP_LIMITS, listenHttp } from '../../../src/transports/http.ts';
import { addPeople, type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let server: HttpServer;
let tokens: Map<string, string>;
beforeAll(async () => {
  workspace = await makeWorkspace();
  const env = { ...workspace.environment('sandbox'), JIMENG_VIDEO_TOKENS: `${workspace.folder}/people.yaml` };
  tokens = await addPeople(env, workspace.folder, ['mei'], ['yu']);
  server = await startHttp(env);
});
afterAll(async () => {
  await server.stop();
  await workspace.remove();
});

const portOf = (url: string) => Number(new URL(url).port);
const ping = (name: string, at = server) =>
  at.post({ id: 1, method: 'ping' }, { authorization: `Bearer ${tokens.get(name)}` });

it('a body over the limit is refused with 413 before it is sent, declared or not', async () => {
  const headers = { authorization: `Bearer ${tokens.get('mei')}`, 'content-type': 'application/json' };
  for (const declared of [true, false]) {
    const length = HTTP_LIMITS.bodyBytes + 1;
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(`${server.url}/mcp`, {
        method: 'POST',
        headers: { ...headers, ...(declared ? { 'content-length': length } : {}) },
      });
      sending.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        response.resume();
        sending.destroy();
      });
      sending.on('error', reject);
      const piece = Buffer.alloc(1024 * 1024, 0x20);
      const write = (left: number) => {
        if (left > 0 && !sending.destroyed) sending.write(piece, () => write(left - piece.length));
      };
      write(declared ? piece.length : length + piece.length);
    });
    expect(status).toBe(413);
  }
  expect((await ping('mei')).status).toBe(200);
});

it('without a token no body is read: the answer comes before it, and the connection is closed', async () => {
  const socket = connect(portOf(server.url), '127.0.0.1');
  socket.on('error', () => undefined);
  const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n`;
  socket.write(head);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await until('the answer', () => text.includes('401'));
  await until('the connection to be closed', () => socket.closed || socket.destroyed || socket.readableEnded);
});

const quick = { ...HTTP_LIMITS, headersMilliseconds: 300, requestMilliseconds: 600 };

it.each([
  ['nothing', ''],
  ['half of its headers', 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n'],
  ['half of its body', 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf'],
])('a connection on which %s arrives is closed when its time is over', async (_what, sent) => {
  const listener = await listenHttp({
    ...{ host: '127.0.0.1', port: 0, limits: quick, clock: systemClock },
    answer: (incoming, response, readBody) => {
      readBody(incoming).then(
        () => response.end('read'),
        () => response.destroy(),
      );
    },
  });
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  if (sent !== '') socket.write(sent);
  await until('the connection to be closed', () => socket.closed || socket.readableEnded, 10_000);
  await until('the server to be rid of it', async () => (await listener.connections()) === 0);
  await listener.close(0);
});

it('bodies that are read at the same time are limited together: one too many is refused with 503', async () => {
  const arrived: IncomingMessage[] = [];
  const listener = await listenHttp({
    ...{
      host: '127.0.0.1',
      port: 0,
      limits: { ...HTTP_LIMITS, bodyBytes: 1000, allBodiesBytes: 1500 },
      clock: systemClock,
    },
    answer: (incoming, response, read) => {
      arrived.push(incoming);
      read(incoming).then(
        () => response.end('read'),
        (error: { status: number }) => response.writeHead(error.status).end(),
      );
    },
  });
  const open = (bytes: number) => {
    const sending = request({
      port: listener.port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { 'content-length': 1000 },
    });
    sending.on('error', () => undefined);
    sending.write(Buffer.alloc(bytes));
    const answered = new Promise<number>((resolve) => {
      sending.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
    });
    return { sending, answered };
  };
  const first = open(900);
  await until('its part of a body', () => (arrived[0]?.socket.bytesRead ?? 0) > 900);
  const second = open(900);
  expect(await second.answered).toBe(503);
  first.sending.end(Buffer.alloc(100));
  expect(await first.answered).toBe(200);
  const third = open(900);
  third.sending.end(Buffer.alloc(100));
  expect(await third.answered).toBe(200);
  await listener.close(0);
});

it('1,000 open connections that send nothing, or half a request, keep nobody else from an answer', async () => {
  const sockets: Socket[] = [];
  let connected = 0;
  for (let index = 0; index < 1000; index++) {
    const socket = connect(portOf(server.url), '127.0.0.1', () => connected++);
    socket.on('error', () => undefined);
    socket.resume();
    if (index % 2 === 0) socket.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\n');
    sockets.push(socket);
  }
  await until('all of them', () => connected === 1000);
  const times: number[] = [];
  for (let index = 0; index < 20; index++) {
    const from = performance.now();
    expect((await ping('mei')).status).toBe(200);
    times.push(performance.now() - from);
  }
  times.sort((one, other) => one - other);
  expect(times[10]).toBeLessThan(1_000);
  // They are closed without anybody's help.
  await until('them to be closed', () => sockets.every((socket) => socket.closed || socket.readableEnded), 30_000);
  for (const socket of sockets) socket.destroy();
}, 90_000);

it('many probes at the same time ask the store once: without a token nobody loads it', async () => {
  let asked = 0;
  let answer = (): void => undefined;
  // Each probe that has arrived has a time limit: none of them runs out here.
  let limited = 0;
  const sleep: Clock['sleep'] = async (_milliseconds, signal) => {
    limited++;
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  };
  const probed = await startServer({
    ...{ host: '127.0.0.1', port: 0, publicUrl: undefined, issuer: undefined, videos: undefined },
    ...{ clock: { ...systemClock, sleep }, log: silentLog, access: ONE_USER, stateKey: new Uint8Array(32) },
    over: new AbortController().signal,
    ...{ handlers: {} as Handlers, metrics: {} as Metrics, gallery: {} as never },
    ready: async () => {
      asked++;
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
    },
  });
  const get = async () => (await fetch(`${probed.url}/readyz`)).status;
  const many = Array.from({ length: 50 }, get);
  await until('the probes', () => limited === 50);
  answer();
  expect(new Set(await Promise.all(many))).toEqual(new Set([200]));
  expect(asked).toBe(1);
  const later = get();
  await until('the store to be asked again', () => asked === 2);
  answer();
  expect(await later).toBe(200);
  await probed.close(0);
});

it('more requests than the rate allows are refused with 429 and Retry-After, and another person is not', async () => {
  // GET is counted, too, and answered before anything is worked on: a slow machine sends them faster than they may come.
  const get = () => fetch(`${server.url}/mcp`, { headers: { authorization: `Bearer ${tokens.get('yu')}` } });
  const answers: Response[] = [];
  const refused = () => answers.filter(({ status }) => status === 429);
  // A machine that stands still for seconds gives the person new ones: on any other, the first round is enough.
  for (let round = 0; round < 10 && refused().length === 0; round++) {
    answers.push(...(await Promise.all(Array.from({ length: 300 }, get))));
  }
  expect(refused().length).toBeGreaterThan(0);
  expect(refused()[0]?.headers.get('retry-after')).toBe('1');
  expect(answers.filter(({ status }) => status === 405).length).toBeGreaterThanOrEqual(200);
  expect((await ping('mei')).status).toBe(200);
});

it.each([
  ['a Host of another name', { host: 'evil.example.com' }],
  ['a page of another site', { host: 'localhost', origin: 'https://evil.example.com' }],
  ['a page without an origin of its own', { host: 'localhost', origin: 'null' }],
])('%s is refused with 403, also with a right token', async (_what, headers) => {
  const status = await new Promise<number>((resolve, reject) => {
    const sending = request(
      {
        port: portOf(server.url),
        host: '127.0.0.1',
        path: '/mcp',
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${tokens.get('mei')}` },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sending.on('error', reject);
    sending.end('{}');
  });
  expect(status).toBe(403);
});
