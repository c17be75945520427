/** How does a finished .part file get its final name without ever overwriting another? */
import { link, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Problem } from '../problems.ts';
import { numberedName } from './output-name.ts';
import { errorCode, notSaved } from './output-problem.ts';

const MAX_NUMBER = 9999;

/** What file systems without hard links answer: FAT and exFAT, some network and phone file systems. */
const NO_HARD_LINKS = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EINVAL', 'EXDEV']);

/** @returns whether the name was free and is now ours */
async function takeName(partPath: string, target: string): Promise<boolean> {
  try {
    await link(partPath, target);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (!NO_HARD_LINKS.has(errorCode(error) ?? '')) throw error;
  }
  return await reserveAndRename(partPath, target);
}

/** Rename overwrites, so the name is reserved first by a file that is certainly new. */
export async function reserveAndRename(partPath: string, target: string): Promise<boolean> {
  try {
    await (await open(target, 'wx')).close();
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await rename(partPath, target);
  } catch (error) {
    await unlink(target).catch(() => undefined);
    throw error;
  }
  return true;
}

async function syncFile(place: string): Promise<void> {
  const handle = await open(place, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the new name survive a power cut; Windows and some network file systems cannot, and need not, do so. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Moves the finished .part to `fileName` in `folder`, or to `name (2).mp4`, `name (3).mp4` … where that is taken.
 * @param folder as `chooseDestination` gave it: if it has become a link to elsewhere, nothing is moved
 * @returns the path that the video now has
 * @throws Problem save_failed; the .part is then still there
 */
export async function publish(partPath: string, folder: string, fileName: string): Promise<string> {
  try {
    if ((await realpath(folder)) !== folder) {
      throw new Problem('save_failed', {
        what: `"${folder}" has become a symbolic link to another place since it was checked.`,
        mend: 'name another place with `output` in get_video_task',
      });
    }
    await syncFile(partPath);
    for (let number = 1; number <= MAX_NUMBER; number += 1) {
      const target = path.join(folder, numberedName(fileName, number));
      if (!(await takeName(partPath, target))) continue;
      // Already gone after a rename; otherwise a second name of the same file, which a sweep removes if this fails.
      await unlink(partPath).catch(() => undefined);
      await syncFolder(folder);
      return target;
    }
  } catch (error) {
    throw error instanceof Problem ? error : notSaved(path.join(folder, fileName), error);
  }
  throw new Problem('save_failed', {
    what: `"${folder}" holds ${MAX_NUMBER} files named like "${fileName}" already.`,
    mend: 'name another file with `output` in get_video_task',
  });
}

/** @returns the path that `publish` gave to the file with this inode, if it did */
export async function findPublished(folder: string, fileName: string, inode: number): Promise<string | undefined> {
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const target = path.join(folder, numberedName(fileName, number));
    const found = await stat(target).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.ino === inode) return target;
  }
  return undefined;
}
