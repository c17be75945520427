/** How do the bytes of an unfinished download get to the disk, and which of them can a later attempt build on? */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { notSaved } from './output-problem.ts';

/** Named so that a sweep of the user's own folder never takes another program's .part for ours. */
const PART_NAME = /^\.jimeng-video-(?<taskId>[\w-]+)\.part(?:\.resume)?$/;

/** Beside the target, so that it can be renamed: `.jimeng-video-<taskId>.part`. */
export function partPathFor(folder: string, taskId: string): string {
  return path.join(folder, `.jimeng-video-${taskId.replace(/[^\w-]/g, '_').slice(0, 100)}.part`);
}

/** What a later process must know to go on: the server confirms it with If-Range. */
export interface ResumeNote {
  readonly bytes: number;
  readonly totalBytes: number;
  /** A strong ETag or a Last-Modified date. */
  readonly validator: string;
}

function notePathFor(partPath: string): string {
  return `${partPath}.resume`;
}

/** Written only after the .part was synced: without a note, a power cut may have left holes, and nothing is adopted. */
async function takeNote(partPath: string): Promise<ResumeNote | undefined> {
  try {
    const note = JSON.parse(await readFile(notePathFor(partPath), 'utf8'));
    const isSound = Number.isSafeInteger(note.bytes) && Number.isSafeInteger(note.totalBytes);
    return isSound && typeof note.validator === 'string' ? note : undefined;
  } catch {
    return undefined;
  } finally {
    await unlink(notePathFor(partPath)).catch(() => undefined);
  }
}

/** Large enough that the disk and not the calls set the pace. Two are used in turn: one fills, one is written. */
const BATCH_BYTES = 1024 * 1024;

/** Every method throws the Problem save_failed, with the path, when the disk will not have it. */
export class PartFile {
  readonly path: string;
  /** Of the part that was there, when it can be built on. */
  readonly note: ResumeNote | undefined;
  readonly #handle: FileHandle;
  #size: number;
  /** Copied into, so that the connection's small buffers are free at once. */
  #filling = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #spare = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #filled = 0;
  #writtenTo: number;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(partPath: string, handle: FileHandle, note: ResumeNote | undefined) {
    this.path = partPath;
    this.#handle = handle;
    this.note = note;
    this.#size = note?.bytes ?? 0;
    this.#writtenTo = this.#size;
  }

  static async open(partPath: string): Promise<PartFile> {
    try {
      const note = await takeNote(partPath);
      // Never through a symbolic link that someone put there.
      const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
      const handle = await open(partPath, flags, 0o666);
      const isAsNoted = note !== undefined && (await handle.stat()).size === note.bytes;
      if (!isAsNoted) await handle.truncate(0);
      return new PartFile(partPath, handle, isAsNoted ? note : undefined);
    } catch (error) {
      throw notSaved(partPath, error);
    }
  }

  /** Bytes received, on the disk or on their way there. */
  get size(): number {
    return this.#size;
  }

  /** @returns a promise to wait for before the next call where the disk is behind: it keeps memory flat */
  append(chunk: Uint8Array): Promise<void> | undefined {
    this.#throwFailure();
    if (this.#filled + chunk.length > BATCH_BYTES) return this.#appendInPieces(chunk);
    this.#filling.set(chunk, this.#filled);
    this.#filled += chunk.length;
    this.#size += chunk.length;
    return undefined;
  }

  async #appendInPieces(chunk: Uint8Array): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      if (this.#filled === BATCH_BYTES) await this.#startWriting();
      const piece = chunk.subarray(taken, taken + BATCH_BYTES - this.#filled);
      this.#filling.set(piece, this.#filled);
      this.#filled += piece.length;
      this.#size += piece.length;
      taken += piece.length;
    }
  }

  /** Waits until everything received is with the system. */
  async settle(): Promise<void> {
    if (this.#filled > 0) await this.#startWriting();
    await this.#writing;
    this.#throwFailure();
  }

  /** Forgets every byte: the next one is the first. */
  async restart(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
    this.#filled = 0;
    this.#size = 0;
    this.#writtenTo = 0;
    await this.#guard(this.#handle.truncate(0));
  }

  readonly readAt = async (position: number, length: number): Promise<Buffer> => {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#guard(this.#handle.read(buffer, 0, length, position));
    return buffer.subarray(0, bytesRead);
  };

  /** On the disk for good, and still where it was made: an open file outlives its folder without a sound. */
  async finish(): Promise<void> {
    await this.settle();
    await this.#guard(this.#handle.sync());
    const [mine, there] = await this.#guard(Promise.all([this.#handle.stat(), stat(this.path)]));
    if (mine.ino !== there.ino) {
      await this.#guard(Promise.reject(Object.assign(new Error('replaced'), { code: 'ENOENT' })));
    }
    await this.#guard(this.#handle.close());
  }

  /** Closes the unfinished file and, where it can be resumed, leaves it with a note; else removes it. Never throws. */
  async leave(note: Omit<ResumeNote, 'bytes'> | undefined): Promise<void> {
    try {
      await this.settle();
      await this.#handle.sync();
      await this.#handle.close();
      if (note !== undefined && this.#size > 0) {
        await writeFile(notePathFor(this.path), JSON.stringify({ bytes: this.#size, ...note }), { mode: 0o600 });
        return;
      }
    } catch {
      await this.#handle.close().catch(() => undefined);
    }
    await unlink(this.path).catch(() => undefined);
  }

  /** Resolves once the other batch can be filled. */
  async #startWriting(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
    const batch = this.#filling.subarray(0, this.#filled);
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#filled = 0;
    const position = this.#writtenTo;
    this.#writtenTo += batch.length;
    this.#writing = this.#write(batch, position).catch((error: unknown) => {
      this.#failure ??= notSaved(this.path, error);
    });
  }

  /** A disk that fills up takes a part of a batch first; only the next write says why. */
  async #write(batch: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < batch.length; ) {
      const rest = batch.length - written;
      written += (await this.#handle.write(batch, written, rest, position + written)).bytesWritten;
    }
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#failure ??= notSaved(this.path, error);
      throw this.#failure;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A part that was written to this recently may belong to a process that this one knows nothing of. */
const MIN_IDLE_MILLISECONDS = 15 * 60_000;

/**
 * Removes the .part files (and their notes) in `folder` whose task is not alive.
 * @param isAlive takes the task's id as it stands in the name
 * @param now milliseconds since 1970
 * @returns the names removed; a folder that cannot be read has none
 */
export async function sweepParts(folder: string, isAlive: (taskId: string) => boolean, now: number): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const taskId = PART_NAME.exec(name)?.groups?.taskId;
    if (taskId === undefined || isAlive(taskId)) continue;
    const place = path.join(folder, name);
    try {
      const found = await lstat(place);
      if (!found.isFile() || now - found.mtimeMs < MIN_IDLE_MILLISECONDS) continue;
      await unlink(place);
      removed.push(name);
    } catch {
      // Gone meanwhile, or not ours to remove: the next sweep looks again.
    }
  }
  return removed;
}
