/** Gets a link once: redirects are followed safely, and the body is handed on as it arrives. */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { errorCode } from '../../system/files.ts';
import { isPrivateAddress, isPrivateHost } from '../private-address.ts';
import { AttemptFailure, DownloadProblem } from './failures.ts';

const MAX_REDIRECTS = 5;
/** The clips have 4 to 20 MB: only a body far beyond them, on a disk slower than the network, gets there. */
const MAX_WAITING_BYTES = 64e6;
/**
 * A body is never paused: undici 7 ends the whole process with an AssertionError when a connection that is not kept
 * alive ends while its body is (nodejs/undici#5360, fixed in 8, which needs Node 22.19).
 */
const NEVER_PAUSED_BYTES = 2 ** 40;

export type LinkResponse = Dispatcher.ResponseData;

/** Resolves names to public addresses only: what a check of the name alone lets pass. */
export function publicLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const usable = error ? [] : found.filter(({ address }) => !isPrivateAddress(address));
      const [first] = usable;
      if (error || first === undefined) {
        const refusal = Object.assign(new Error('resolves to a private address'), { code: 'EPRIVATE' });
        callback(error ?? refusal, [], 0);
      } else if (options.all) callback(null, usable);
      else callback(null, first.address, first.family);
    });
  };
}

/** Only the host may be shown: a link's query is a signature that opens the file. */
export function hostOf(link: string): string {
  return URL.parse(link)?.host ?? 'no host';
}

function parseLink(link: string, base?: string): URL {
  const url = URL.parse(link, base);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const what = base === undefined ? 'the link is no web address' : 'it redirects to no web address';
  throw new AttemptFailure(what, 'fresh_link');
}

/** The query is signed in its order and spelling: what can go over the wire as it is, goes as it is. */
function requestPath(link: string, url: URL): string {
  const raw = /^https?:\/\/[^/?#\\]*([^#]*)/i.exec(link)?.[1];
  if (raw === undefined || !/^[!-~]*$/.test(raw) || raw.includes('\\')) return `${url.pathname}${url.search}`;
  return raw.startsWith('/') ? raw : `/${raw}`;
}

function privateRedirect(host: string): DownloadProblem {
  const what = `The link of the video redirects into a private network (${host}), which is not followed.`;
  return new DownloadProblem('never', { what });
}

export interface LinkRules {
  /** What reaches this address through a proxy, which then resolves its name; undefined: it is reached directly. */
  readonly throughProxy: (url: URL) => Promise<Dispatcher | undefined>;
  readonly mayReachPrivate: boolean;
  readonly stallMilliseconds: number;
  /** Looks names up that redirects lead to; the system's own by default. */
  readonly resolve?: typeof lookup;
}

export interface Links {
  /**
   * The body has to be read or destroyed.
   * @throws AttemptFailure, or what the connection threw; DownloadProblem for a redirect that is not followed
   */
  get(link: string, headers: Record<string, string>, signal: AbortSignal): Promise<LinkResponse>;
  close(): Promise<void>;
}

export async function openLinks(rules: LinkRules): Promise<Links> {
  const { throughProxy, mayReachPrivate, stallMilliseconds, resolve } = rules;
  // Loaded here because a server that only lists its tools needs no network.
  const { Agent } = await import('undici');
  const direct = new Agent();
  const guarded = mayReachPrivate ? direct : new Agent({ connect: { lookup: publicLookup(resolve) } });
  const limits = {
    headersTimeout: stallMilliseconds,
    bodyTimeout: stallMilliseconds,
    highWaterMark: NEVER_PAUSED_BYTES,
  };

  async function getOnce(link: string, url: URL, headers: Record<string, string>, signal: AbortSignal, hops: number) {
    // Chosen again for each hop: a link behind a proxy may lead to a host that NO_PROXY names.
    const dispatcher = (await throughProxy(url)) ?? (hops === 0 ? direct : guarded);
    const sent = { accept: '*/*', 'accept-encoding': 'identity', ...headers };
    const options = { ...limits, origin: url.origin, path: requestPath(link, url), headers: sent, signal };
    const response = await dispatcher.request({ method: 'GET', ...options }).catch((error: unknown) => {
      throw errorCode(error) === 'EPRIVATE' ? privateRedirect(url.host) : error;
    });
    // A body that nobody reads must not end the process when it is cut.
    response.body.on('error', () => undefined);
    return response;
  }

  return {
    async get(link, headers, signal) {
      let current = link;
      let url = parseLink(link);
      for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
        const response = await getOnce(current, url, headers, signal, hops);
        const location = headerOf(response, 'location');
        if (![301, 302, 303, 307, 308].includes(response.statusCode) || location === undefined) return response;
        response.body.destroy();
        url = parseLink(location, url.href);
        if (!mayReachPrivate && isPrivateHost(url.hostname)) throw privateRedirect(url.host);
        current = /^https?:\/\//i.test(location) ? location : url.href;
      }
      throw new AttemptFailure(`it redirects more than ${MAX_REDIRECTS} times`);
    },
    async close() {
      await Promise.all([direct, guarded].map((agent) => agent.destroy()));
    },
  };
}

export function headerOf({ headers }: LinkResponse, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const DECODERS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** @returns the encoding that a host applied although it was asked not to; undefined: none */
export function encodingOf(response: LinkResponse): string | undefined {
  const encoding = headerOf(response, 'content-encoding')?.trim().toLowerCase() ?? '';
  return encoding === '' || encoding === 'identity' ? undefined : encoding;
}

/**
 * Hands what arrived of the decoded body to `take`, one call after the other, to the last byte that arrived before a cut.
 * @throws what `take` throws; what ended the connection; AttemptFailure
 */
export async function receive(
  response: LinkResponse,
  take: (arrived: readonly Uint8Array[]) => Promise<void>,
): Promise<void> {
  const { body } = response;
  const encoding = encodingOf(response);
  if (encoding !== undefined && !Object.hasOwn(DECODERS, encoding)) {
    const what = `the server sent it in the encoding "${encoding.slice(0, 40)}", which was not asked for`;
    throw new AttemptFailure(what, 'never');
  }
  const decoder = encoding === undefined ? undefined : DECODERS[encoding as keyof typeof DECODERS]();
  const source = decoder ?? body;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let taking = Promise.resolve();
  const takeWaiting = async () => {
    const chunks = waiting;
    waiting = [];
    waitingBytes = 0;
    if (chunks.length > 0) await take(chunks);
  };
  /** A small compressed body may unpack to any size: the decoder stops, too. */
  const stop = (error: Error) => {
    body.destroy(error);
    decoder?.destroy(error);
  };
  const checkWaiting = () => {
    if (waitingBytes + (decoder?.writableLength ?? 0) <= MAX_WAITING_BYTES) return;
    stop(new AttemptFailure('it came faster than the disk takes it'));
  };
  const arrived = new Promise<void>((resolve, reject) => {
    source.on('data', (chunk: Uint8Array) => {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      taking = taking.then(takeWaiting);
      taking.catch(stop);
      checkWaiting();
    });
    source.on('end', resolve).on('error', reject);
    body.on('error', reject);
  });
  if (decoder !== undefined) {
    body.on('data', (chunk: Uint8Array) => {
      decoder.write(chunk);
      checkWaiting();
    });
    body.on('end', () => decoder.end());
  }
  try {
    await arrived;
  } finally {
    decoder?.destroy();
    // The disk's reason is the cause of the connection's.
    await taking;
  }
}
