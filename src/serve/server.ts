/** The shared server: each request's way from its connection to the tools. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { RemoteCaller } from '../library/library.ts';
import { type Log, reasonOf, stackOf, withFields } from '../log.ts';
import type { Handlers } from '../mcp/handlers.ts';
import { mcpOverHttp, sendError } from '../mcp/http-server.ts';
import { problemFor } from '../mcp/results.ts';
import { Problem } from '../problems.ts';
import { orAborted, withTimeLimit } from '../system/wait.ts';
import {
  type BodyReader,
  BodyRefused,
  HTTP_LIMITS,
  type HttpLimits,
  type HttpListener,
  listenHttp,
} from '../transports/http.ts';
import { answerSharedGallery, type SharedGallery } from '../web/shared-gallery.ts';
import { answerVideo, type SharedVideos } from '../web/shared-videos.ts';
import { type Access, bearerOf, type Denied, isDenied } from './access.ts';
import type { Metrics } from './metrics.ts';
import { foreignHost } from './own-hosts.ts';
import { RATE_LIMITS, RateLimiter, type RateLimits } from './rate-limit.ts';

export type GalleryParts = Pick<SharedGallery, 'assets' | 'open'>;

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: URL | undefined;
  readonly handlers: Handlers;
  readonly access: Access;
  /** Whose tokens are accepted, for clients that sign in; undefined: none. */
  readonly issuer: URL | undefined;
  /** The same on all hosts of one store. */
  readonly stateKey: Uint8Array;
  /** Whether calls can be answered now: the store is reached, and its schema is this version's. Rejects where not. */
  readonly ready: () => Promise<void>;
  readonly metrics: Metrics;
  /** Undefined: videos are kept elsewhere, or their links would lead nowhere. */
  readonly videos: SharedVideos | undefined;
  /** What a person sees of their own in a browser. */
  readonly gallery: GalleryParts;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the process begins to end: from then on requests are refused, while answers that are due are awaited. */
  readonly over: AbortSignal;
  readonly limits?: Partial<HttpLimits>;
  readonly rateLimits?: RateLimits;
}

const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** A probe waits a second or a few. */
const READY_MILLISECONDS = 3_000;

/** JSON-RPC leaves these numbers to the server. */
const SERVER_ERROR = -32000;

/** @throws the system's error where it cannot listen there */
export async function startServer(options: ServerOptions): Promise<HttpListener & { readonly url: string }> {
  const server = new SharedServer(options);
  const { host, port, clock, limits } = options;
  const listener = await listenHttp({
    ...{ host, port, clock, limits: { ...HTTP_LIMITS, ...limits } },
    answer: (request, response, readBody) => void server.answer(request, response, readBody),
  });
  const name = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
  return { ...listener, url: `http://${name}:${listener.port}` };
}

/** One request, on its way. */
interface Arrived {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly readBody: BodyReader;
  readonly log: Log;
}

class SharedServer {
  private readonly options: ServerOptions;
  private readonly rates: RateLimiter;
  /** Of all probes at the same time, which anybody can send. */
  private checking: Promise<void> | undefined;
  private readonly answerMcp: ReturnType<typeof mcpOverHttp>;

  constructor(options: ServerOptions) {
    this.options = options;
    const { handlers, stateKey, clock, rateLimits = RATE_LIMITS } = options;
    this.rates = new RateLimiter(rateLimits, clock);
    this.answerMcp = mcpOverHttp({ handlers, stateKey });
  }

  async answer(request: IncomingMessage, response: ServerResponse, readBody: BodyReader): Promise<void> {
    const id = randomUUID();
    const log = withFields(this.options.log, { request: id });
    response.setHeader('x-request-id', id);
    try {
      await this.route({ request, response, readBody, log });
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      if (error instanceof BodyRefused) return refuse(response, error.status, error.message);
      log.error('request failed', { reason: stackOf(error) });
      refuse(response, 500, 'The server failed; its log has the reason under this x-request-id.');
    }
  }

  private async route(arrived: Arrived): Promise<void> {
    const { request, response } = arrived;
    // A proxy may send the whole address (RFC 9112, section 3.2.2).
    const path = (request.url ?? '').replace(/^https?:\/\/[^/?]*/i, '').split('?', 1)[0] ?? '';
    // Probes come by an address of the container, and learn nothing.
    if (path === '/healthz') return plain(response, 200, 'ok');
    if (path === '/readyz') return await this.answerReady(arrived);
    const { host, origin } = request.headers;
    const foreign = foreignHost({ host, origin }, this.options);
    if (foreign !== undefined) return refuse(response, 403, foreign);
    if (path.startsWith(METADATA_PATH)) return this.describe(arrived);
    const { videos } = this.options;
    if (videos !== undefined && (await answerVideo(request, response, videos))) return;
    if (await this.answerGallery(arrived)) return;
    if (path === '/metrics') return await this.answerMetrics(arrived);
    if (path !== '/mcp')
      return refuse(response, 404, 'Nothing is here: MCP is answered at /mcp, and the gallery is at /gallery/.');
    if (this.options.over.aborted)
      return refuse(response, 503, 'The server is ending. Repeat the call in some seconds.', {
        'retry-after': '5',
        connection: 'close',
      });
    await this.mcp(arrived);
  }

  private async answerGallery({ request, response, readBody, log }: Arrived): Promise<boolean> {
    const { gallery, access, stateKey, publicUrl, clock } = this.options;
    return await answerSharedGallery(request, response, {
      ...{ ...gallery, readBody, key: stateKey, clock, ending: this.options.over },
      isSecure: publicUrl?.protocol === 'https:',
      prefix: publicUrl?.pathname.replace(/\/$/, '') ?? '',
      identify: async (token) => {
        const identified = await access.identify(token);
        if (!isDenied(identified)) return identified;
        if (identified.status !== 503) return undefined;
        throw new Problem('invalid_settings', { what: identified.message, hint: 'ask the operator of this server' });
      },
      shownTo: (caller, problem) => {
        // Of a storage; the errors of other libraries may hold keys.
        if (problem.cause instanceof Problem) log.warn('a video cannot be shown', { reason: problem.cause.message });
        return problemFor(caller, problem, log);
      },
    });
  }

  private async answerReady({ response, log }: Arrived): Promise<void> {
    const { clock, over: ending } = this.options;
    if (ending.aborted) return plain(response, 503, 'ending');
    try {
      await withTimeLimit(
        clock,
        READY_MILLISECONDS,
        (over) => orAborted(this.check(), over),
        new Error('no answer in time'),
      );
      plain(response, 200, 'ready');
    } catch (error) {
      log.warn('not ready', { reason: reasonOf(error) });
      plain(response, 503, 'the store cannot be used; the log has the reason');
    }
  }

  private check(): Promise<void> {
    this.checking ??= this.options.ready().finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  /** What was spent is for admins. */
  private async answerMetrics(arrived: Arrived): Promise<void> {
    const { response } = arrived;
    const caller = await this.identify(arrived);
    if (caller === undefined) return;
    if (!caller.isAdmin) {
      this.options.metrics.refused(403);
      return refuse(response, 403, 'The figures are for admins: send the token of one.', {
        'www-authenticate': 'Bearer error="insufficient_scope"',
      });
    }
    const { type, body } = await this.options.metrics.text();
    response.writeHead(200, { 'content-type': type });
    response.end(body);
  }

  /** @returns undefined where the request is answered with a refusal */
  private async identify({ request, response, log }: Arrived): Promise<RemoteCaller | undefined> {
    const { access, metrics } = this.options;
    const identified = await access.identify(bearerOf(request.headers.authorization));
    if (!isDenied(identified)) return identified;
    log.info('denied', { status: identified.status, reason: identified.message });
    metrics.refused(identified.status);
    refuse(response, identified.status, identified.message, this.challengeOf(identified, request));
    return undefined;
  }

  /** RFC 9728: where a client gets tokens for this server. */
  private describe({ request, response }: Arrived): void {
    const { issuer } = this.options;
    if (issuer === undefined) {
      refuse(response, 404, 'This server takes no tokens of an authorization server.');
      return;
    }
    const metadata = {
      resource: `${this.publicOrigin(request)}/mcp`,
      authorization_servers: [issuer.href.replace(/\/$/, '')],
      bearer_methods_supported: ['header'],
      resource_name: 'Jimeng Video',
    };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' });
    response.end(JSON.stringify(metadata));
  }

  private challengeOf({ status, error }: Denied, request: IncomingMessage): Record<string, string> {
    if (status === 503) return { 'retry-after': '5' };
    const { issuer } = this.options;
    const metadata = `${this.publicOrigin(request)}${METADATA_PATH}/mcp`;
    const fields = [
      ...(error === undefined ? [] : [`error="${error}"`]),
      ...(issuer === undefined ? [] : [`resource_metadata="${metadata}"`]),
    ];
    return { 'www-authenticate': ['Bearer', fields.join(', ')].filter((part) => part !== '').join(' ') };
  }

  /** Host was checked: it is this server's. */
  private publicOrigin({ headers }: IncomingMessage): string {
    return this.options.publicUrl?.href.replace(/\/$/, '') ?? `http://${headers.host}`;
  }

  private async mcp(arrived: Arrived): Promise<void> {
    const { request, response, readBody, log } = arrived;
    const { clock, metrics } = this.options;
    const arrivedAt = clock.monotonic();
    const caller = await this.identify(arrived);
    if (caller === undefined) return;
    const { person } = caller;
    const seconds = this.rates.take(person);
    if (seconds > 0) {
      metrics.refused(429);
      const sentence = `Too many requests: wait ${seconds} s before the next one.`;
      return refuse(response, 429, sentence, { 'retry-after': String(seconds) });
    }
    if (request.method !== 'POST') {
      return refuse(response, 405, 'This server keeps no sessions: send messages with POST.', { allow: 'POST' });
    }
    const own = withFields(log, { person });
    await this.answerMcp(
      {
        ...{ headers: request.headers, body: await readBody(request), caller, arrivedAt, log: own },
        onAnswer: (tool, { structured: { status, task_id: task, film_id: film, error } }) => {
          const milliseconds = Math.round(clock.monotonic() - arrivedAt);
          const { code } = (error ?? {}) as { readonly code?: unknown };
          const texts = textsOf({ status, task, film, code });
          own.info('answer', { tool, ...texts, ms: milliseconds });
          metrics.called(tool, texts.status, milliseconds / 1000);
        },
      },
      response,
    );
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${text}\n`);
}

function textsOf(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === 'string');
  return Object.fromEntries(texts);
}

function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendError(response, status, null, SERVER_ERROR, message);
}
