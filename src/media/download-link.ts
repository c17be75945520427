/** What does the server answer to one GET of a link, redirects followed safely? */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { Problem } from '../problems.ts';
import { getAnswer, type LinkAnswer } from './download-answer.ts';
import { DownloadSetback } from './download-setback.ts';
import { errorCode } from './output-problem.ts';
import { isPrivateAddress, isPrivateHost } from './private-address.ts';

const MAX_REDIRECTS = 5;

/** Resolves names to public addresses only: what a check of the name alone lets pass. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const usable = error ? [] : found.filter(({ address }) => !isPrivateAddress(address));
    const [first] = usable;
    if (error || first === undefined) {
      const refusal = Object.assign(new Error('resolves to a private address'), { code: 'EPRIVATE' });
      callback(error ?? refusal, [], 0);
    } else if (options.all) callback(null, usable);
    else callback(null, first.address, first.family);
  });
};

/** The host alone may be shown: a link's query is a signature that opens the file. */
export function hostOf(link: string): string {
  return URL.canParse(link) ? new URL(link).host : 'no host';
}

function parseLink(link: string, base?: string): URL {
  const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new DownloadSetback(base === undefined ? 'the link is no web address' : 'it redirects to no web address', {
    needsFreshLink: true,
  });
}

/** The query is signed in its order and spelling: what can go over the wire as it is, goes as it is. */
function requestPath(link: string, url: URL): string {
  const raw = /^https?:\/\/[^/?#\\]*([^#]*)/i.exec(link)?.[1];
  if (raw === undefined || !/^[!-~]*$/.test(raw) || raw.includes('\\')) return `${url.pathname}${url.search}`;
  return raw.startsWith('/') ? raw : `/${raw}`;
}

function privateRedirect(host: string): Problem {
  const what = `The link of the video redirects into a private network (${host}), which is not followed.`;
  return new Problem('save_failed', { what });
}

export interface LinkRules {
  /** What reaches this address through a proxy, which then resolves its name; undefined: it is reached directly. */
  readonly throughProxy: (url: URL) => Promise<Dispatcher | undefined>;
  readonly mayReachPrivate: boolean;
  readonly stallMilliseconds: number;
}

export interface Links {
  /** @throws DownloadSetback, or what the connection threw; Problem save_failed for a redirect that is not followed */
  get(link: string, headers: Record<string, string>, signal: AbortSignal): Promise<LinkAnswer>;
  close(): Promise<void>;
}

export async function openLinks(rules: LinkRules): Promise<Links> {
  // Loaded here because a server that only lists its tools needs no network.
  const { Agent } = await import('undici');
  const direct = new Agent();
  const guarded = rules.mayReachPrivate ? direct : new Agent({ connect: { lookup: publicLookup } });
  const { stallMilliseconds } = rules;

  async function getOnce(link: string, url: URL, headers: Record<string, string>, signal: AbortSignal, hops: number) {
    const sent = { accept: '*/*', 'accept-encoding': 'identity', ...headers };
    const options = { origin: url.origin, path: requestPath(link, url), headers: sent, stallMilliseconds };
    // Asked anew for each hop: a link behind a proxy may lead to a host that NO_PROXY names.
    const way = (await rules.throughProxy(url)) ?? (hops === 0 ? direct : guarded);
    try {
      return await getAnswer(way, options, signal);
    } catch (error) {
      throw errorCode(error) === 'EPRIVATE' ? privateRedirect(url.host) : error;
    }
  }

  return {
    async get(link, headers, signal) {
      let current = link;
      let url = parseLink(link);
      for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
        const answer = await getOnce(current, url, headers, signal, hops);
        const { location } = answer.headers;
        if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
        answer.close();
        url = parseLink(location, url.href);
        if (!rules.mayReachPrivate && isPrivateHost(url.hostname)) throw privateRedirect(url.host);
        current = /^https?:\/\//i.test(location) ? location : url.href;
      }
      throw new DownloadSetback(`it redirects more than ${MAX_REDIRECTS} times`);
    },
    async close() {
      await Promise.all([direct, guarded].map((agent) => agent.destroy()));
    },
  };
}
