/** How does the file host deliver a video: whole, in ranges, or in the way that a fault asks for? */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { htmlAnswer } from './answers.ts';
import { SANDBOX_HEADER, type StreamLimits, sendAnswer, streamBody, waitUnlessGone } from './deliver.ts';
import type { VideoFault } from './faults.ts';

/** A body of which any part can be made, without the rest. */
export interface VideoSource {
  readonly size: number;
  readonly etag: string;
  /** @param end exclusive */
  read(start: number, end: number): Iterable<Buffer>;
}

const CHUNK_BYTES = 64 * 1024;
/** An ftyp box (mp42), then an mdat box that goes on to the end of the file. */
const MP4_START = Buffer.from('0000001c667479706d703432000000006d70343269736f6d61766331000000006d646174', 'hex');

export function sourceOf(bytes: Buffer, etag: string): VideoSource {
  return { size: bytes.length, etag, read: (start, end) => [bytes.subarray(start, end)] };
}

/** Begins with an ftyp box, goes on with zeros; held nowhere. */
export function hugeSource(size: number): VideoSource {
  function* read(start: number, end: number): Generator<Buffer> {
    const zeros = Buffer.alloc(CHUNK_BYTES);
    if (start < MP4_START.length) yield MP4_START.subarray(start, Math.min(end, MP4_START.length));
    for (let at = Math.max(start, MP4_START.length); at < end; at += CHUNK_BYTES) {
      yield zeros.subarray(0, Math.min(CHUNK_BYTES, end - at));
    }
  }
  return { size, etag: `"huge-${size}"`, read };
}

interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Reads one `bytes=` range; several at once are served as the whole, as a server may.
 * @returns undefined for the whole body, `unsatisfiable` for a 416
 */
function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (start >= size) return 'unsatisfiable';
  return end <= start ? undefined : { start, end };
}

function stopLimits(fault: VideoFault | undefined): StreamLimits | undefined {
  if (fault?.kind === 'cut') return { atByte: fault.atByte, afterwards: 'cut' };
  if (fault?.kind === 'stall') return { atByte: fault.atByte, afterwards: 'stall' };
  return undefined;
}

/** @returns true when the fault was the whole answer */
function answeredByFault(message: IncomingMessage, response: ServerResponse, fault: VideoFault | undefined): boolean {
  if (fault?.kind === 'status') {
    const headers = { ...SANDBOX_HEADER, 'content-type': 'application/xml' };
    sendAnswer(response, {
      status: fault.status,
      headers,
      body: fault.body ?? `<Error><Code>${fault.status}</Code></Error>`,
    });
  } else if (fault?.kind === 'html') {
    sendAnswer(response, htmlAnswer(fault.status ?? 200));
  } else if (fault?.kind === 'redirect') {
    const location = fault.location ?? message.url ?? '/';
    sendAnswer(response, { status: fault.status ?? 302, headers: { ...SANDBOX_HEADER, location }, body: '' });
  } else {
    return false;
  }
  return true;
}

/** Answers GET and HEAD for a link that was found valid. */
export async function serveVideo(
  message: IncomingMessage,
  response: ServerResponse,
  source: VideoSource,
  lastModified: Date,
  fault: VideoFault | undefined,
): Promise<void> {
  if (answeredByFault(message, response, fault)) return;
  if (fault?.kind === 'slow' && !(await waitUnlessGone(response, fault.milliseconds))) return;
  const rangesOffered = fault?.kind !== 'no-range';
  const ifRange = message.headers['if-range'];
  const rangeAsked = rangesOffered && (ifRange === undefined || ifRange === source.etag);
  const range = readRange(rangeAsked ? message.headers.range : undefined, source.size);
  const headers: Record<string, string> = { ...SANDBOX_HEADER, 'content-type': 'video/mp4', etag: source.etag };
  headers['last-modified'] = lastModified.toUTCString();
  if (rangesOffered) headers['accept-ranges'] = 'bytes';
  if (range === 'unsatisfiable') {
    sendAnswer(response, { status: 416, headers: { ...headers, 'content-range': `bytes */${source.size}` }, body: '' });
    return;
  }
  const { start, end } = range ?? { start: 0, end: source.size };
  if (range) headers['content-range'] = `bytes ${start}-${end - 1}/${source.size}`;
  const difference = fault?.kind === 'wrong-length' ? fault.difference : 0;
  headers['content-length'] = String(Math.max(0, end - start + difference));
  response.shouldKeepAlive = difference === 0;
  response.writeHead(range ? 206 : 200, headers);
  if (message.method === 'HEAD') {
    response.end();
    return;
  }
  const whole = await streamBody(response, source.read(start, end), stopLimits(fault));
  if (whole) response.end(() => difference !== 0 && response.socket?.destroy());
}
