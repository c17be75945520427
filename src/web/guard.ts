/** Decides which requests the gallery answers: whose Host, Origin and secret are right. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Address {
  /** As it is listened on: `127.0.0.1` or `::1`. */
  readonly host: string;
  readonly port: number;
}

/** An address of this computer only, as a socket takes it. @returns undefined for every other one */
export function loopbackHost(host: string): string | undefined {
  const name = host.trim().toLowerCase();
  if (name === 'localhost' || name === '127.0.0.1') return '127.0.0.1';
  return name === '::1' || name === '[::1]' ? '::1' : undefined;
}

export function originOf({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A browser sends no port that is the scheme's own. */
function hostsOf({ host, port }: Address): readonly string[] {
  const names = host === '::1' ? ['[::1]'] : ['127.0.0.1'];
  return [...names, 'localhost'].flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]));
}

/** Names the port: cookies are shared by all ports of a host. */
export function cookieName({ port }: Address): string {
  return `jimeng-gallery-${port}`;
}

export function isSameSecret(given: string | undefined, secret: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given ?? ''), hash(secret));
}

export interface RequestHead {
  readonly method?: string | undefined;
  /** The request target as it came. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export type Judgement =
  | { readonly status: 400 | 403; readonly reason: string }
  /** `path`: normalised. `isTrusted`: the cookie is right. `isOwnPage`: it comes from a page of this server. */
  | {
      readonly status: 200;
      readonly path: string;
      readonly query: URLSearchParams;
      readonly isTrusted: boolean;
      readonly isOwnPage: boolean;
    };

/**
 * A page of another site can send requests here, and a name of its own may lead to this address (DNS rebinding): Host,
 * Origin and where the browser says that a request comes from have to be this server's.
 */
export function judge({ method, url = '', headers }: RequestHead, address: Address, cookie: string): Judgement {
  const hosts = hostsOf(address);
  const host = headers.host?.toLowerCase() ?? '';
  if (!hosts.includes(host)) return { status: 403, reason: 'The address is not the one of this gallery.' };
  const target = targetOf(url, host);
  if (target === undefined) return { status: 400, reason: 'The request cannot be read.' };
  if (target.host !== new URL(`http://${host}`).host || target.protocol !== 'http:') {
    return { status: 403, reason: 'The address is not the one of this gallery.' };
  }
  const { origin } = headers;
  const isOwnOrigin = origin === `http://${host}`;
  if (origin !== undefined && !isOwnOrigin) return { status: 403, reason: 'Another site’s page sent the request.' };
  const site = headers['sec-fetch-site'];
  const isReading = method === 'GET' || method === 'HEAD';
  const isOwnPage = isOwnOrigin || (isReading && (site === undefined || site === 'same-origin' || site === 'none'));
  const isTrusted = cookiesOf(headers.cookie).some(
    ([name, value]) => name === cookieName(address) && isSameSecret(value, cookie),
  );
  return { status: 200, path: target.pathname, query: target.searchParams, isTrusted, isOwnPage };
}

/** A path, or an absolute form as proxies send it; `//host` is a path. */
function targetOf(url: string, host: string): URL | undefined {
  const text = url.startsWith('/') ? `http://${host}${url}` : /^https?:\/\//i.test(url) ? url : undefined;
  const target = text === undefined ? null : URL.parse(text);
  return target === null || target.username !== '' || target.password !== '' ? undefined : target;
}

export function cookiesOf(header: string | undefined): [name: string, value: string][] {
  return (header ?? '').split(';').map((part) => {
    const [name = '', ...value] = part.split('=');
    return [name.trim(), value.join('=').trim()];
  });
}
