/** Explains a failed file operation, with its path and what to do. */
import { Problem } from '../problems.ts';
import { errorCode } from './files.ts';

const MEANINGS: Readonly<Record<string, readonly [meaning: string, hint: string]>> = {
  ENOSPC: ['the disk is full', 'free some space there'],
  EDQUOT: ['the disk quota is used up', 'free some space there'],
  EFBIG: ['the file is too large for that file system', 'name a place on another disk'],
  EROFS: ['the file system is read-only', 'name a place that can be written'],
  EACCES: ['permission was denied', 'make that folder writable'],
  EPERM: ['permission was denied', 'make that folder writable'],
  EBUSY: ['another program is using it', 'close the program that uses it'],
  ENOENT: ['the folder no longer exists', 'create that folder again'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'name a folder'],
  EEXIST: ['a part of the path is a file, not a folder', 'name a folder'],
  ENAMETOOLONG: ['the name is too long', 'name a shorter one'],
  ELOOP: ['the path runs through a symbolic link that may not be followed', 'name the real folder'],
  EIO: ['the disk reports an error', 'check the disk'],
  EMFILE: ['too many files are open', 'close some programs'],
  ENFILE: ['too many files are open', 'close some programs'],
};

function explain(error: unknown): { reason: string; hint: string } {
  const code = errorCode(error) ?? 'no code';
  const [meaning, hint] = MEANINGS[code] ?? ['the system refused it', 'check that place'];
  return { reason: `${meaning} (${code})`, hint };
}

function advice(hint: string, isDefault: boolean): string {
  const other = isDefault ? 'set JIMENG_VIDEO_OUTPUT_DIR to another place' : 'choose another place to save to';
  return `${hint}, or ${other}`;
}

/**
 * Before paying: the folder, or a probe file in it, could not be made.
 * @param isDefault no caller named this place: it comes from the settings
 */
export function notWritable(path: string, error: unknown, isDefault = false): Problem {
  const { reason, hint } = explain(error);
  const what = `"${path}" cannot be written: ${reason}.`;
  return new Problem('output_not_writable', { what, hint: advice(hint, isDefault), cause: error });
}

/** Before paying: `path` is a symbolic link to a place that does not exist. */
export function linkToNowhere(path: string, target: string, isDefault = false): Problem {
  const what = `"${path}" is a link to "${target}", which does not exist now: a disk that is unplugged or a network drive that is not connected.`;
  return new Problem('output_not_writable', { what, hint: advice('connect that disk', isDefault) });
}

/**
 * After paying: the provider still has the video, so it can be fetched again.
 * @param place the folder, or the video's final path; never the hidden staged file, which nobody knows
 */
export function notSaved(place: string, error: unknown): Problem {
  const { reason, hint } = explain(error);
  const what = `The video could not be saved to "${place}": ${reason}.`;
  return new Problem('save_failed', { what, hint: advice(hint, false), cause: error });
}

/** After paying: the checked folder was replaced by a link, which is not followed, so trying again does not help. */
export function folderBecameLink(folder: string): Problem {
  return new Problem('save_failed', {
    what: `"${folder}" has become a symbolic link to another place since it was checked.`,
    who: 'you',
    hint: 'name another place to save to',
    retryable: false,
  });
}

/** After paying: the place is of another computer, or of a storage that is not set here. */
export class PlaceElsewhere extends Problem {
  /** @param then who saves it, and when */
  constructor(folder: string, then = '') {
    super('save_failed', {
      what: `The video is to be saved to "${folder}", which this computer does not have.${then}`,
      who: 'operator',
      hint: 'start the program on the computer that has it, or give this one the same JIMENG_VIDEO_STORAGE or the same folder',
    });
  }
}
