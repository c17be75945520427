/**
 * How does the MP4 library reach files on this disk: read in pieces, written in pieces, never held whole?
 *
 * Its own file source and target are not used: they ignore short reads and writes, do not sync, and close behind our back, which
 * Windows answers with a file that cannot be renamed.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Input, StreamTarget, StreamTargetChunk } from 'mediabunny';
import { Problem } from '../problems.ts';
import { loadPart } from '../program-part.ts';
import { indexObjection } from './clip-index.ts';

export type Mp4Library = typeof import('./clip-library.ts');

/** Loaded by the first call that needs it, never at start. */
async function loadMp4Library(): Promise<Mp4Library> {
  const library = await loadPart(() => import('./clip-library.ts'));
  // Its default prints information on stdout, where only the protocol may speak.
  library.Logging.level = library.LogLevel.Silent;
  return library;
}

export function unplayable(path: string, why: string, cause?: unknown): Problem {
  return new Problem('unplayable_video', { what: `"${path}" is not a playable MP4: ${why}.`, cause });
}

async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`the file ends before byte ${end}`);
    filled += bytesRead;
  }
  return bytes;
}

async function writeRange(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** Opens an MP4 for the time of `use`; the file is closed when this returns. @throws Problem `unplayable_video`, or what the system or the library says */
export async function withMp4Input<Result>(
  path: string,
  use: (input: Input, library: Mp4Library, bytes: number) => Promise<Result>,
): Promise<Result> {
  const library = await loadMp4Library();
  // A pipe would block at open: O_NONBLOCK (0 on Windows) lets it open, and the check below refuses it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw unplayable(path, 'it is not a file');
    // The library fails with an assertion where there is no room for a header.
    if (facts.size < 16) throw unplayable(path, `it has ${facts.size} bytes`);
    const objection = await indexObjection(file, facts.size);
    if (objection !== undefined) throw unplayable(path, objection);
    const source = new library.CustomSource({
      getSize: () => facts.size,
      read: (start, end) => readRange(file, start, end),
      prefetchProfile: 'fileSystem',
      // The same error reaches whoever reads; unhandled, a read-ahead would end the whole server.
      handleUnhandledError: () => {},
    });
    const input = new library.Input({ source, formats: [library.MP4] });
    try {
      return await use(input, library, facts.size);
    } finally {
      input.dispose();
    }
  } finally {
    await file.close();
  }
}

/** A target of the library that writes to `file`; whoever opened the file syncs and closes it. */
export function mp4TargetOn(file: FileHandle, library: Mp4Library): StreamTarget {
  const sink = new WritableStream<StreamTargetChunk>({
    write: (chunk) => writeRange(file, chunk.data, chunk.position),
  });
  return new library.StreamTarget(sink, { chunked: true, chunkSize: 1024 * 1024 });
}
