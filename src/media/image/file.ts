/** Finds and reads a local picture so that the bytes that are sent are those of the file that was checked. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, normalize, resolve } from 'node:path';
import { Problem } from '../../problems.ts';
import { errorCode, exists, isProject } from '../../system/files.ts';
import { isInside } from '../../system/inside.ts';
import { existingReadings, type FileLookup, type Reading } from '../../system/written-path.ts';
import { MAX_IMAGE_BYTES, requireBytesInLimit } from './facts.ts';
import { LOCAL_FORMATS } from './formats.ts';
import {
  attachedToChat,
  type FileInput,
  type ImageInput,
  isInClientSandbox,
  showName,
  shownInput,
  type WrittenPath,
} from './source.ts';

export interface ReadRules {
  readonly workingDir: string;
  /** When set, files are read only from these and `outputDir`, symbolic links resolved. */
  readonly imageDirs: readonly string[] | undefined;
  readonly outputDir: string | undefined;
  /** A person gave the path, on the command line: relative is to `workingDir`, and every folder may be read. */
  readonly unrestricted: boolean;
  /** The caller is on another computer: its paths are not this one's, and none is read. */
  readonly isRemote?: boolean;
}

const LOOKUP: FileLookup = { exists, names: (folder) => readdir(folder).catch(() => []) };

/**
 * The one existing file that the path can mean; where none exists, its last reading, for `readImageFile` to refuse.
 * @throws Problem where it can mean two, or is relative and the working directory is not a project
 */
export async function findImageFile(
  paths: readonly [WrittenPath, ...WrittenPath[]],
  name: FileInput,
  rules: ReadRules,
): Promise<Reading> {
  const used = paths.at(-1) as WrittenPath;
  const hasBase = rules.unrestricted || (await isProject(rules.workingDir));
  if (used.isRelative && !hasBase) throw withoutBase(used.text, name);
  const readings = paths
    .filter(({ isRelative }) => hasBase || !isRelative)
    .map(({ text, changes }) => ({ text: resolve(rules.workingDir, text), changes }));
  const allowed = await allowedFolders(rules);
  // Whether a file outside the allowed folders exists is not revealed.
  const searched = allowed
    ? readings.filter(({ text }) => isInAny(text, [...allowed, ...(rules.imageDirs ?? [])]))
    : readings;
  const [found, another] = await existingReadings(searched, LOOKUP);
  if (found && another) {
    throw new Problem('invalid_input', {
      what: `${shownInput(name)} can mean two files: ${showName(found.text)} and ${showName(another.text)}.`,
      hint: 'give the path of one of them, without quotes or escapes',
    });
  }
  return found ?? (readings.at(-1) as Reading);
}

function withoutBase(path: string, name: FileInput): Problem {
  return new Problem('invalid_input', {
    what: `${shownInput(name)} is a relative path (${showName(path)}), but the folder this server was started in is not a project.`,
    hint: 'give the full path, or one that begins with ~/',
  });
}

/**
 * Opens once, checks what was opened, and reads at most the limit and one byte more.
 * @param path absolute
 * @throws Problem; the signal's reason when it is aborted
 */
export async function readImageFile(
  path: string,
  name: ImageInput,
  rules: ReadRules,
  signal?: AbortSignal,
): Promise<Buffer> {
  const allowed = await allowedFolders(rules);
  const shown = `${shownInput(name)} (${showName(path)})`;
  let handle: FileHandle | undefined;
  try {
    const real = await realpath(path);
    if (allowed && !isInAny(real, allowed)) throw notAllowed(shown, rules);
    // Before opening, which can block on a pipe without a writer or act on a device.
    requireRegularFile(await stat(real), shown);
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
    const opened = await handle.stat();
    requireRegularFile(opened, shown);
    if (allowed && !isInAny(await realPathOfOpened(handle, path), allowed)) throw notAllowed(shown, rules);
    requireBytesInLimit(basename(path), opened.size);
    const bytes = await readBounded(handle, opened.size, signal);
    requireBytesInLimit(basename(path), bytes.length);
    return bytes;
  } catch (error) {
    if (error instanceof Problem || signal?.aborted) throw error;
    // Whether a file outside the allowed folders exists is not revealed.
    if (allowed && !isInAny(normalize(path), [...allowed, ...(rules.imageDirs ?? [])])) throw notAllowed(shown, rules);
    throw problemOfReading(error, path, name, rules);
  } finally {
    await handle?.close();
  }
}

/** The real folders that may be read, or undefined where every folder may. */
export async function allowedFolders({ imageDirs, outputDir, unrestricted }: ReadRules): Promise<string[] | undefined> {
  if (imageDirs === undefined || unrestricted) return undefined;
  const real = await Promise.all(
    [...imageDirs, outputDir].map((folder) =>
      folder === undefined ? undefined : realpath(folder).catch(() => undefined),
    ),
  );
  return real.filter((folder) => folder !== undefined);
}

export function isInAny(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isInside(path, folder));
}

/** The real path of the open file; empty, which is never allowed, where a link was exchanged in between. */
async function realPathOfOpened(handle: FileHandle, path: string): Promise<string> {
  const fromKernel = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  if (fromKernel !== undefined) return fromKernel;
  const real = await realpath(path);
  const [there, opened] = await Promise.all([stat(real, { bigint: true }), handle.stat({ bigint: true })]);
  return there.dev === opened.dev && there.ino === opened.ino && (await realpath(real)) === real ? real : '';
}

/** Stops at the limit even if the file grows while it is read. */
async function readBounded(
  handle: FileHandle,
  expectedBytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(MAX_IMAGE_BYTES, expectedBytes) + 1);
  let length = 0;
  while (length < buffer.length) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function requireRegularFile(stats: Stats, shown: string): void {
  if (stats.isFile()) return;
  throw new Problem('invalid_image', {
    what: `${shown} is ${kindOfEntry(stats)}, not a picture.`,
    hint: `give the path of a picture (${LOCAL_FORMATS})`,
  });
}

function kindOfEntry(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'not a regular file';
}

function notAllowed(shown: string, rules: ReadRules): Problem {
  const folders = [...(rules.imageDirs ?? []), ...(rules.outputDir === undefined ? [] : [rules.outputDir])];
  return new Problem('image_not_allowed', {
    what: `${shown} is outside the folders that images may be read from (JIMENG_VIDEO_IMAGE_DIRS and the output folder).`,
    hint: `copy the picture into one of these: ${folders.join(', ')}`,
  });
}

function problemOfReading(error: unknown, path: string, name: ImageInput, rules: ReadRules): Problem {
  const code = errorCode(error);
  const shown = `${shownInput(name)} (${showName(path)})`;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    // A person at a terminal has no chat.
    if (!rules.unrestricted && isInClientSandbox(path)) return attachedToChat(path, name);
    const isTemporary = !rules.unrestricted && /^\/(tmp|var\/folders|private\/tmp|mnt)\//.test(path);
    return new Problem('image_not_found', {
      what: `${shown} does not exist on this computer.`,
      hint: isTemporary
        ? "give the path of a picture on this computer; one that is attached to the chat or in the client's own sandbox has to be saved here first"
        : 'check the path, or give a public http(s) URL of the picture',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new Problem('image_not_allowed', {
      what: `${shown} cannot be read: no permission.`,
      hint: 'let this user read it (on macOS: give the client access to that folder in Privacy & Security), or copy it elsewhere',
      cause: error,
    });
  }
  if (code === 'ELOOP')
    return new Problem('invalid_image', {
      what: `${shown} is a symbolic link that leads back to itself.`,
      cause: error,
    });
  if (code === 'ENAMETOOLONG')
    return new Problem('invalid_input', {
      what: `${shown} is not a valid path: it is too long.`,
      hint: `give the path of a picture (${LOCAL_FORMATS})`,
      cause: error,
    });
  return new Problem('invalid_image', {
    what: `${shown} could not be read (${code ?? 'unknown error'}).`,
    hint: 'check the file, or copy it elsewhere',
    cause: error,
  });
}
