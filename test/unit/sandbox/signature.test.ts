/** The sandbox accepts only what the owner of the keys signed, recently, and as it arrived. */
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorization,
  canonicalRequest,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
  xDate,
} from '../../../src/jimeng/signature.ts';
import { SANDBOX_CREDENTIALS, type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { post, type Sent, TEXT_BODY } from './signed-requests.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ tasksInFlight: 1000, requestsPerSecond: 1000 });
});
afterAll(() => sandbox.close());

/** A gateway answer has this shape and nothing else (reference section 8). */
async function gatewayError(sent: Sent) {
  const reply = await post(sandbox, TEXT_BODY, sent);
  expect(Object.keys(reply.json)).toEqual(['ResponseMetadata']);
  expect(Object.keys(reply.json.ResponseMetadata)).toEqual(['RequestId', 'Error']);
  const { Code, CodeN } = reply.json.ResponseMetadata.Error;
  return [reply.status, CodeN, Code];
}

const without = (name: string) => (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
const rewrite = (from: RegExp | string, to: string) => (headers: Record<string, string>) => ({
  ...headers,
  authorization: (headers.authorization ?? '').replace(from, to),
});
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
/** When it is sent, not when the table of cases was made. */
const sentAgo = (seconds: number): Sent => ({
  get date() {
    return ago(seconds);
  },
});

describe('a request that is signed right', () => {
  it('is taken, and marked as answered by a sandbox', async () => {
    const reply = await post(sandbox, TEXT_BODY);
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ code: 10000, message: 'Success', status: 10000 });
    expect(reply.json.request_id).toMatch(/^\d{14}[0-9A-F]{20}$/);
    expect(reply.headers['x-jimeng-sandbox']).toBe('1');
  });

  it('may be 890 seconds old or early', async () => {
    expect((await post(sandbox, TEXT_BODY, { date: ago(890) })).status).toBe(200);
    expect((await post(sandbox, TEXT_BODY, { date: ago(-890) })).status).toBe(200);
  });

  it('may name its signed headers in any order', async () => {
    const body = JSON.stringify(TEXT_BODY);
    const date = xDate(new Date());
    const { host } = new URL(sandbox.url);
    const headers = { host, 'x-date': date, 'x-content-sha256': sha256Hex(body), 'content-type': 'application/json' };
    const names = ['x-date', 'host', 'content-type', 'x-content-sha256'];
    const query = { Action: 'CVSync2AsyncSubmitTask', Version: '2022-08-31' };
    const parts = { method: 'POST', path: '/', query, headers, signedHeaders: names, bodySha256: sha256Hex(body) };
    const scope = { day: date.slice(0, 8), region: 'cn-north-1', service: 'cv' };
    const key = signingKey(SANDBOX_CREDENTIALS.secretAccessKey, scope);
    const hex = signature(key, stringToSign(date, scope, canonicalRequest(parts)));
    const signed = { ...headers, authorization: authorization(SANDBOX_CREDENTIALS.accessKeyId, scope, names, hex) };
    const url = `${sandbox.url}/?Version=2022-08-31&Action=CVSync2AsyncSubmitTask`;
    const response = await request(url, { method: 'POST', headers: signed, body });
    expect(response.statusCode).toBe(200);
    await response.body.dump();
  });
});

describe('a request that is not', () => {
  const stranger = { accessKeyId: 'AKLTother', secretAccessKey: SANDBOX_CREDENTIALS.secretAccessKey };
  const wrongSecret = { ...SANDBOX_CREDENTIALS, secretAccessKey: 'wrong' };
  const cases: [claim: string, sent: Sent, status: number, number: number | undefined, code: string][] = [
    ['no Authorization', { change: without('authorization') }, 401, 100003, 'MissingAuthenticationToken'],
    ['no signature', { change: rewrite(/, Signature=.*/, '') }, 401, 100005, 'MissingSignature'],
    ['another algorithm', { change: rewrite('HMAC-SHA256', 'HMAC-SHA1') }, 400, undefined, 'InvalidAuthorization'],
    ['a credential of three parts', { change: rewrite('/cv/', '/') }, 400, undefined, 'InvalidCredential'],
    ['another region', { region: 'cn-beijing' }, 400, undefined, 'InvalidCredential'],
    ['another service', { service: 'iam' }, 404, 100007, 'ServiceNotFound'],
    ['another key', { credentials: stranger }, 401, 100009, 'InvalidAccessKey'],
    ['another secret', { credentials: wrongSecret }, 401, 100010, 'SignatureDoesNotMatch'],
    ['X-Date 910 s old', sentAgo(910), 400, 100006, 'InvalidTimestamp'],
    ['X-Date 910 s ahead', sentAgo(-910), 400, 100006, 'InvalidTimestamp'],
    ['X-Date that is none', { change: (h) => ({ ...h, 'x-date': 'today' }) }, 400, 100006, 'InvalidTimestamp'],
    ['no X-Date', { change: without('x-date') }, 400, 100002, 'MissingParameter'],
    ['host not signed', { change: rewrite('host;', '') }, 400, undefined, 'InvalidAuthorization'],
    ['x-date not signed', { change: rewrite(';x-date', '') }, 400, undefined, 'InvalidAuthorization'],
    ['body hash not signed', { change: rewrite('x-content-sha256;', '') }, 400, undefined, 'InvalidAuthorization'],
    ['content-type not signed', { change: rewrite('content-type;', '') }, 400, undefined, 'InvalidAuthorization'],
    [
      'another content type sent than signed',
      { change: (h) => ({ ...h, 'content-type': 'application/json; charset=utf-8' }) },
      401,
      100010,
      'SignatureDoesNotMatch',
    ],
    ['other bytes sent than signed', { sentBody: '{}' }, 401, 100010, 'SignatureDoesNotMatch'],
    [
      'the hash of another body',
      { change: (h) => ({ ...h, 'x-content-sha256': sha256Hex('{}') }) },
      401,
      100010,
      'SignatureDoesNotMatch',
    ],
    [
      'a token that nobody gave',
      { change: (h) => ({ ...h, 'x-security-token': 'T' }) },
      401,
      undefined,
      'InvalidSecretToken',
    ],
    ['another action', { action: 'CVCancelTask' }, 404, 100008, 'InvalidActionOrVersion'],
    ['an action that objects inherit', { action: 'constructor' }, 404, 100008, 'InvalidActionOrVersion'],
    ['another version', { version: '2024-06-06' }, 404, 100008, 'InvalidActionOrVersion'],
  ];
  it.each(cases)('%s', async (_claim, sent, status, number, code) => {
    const acceptedBefore = sandbox.accepted.length;
    expect(await gatewayError(sent)).toEqual([status, number, code]);
    expect(sandbox.accepted.length).toBe(acceptedBefore);
  });

  it('signs its host without the port, or another name of it: refused', async () => {
    const { host } = new URL(sandbox.url);
    const sentHost = (headers: Record<string, string>) => ({ ...headers, host });
    for (const signedHost of ['127.0.0.1', host.replace('127.0.0.1', 'localhost')]) {
      expect(await gatewayError({ host: signedHost, change: sentHost })).toEqual([
        401,
        100010,
        'SignatureDoesNotMatch',
      ]);
    }
    expect((await post(sandbox, TEXT_BODY, { host: host.replace('127.0.0.1', 'localhost') })).status).toBe(200);
  });

  it('comes by GET, or to another path: refused', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['POST', '/api'],
    ] as const) {
      const url = `${sandbox.url}${path}?Action=CVSync2AsyncSubmitTask&Version=2022-08-31`;
      const response = await request(url, { method });
      expect(response.statusCode).toBe(404);
      expect(await response.body.text()).toContain('InvalidActionOrVersion');
    }
  });

  it('comes under a name that is not loopback (DNS rebinding): 403', async () => {
    const response = await request(sandbox.url, { method: 'POST', headers: { host: 'evil.example:80' } });
    expect(response.statusCode).toBe(403);
    await response.body.dump();
  });
});

it('with temporary credentials the token has to be there, to be the right one, and to be signed', async () => {
  const credentials = { ...SANDBOX_CREDENTIALS, sessionToken: 'STS-1' };
  const temporary = await startSandbox({ credentials });
  const code = async (sent: Sent) => (await post(temporary, TEXT_BODY, sent)).json.ResponseMetadata?.Error.Code;
  expect(await code({})).toBeUndefined();
  expect(await code({ credentials: { ...credentials, sessionToken: 'STS-2' } })).toBe('InvalidSecretToken');
  expect(await code({ credentials: SANDBOX_CREDENTIALS })).toBe('InvalidAuthorization');
  expect(await code({ change: without('x-security-token') })).toBe('InvalidSecretToken');
  await temporary.close();
});
