/** Whether a path lies in a folder: what keeps files from being read or written elsewhere. */
import path, { type PlatformPath } from 'node:path';

/**
 * Compares texts only: the caller resolves links before.
 * @param folder absolute, as is the path; the folder itself is not inside it
 * @param rules of the system whose paths they are
 */
export function isInside(place: string, folder: string, rules: PlatformPath = path): boolean {
  const way = rules.relative(folder, place);
  // From one Windows drive or share to another the way is absolute.
  return way !== '' && way !== '..' && !way.startsWith(`..${rules.sep}`) && !rules.isAbsolute(way);
}

/** As `isInside`, and of the folder itself. */
export function isWithin(place: string, folder: string, rules: PlatformPath = path): boolean {
  return rules.relative(folder, place) === '' || isInside(place, folder, rules);
}
