/** What arrived at a test's sandbox, in order, with its connection and its answer. */
import type { Socket } from 'node:net';
import type { Exchange } from '../../src/sandbox/sandbox.ts';

export interface RecordedRequest {
  readonly operation: Exchange['operation'];
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

/** An answer longer than this is a test's own raw body; its beginning is enough. */
const MAX_STORED_ANSWER_CHARACTERS = 4096;

/** Keeps the newest requests within the limits: a test may send thousands of 6 MB images. */
export class RequestRecorder {
  readonly requests: RecordedRequest[] = [];
  readonly accepted: AcceptedTask[] = [];
  private readonly connections = new WeakMap<Socket, number>();
  private connectionCount = 0;
  private readonly bodies: { request: RecordedRequest; bytes: number }[] = [];
  private bodyBytes = 0;
  private readonly limits: RecorderLimits;

  constructor(limits: RecorderLimits) {
    this.limits = limits;
  }

  record({ operation, message, rawBody, body, taskId }: Exchange, arrivedAt: number): RecordedRequest {
    const request: RecordedRequest = {
      operation,
      method: message.method ?? '',
      target: message.url ?? '',
      headers: Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value ?? '')])),
      arrivedAt,
      connection: this.connectionOf(message.socket),
      rawBody: undefined,
      body,
      taskId,
      answer: undefined,
    };
    this.requests.push(request);
    if (this.requests.length > this.limits.maxStoredRequests) this.requests.shift();
    if (operation !== 'video') this.keepBody(request, rawBody ?? Buffer.alloc(0));
    return request;
  }

  keepAnswer(request: RecordedRequest, status: number, body: string): void {
    request.answer = { status, body: body.slice(0, MAX_STORED_ANSWER_CHARACTERS) };
  }

  keepAccepted(request: RecordedRequest, taskId: string): void {
    request.taskId = taskId;
    this.accepted.push({ taskId, request });
    if (this.accepted.length > this.limits.maxStoredRequests) this.accepted.shift();
  }

  private connectionOf(socket: Socket): number {
    const known = this.connections.get(socket);
    if (known !== undefined) return known;
    this.connectionCount += 1;
    this.connections.set(socket, this.connectionCount);
    return this.connectionCount;
  }

  private keepBody(request: RecordedRequest, bytes: Buffer): void {
    request.rawBody = bytes.toString('utf8');
    this.bodies.push({ request, bytes: bytes.length });
    this.bodyBytes += bytes.length;
    while (this.bodyBytes > this.limits.maxStoredBodyBytes && this.bodies.length > 1) {
      const oldest = this.bodies.shift();
      if (!oldest) return;
      this.bodyBytes -= oldest.bytes;
      oldest.request.rawBody = undefined;
      oldest.request.body = undefined;
    }
  }
}
