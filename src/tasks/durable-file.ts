/** How does a small file get onto the disk so that a power cut leaves the old one or the new one, whole? */
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../clock.ts';
import { makeFolders, writeDurably as replaceDurably, syncFolder } from '../system/files.ts';

export { syncFolder } from '../system/files.ts';

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

export async function makePrivateFolder(path: string): Promise<void> {
  await makeFolders(path, PRIVATE_FOLDER);
}

export async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  await replaceDurably(path, data, { clock: systemClock });
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
