/** The file that a download is written to, and whether it is a whole MP4. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../clock.ts';
import { folderBecameLink, notSaved } from '../../system/file-problems.ts';
import { errorCode, type FileSystem, retryWhileBusy, syncHandle } from '../../system/files.ts';
import { MAX_BOX_HEADER_BYTES, readBoxHeader } from '../boxes.ts';

/** Every method but `remove` throws the Problem save_failed, with the folder, when the disk refuses. */
export class PartFile {
  private readonly path: string;
  private readonly folder: string;
  private readonly fs: FileSystem;
  private readonly handle: FileHandle;
  private written = 0;

  private constructor(path: string, folder: string, fs: FileSystem, handle: FileHandle) {
    this.path = path;
    this.folder = folder;
    this.fs = fs;
    this.handle = handle;
  }

  /**
   * Replaces what an earlier process left: after a crash it is not known which of its bytes reached the disk. A new file,
   * because a process that was suspended may still have the old one open, and continue writing to it when resumed.
   */
  static async open(path: string, clock: Clock, fs: FileSystem): Promise<PartFile> {
    try {
      const folder = await fs.realpath(dirname(path));
      await retryWhileBusy(clock, () => fs.unlink(path)).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error;
      });
      // Never through a symbolic link that someone put there meanwhile.
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
      return new PartFile(path, folder, fs, await retryWhileBusy(clock, () => fs.open(path, flags, 0o666)));
    } catch (error) {
      throw notSaved(dirname(path), error);
    }
  }

  get size(): number {
    return this.written;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    const { bytesWritten } = await this.guard(this.handle.writev(chunks, this.written));
    this.written += bytesWritten;
    // A disk that fills up takes a part first; only the next write says why.
    const rest = chunks.reduce((sum, { length }) => sum + length, -bytesWritten);
    if (rest > 0) await this.append([Buffer.concat(chunks).subarray(-rest)]);
  }

  /** Forgets every byte: the next one is the first. */
  async restart(): Promise<void> {
    this.written = 0;
    await this.guard(this.handle.truncate(0));
  }

  async isWholeMp4(): Promise<boolean> {
    return await isWholeMp4(async (position, length) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await this.guard(this.handle.read(buffer, 0, length, position));
      return buffer.subarray(0, bytesRead);
    }, this.written);
  }

  /** Puts the bytes on the disk, and checks that the file is still where it was made: an open file outlives its folder. */
  async finish(): Promise<void> {
    await this.guard(syncHandle(this.handle));
    const place = await this.guard(this.whereIsIt());
    if (place === 'gone') throw notSaved(this.folder, Object.assign(new Error('replaced'), { code: 'ENOENT' }));
    if (place === 'elsewhere') throw folderBecameLink(this.folder);
    await this.guard(this.handle.close());
  }

  /** Removes the unfinished file, and no other that has its path now. Never throws. */
  async remove(): Promise<void> {
    const place = await this.whereIsIt().catch(() => 'gone');
    await this.handle.close().catch(() => undefined);
    if (place !== 'gone') await this.fs.unlink(this.path).catch(() => undefined);
  }

  /** `gone`: there is no file at the path, or another one. `elsewhere`: a folder in the path became a symbolic link. */
  private async whereIsIt(): Promise<'here' | 'elsewhere' | 'gone'> {
    const own = await this.handle.stat();
    const found = await this.fs.stat(this.path).catch(() => undefined);
    if (found === undefined || found.ino !== own.ino || found.dev !== own.dev) return 'gone';
    return (await this.fs.realpath(dirname(this.path))) === this.folder ? 'here' : 'elsewhere';
  }

  private async guard<Value>(work: Promise<Value>): Promise<Value> {
    return await work.catch((error: unknown) => {
      throw notSaved(this.folder, error);
    });
  }
}

/** `ftyp` comes after the first box's length, at bytes 4–8. */
export const MP4_HEAD_BYTES = 8;

export function beginsMp4(head: Uint8Array): boolean {
  return Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1', 4, 8) === 'ftyp';
}

/** Reads up to `length` bytes at `position`. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

const MAX_BOXES = 100_000;

/** A box without which the video does not play: the others may be cut, or be bytes that are no box at all. */
const NEEDED = new Set(['ftyp', 'moov', 'mdat', 'moof']);

/**
 * Walks the outermost boxes, which say how long the file is even where the server reported a wrong length or none.
 * Bytes behind the last needed box do no harm: players ignore them, and the video is paid for.
 * @param size of the file, in bytes
 */
export async function isWholeMp4(readAt: ReadAt, size: number): Promise<boolean> {
  let position = 0;
  let hasIndex = false;
  let hasMedia = false;
  for (let count = 0; position < size && count < MAX_BOXES; count += 1) {
    const header = await readAt(position, MAX_BOX_HEADER_BYTES);
    if (position === 0 && !beginsMp4(header)) return false;
    const kind = header.toString('latin1', 4, 8);
    const end = position + (readBoxHeader(header, size - position)?.bytes ?? Number.POSITIVE_INFINITY);
    if (end > size) return !NEEDED.has(kind) && hasIndex && hasMedia;
    hasIndex ||= kind === 'moov';
    hasMedia ||= kind === 'mdat';
    position = end;
  }
  return position === size && hasIndex && hasMedia;
}
