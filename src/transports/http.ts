/** An HTTP server with limits: slow, oversized and too many requests end before they cost other clients anything. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { pause } from '../system/wait.ts';

export interface HttpLimits {
  readonly bodyBytes: number;
  /** Of all bodies that are being read at the same time. */
  readonly allBodiesBytes: number;
  /** From the connection, or the last answer on it, to the end of the headers. */
  readonly headersMilliseconds: number;
  /** From there to the end of the body. */
  readonly requestMilliseconds: number;
  readonly connections: number;
}

/** Two pictures of 15 MB as data URLs are 42 MB: as over stdio. */
export const HTTP_LIMITS: HttpLimits = {
  bodyBytes: 64 * 1024 * 1024,
  allBodiesBytes: 512 * 1024 * 1024,
  headersMilliseconds: 10_000,
  requestMilliseconds: 120_000,
  connections: 4_000,
};

/** Longer than load balancers keep an idle connection: whoever closes it first must not be this end. */
const IDLE_MILLISECONDS = 75_000;
/** A refused body is read on for so long, so that its sender comes to read the refusal. */
const DRAIN_MILLISECONDS = 2_000;
/** What is left of a short body is read; for a longer one the connection is closed. */
const SHORT_BODY_BYTES = 64 * 1024;

/** Why a body was not read: the HTTP status, and a sentence. */
export class BodyRefused extends Error {
  readonly status: 400 | 413 | 503;

  constructor(status: 400 | 413 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

export interface HttpListener {
  readonly host: string;
  readonly port: number;
  connections(): Promise<number>;
  /** Takes no more connections, closes the idle ones, and resolves when the answers that are due are written or the time is over. */
  close(waitMilliseconds: number): Promise<void>;
}

export interface HttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  /** Must not throw. */
  readonly answer: (request: IncomingMessage, response: ServerResponse, body: BodyReader) => void;
}

export type BodyReader = (request: IncomingMessage) => Promise<Buffer>;

/** @throws the system's error where it cannot listen there */
export async function listenHttp({ host, port, limits, clock, answer }: HttpOptions): Promise<HttpListener> {
  const readBody = bodyReader(limits);
  const server = createServer(
    {
      headersTimeout: limits.headersMilliseconds,
      requestTimeout: limits.requestMilliseconds,
      keepAliveTimeout: IDLE_MILLISECONDS,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMilliseconds),
    },
    (request, response) => {
      const { socket } = request;
      response.once('finish', () => void endRequest(request, socket, clock));
      answer(request, response, readBody);
    },
  );
  server.maxConnections = limits.connections;
  server.listen({ host, port, backlog: 1024 });
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    ...{ host: address.address, port: address.port },
    connections: () =>
      new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 0))),
    async close(waitMilliseconds) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await pause(clock, { atMost: waitMilliseconds, until: () => closed });
      server.closeAllConnections();
      await closed;
    },
  };
}

function bodyReader(limits: HttpLimits): BodyReader {
  const most = `${limits.bodyBytes / 1024 / 1024} MB`;
  let reading = 0;
  return async (request) => {
    const tooLarge = new BodyRefused(413, `The body is larger than ${most}. Give pictures as URLs, or smaller ones.`);
    if (Number(request.headers['content-length']) > limits.bodyBytes) throw tooLarge;
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      // A refused body is not read, and its connection stays until the refusal is written.
      for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += piece.length;
        reading += piece.length;
        if (bytes > limits.bodyBytes) throw tooLarge;
        if (reading > limits.allBodiesBytes) {
          throw new BodyRefused(503, 'The server is reading too many large requests. Repeat the call in some seconds.');
        }
        pieces.push(piece);
      }
      return Buffer.concat(pieces, bytes);
    } catch (error) {
      throw error instanceof BodyRefused ? error : new BodyRefused(400, 'The body ended too early.');
    } finally {
      reading -= bytes;
    }
  };
}

/** A connection whose request was not read to its end is closed, a little later: a reset would hide the answer. */
async function endRequest(request: IncomingMessage, socket: Socket, clock: Clock): Promise<void> {
  if (request.complete || socket.destroyed) return;
  request.on('error', () => undefined);
  request.resume();
  if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= SHORT_BODY_BYTES) return;
  await clock.sleep(DRAIN_MILLISECONDS).catch(() => undefined);
  if (!request.complete) socket.destroy();
}
