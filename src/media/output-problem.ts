/** What does a failed file operation mean, said with the path? */
import { Problem } from '../problems.ts';

const MEANINGS: Readonly<Record<string, readonly [meaning: string, mend: string]>> = {
  ENOSPC: ['the disk is full', 'free some space there'],
  EDQUOT: ['the disk quota is used up', 'free some space there'],
  EFBIG: ['the file is too large for that file system', 'name a place on another disk'],
  EROFS: ['the file system is read-only', 'name a place that can be written'],
  EACCES: ['permission was denied', 'make it writable'],
  EPERM: ['permission was denied', 'make it writable'],
  ENOENT: ['the folder is not there any more', 'create it again'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'name a folder'],
  EEXIST: ['a part of the path is a file, not a folder', 'name a folder'],
  ENAMETOOLONG: ['the name is too long', 'name a shorter one'],
  ELOOP: ['the path runs through a symbolic link that may not be followed', 'name the real folder'],
  EIO: ['the disk reports an error', 'check the disk'],
  EMFILE: ['too many files are open', 'close some programs'],
  ENFILE: ['too many files are open', 'close some programs'],
};

export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function explain(error: unknown): { reason: string; mend: string } {
  const code = errorCode(error) ?? 'no code';
  const [meaning, mend] = MEANINGS[code] ?? ['the system refused it', 'check that place'];
  return { reason: `${meaning} (${code})`, mend };
}

/**
 * Before paying: the folder or a probe file in it could not be made.
 * @param isDefault nobody asked for this place: it is the one that the settings give
 */
export function notWritable(path: string, error: unknown, isDefault = false): Problem {
  const { reason, mend } = explain(error);
  const what = `"${path}" cannot be written: ${reason}.`;
  const other = isDefault ? 'set JIMENG_VIDEO_OUTPUT_DIR to another place' : 'choose another place to save to';
  return new Problem('output_not_writable', { what, mend: `${mend}, or ${other}`, cause: error });
}

/** After paying: the video is at the provider still, and can be fetched again. */
export function notSaved(path: string, error: unknown): Problem {
  const { reason, mend } = explain(error);
  const what = `The video could not be saved to "${path}": ${reason}.`;
  return new Problem('save_failed', { what, mend: `${mend}, then call get_video_task to save it`, cause: error });
}
