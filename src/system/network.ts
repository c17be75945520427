/** The connections that requests leave this machine on, and the proxy that each address goes through. */
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { Problem } from '../problems.ts';
import { loadPart } from '../program-part.ts';
import type { ProxySettings } from '../settings.ts';

/** A name, a connection, a TLS handshake or a CONNECT that takes longer never completes: nothing was sent then. */
const CONNECT_TIMEOUT_MILLISECONDS = 10_000;

/** Loopback never goes through a proxy. */
export function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/**
 * NO_PROXY as curl reads it: names with all that is under them, `*`, and a port where one is named.
 * @param noProxy separated by commas or spaces
 */
export function bypassesProxy(url: URL, noProxy: string): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = entry, wantedPort] = /^(.+?):(\d+)$/.exec(entry.includes('::') ? '' : entry) ?? [];
      const domain = name.replace(/^\*?\./, '');
      const named = domain === '*' || host === domain || host === `[${domain}]` || host.endsWith(`.${domain}`);
      return named && (wantedPort === undefined || wantedPort === port);
    });
}

function setFor(url: URL, { httpProxy, httpsProxy }: ProxySettings): string | undefined {
  return isLoopback(url) ? undefined : url.protocol === 'https:' ? httpsProxy : httpProxy;
}

/** The value is never repeated: it may hold a password. */
function notAProxy(url: URL): Problem {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  return new Problem('invalid_settings', {
    what: `${variable} is not the address of an HTTP proxy, and ${url.host} would be reached through it (SOCKS is not supported).`,
    hint: `set ${variable} to an address such as http://user:password@proxy.example:3128, or remove it, or name ${url.hostname} in NO_PROXY`,
  });
}

/**
 * Read only for an address that needs it: a proxy that no request uses may have any form.
 * @returns the proxy that this address is reached through, with its password
 * @throws Problem invalid_settings
 */
function proxyFor(url: URL, proxy: ProxySettings): URL | undefined {
  const text = bypassesProxy(url, proxy.noProxy ?? '') ? undefined : setFor(url, proxy);
  if (text === undefined) return undefined;
  const address = URL.parse(text.includes('://') ? text : `http://${text}`);
  try {
    if (address !== null && /^https?:$/.test(address.protocol) && address.hostname !== '') {
      decodeURIComponent(address.username + address.password);
      return address;
    }
  } catch {
    // A user name or a password that is not percent-encoded as it has to be.
  }
  throw notAProxy(url);
}

export interface Network {
  /** Is a proxy set for addresses of this kind, whatever NO_PROXY says? */
  isProxied(url: URL): boolean;
  /** The proxy that a request to this address goes through, without its password; undefined: none, or a wrong one. */
  proxyOf(url: URL): string | undefined;
  /** Why no request can be sent to this address with these settings: asked before a paid call records anything. */
  problemFor(url: URL): Problem | undefined;
  /** For what may be repeated: connections are kept and used again. @throws Problem invalid_settings */
  shared(url: URL): Promise<Dispatcher>;
  /** `shared`, for an address that goes through a proxy, which resolves its name; undefined for one that does not. @throws Problem invalid_settings */
  throughProxy(url: URL): Promise<Dispatcher | undefined>;
  /** For a submit: a connection of its own; the caller destroys it. A POST on an idle connection that the server has
   * just closed looks lost though nothing was sent. @throws Problem invalid_settings */
  fresh(url: URL): Promise<Dispatcher>;
  close(): Promise<void>;
}

export function createNetwork(
  proxy: ProxySettings,
  connectTimeoutMilliseconds: number = CONNECT_TIMEOUT_MILLISECONDS,
): Network {
  const limit = { timeout: connectTimeoutMilliseconds };
  let kept: Promise<Dispatcher> | undefined;

  const open = async (): Promise<Dispatcher> => {
    // Loaded here because a server that only lists its tools needs no network.
    const { Agent, buildConnector, Pool, ProxyAgent } = await loadPart(() => import('undici'));
    const connect = skippingContinue(buildConnector(limit));
    // No time-outs of undici's own: each operation has its own, over the whole of it.
    const patient = { headersTimeout: 0, bodyTimeout: 0 };
    const tunnel = (address: URL) => {
      const token = authorizationFor(address);
      return new ProxyAgent({
        ...patient,
        uri: address.href,
        ...(token === undefined ? {} : { token }),
        requestTls: limit,
        proxyTls: limit,
        // What is sent to the proxy itself is a CONNECT, which it has to answer as fast as a connection is made.
        clientFactory: (origin: URL, options: object) =>
          new Pool(origin, { ...options, headersTimeout: connectTimeoutMilliseconds }),
      });
    };
    // Proxies expect plain HTTP whole, and many open a tunnel to port 443 alone. undici's own way to hand it on
    // (proxyTunnel: false) loses answers: it hangs its callback on the handler's former interface (7.30).
    const handOn = (address: URL) => {
      const { origin } = address;
      const token = authorizationFor(address);
      const proxyHeaders = token === undefined ? {} : { 'proxy-authorization': token };
      return new Pool(origin, { ...patient, connect }).compose((dispatch) => (asked, handler) => {
        const headers = { host: new URL(String(asked.origin)).host, ...(asked.headers as object), ...proxyHeaders };
        return dispatch({ ...asked, origin, path: `${asked.origin}${asked.path}`, headers }, handler);
      });
    };
    return new Agent({
      ...patient,
      connect,
      factory: (origin, options) => {
        const url = new URL(origin);
        const address = proxyFor(url, proxy);
        if (address === undefined) return new Pool(origin, options);
        return url.protocol === 'https:' ? tunnel(address) : handOn(address);
      },
    });
  };

  const shared = async (url: URL): Promise<Dispatcher> => {
    proxyFor(url, proxy);
    kept ??= open();
    return await kept;
  };
  const problemFor = (url: URL): Problem | undefined => {
    try {
      proxyFor(url, proxy);
      return undefined;
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  };

  return {
    isProxied: (url) => setFor(url, proxy) !== undefined,
    proxyOf(url) {
      const address = problemFor(url) === undefined ? proxyFor(url, proxy) : undefined;
      return address && `${address.protocol}//${address.host}`;
    },
    problemFor,
    shared,
    throughProxy: async (url) => (proxyFor(url, proxy) === undefined ? undefined : await shared(url)),
    async fresh(url) {
      proxyFor(url, proxy);
      return await open();
    },
    async close() {
      const dispatcher = await kept;
      kept = undefined;
      await dispatcher?.destroy();
    },
  };
}

const CONTINUE = Buffer.from('HTTP/1.1 100');

/** undici 7 ends the connection at a `100 Continue` that it did not ask for, and the answer behind it is lost. */
function skippingContinue(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      skipContinue(socket);
      return callback(null, socket);
    });
}

function skipContinue(socket: Socket): void {
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  let held: Buffer = Buffer.alloc(0);
  socket.read = (size?: number) => {
    const chunk = read(size);
    if (chunk === null || size !== undefined) return chunk;
    let bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (bytes.subarray(0, CONTINUE.length).equals(CONTINUE)) {
      const end = bytes.indexOf('\r\n\r\n');
      held = end < 0 ? bytes : Buffer.alloc(0);
      bytes = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4);
    }
    // An empty chunk would end the parser's turn as null does; nothing is lost, because more is announced.
    return bytes.length === 0 ? null : bytes;
  };
}

/** undici leaves a user name without a password out. */
function authorizationFor({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
