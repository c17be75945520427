/** What arrived at the sandbox, in which order, on which connection, and what was answered? */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

export interface RecordedRequest {
  /** `other`: a path or an action that there is not. */
  readonly operation: 'submit' | 'query' | 'video' | 'other';
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 by the sandbox's clock. */
  readonly arrivedAt: number;
  /** A number for each TCP connection, counted from 1. */
  readonly connection: number;
  /** The body's text; undefined once it was dropped to stay under `maxStoredBodyBytes`. */
  rawBody: string | undefined;
  /** The body as JSON, if it is an object; dropped with `rawBody`. */
  body: Readonly<Record<string, unknown>> | undefined;
  /** Body fields that the service does not know, where the sandbox only flags them. */
  unknownFields: readonly string[];
  /** Of a submit: only when it was accepted. Of a query or a video: the one asked for. */
  taskId: string | undefined;
  /** Undefined where none was given, or not yet. A video's bytes are not kept. */
  answer: { readonly status: number; readonly body: string } | undefined;
}

export interface AcceptedTask {
  readonly taskId: string;
  readonly request: RecordedRequest;
}

export interface RecorderLimits {
  readonly maxStoredRequests: number;
  /** UTF-8 bytes of all kept bodies together; the oldest bodies are dropped first. */
  readonly maxStoredBodyBytes: number;
}

/** An answer longer than this is a test's own raw body; its beginning tells enough. */
const MAX_STORED_ANSWER_CHARACTERS = 4096;

/** Keeps the newest requests within the limits: a test may storm with thousands of 6 MB images. */
export class RequestRecorder {
  readonly requests: RecordedRequest[] = [];
  readonly accepted: AcceptedTask[] = [];
  #connections = new WeakMap<Socket, number>();
  #connectionCount = 0;
  #bodies: { request: RecordedRequest; bytes: number }[] = [];
  #bodyBytes = 0;
  readonly #limits: RecorderLimits;

  constructor(limits: RecorderLimits) {
    this.#limits = limits;
  }

  noteConnection(socket: Socket): void {
    this.#connectionCount += 1;
    this.#connections.set(socket, this.#connectionCount);
  }

  record(message: IncomingMessage, operation: RecordedRequest['operation'], arrivedAt: number): RecordedRequest {
    const request: RecordedRequest = {
      operation,
      method: message.method ?? '',
      target: message.url ?? '',
      headers: singleHeaders(message),
      arrivedAt,
      connection: this.#connections.get(message.socket) ?? 0,
      rawBody: undefined,
      body: undefined,
      unknownFields: [],
      taskId: undefined,
      answer: undefined,
    };
    this.requests.push(request);
    if (this.requests.length > this.#limits.maxStoredRequests) this.requests.shift();
    return request;
  }

  keepBody(request: RecordedRequest, bytes: Buffer): void {
    request.rawBody = bytes.toString('utf8');
    this.#bodies.push({ request, bytes: bytes.length });
    this.#bodyBytes += bytes.length;
    while (this.#bodyBytes > this.#limits.maxStoredBodyBytes && this.#bodies.length > 1) {
      const oldest = this.#bodies.shift();
      if (!oldest) return;
      this.#bodyBytes -= oldest.bytes;
      oldest.request.rawBody = undefined;
      oldest.request.body = undefined;
    }
  }

  keepAnswer(request: RecordedRequest, status: number, body: string): void {
    request.answer = { status, body: body.slice(0, MAX_STORED_ANSWER_CHARACTERS) };
  }

  keepAccepted(request: RecordedRequest, taskId: string): void {
    request.taskId = taskId;
    this.accepted.push({ taskId, request });
    if (this.accepted.length > this.#limits.maxStoredRequests) this.accepted.shift();
  }
}

export function singleHeaders(message: IncomingMessage): Record<string, string> {
  const entries = Object.entries(message.headers).map(([name, value]) => [name, String(value ?? '')]);
  return Object.fromEntries(entries) as Record<string, string>;
}
