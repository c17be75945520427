/** How do bytes leave the sandbox: whole, late, cut, or not at all? */
import type { ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';

/** Says to a client that this is no real service. A proxy's page, being none of the service's answers, has it not. */
export const SANDBOX_HEADER = { 'x-jimeng-sandbox': '1' } as const;

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { 'content-length': body.length, ...answer.headers });
  response.end(body);
}

/** A Content-Length of the whole, half of the body, and a close. */
export function sendHalf(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { 'content-length': body.length, ...answer.headers });
  response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
}

export function cutConnection(response: ServerResponse, reset = false): void {
  if (reset) response.socket?.resetAndDestroy();
  else response.socket?.destroy();
}

/** @returns false when the client went away before */
export function waitUnlessGone(response: ServerResponse, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (stillThere: boolean) => {
      clearTimeout(timer);
      response.off('close', gone);
      resolve(stillThere);
    };
    const gone = () => finish(false);
    const timer = setTimeout(() => finish(true), milliseconds);
    response.once('close', gone);
  });
}

function drainedOrGone(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      response.off('drain', finish);
      response.off('close', finish);
      resolve();
    };
    response.once('drain', finish);
    response.once('close', finish);
  });
}

export interface StreamLimits {
  /** Bytes after which the body stops. */
  readonly atByte: number;
  readonly afterwards: 'cut' | 'stall';
}

/** Writes with back-pressure, so that a body of any length takes no memory. @returns false when it did not get to the end */
export async function streamBody(
  response: ServerResponse,
  chunks: Iterable<Buffer>,
  limits?: StreamLimits,
): Promise<boolean> {
  let left = limits?.atByte ?? Number.POSITIVE_INFINITY;
  response.flushHeaders();
  for (const chunk of chunks) {
    if (response.destroyed) return false;
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    if (part.length > 0 && !response.write(part)) {
      await drainedOrGone(response);
    }
    if (left <= 0 && limits) break;
  }
  if (!limits || left > 0) return !response.destroyed;
  if (limits.afterwards === 'cut') response.write('', () => response.socket?.destroy());
  return false;
}
