/** How does a request leave this machine: over which connection, and through which proxy? */
import type { Dispatcher } from 'undici';
import type { ProxySettings } from './settings.ts';

/** A name, a connection or a TLS handshake that takes longer never completes: nothing was sent then. */
const CONNECT_TIMEOUT_MILLISECONDS = 10_000;

/** Loopback never goes through a proxy. */
export function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

export interface Network {
  isProxied(url: URL): boolean;
  /** For what may be repeated: connections are kept and used again. */
  shared(url: URL): Promise<Dispatcher>;
  /** For a submit: a connection of its own; the caller destroys it. A POST on an idle connection that the server has
   * just closed looks lost though nothing was sent. */
  fresh(url: URL): Promise<Dispatcher>;
  close(): Promise<void>;
}

export function createNetwork(proxy: ProxySettings): Network {
  const kept = new Map<'proxied' | 'direct', Promise<Dispatcher>>();

  const isProxied = (url: URL) =>
    !isLoopback(url) && (url.protocol === 'https:' ? proxy.httpsProxy : proxy.httpProxy) !== undefined;

  const open = async (proxied: boolean): Promise<Dispatcher> => {
    // Loaded here because a server that only lists its tools needs no network.
    const { Agent, EnvHttpProxyAgent } = await import('undici');
    // No time-outs of undici's own: each operation has its own, over the whole of it.
    const options = { connect: { timeout: CONNECT_TIMEOUT_MILLISECONDS }, headersTimeout: 0, bodyTimeout: 0 };
    if (!proxied) return new Agent(options);
    return new EnvHttpProxyAgent({
      ...options,
      requestTls: { timeout: CONNECT_TIMEOUT_MILLISECONDS },
      proxyTls: { timeout: CONNECT_TIMEOUT_MILLISECONDS },
      // An empty text, where there is none: undefined would make undici read the environment itself.
      httpProxy: proxy.httpProxy ?? '',
      httpsProxy: proxy.httpsProxy ?? '',
      noProxy: proxy.noProxy ?? '',
    });
  };

  return {
    isProxied,
    shared(url) {
      const kind = isProxied(url) ? 'proxied' : 'direct';
      const dispatcher = kept.get(kind) ?? open(kind === 'proxied');
      kept.set(kind, dispatcher);
      return dispatcher;
    },
    fresh: (url) => open(isProxied(url)),
    async close() {
      const all = await Promise.all(kept.values());
      kept.clear();
      await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
    },
  };
}
