/** Serves one saved video, whole or in ranges, as players ask for it. */
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, extname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Library, SavedFile } from '../library/library.ts';
import { nodeFiles } from '../system/files.ts';
import { HEADERS } from './respond.ts';

/**
 * A player that wants the first frame asks for all there is, and leaves the rest unread: short answers free the few
 * connections that a browser opens to one server. It asks again for what follows.
 */
const MAX_RANGE_BYTES = 4 * 1024 * 1024;

/** What can be sent of one video. */
export interface OpenedVideo {
  readonly size: number;
  readonly etag: string;
  /** Both ends included. */
  read(start: number, end: number): Promise<Readable>;
  close(): Promise<void>;
}

/** Is it kept elsewhere than in a folder? */
export function isStored(path: string): boolean {
  return path.startsWith('s3://');
}

/** @returns undefined for what is not there */
export async function openSaved(file: SavedFile, library: Pick<Library, 'open'>): Promise<OpenedVideo | undefined> {
  if (!isStored(file.path)) return await openVideo(file.path);
  const { bytes, sha256 } = file;
  return {
    size: bytes,
    etag: `"${sha256.slice(0, 32)}"`,
    read: (start, end) => library.open(file, { start, end }),
    close: async () => undefined,
  };
}

/**
 * Opens the file that a record names. Its folder may have become a link (a library that was moved); a file that is itself
 * a link may lead to anything, and is not opened.
 * @returns undefined for what is no MP4 file, or not there
 */
export async function openVideo(path: string): Promise<OpenedVideo | undefined> {
  let handle: FileHandle | undefined;
  try {
    if ((await nodeFiles.lstat(path)).isSymbolicLink()) return undefined;
    const real = await nodeFiles.realpath(path);
    if (extname(real).toLowerCase() !== '.mp4' || basename(real) !== basename(path)) return undefined;
    handle = await nodeFiles.open(real, 'r');
    const found = await handle.stat();
    if (found.isFile()) return openedFile(handle, found);
  } catch {
    // Moved, removed, or not readable.
  }
  await handle?.close();
  return undefined;
}

function openedFile(handle: FileHandle, { size, mtimeMs }: { size: number; mtimeMs: number }): OpenedVideo {
  return {
    size,
    etag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
    read: async (start, end) => handle.createReadStream({ start, end, autoClose: false }),
    close: () => handle.close(),
  };
}

/** Whether a file of this name may be there to be served, by one look at its name. */
export async function isVideoThere(path: string): Promise<boolean> {
  // A list does not ask a storage about each of its videos.
  if (isStored(path)) return true;
  const found = await nodeFiles.lstat(path).catch(() => undefined);
  return extname(path).toLowerCase() === '.mp4' && (found?.isFile() ?? false);
}

/** The same of one that was opened: its storage is queried. */
export async function isSavedThere(path: string, library: Pick<Library, 'isThere'>): Promise<boolean> {
  return isStored(path) ? await library.isThere({ path }) : await isVideoThere(path);
}

/** Answers and closes the file. @throws what its storage reports, before anything is answered @param maxRangeBytes the most of one answer to a range */
export async function sendVideo(
  video: OpenedVideo,
  request: IncomingMessage,
  response: ServerResponse,
  maxRangeBytes = MAX_RANGE_BYTES,
): Promise<void> {
  try {
    const { size, etag } = video;
    const ifRange = request.headers['if-range'];
    const range =
      ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, size, maxRangeBytes) : undefined;
    const headers = {
      ...HEADERS,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'content-type': 'video/mp4',
      etag,
    };
    if (range === 'unsatisfiable') {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${size}`, 'content-length': 0 }).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const body = request.method === 'HEAD' || size === 0 ? undefined : await video.read(start, end);
    response.writeHead(range === undefined ? 200 : 206, {
      ...headers,
      'content-length': end - start + 1,
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    if (body === undefined) response.end();
    // A player that has seen enough closes the connection.
    else await pipeline(body, response).catch(() => undefined);
  } finally {
    await video.close().catch(() => undefined);
  }
}

/** @returns undefined: the whole file (no range, several, or one that cannot be read) */
function rangeOf(
  header: string | undefined,
  size: number,
  maxRangeBytes: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const wanted = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || (first === '' && Number(last) === 0)) return 'unsatisfiable';
  if (wanted < start) return undefined;
  return { start, end: Math.min(wanted, start + maxRangeBytes - 1) };
}
