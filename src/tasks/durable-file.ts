/** How does a small file get onto the disk so that a power cut leaves the old one or the new one, whole? */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '../clock.ts';
import { makeFolders } from '../system/files.ts';

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

export async function makePrivateFolder(path: string): Promise<void> {
  await makeFolders(path, PRIVATE_FOLDER);
}

/**
 * Written beside its place, fsynced, renamed over it, and the folder fsynced.
 * Own code: the well-kept library for this (write-file-atomic) does not sync the folder, without which the rename
 * itself can be lost with the power.
 */
export async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeSyncClose(await open(temporary, 'wx', PRIVATE_FILE), data);
    await renameOver(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * Creates the file, or finds that it is there; of several processes exactly one creates it.
 * A file that could not be written whole (full disk) is removed again: nobody was told that it is there.
 * @returns false when it is there already
 */
export async function createExclusively(path: string, data: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', PRIVATE_FILE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    await writeSyncClose(file, data);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
  return true;
}

async function writeSyncClose(file: FileHandle, data: string | Uint8Array): Promise<void> {
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @throws what tells nothing: a file that cannot be seen for the moment is there all the same */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Windows refuses to rename over a file that another process has open for a moment (virus scanners do). */
async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (process.platform !== 'win32' || attempt === 10 || !['EPERM', 'EACCES', 'EBUSY'].includes(code)) throw error;
      await systemClock.sleep(10 * attempt);
    }
  }
}

/** The name of what `writeDurably` has not finished, or never will. */
export const DRAFT = /^\..*\.tmp$/;

/** A write takes milliseconds, and so does what comes after it; a file that waits for so long has lost its process. */
const IDLE_MILLISECONDS = 15 * 60_000;

/** @returns the paths of the files of such a name that were last written over 15 minutes ago; a folder that is not there has none */
export async function idleFiles(folder: string, named: RegExp): Promise<string[]> {
  const idle: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!named.test(name)) continue;
    const path = join(folder, name);
    const written = await stat(path).catch(() => undefined);
    if (written !== undefined && systemClock.now() - written.mtimeMs > IDLE_MILLISECONDS) idle.push(path);
  }
  return idle;
}

/** Windows has no folder handles to sync; its file system journals the rename. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
