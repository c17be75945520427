/** File operations that survive power cuts, virus scanners and network drives. */
import { createHash, randomBytes } from 'node:crypto';
import promises, { type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';

/** The file operations that this project uses; tests make single calls fail as other systems do. */
export type FileSystem = Pick<
  typeof promises,
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'stat'
  | 'statfs'
  | 'unlink'
  | 'writeFile'
>;

export const nodeFiles: FileSystem = promises;

export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Windows keeps these for devices, with any extension. */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i;

export function isWindowsDevice(fileName: string): boolean {
  return WINDOWS_DEVICE.test(fileName.replace(/[. ]+$/, ''));
}

export async function exists(path: string, fs: FileSystem = nodeFiles): Promise<boolean> {
  return fs.stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Whether the folder is a user's project, to which relative paths refer. Clients may also start the server in `/` or in
 * the home folder, where they mean nothing.
 */
export async function isProject(folder: string, fs: FileSystem = nodeFiles): Promise<boolean> {
  return (await exists(join(folder, '.git'), fs)) || (await exists(join(folder, 'package.json'), fs));
}

/** What virus scanners, indexers and sync clients make rename and open answer while they hold a new file. */
const BUSY = new Set(['EBUSY', 'EPERM', 'EACCES']);
const BUSY_DELAYS_MILLISECONDS = [20, 80, 200, 500] as const;

/** Repeats what another program is in the way of, for 0.8 s in all. @throws what the last try threw */
export async function retryWhileBusy<Value>(clock: Clock, work: () => Promise<Value>): Promise<Value> {
  for (const delay of BUSY_DELAYS_MILLISECONDS) {
    try {
      return await work();
    } catch (error) {
      if (!BUSY.has(errorCode(error) ?? '')) throw error;
      await clock.sleep(delay);
    }
  }
  return await work();
}

/** What file systems that cannot sync answer: network drives, FUSE, some phones' storage. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']);

/** Puts the file's bytes on the disk where the file system can do so. */
export async function syncHandle(handle: FileHandle): Promise<void> {
  await handle.sync().catch((error: unknown) => {
    if (!CANNOT_SYNC.has(errorCode(error) ?? '')) throw error;
  });
}

/** Puts a file on the disk that others have written. */
export async function syncFile(path: string, fs: FileSystem = nodeFiles): Promise<void> {
  await syncOpened(await fs.open(path, 'r+'));
}

async function syncOpened(handle: FileHandle): Promise<void> {
  try {
    await syncHandle(handle);
  } finally {
    await handle.close();
  }
}

/** Makes a new name survive a power cut. Windows has no folder handles; its file system journals the rename. */
export async function syncFolder(path: string, fs: FileSystem = nodeFiles): Promise<void> {
  if (process.platform === 'win32') return;
  await syncOpened(await fs.open(path, 'r'));
}

/**
 * Makes the folder and its missing parents. Node's own `recursive` reports a read-only file system as a folder that
 * does not exist, and never returns below `/proc`.
 * @param mode of the folders that are made
 * @throws what the system reports
 */
export async function makeFolders(path: string, mode = 0o777, fs: FileSystem = nodeFiles): Promise<void> {
  try {
    await makeFolder(path, mode, fs);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path), mode, fs);
    await makeFolder(path, mode, fs);
  }
}

/** Windows and read-only file systems may answer anything for a folder that exists. */
async function makeFolder(path: string, mode: number, fs: FileSystem): Promise<void> {
  await fs.mkdir(path, mode).catch(async (error: unknown) => {
    const found = await fs.stat(path).catch(() => undefined);
    if (!found?.isDirectory()) throw error;
  });
}

/**
 * Replaces the file's content so that a power cut leaves the old or the new one, whole: written beside it, synced,
 * renamed over it, the folder synced. Own code: write-file-atomic does not sync the folder.
 * @param mode of the new file
 */
export async function writeDurably(
  path: string,
  data: string | Uint8Array,
  { clock, mode = 0o600, fs = nodeFiles }: { clock: Clock; mode?: number; fs?: FileSystem },
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await fs.open(draft, 'wx', mode);
    try {
      await handle.writeFile(data);
      await syncHandle(handle);
    } finally {
      await handle.close();
    }
    await retryWhileBusy(clock, () => fs.rename(draft, path));
  } catch (error) {
    await fs.unlink(draft).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path), fs);
}

/** What identifies a file's content, whatever its name and inode: a plain JSON value. */
export interface FileContent {
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** @throws what the system reports */
export async function contentOf(path: string, fs: FileSystem = nodeFiles): Promise<FileContent> {
  const handle = await fs.open(path, 'r');
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    // One buffer for the whole file: a stream leaves a new one for each 64 kB, which adds up before it is collected.
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** @returns the bytes that this user may still write on the folder's disk; undefined where the system does not report it */
export async function freeBytes(folder: string, fs: FileSystem = nodeFiles): Promise<number | undefined> {
  const found = await fs.statfs(folder).catch(() => undefined);
  return found === undefined ? undefined : found.bavail * found.bsize;
}
