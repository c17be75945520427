/** The provider on this machine: a strict HTTP server with the API and the file host. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LINK_LIFE_SECONDS, TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import { type Credentials, SANDBOX_CREDENTIALS, sha256Hex } from '../jimeng/signature.ts';
import { type Answer, gatewayAnswer, invalidField } from './answers.ts';
import type { Body } from './check-body.ts';
import type { ClipRequest } from './clip/make-clip.ts';
import { mintLink, readLink, VIDEO_PATH } from './identifiers.ts';
import { InputStore } from './inputs.ts';
import { Service } from './service.ts';
import { verifySignature } from './verify-signature.ts';
import { EXPIRED, type Video, videoAnswer } from './video.ts';

export { SANDBOX_CREDENTIALS };

/** Tells a client that the answer is not the real service's. */
export const SANDBOX_HEADER = { 'x-jimeng-sandbox': '1' } as const;

/** A request that has arrived, and the answer it would get. */
export interface Exchange {
  /** `other`: a path, method or action that does not exist. */
  readonly operation: 'submit' | 'query' | 'video' | 'other';
  readonly message: IncomingMessage;
  /** Undefined when it was over 16 MiB. */
  readonly rawBody: Buffer | undefined;
  readonly body: Body | undefined;
  /** The task that a query or a video link names. */
  readonly taskId: string | undefined;
  /** The provider would refuse it: the signature, a limit, a field, a link. */
  readonly isRefused: boolean;
  /** Accepts a submit: the task exists from this call on. */
  answer(): Answer | Promise<Answer>;
}

export interface SandboxOptions {
  /** Default 0: any free one. */
  readonly port?: number;
  /** Default SANDBOX_CREDENTIALS. The secret keys task ids and links: a sandbox with another secret knows none of them. */
  readonly credentials?: Credentials;
  /** Seconds from acceptance to done; default 5, the first fifth of it in the queue. */
  readonly generationSeconds?: number;
  /** Per req_key; default 2. */
  readonly tasksInFlight?: number;
  /** Submits and queries together; default 20. */
  readonly requestsPerSecond?: number;
  /** Default 3600. */
  readonly linkLifeSeconds?: number;
  /** Default 12 hours. */
  readonly taskLifeSeconds?: number;
  /** Milliseconds since 1970; default the system's. */
  readonly now?: () => number;
  /** Between its clock and a request's; default 900. */
  readonly maxSkewSeconds?: number;
  /** Where submitted inputs are kept for 12 hours, so that a later sandbox can show them; default: in memory. */
  readonly folder?: string;
  /** Default: draws a clip that shows the mode, the prompt and the pictures. */
  readonly makeClip?: (request: ClipRequest) => Promise<Buffer>;
  /** For tests: sees every exchange before it is answered. @returns true when it took the response over */
  readonly interfere?: (exchange: Exchange, response: ServerResponse) => boolean | Promise<boolean>;
}

export interface Sandbox {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  readonly credentials: Credentials;
  /** Cuts open connections and frees the port. */
  close(): Promise<void>;
}

const VERSION = '2022-08-31';
const OPERATIONS: ReadonlyMap<string | undefined, 'submit' | 'query'> = new Map([
  ['CVSync2AsyncSubmitTask', 'submit'],
  ['CVSync2AsyncGetResult', 'query'],
]);
/** Two images of 4.7 MB in base64 are 13.2 MB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** @throws Error when the port is taken */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { credentials = SANDBOX_CREDENTIALS, now = Date.now, linkLifeSeconds = LINK_LIFE_SECONDS } = options;
  const secret = credentials.secretAccessKey;
  const service = new Service(
    {
      secret,
      generationSeconds: options.generationSeconds ?? 5,
      tasksInFlight: options.tasksInFlight ?? 2,
      requestsPerSecond: options.requestsPerSecond ?? 20,
      taskLifeSeconds: options.taskLifeSeconds ?? TASK_LIFE_SECONDS,
      mintLink: (link) => mintLink(url, link, now() + linkLifeSeconds * 1000, secret),
    },
    now,
  );
  const parts = {
    credentials,
    service,
    inputs: new InputStore(options.folder, now),
    clips: new Clips(options.makeClip),
    now,
    maxSkewSeconds: options.maxSkewSeconds,
  };
  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = await exchangeOf(message, parts);
    if (await options.interfere?.(exchange, response)) return;
    sendAnswer(response, await exchange.answer());
  };
  const server = createServer((message, response) => {
    // An error here is the client's lost connection or a bug; neither may end the process around the sandbox.
    handle(message, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, credentials, close };
}

export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...SANDBOX_HEADER, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

interface Parts {
  readonly credentials: Credentials;
  readonly service: Service;
  readonly inputs: InputStore;
  readonly clips: Clips;
  readonly now: () => number;
  readonly maxSkewSeconds: number | undefined;
}

/** A player asks for parts of one clip again and again. */
const KEPT_CLIPS = 4;

class Clips {
  private readonly make: (request: ClipRequest) => Promise<Buffer>;
  private readonly kept = new Map<string, Promise<Video>>();

  constructor(make: SandboxOptions['makeClip']) {
    this.make = make ?? (async (request) => (await import('./clip/make-clip.ts')).makeClip(request));
  }

  /** @param name the same for the same clip */
  get(name: string, request: () => Promise<ClipRequest>): Promise<Video> {
    const clip = this.kept.get(name) ?? this.draw(request);
    this.kept.delete(name);
    this.kept.set(name, clip);
    clip.catch(() => this.kept.delete(name));
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT_CLIPS && oldest !== undefined) this.kept.delete(oldest);
    return clip;
  }

  private async draw(request: () => Promise<ClipRequest>): Promise<Video> {
    const known = await request();
    const bytes = await this.make(known);
    // The tag is made from the content, which has the time of drawing in it: a later sandbox draws another file.
    return { bytes, etag: `"${sha256Hex(bytes).slice(0, 32)}"`, lastModified: new Date(known.task.acceptedAt) };
  }
}

async function exchangeOf(message: IncomingMessage, parts: Parts): Promise<Exchange> {
  const target = new URL(message.url ?? '/', 'http://sandbox');
  const rawBody = await readBody(message);
  const body = rawBody && jsonObjectOrUndefined(rawBody);
  const exchange = { message, rawBody, body, taskId: undefined };
  if (!isLoopbackHost(message.headers.host)) {
    const answer = () => gatewayAnswer('AccessDenied', parts.now(), 'Host is not a loopback name');
    return { ...exchange, operation: 'other', isRefused: true, answer };
  }
  if (target.pathname.startsWith(VIDEO_PATH)) return { ...exchange, ...videoExchange(message, parts) };
  return { ...exchange, ...apiExchange(message, target, rawBody, body, parts) };
}

type Answering = Pick<Exchange, 'operation' | 'taskId' | 'isRefused' | 'answer'>;

function videoExchange(message: IncomingMessage, { credentials, service, inputs, clips, now }: Parts): Answering {
  const link = readLink(message.url ?? '', now(), credentials.secretAccessKey);
  const taskId = link?.taskId;
  const video = { operation: 'video', taskId } as const;
  if (message.method !== 'GET' && message.method !== 'HEAD') {
    return { ...video, isRefused: true, answer: () => ({ status: 405, headers: { allow: 'GET, HEAD' }, body: '' }) };
  }
  const task = link && service.taskOf(link.taskId);
  if (!task) return { ...video, isRefused: true, answer: () => EXPIRED };
  const answer = async () => {
    const { taskId, aigcMeta } = link;
    const request = async () => ({ task, rawBody: await inputs.find(taskId), aigcMeta });
    return videoAnswer(await clips.get(taskId + JSON.stringify(aigcMeta), request), singleHeaders(message));
  };
  return { ...video, isRefused: false, answer };
}

function apiExchange(
  message: IncomingMessage,
  target: URL,
  rawBody: Buffer | undefined,
  body: Body | undefined,
  { credentials, service, inputs, now, maxSkewSeconds }: Parts,
): Answering {
  const query = queryOrUndefined(target) ?? {};
  const named = query.Version === VERSION ? OPERATIONS.get(query.Action) : undefined;
  const operation = message.method === 'POST' && target.pathname === '/' ? named : undefined;
  const refused = (answer: Answer) => ({
    operation: operation ?? ('other' as const),
    taskId: undefined,
    isRefused: true,
    answer: () => answer,
  });
  if (operation === undefined) return refused(gatewayAnswer('InvalidActionOrVersion', now()));
  if (rawBody === undefined) return refused(invalidField('body', `over ${MAX_BODY_BYTES} bytes`, now()));
  const headers = singleHeaders(message);
  const signed = { method: 'POST', path: '/', query, headers, body: rawBody };
  const unsigned = verifySignature(signed, credentials, now(), maxSkewSeconds);
  if (unsigned) return refused(gatewayAnswer(unsigned.code, now(), unsigned.reason));
  const limited = service.limitRequests();
  if (limited) return refused(limited);
  const extra = Object.keys(query).find((name) => name !== 'Action' && name !== 'Version');
  if (extra) return refused(invalidField(extra, 'not a parameter of the query string', now()));
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    return refused(invalidField('Content-Type', 'not application/json', now()));
  }
  if (!body) return refused(invalidField('body', 'not a JSON object in UTF-8', now()));
  if (operation === 'submit') {
    const submit = service.checkSubmit(body);
    if ('status' in submit) return refused(submit);
    const answer = async () => {
      const accepted = service.accept(submit);
      if (accepted.acceptedTaskId !== undefined) await inputs.keep(accepted.acceptedTaskId, rawBody);
      return accepted;
    };
    return { operation, taskId: undefined, isRefused: false, answer };
  }
  const checked = service.checkQuery(body);
  if ('status' in checked) return refused(checked);
  return { operation, taskId: checked.taskId, isRefused: false, answer: () => service.query(checked) };
}

/** A web page whose name was bound to 127.0.0.1 (DNS rebinding) sends its own name in Host. */
function isLoopbackHost(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');
}

/** @returns undefined when it is too long */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    bytes += (chunk as Buffer).length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

/** @returns undefined when a name occurs twice: it would be unclear which one was signed */
function queryOrUndefined(target: URL): Record<string, string> | undefined {
  const entries = [...target.searchParams];
  const query = Object.fromEntries(entries);
  return Object.keys(query).length === entries.length ? query : undefined;
}

function jsonObjectOrUndefined(bytes: Buffer): Body | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

function singleHeaders(message: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value ?? '')]));
}
