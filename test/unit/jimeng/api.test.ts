/** The client against a raw socket: what HTTP allows but a well-behaved server does not send. */
import { createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { type Api, type ApiOptions, createApi } from '../../../src/jimeng/api.ts';
import { Problem } from '../../../src/problems.ts';
import { createNetwork } from '../../../src/system/network.ts';

const KEYS = { accessKeyId: 'AKLTexample', secretAccessKey: 'c2VjcmV0/Zm9yK3Rlc3Rz==' };
const QUIET = { debug() {}, info() {}, warn() {}, error() {} } as unknown as ApiOptions['log'];
const BODY = Buffer.from('{"req_key":"jimeng_t2v_v30","prompt":"a"}');
const ACCEPTED = '{"code":10000,"data":{"task_id":"7392616336519610409"},"message":"Success"}';

const http = (body: string, status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

interface RawProvider {
  readonly api: Api;
  /** What arrived, as text, per connection. */
  readonly arrived: string[];
}

/** @param answer what is written once a whole request with a body has arrived */
async function rawProvider(answer: (socket: Socket) => void, options: Partial<ApiOptions> = {}): Promise<RawProvider> {
  const arrived: string[] = [];
  const server = createServer((socket) => {
    const index = arrived.push('') - 1;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      arrived[index] += chunk.toString('utf8');
      if (arrived[index]?.endsWith('}')) answer(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
  onTestFinished(async () => {
    await network.close();
    server.close();
  });
  const api = createApi({
    endpoint: async () => new URL(`http://127.0.0.1:${port}`),
    credentials: KEYS,
    apiTimeoutSeconds: 5,
    network,
    clock: systemClock,
    log: QUIET,
    ...options,
  });
  return { api, arrived };
}

const submitTo = async (answer: (socket: Socket) => void, options: Partial<ApiOptions> = {}) =>
  (await rawProvider(answer, options)).api.submit(BODY);

describe('an accepted submit is read', () => {
  const accepted = { kind: 'accepted', providerTaskId: '7392616336519610409' };

  test('behind a byte order mark', async () => {
    expect(await submitTo((socket) => socket.write(http(`\uFEFF${ACCEPTED}`)))).toMatchObject(accepted);
  });

  test.each<[string, string[]]>([
    ['100 in a packet of its own', ['HTTP/1.1 100 Continue\r\n\r\n', http(ACCEPTED)]],
    ['100 with a header, in the same packet', [`HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n${http(ACCEPTED)}`]],
    ['100 in two packets', ['HTTP/1.1 100 Cont', `inue\r\n\r\n${http(ACCEPTED)}`]],
    ['two 100s', [`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${http(ACCEPTED)}`]],
    ['102 and 103', ['HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', http(ACCEPTED)]],
  ])('behind the interim answer %s', async (_what, packets) => {
    const write = async (socket: Socket) => {
      socket.setNoDelay(true);
      for (const packet of packets) {
        socket.write(packet);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    };
    expect(await submitTo((socket) => void write(socket))).toMatchObject(accepted);
  });

  test('from a proxy that compresses unless it is told not to, as HTTP allows', async () => {
    const { api, arrived } = await rawProvider((socket) => {
      const isPlain = /^accept-encoding: identity\r$/im.test(arrived.join(''));
      const body = isPlain ? Buffer.from(ACCEPTED) : gzipSync(ACCEPTED);
      const encoding = isPlain ? '' : 'Content-Encoding: gzip\r\n';
      socket.write(`HTTP/1.1 200 OK\r\n${encoding}Content-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    expect(await api.submit(BODY)).toMatchObject(accepted);
  });

  test('in the envelope of the newer surface', async () => {
    const body = `{"ResponseMetadata":{"RequestId":"R2"},"Result":${ACCEPTED}}`;
    expect(await submitTo((socket) => socket.write(http(body)))).toMatchObject({ ...accepted, requestId: 'R2' });
  });
});

describe('the last step before the bytes leave', () => {
  test('runs once the connection stands, and nothing is sent when it throws', async () => {
    const { api, arrived } = await rawProvider((socket) => socket.write(http(ACCEPTED)));
    const seen: number[] = [];
    const lost = new Problem('internal_error', { what: 'The claim was lost.' });
    const outcome = await api.submit(BODY, async () => {
      while (arrived.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      seen.push(arrived.length);
      throw lost;
    });
    expect(seen).toEqual([1]);
    expect(outcome).toMatchObject({ kind: 'not_sent', problem: lost });
    expect(arrived).toEqual(['']);
  });

  test('lets the request go when it returns', async () => {
    const { api } = await rawProvider((socket) => socket.write(http(ACCEPTED)));
    expect((await api.submit(BODY, async () => undefined)).kind).toBe('accepted');
  });
});

describe('a query', () => {
  test('carries the content label only where one is set, as JSON text', async () => {
    const aigcMeta = { producer_id: 'p1', content_propagator: 'c1' };
    const done =
      '{"code":10000,"data":{"status":"done","video_url":"https://v.example.com/x","aigc_meta_tagged":true}}';
    const labelled = await rawProvider((socket) => socket.write(http(done)), { aigcMeta });
    const outcome = await labelled.api.query('jimeng_t2v_v30', '7');
    expect(outcome).toMatchObject({ kind: 'done', aigcMetaTagged: true });
    const body = JSON.parse(labelled.arrived[0]?.split('\r\n\r\n')[1] ?? '');
    expect(body).toEqual({
      req_key: 'jimeng_t2v_v30',
      task_id: '7',
      req_json: '{"aigc_meta":{"producer_id":"p1","content_propagator":"c1"}}',
    });
    const plain = await rawProvider((socket) => socket.write(http(done)));
    await plain.api.query('jimeng_t2v_v30', '7');
    expect(plain.arrived[0]).not.toContain('req_json');
  });
});

describe('our own keys in an answer', () => {
  const echo = (text: string) => JSON.stringify({ code: 50200, data: null, message: text });
  const { secretAccessKey: secret, accessKeyId } = KEYS;

  test.each([
    ['plain', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded in lower case', encodeURIComponent(secret).toLowerCase().replace(/%/g, '%')],
  ])('are removed, %s', async (how, written) => {
    // Letters of the key itself keep their case.
    const text = how.endsWith('lower case')
      ? secret.replace(/[/+=]/g, (c) => encodeURIComponent(c).toLowerCase())
      : written;
    const outcome = await submitTo((socket) =>
      socket.write(http(echo(`key ${text} of ${accessKeyId}`), '400 Bad Request')),
    );
    expect(outcome).toMatchObject({ kind: 'refused', problem: { providerText: 'key (key) of (key)' } });
    expect(outcome.raw).not.toContain(accessKeyId);
  });

  test('are left alone when they are too short to be keys: the answer stays readable', async () => {
    const credentials = { accessKeyId: 'a', secretAccessKey: 'code' };
    expect((await submitTo((socket) => socket.write(http(ACCEPTED)), { credentials })).kind).toBe('accepted');
  });
});
