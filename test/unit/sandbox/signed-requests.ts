/** Sends correct requests to the sandbox, with one thing at a time made wrong. */
import { Agent, type Dispatcher, request } from 'undici';
import { type Credentials, signedHeaders } from '../../../src/jimeng/signature.ts';
import type { Sandbox } from '../../support/sandbox.ts';

const SUBMIT = 'CVSync2AsyncSubmitTask';
export const QUERY = 'CVSync2AsyncGetResult';
export const TEXT_BODY = { req_key: 'jimeng_t2v_v30', prompt: '千军万马' };

export interface Sent {
  readonly action?: string;
  readonly version?: string;
  readonly credentials?: Credentials;
  readonly date?: Date;
  /** Signed and sent as Host. */
  readonly host?: string;
  readonly region?: string;
  readonly service?: string;
  readonly contentType?: string;
  /** Changes the signed headers before they are sent. */
  readonly change?: (headers: Record<string, string>) => Record<string, string>;
  /** Other bytes than the signed ones. */
  readonly sentBody?: string;
  readonly dispatcher?: Dispatcher;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer, right or wrong.
  readonly json: any;
}

/** @param body an object is serialised; text and bytes go as they are */
export async function post(sandbox: Sandbox, body: object | string | Buffer, sent: Sent = {}): Promise<Reply> {
  const query = { Action: sent.action ?? SUBMIT, Version: sent.version ?? '2022-08-31' };
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const bytes = Buffer.from(text as string);
  const headers = signedHeaders(
    {
      method: 'POST',
      host: sent.host ?? new URL(sandbox.url).host,
      path: '/',
      query,
      contentType: sent.contentType ?? 'application/json',
      body: bytes,
      region: sent.region ?? 'cn-north-1',
      service: sent.service ?? 'cv',
      date: sent.date ?? new Date(),
    },
    sent.credentials ?? sandbox.credentials,
  );
  const response = await request(`${sandbox.url}/?${new URLSearchParams(query)}`, {
    method: 'POST',
    headers: sent.change?.(headers) ?? headers,
    body: sent.sentBody ?? bytes,
    ...(sent.dispatcher ? { dispatcher: sent.dispatcher } : {}),
    ...(sent.signal ? { signal: sent.signal } : {}),
  });
  const answer = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text: answer, json: jsonOrUndefined(answer) };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function submitTask(sandbox: Sandbox, body: object = TEXT_BODY): Promise<string> {
  const reply = await post(sandbox, body);
  if (typeof reply.json?.data?.task_id !== 'string') throw new Error(`not accepted: ${reply.text}`);
  return reply.json.data.task_id;
}

export function queryTask(
  sandbox: Sandbox,
  taskId: string,
  reqKey = TEXT_BODY.req_key,
  sent: Sent = {},
): Promise<Reply> {
  return post(sandbox, { req_key: reqKey, task_id: taskId }, { action: QUERY, ...sent });
}

/** A finished task's link, from a sandbox with generationSeconds 0. */
export async function finishedLink(sandbox: Sandbox, body: object = TEXT_BODY): Promise<string> {
  const reply = await queryTask(sandbox, await submitTask(sandbox, body), (body as { req_key: string }).req_key);
  return reply.json.data.video_url;
}

/** One connection of its own, kept alive. */
export function freshAgent(): Agent {
  return new Agent({ connections: 1 });
}

/** A PNG's beginning: all that the service's checks of format and size read, padded to a length. */
export function pngHeader(width: number, height: number, bytes = 64): Buffer {
  const png = Buffer.alloc(bytes);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(png);
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  return png;
}

/** SOI, an APP0 segment, then SOF2 (progressive) with the size. */
export function jpegHeader(width: number, height: number): Buffer {
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc2001108000000000301220002110103110100', 'hex');
  jpeg.writeUInt16BE(height, 25);
  jpeg.writeUInt16BE(width, 27);
  return jpeg;
}
