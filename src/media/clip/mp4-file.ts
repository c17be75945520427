/**
 * Gives the MP4 library access to files on this disk: read in pieces, written in pieces, never held whole.
 *
 * The library's own file source and target are not used: they ignore short reads and writes, do not sync, and close
 * without waiting, which leaves Windows with a file that cannot be renamed. Runs only in the worker thread.
 */
import type { FileHandle } from 'node:fs/promises';
import { CustomSource, Input, type InputFormat, MP4, QTFF, StreamTarget, type StreamTargetChunk } from 'mediabunny';
import { openRegular, readRange, writeRange } from './file-ranges.ts';
import { checkIndex } from './index-check.ts';

/** An open file that the library may read. */
export interface Mp4Input {
  readonly input: Input;
  /** Of the whole file. */
  readonly bytes: number;
  /** The movie's box; none where the file is no MP4. */
  readonly movie: Buffer | undefined;
}

/**
 * Opens an MP4 for the time of `use`; the file is closed when this returns.
 * @param otherFormats that are read as well
 * @throws Refusal; what the system or the library throws
 */
export async function withMp4Input<Result>(
  path: string,
  use: (opened: Mp4Input) => Promise<Result>,
  otherFormats: readonly InputFormat[] = [],
): Promise<Result> {
  const { file, bytes } = await openRegular(path);
  try {
    const { readableBytes, movie } = await checkIndex(file, bytes);
    const source = new CustomSource({
      getSize: () => readableBytes,
      read: (start, end) => readRange(file, start, end),
      prefetchProfile: 'fileSystem',
      // The same error reaches the reader; unhandled, a read-ahead would end the thread.
      handleUnhandledError: () => {},
    });
    const input = new Input({ source, formats: [MP4, QTFF, ...otherFormats] });
    try {
      return await use({ input, bytes, movie });
    } finally {
      input.dispose();
    }
  } finally {
    await file.close();
  }
}

/** A target of the library that writes to `file`; the caller syncs and closes it. */
export function mp4TargetOn(file: FileHandle): StreamTarget {
  const sink = new WritableStream<StreamTargetChunk>({
    write: (chunk) => writeRange(file, chunk.data, chunk.position),
  });
  return new StreamTarget(sink, { chunked: true, chunkSize: 1024 * 1024 });
}
