/** Requests are signed as the provider's vectors and its own SDK sign them. */
import { Signer } from '@volcengine/openapi';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  authorization,
  type CanonicalParts,
  canonicalQuery,
  canonicalRequest,
  sha256Hex,
  signature,
  signedHeaders,
  signingKey,
  stringToSign,
  xDate,
} from '../../../src/jimeng/signature.ts';
import vectors from '../../vectors/signature-vectors.json' with { type: 'json' };

const { ak, sk, securityToken } = vectors;
const DATE = new Date(vectors.date);
const SCOPE = { day: '20260102', region: 'cn-north-1', service: 'cv' };

interface Variant {
  readonly signedHeaders: string;
  readonly bodySha256: string;
  readonly canonicalSha256: string;
  readonly signature: string;
  readonly canonicalRequest: string;
}

const VARIANTS = vectors.cases.flatMap((vector) =>
  Object.entries(vector.variants as Record<string, Variant>).map(
    ([name, expected]) => [`${vector.id} ${name}`, vector, expected] as const,
  ),
);
type Vector = (typeof vectors.cases)[number];

function partsOf(vector: Vector, names: string): CanonicalParts {
  const bodySha256 = sha256Hex(vector.body);
  return {
    method: 'POST',
    path: '/',
    query: { Version: '2022-08-31', Action: vector.action },
    headers: {
      'content-type': 'application/json',
      host: vector.host,
      'x-content-sha256': bodySha256,
      'x-date': xDate(DATE),
      'x-security-token': securityToken,
    },
    signedHeaders: names.split(';'),
    bodySha256,
  };
}

test('the vectors are all there: four requests, thirteen ways to sign them', () => {
  expect(VARIANTS).toHaveLength(13);
});

test('a single stage: the date, the scope and the signing key', () => {
  expect(xDate(DATE), 'X-Date').toBe(vectors.xDate);
  expect(signingKey(sk, SCOPE).toString('hex'), 'signing key').toBe(vectors.signingKeyHex);
});

describe.each(VARIANTS)('vector %s', (_name, vector, expected) => {
  const parts = partsOf(vector, expected.signedHeaders);
  const canonical = canonicalRequest(parts);
  const toSign = `HMAC-SHA256\n${vectors.xDate}\n${vectors.scope}\n${expected.canonicalSha256}`;

  test('has the bytes and the hash of its body', () => {
    expect(Buffer.byteLength(vector.body)).toBe(vector.bodyBytes);
    expect(parts.bodySha256).toBe(expected.bodySha256);
  });
  test('has its canonical request', () => expect(canonical).toBe(expected.canonicalRequest));
  test('has its canonical hash', () => expect(sha256Hex(canonical)).toBe(expected.canonicalSha256));
  // From the vector's canonical request on, so that a failure names its own stage and not the one before.
  test('has its string to sign', () => {
    expect(stringToSign(vectors.xDate, SCOPE, expected.canonicalRequest)).toBe(toSign);
  });
  test('has its signature', () => {
    expect(signature(Buffer.from(vectors.signingKeyHex, 'hex'), toSign)).toBe(expected.signature);
  });
  test('has its Authorization header', () => {
    const header = authorization(ak, SCOPE, parts.signedHeaders, expected.signature);
    expect(header).toBe(
      `HMAC-SHA256 Credential=${ak}/${vectors.scope}, SignedHeaders=${expected.signedHeaders}, Signature=${expected.signature}`,
    );
  });
});

describe('signedHeaders, from end to end', () => {
  test.each(vectors.cases.map((vector) => [vector.id, vector] as const))('signs %s', (_id, vector) => {
    const expected = vector.variants['host+content-type'];
    const headers = signedHeaders(
      {
        method: 'POST',
        host: vector.host,
        path: '/',
        query: { Action: vector.action, Version: '2022-08-31' },
        contentType: 'application/json',
        body: Buffer.from(vector.body),
        region: 'cn-north-1',
        service: 'cv',
        date: DATE,
      },
      { accessKeyId: ak, secretAccessKey: sk, ...(vector.token ? { sessionToken: securityToken } : {}) },
    );
    expect(headers).toEqual({
      'content-type': 'application/json',
      host: vector.host,
      'x-content-sha256': expected.bodySha256,
      'x-date': vectors.xDate,
      ...(vector.token ? { 'x-security-token': securityToken } : {}),
      authorization: `HMAC-SHA256 Credential=${ak}/${vectors.scope}, SignedHeaders=${expected.signedHeaders}, Signature=${expected.signature}`,
    });
  });
});

describe('the official ListUsers vector: a GET without a body', () => {
  const scope = { day: '20240619', region: 'cn-beijing', service: 'iam' };
  const canonical = canonicalRequest({
    method: 'GET',
    path: '/',
    query: { Version: '2018-01-01', Offset: '0', Limit: '10', Action: 'ListUsers' },
    headers: { host: 'iam.volcengineapi.com', 'x-date': '20240619T071306Z' },
    signedHeaders: ['host', 'x-date'],
    bodySha256: sha256Hex(''),
  });

  test('has its canonical request', () => {
    expect(sha256Hex(canonical)).toBe('5ed5bca3905e1fcbf789abb56a17c2d819674a3bcfa468ae476bd1ea80d135cb');
  });
  test('has its signature: the secret is used as it is, == included', () => {
    const key = signingKey('WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUxTXpZeU9UVXlOMlE1TmpZeVlqTQ==', scope);
    expect(signature(key, stringToSign('20240619T071306Z', scope, canonical))).toBe(
      'e31c4558bcfe08a286001f59cedbf0791ffd0b2362f10e55ee2627467bcdde93',
    );
  });
});

test('the query is sorted, and everything but unreserved characters is escaped', () => {
  expect(canonicalQuery({ b: '2', a: "!'()* ~/马", B: '' })).toBe('B=&a=%21%27%28%29%2A%20~%2F%E9%A9%AC&b=2');
});

describe("the provider's own SDK signs the same", () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 });
  // The SDK cuts white space at a header's ends and signs no content-type: both are the `host` variant's limits.
  const token = fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,60}$/), { nil: undefined });

  test('any body in any words, with and without a token, at any second', () => {
    const date = fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    const host = fc.constantFrom('visual.volcengineapi.com', '127.0.0.1:18080');
    fc.assert(
      fc.property(text, text, token, date, host, (prompt, note, sessionToken, at, hostName) => {
        const body = JSON.stringify({ req_key: 'jimeng_t2v_v30', prompt, note });
        const query = { Action: 'CVSync2AsyncSubmitTask', Version: '2022-08-31' };
        const signer = new Signer(
          { region: 'cn-north-1', method: 'POST', params: query, headers: { Host: hostName }, body },
          'cv',
        );
        const request = (signer as unknown as { request: { headers: Record<string, string> } }).request;
        signer.addAuthorization(
          { accessKeyId: ak, secretKey: sk, ...(sessionToken === undefined ? {} : { sessionToken }) },
          at,
        );
        const bodySha256 = sha256Hex(body);
        const headers: Record<string, string> = {
          host: hostName,
          'x-content-sha256': bodySha256,
          'x-date': xDate(at),
          ...(sessionToken === undefined ? {} : { 'x-security-token': sessionToken }),
        };
        const names = Object.keys(headers).sort();
        const scope = { ...SCOPE, day: xDate(at).slice(0, 8) };
        const canonical = canonicalRequest({
          method: 'POST',
          path: '/',
          query,
          headers,
          signedHeaders: names,
          bodySha256,
        });
        const hex = signature(signingKey(sk, scope), stringToSign(xDate(at), scope, canonical));
        expect(request.headers.Authorization).toBe(authorization(ak, scope, names, hex));
      }),
      { numRuns: 300, seed: 20260102 },
    );
  });
});
