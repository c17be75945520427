/** Decides by Host and Origin whether a request was meant for this server: a page of another site must not reach it through a browser. Pure. */
import { isIP } from 'node:net';

export interface OwnHosts {
  /** As it is listened on. */
  readonly host: string;
  readonly publicUrl: URL | undefined;
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::', '[::]'];

/** @returns the name without the port, in lower case; undefined for what is no host */
function nameOf(host: string): string | undefined {
  const url = URL.parse(`http://${host}`);
  return url === null || url.pathname !== '/' || url.username !== '' ? undefined : url.hostname;
}

export function isLoopbackHost(host: string): boolean {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.toLowerCase();
  return LOOPBACK.includes(name) || /^127\.\d+\.\d+\.\d+$/.test(name);
}

export function isEveryAddress(host: string): boolean {
  return EVERY_ADDRESS.includes(host);
}

function isOwn(name: string, { host, publicUrl }: OwnHosts): boolean {
  if (LOOPBACK.includes(name) || name === publicUrl?.hostname) return true;
  if (!isEveryAddress(host)) return name === nameOf(host.includes(':') ? `[${host}]` : host);
  // An address is no name that a stranger could point here.
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

/** @returns why the request is refused; undefined for one that was meant for this server */
export function foreignHost(
  { host, origin }: { readonly host?: string | undefined; readonly origin?: string | undefined },
  own: OwnHosts,
): string | undefined {
  const fix = 'If that is this server’s address, set JIMENG_VIDEO_PUBLIC_URL to it.';
  const name = nameOf(host ?? '');
  if (name === undefined || !isOwn(name, own)) return `The Host of the request is not this server. ${fix}`;
  if (origin === undefined) return undefined;
  const from = URL.parse(origin);
  if (from === null || !/^https?:$/.test(from.protocol) || !isOwn(from.hostname, own)) {
    return `The request comes from another site’s page (Origin). ${fix}`;
  }
  return undefined;
}
