/**
 * Volcengine's request signature (HMAC-SHA256), one function per step of its specification.
 * Source: volcengine.com/docs/6369/67269; vectors in test/vectors/signature-vectors.json.
 */
import { createHash, createHmac } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  /** Used as the raw string: it looks like base64 but is never decoded. */
  readonly secretAccessKey: string;
  /** Present with temporary (STS) credentials; signed and sent as X-Security-Token. */
  readonly sessionToken?: string;
}

/** Public: they open nothing but a sandbox. */
export const SANDBOX_CREDENTIALS: Credentials = {
  accessKeyId: 'AKLTsandbox',
  secretAccessKey: 'c2FuZGJveCBzZWNyZXQsIG5vdCBhIHJlYWwgb25lIQ==',
};

/** One request as it goes over the wire. Header names are lower case; only `signedHeaders` of them are signed. */
export interface CanonicalParts {
  readonly method: string;
  /** Always begins with `/`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** In the order in which Authorization names them: some official samples sign unsorted. */
  readonly signedHeaders: readonly string[];
  /** Lower-case hex SHA-256 of exactly the bytes that are sent. */
  readonly bodySha256: string;
}

export interface Scope {
  /** yyyyMMdd in UTC. */
  readonly day: string;
  readonly region: string;
  readonly service: string;
}

const ALGORITHM = 'HMAC-SHA256';

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** `yyyyMMdd'T'HHmmss'Z'` in UTC, the form X-Date takes. */
export function xDate(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** RFC 3986: everything but unreserved characters is percent-encoded. */
export function rfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Sorted by name in code-point order, each name and value RFC 3986 encoded. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${rfc3986(name)}=${rfc3986(query[name] ?? '')}`)
    .join('&');
}

export function canonicalRequest(parts: CanonicalParts): string {
  const headers = parts.signedHeaders.map((name) => `${name}:${(parts.headers[name] ?? '').trim()}\n`).join('');
  const { method, path, query, signedHeaders, bodySha256 } = parts;
  return [method, path, canonicalQuery(query), headers, signedHeaders.join(';'), bodySha256].join('\n');
}

function credentialScope({ day, region, service }: Scope): string {
  return `${day}/${region}/${service}/request`;
}

/** @param date X-Date's value */
export function stringToSign(date: string, scope: Scope, canonical: string): string {
  return [ALGORITHM, date, credentialScope(scope), sha256Hex(canonical)].join('\n');
}

function hmac(key: string | Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function signingKey(secretAccessKey: string, { day, region, service }: Scope): Buffer {
  return hmac(hmac(hmac(hmac(secretAccessKey, day), region), service), 'request');
}

/** Lower-case hex. */
export function signature(key: Uint8Array, toSign: string): string {
  return hmac(key, toSign).toString('hex');
}

export function authorization(
  accessKeyId: string,
  scope: Scope,
  signedHeaders: readonly string[],
  hexSignature: string,
): string {
  const credential = `${accessKeyId}/${credentialScope(scope)}`;
  return `${ALGORITHM} Credential=${credential}, SignedHeaders=${signedHeaders.join(';')}, Signature=${hexSignature}`;
}

export interface RequestToSign {
  readonly method: string;
  /** As sent in Host: with its port unless that is 80 or 443. */
  readonly host: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Must be byte for byte the Content-Type that is sent. */
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly region: string;
  readonly service: string;
  readonly date: Date;
}

/**
 * Signs content-type, host, x-content-sha256 and x-date (and x-security-token with temporary credentials).
 * @returns every header to send, Host included, names in lower case
 */
export function signedHeaders(request: RequestToSign, credentials: Credentials): Record<string, string> {
  const date = xDate(request.date);
  const scope: Scope = { day: date.slice(0, 8), region: request.region, service: request.service };
  const bodySha256 = sha256Hex(request.body);
  const headers: Record<string, string> = {
    'content-type': request.contentType,
    host: request.host,
    'x-content-sha256': bodySha256,
    'x-date': date,
  };
  if (credentials.sessionToken !== undefined) headers['x-security-token'] = credentials.sessionToken;
  const names = Object.keys(headers).sort();
  const canonical = canonicalRequest({ ...request, headers, signedHeaders: names, bodySha256 });
  const key = signingKey(credentials.secretAccessKey, scope);
  const hexSignature = signature(key, stringToSign(date, scope, canonical));
  return { ...headers, authorization: authorization(credentials.accessKeyId, scope, names, hexSignature) };
}
