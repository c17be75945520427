/** Serves one saved video, whole or in ranges, as players ask for it. */
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { nodeFiles } from '../system/files.ts';
import { HEADERS } from './respond.ts';

/**
 * A player that wants the first frame asks for all there is, and leaves the rest unread: short answers free the few
 * connections that a browser opens to one server. It asks again for what follows.
 */
const MAX_RANGE_BYTES = 4 * 1024 * 1024;

/**
 * Opens the file that a record names. Its folder may have become a link (a library that was moved); a file that is itself
 * a link may lead to anything, and is not opened.
 * @returns undefined for what is no MP4 file, or not there
 */
export async function openVideo(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    if ((await nodeFiles.lstat(path)).isSymbolicLink()) return undefined;
    const real = await nodeFiles.realpath(path);
    if (extname(real).toLowerCase() !== '.mp4' || basename(real) !== basename(path)) return undefined;
    handle = await nodeFiles.open(real, 'r');
    if ((await handle.stat()).isFile()) return handle;
  } catch {
    // Moved, removed, or not readable.
  }
  await handle?.close();
  return undefined;
}

/** Whether a file of this name may be there to be served, by one look at its name. */
export async function isVideoThere(path: string): Promise<boolean> {
  const found = await nodeFiles.lstat(path).catch(() => undefined);
  return extname(path).toLowerCase() === '.mp4' && (found?.isFile() ?? false);
}

/** Answers and closes the file. */
export async function sendVideo(handle: FileHandle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { size, mtimeMs } = await handle.stat();
    const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
    const ifRange = request.headers['if-range'];
    const range = ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, size) : undefined;
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
    response.writeHead(range === undefined ? 200 : 206, {
      ...headers,
      'content-length': end - start + 1,
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === 'HEAD' || size === 0) response.end();
    // A player that has seen enough closes the connection.
    else await pipeline(handle.createReadStream({ start, end, autoClose: false }), response).catch(() => undefined);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

/** @returns undefined: the whole file (no range, several, or one that cannot be read) */
function rangeOf(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const wanted = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || (first === '' && Number(last) === 0)) return 'unsatisfiable';
  if (wanted < start) return undefined;
  return { start, end: Math.min(wanted, start + MAX_RANGE_BYTES - 1) };
}
