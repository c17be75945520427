/** The file host: a video whole or in one range, and 403 for a link that is not valid. */
import type { Answer } from './answers.ts';

export interface Video {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly lastModified: Date;
}

/** Start and exclusive end. */
type ByteRange = readonly [start: number, end: number];

/**
 * Reads one `bytes=` range; several ranges are answered with the whole, as a server may.
 * @returns undefined for the whole, `unsatisfiable` for a 416
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : [size - length, size];
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (start >= size) return 'unsatisfiable';
  return end <= start ? undefined : [start, end];
}

/** @param headers of the request: `range` and `if-range` count */
export function videoAnswer({ bytes, etag, lastModified }: Video, headers: Readonly<Record<string, string>>): Answer {
  const ifRange = headers['if-range'];
  const range = readRange(ifRange === undefined || ifRange === etag ? headers.range : undefined, bytes.length);
  const described: Record<string, string> = {
    'content-type': 'video/mp4',
    'accept-ranges': 'bytes',
    etag,
    'last-modified': lastModified.toUTCString(),
  };
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { ...described, 'content-range': `bytes */${bytes.length}` }, body: '' };
  }
  if (range === undefined) return { status: 200, headers: described, body: bytes };
  const [start, end] = range;
  described['content-range'] = `bytes ${start}-${end - 1}/${bytes.length}`;
  return { status: 206, headers: described, body: bytes.subarray(start, end) };
}

export const EXPIRED: Answer = {
  status: 403,
  headers: { 'content-type': 'application/xml' },
  body: '<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>',
};
