/** The provider's client: sends one signed request exactly once and returns what it means. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import type { AigcMeta } from '../settings/values.ts';
import type { Network } from '../system/network.ts';
import {
  type HttpAnswer,
  type ProviderAnswer,
  problemOf,
  type QueryReading,
  readAnswer,
  readQuery,
  readSubmit,
  SUCCESS,
  type SubmitReading,
} from './answers.ts';
import { describeFailure, notSent, passwordAdvice } from './not-sent.ts';
import { queryBody } from './request-body.ts';
import { type Credentials, signedHeaders } from './signature.ts';

const VERSION = '2022-08-31';
const SERVICE = 'cv';
const REGION = 'cn-north-1';
const CONTENT_TYPE = 'application/json';
const SUBMIT_ACTION = 'CVSync2AsyncSubmitTask';
const QUERY_ACTION = 'CVSync2AsyncGetResult';

/** A query that takes longer is given up and repeated later. */
const QUERY_TIMEOUT_SECONDS = 30;
/** The real answers are below 2 kB. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface ApiOptions {
  /** Called before each request: the embedded sandbox starts with the first one. */
  readonly endpoint: () => Promise<URL>;
  readonly credentials: Credentials;
  readonly apiTimeoutSeconds: number;
  /** Sent with every query, to have the content label (GB 45438) written into the file. */
  readonly aigcMeta?: AigcMeta | undefined;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
}

/** Facts of the exchange beside its meaning. */
export interface Exchange {
  readonly requestId: string | undefined;
  /** The answer's text without our keys, at most 16,384 characters; undefined when none came whole. */
  readonly raw: string | undefined;
  /** True when our own sandbox answered. */
  readonly sandbox: boolean;
  /** The provider's clock, from the Date header: milliseconds since 1970, whole seconds. */
  readonly providerTime?: number | undefined;
}

export type SubmitOutcome = Exchange &
  (
    | SubmitReading
    /** Name, connection, TLS or proxy CONNECT never completed: it may be sent again. */
    | { readonly kind: 'not_sent'; readonly problem: Problem }
    /** The submit may have been charged, and is never sent again. */
    | { readonly kind: 'unknown'; readonly problem: Problem }
  );

export type QueryOutcome = Exchange &
  (
    | QueryReading
    /** No whole answer of the provider: query again. */
    | { readonly kind: 'unanswered'; readonly problem: Problem }
  );

type BeforeSending = (() => void | Promise<void>) | undefined;

export interface Api {
  /** Loads what a request needs. Never throws: the request itself reports what is wrong. */
  ready(): Promise<void>;
  /**
   * Sends the bytes once, on a connection of its own. Never throws, never repeats.
   * @param beforeSending called once the connection stands, as the last step before the bytes leave; when it throws,
   *   nothing is sent (`not_sent`)
   */
  submit(body: Uint8Array, beforeSending?: BeforeSending): Promise<SubmitOutcome>;
  /** Queries once. @throws the signal's reason when it is aborted */
  query(reqKey: string, providerTaskId: string, signal?: AbortSignal): Promise<QueryOutcome>;
}

interface Sent {
  readonly answer: HttpAnswer | undefined;
  readonly sandbox: boolean;
  readonly providerTime: number | undefined;
  /** Why there is no whole answer. */
  readonly failure: unknown;
  /** Set only when no byte of the request can have reached the provider. */
  readonly notSent: Problem | undefined;
  /** What the proxy demands before it forwards the request, and how to provide it. */
  readonly proxyWants: readonly [what: string, hint: string] | undefined;
  readonly timedOut: boolean;
}

const UNANSWERED = { answer: undefined, proxyWants: undefined, sandbox: false, providerTime: undefined } as const;

export function createApi(options: ApiOptions): Api {
  const { credentials, clock, log, network } = options;

  /** One request, sent once. Never throws but for the caller's own abort. */
  const send = async (
    action: string,
    body: Uint8Array,
    timeoutSeconds: number,
    connection: 'fresh' | 'shared',
    { signal, beforeSending }: { signal?: AbortSignal | undefined; beforeSending?: BeforeSending } = {},
  ): Promise<Sent> => {
    let mayHaveBeenSent = false;
    let dispatcher: Dispatcher | undefined;
    let url: URL | undefined;
    const deadline = deadlineAfter(timeoutSeconds * 1000);
    const startedAt = clock.monotonic();
    try {
      url = new URL(await options.endpoint());
      const query = { Action: action, Version: VERSION };
      url.search = new URLSearchParams(query).toString();
      const headers = signedHeaders(
        {
          method: 'POST',
          host: url.host,
          path: url.pathname,
          query,
          contentType: CONTENT_TYPE,
          body,
          region: REGION,
          service: SERVICE,
          date: new Date(clock.now()),
        },
        credentials,
      );
      dispatcher = await network[connection](url);
      const { request } = await import('undici');
      const response = await request(url, {
        method: 'POST',
        headers: { ...headers, accept: CONTENT_TYPE, 'content-length': String(body.byteLength) },
        // Read only once the connection stands, so that "not sent" is observed and not guessed.
        body: Readable.from(
          (async function* () {
            await beforeSending?.();
            mayHaveBeenSent = true;
            yield body;
          })(),
        ),
        dispatcher,
        // Never paused: undici 7 crashes where a connection that is not kept ends while its body is (nodejs/undici#5360).
        highWaterMark: 2 * MAX_ANSWER_BYTES,
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      });
      const text = redact(await readLimited(response.body), credentials);
      log.debug('answer', {
        action,
        http: response.statusCode,
        milliseconds: Math.round(clock.monotonic() - startedAt),
      });
      const date = Date.parse(String(response.headers.date));
      return {
        answer: { status: response.statusCode, text },
        sandbox: response.headers['x-jimeng-sandbox'] !== undefined,
        providerTime: Number.isNaN(date) ? undefined : date,
        failure: undefined,
        notSent: undefined,
        proxyWants: response.statusCode === 407 ? wantedBy(network.proxyOf(url), url) : undefined,
        timedOut: false,
      };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      log.debug('no answer', { action, reason: describeFailure(error), sent: mayHaveBeenSent });
      const problem = mayHaveBeenSent ? undefined : notSent(error, url, url && network.proxyOf(url));
      return { ...UNANSWERED, failure: error, notSent: problem, timedOut: deadline.aborted };
    } finally {
      if (connection === 'fresh') await dispatcher?.destroy();
    }
  };

  const submit: Api['submit'] = async (body, beforeSending) => {
    const sent = await send(SUBMIT_ACTION, body, options.apiTimeoutSeconds, 'fresh', { beforeSending });
    const read = sent.answer && readAnswer(sent.answer);
    const exchange = exchangeOf(sent, read);
    const reading = read && readSubmit(read);
    if (reading !== undefined) return { ...exchange, ...reading };
    if (sent.notSent !== undefined) return { ...exchange, kind: 'not_sent', problem: sent.notSent };
    return { ...exchange, kind: 'unknown', problem: lost(sent, read, options.apiTimeoutSeconds) };
  };

  const query: Api['query'] = async (reqKey, providerTaskId, signal) => {
    const body = Buffer.from(JSON.stringify(queryBody(reqKey, providerTaskId, options.aigcMeta)));
    const seconds = Math.min(QUERY_TIMEOUT_SECONDS, options.apiTimeoutSeconds);
    const sent = await send(QUERY_ACTION, body, seconds, 'shared', { signal });
    const read = sent.answer && readAnswer(sent.answer);
    const exchange = exchangeOf(sent, read);
    if (read !== undefined) {
      const { aigcMetaTagged, ...reading } = { aigcMetaTagged: undefined, ...readQuery(read) };
      // Without a label nothing was to be written.
      const isTagged = options.aigcMeta === undefined ? undefined : aigcMetaTagged;
      return { ...exchange, ...reading, ...compact({ aigcMetaTagged: isTagged }) };
    }
    return { ...exchange, kind: 'unanswered', problem: sent.notSent ?? lost(sent, undefined, seconds) };
  };

  const ready = async (): Promise<void> => {
    await Promise.all([options.endpoint().then((url) => network.shared(url)), import('undici')]).catch(() => undefined);
  };

  return { ready, submit, query };
}

/** Only for plain HTTP through a proxy: in a tunnel the answer is the provider's. */
function wantedBy(proxy: string | undefined, url: URL): Sent['proxyWants'] {
  return proxy === undefined || url.protocol !== 'http:' ? undefined : passwordAdvice(url, proxy);
}

function exchangeOf({ answer, sandbox, providerTime }: Sent, read: ProviderAnswer | undefined): Exchange {
  const time = read === undefined ? undefined : providerTime;
  return { requestId: read?.requestId, raw: answer?.text.slice(0, 16_384).toWellFormed(), sandbox, providerTime: time };
}

/** A shorter secret is no real key, and removing it would destroy the answer. */
const MIN_SECRET_CHARACTERS = 8;

/** Removes our own keys from whatever the provider echoes, before anything else reads it. */
function redact(text: string, { secretAccessKey, sessionToken = '', accessKeyId }: Credentials): string {
  return [secretAccessKey, sessionToken, accessKeyId]
    .filter((secret) => secret.length >= MIN_SECRET_CHARACTERS)
    .reduce((rest, secret) => rest.replaceAll(asWritten(secret), '(key)'), text);
}

/** As it can stand in JSON: any character may be escaped (`/`, `=` and `&` often are) or percent-encoded. */
function asWritten(secret: string): RegExp {
  const anyCase = (hex: string) => hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const characters = [...secret].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    const plain = character === '/' ? '\\\\?/' : character.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
    return `(?:${plain}|\\\\u${anyCase(hex)}|%${anyCase(hex.slice(2))})`;
  });
  return new RegExp(characters.join(''), 'g');
}

const GRACE_MILLISECONDS = 250;

/**
 * Aborts a moment after the deadline: when a suspended process wakes, its timers run before its sockets are read, and
 * the answer to a paid submit that already lies there must not lose against a timer.
 */
function deadlineAfter(milliseconds: number): AbortSignal {
  const deadline = new AbortController();
  const abort = () => deadline.abort(new DOMException('no answer in time', 'TimeoutError'));
  AbortSignal.timeout(Math.ceil(milliseconds)).addEventListener('abort', () => {
    AbortSignal.timeout(GRACE_MILLISECONDS).addEventListener('abort', abort);
  });
  return deadline.signal;
}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function lost(sent: Sent, read: ProviderAnswer | undefined, seconds: number): Problem {
  if (sent.answer === undefined && sent.timedOut) {
    const what = `No answer came within ${seconds} s (JIMENG_VIDEO_API_TIMEOUT).`;
    return new Problem('timeout', { what, cause: sent.failure });
  }
  if (sent.answer === undefined) return new Problem('connection_lost', { cause: sent.failure });
  const { status } = sent.answer;
  if (read === undefined) {
    const [what, hint] = sent.proxyWants ?? [];
    if (what !== undefined && hint !== undefined) return new Problem('unreadable_answer', { what: `${what}.`, hint });
    return new Problem('unreadable_answer', {
      what: `The answer (HTTP ${status}) was not the provider's, or not whole.`,
    });
  }
  if (status >= 500 && read.code !== SUCCESS) return problemOf(read);
  return new Problem('unreadable_answer', {
    what: `The answer (HTTP ${status}, code ${read.code}) does not show whether the task was created.`,
    providerCode: read.code,
    providerText: read.message,
  });
}
