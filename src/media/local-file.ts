/** Finds a sound or a video that a caller names by its path, by the rules for pictures of this computer. */
import { realpath, stat } from 'node:fs/promises';
import { Problem } from '../problems.ts';
import { errorCode } from '../system/files.ts';
import { allowedFolders, findImageFile, isInAny } from './image/file.ts';
import type { ImageRules } from './image/load.ts';
import { type FileInput, localPaths, showName, shownInput } from './image/source.ts';

/**
 * @param text a path, `~` and `file://` too
 * @returns the real path of a regular file that may be read
 * @throws Problem invalid_input, image_not_allowed, image_not_found
 */
export async function findLocalFile(text: string, name: FileInput, rules: ImageRules): Promise<string> {
  const { text: path } = await findImageFile(
    localPaths(text, name, rules.homeDir, rules.platform ?? process.platform, rules.isRemote),
    name,
    rules,
  );
  const shown = `${shownInput(name)} (${showName(path)})`;
  const allowed = await allowedFolders(rules);
  const notAllowed = new Problem('image_not_allowed', {
    what: `${shown} is outside the folders that files may be read from (JIMENG_VIDEO_IMAGE_DIRS and the output folder).`,
    hint: 'copy the file into one of these folders',
  });
  try {
    const real = await realpath(path);
    if (allowed !== undefined && !isInAny(real, allowed)) throw notAllowed;
    if ((await stat(real)).isFile()) return real;
  } catch (error) {
    if (error instanceof Problem) throw error;
    // Whether a file outside the allowed folders exists is not revealed.
    if (allowed !== undefined && !isInAny(path, [...allowed, ...(rules.imageDirs ?? [])])) throw notAllowed;
    const reason =
      errorCode(error) === 'ENOENT' ? 'does not exist on this computer' : `cannot be read (${errorCode(error)})`;
    throw new Problem('image_not_found', { what: `${shown} ${reason}.`, hint: 'check the path', cause: error });
  }
  throw new Problem('invalid_input', { what: `${shown} is not a file.`, hint: 'give the path of a file' });
}
