/** Verifies a request's signature and date as the gateway does. */
import { timingSafeEqual } from 'node:crypto';
import {
  type Credentials,
  canonicalRequest,
  type Scope,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
} from '../jimeng/signature.ts';
import type { GatewayCode } from './answers.ts';

export interface ArrivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case, as node gives them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SignatureRefusal {
  readonly code: GatewayCode;
  readonly reason: string;
}

/** The skew the gateway allows (reference section 8). */
const MAX_SKEW_SECONDS = 900;
/** A signature without these could be reused for another host, time or body. */
const ALWAYS_SIGNED = ['host', 'x-date', 'x-content-sha256'];

interface Authorization {
  readonly accessKeyId: string;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  readonly hexSignature: string;
}

function refusal(code: GatewayCode, reason: string): SignatureRefusal {
  return { code, reason };
}

function readAuthorization(header: string | undefined): Authorization | SignatureRefusal {
  if (!header) return refusal('MissingAuthenticationToken', 'no Authorization header');
  if (!/\bSignature=/.test(header)) return refusal('MissingSignature', 'no Signature= in Authorization');
  const parts = /^HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(header);
  if (!parts) return refusal('InvalidAuthorization', 'not HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=<hex>');
  const [, credential = '', names = '', hexSignature = ''] = parts;
  const [accessKeyId = '', day = '', region = '', service = '', terminator = '', ...more] = credential.split('/');
  if (terminator !== 'request' || more.length > 0 || !accessKeyId) {
    return refusal('InvalidCredential', 'the credential is not AK/yyyyMMdd/region/service/request');
  }
  return { accessKeyId, scope: { day, region, service }, signedHeaders: names.split(';'), hexSignature };
}

/** @returns milliseconds since 1970, or NaN */
function readDate(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function checkDate(
  date: string | undefined,
  scopeDay: string,
  nowMilliseconds: number,
  maxSkewSeconds: number,
): SignatureRefusal | undefined {
  if (!date) return refusal('MissingParameter', 'no X-Date header');
  const skewSeconds = Math.abs(nowMilliseconds - readDate(date)) / 1000;
  if (!(skewSeconds <= maxSkewSeconds)) return refusal('InvalidTimestamp', `X-Date ${date} is off by ${skewSeconds} s`);
  if (date.slice(0, 8) !== scopeDay)
    return refusal('InvalidCredential', `the scope's day is not X-Date's: ${scopeDay}`);
  return undefined;
}

function checkSignedNames(names: readonly string[], headers: Readonly<Record<string, string>>, token: boolean) {
  const needed = [...ALWAYS_SIGNED, ...(headers['content-type'] ? ['content-type'] : [])];
  if (token) needed.push('x-security-token');
  const missing = needed.find((name) => !names.includes(name));
  if (missing) return refusal('InvalidAuthorization', `SignedHeaders does not name ${missing}`);
  const unusable = names.find((name, index) => !/^[a-z0-9-]+$/.test(name) || names.indexOf(name) !== index);
  return unusable === undefined
    ? undefined
    : refusal('InvalidAuthorization', 'a signed name is malformed or listed twice');
}

/**
 * Verifies from the SignedHeaders in the request, in their order (reference sections 8, 10 and 12).
 * @param nowMilliseconds the provider's wall clock
 * @param maxSkewSeconds between it and X-Date
 * @returns undefined when the signature is valid
 */
export function verifySignature(
  request: ArrivedRequest,
  credentials: Credentials,
  nowMilliseconds: number,
  maxSkewSeconds = MAX_SKEW_SECONDS,
): SignatureRefusal | undefined {
  const { headers, method, path, query } = request;
  const given = readAuthorization(headers.authorization);
  if ('code' in given) return given;
  const { scope, signedHeaders } = given;
  if (scope.service !== 'cv') return refusal('ServiceNotFound', `service ${scope.service}, not cv`);
  if (scope.region !== 'cn-north-1') return refusal('InvalidCredential', `region ${scope.region}, not cn-north-1`);
  const date = headers['x-date'];
  const wrong =
    checkDate(date, scope.day, nowMilliseconds, maxSkewSeconds) ??
    checkSignedNames(signedHeaders, headers, credentials.sessionToken !== undefined);
  if (wrong) return wrong;
  if (given.accessKeyId !== credentials.accessKeyId) return refusal('InvalidAccessKey', 'unknown access key');
  if ((headers['x-security-token'] ?? '') !== (credentials.sessionToken ?? '')) {
    return refusal('InvalidSecretToken', 'X-Security-Token is not the one of these keys');
  }
  const bodySha256 = sha256Hex(request.body);
  if (headers['x-content-sha256'] !== bodySha256) {
    return refusal('SignatureDoesNotMatch', 'X-Content-Sha256 is not the hash of the body that arrived');
  }
  const canonical = canonicalRequest({ method, path, query, headers, signedHeaders, bodySha256 });
  const key = signingKey(credentials.secretAccessKey, scope);
  const expected = signature(key, stringToSign(date ?? '', scope, canonical));
  const same = timingSafeEqual(Buffer.from(expected), Buffer.from(given.hexSignature));
  return same ? undefined : refusal('SignatureDoesNotMatch', 'the signature is not that of this request and key');
}
