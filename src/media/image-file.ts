/** How is a local picture read, so that the bytes that are sent are those of the file that was checked? */
import { constants, type Stats } from 'node:fs';
import { access, type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';
import { Problem } from '../problems.ts';
import { MAX_IMAGE_BYTES, requireBytesInLimit } from './image-limits.ts';
import { attachedToChat, type ImageInput, isInClientSandbox, showName } from './image-source.ts';

export interface ReadRules {
  readonly workingDir: string;
  /** When set, files are read only from these and `outputDir`, symbolic links resolved. */
  readonly imageDirs: readonly string[] | undefined;
  readonly outputDir: string | undefined;
  /** A person gave the path, on the command line: relative is to `workingDir`, and every folder may be read. */
  readonly unrestricted: boolean;
}

/** Against a working directory that is / or the client's own, where a relative path means nothing. */
export async function resolveImagePath(
  path: string,
  isRelative: boolean,
  name: ImageInput,
  rules: ReadRules,
): Promise<string> {
  if (!isRelative) return normalize(path);
  const { workingDir, unrestricted } = rules;
  if (unrestricted || (await isThere(join(workingDir, '.git'))) || (await isThere(join(workingDir, 'package.json')))) {
    return resolve(workingDir, path);
  }
  throw new Problem('invalid_input', {
    what: `\`${name}\` is a relative path (${showName(path)}), but the folder this server was started in is no project.`,
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
  const allowed =
    rules.imageDirs && !rules.unrestricted ? await realFolders([...rules.imageDirs, rules.outputDir]) : undefined;
  const shown = `\`${name}\` (${showName(path)})`;
  let handle: FileHandle | undefined;
  try {
    const real = await realpath(path);
    if (allowed && !isInside(real, allowed)) throw notAllowed(shown, rules);
    // Before opening, which can wait for a pipe's writer or do something to a device.
    requireRegularFile(await stat(real), shown);
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
    const opened = await handle.stat();
    requireRegularFile(opened, shown);
    if (allowed && !isInside(await realPathOfOpened(handle, path), allowed)) throw notAllowed(shown, rules);
    requireBytesInLimit(basename(path), opened.size);
    const bytes = await readBounded(handle, opened.size, signal);
    requireBytesInLimit(basename(path), bytes.length);
    return bytes;
  } catch (error) {
    if (error instanceof Problem || signal?.aborted) throw error;
    // Whether a file outside the allowed folders is there is not told.
    if (allowed && !isInside(normalize(path), [...allowed, ...(rules.imageDirs ?? [])])) throw notAllowed(shown, rules);
    throw problemOfReading(error, path, name, shown);
  } finally {
    await handle?.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function realFolders(folders: readonly (string | undefined)[]): Promise<string[]> {
  const real = await Promise.all(
    folders.map((folder) => (folder === undefined ? undefined : realpath(folder).catch(() => undefined))),
  );
  return real.filter((folder) => folder !== undefined);
}

function isInside(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const way = relative(folder, path);
    return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  });
}

/** Where the open file really is. A link that is exchanged while we look ends in a path that is nowhere allowed. */
async function realPathOfOpened(handle: FileHandle, path: string): Promise<string> {
  const fromKernel = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  if (fromKernel !== undefined) return fromKernel;
  const real = await realpath(path);
  const [there, opened] = await Promise.all([stat(real, { bigint: true }), handle.stat({ bigint: true })]);
  return there.dev === opened.dev && there.ino === opened.ino && (await realpath(real)) === real ? real : '';
}

/** Also stops where a file grows while it is read. */
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
    hint: 'give the path of a JPEG or PNG file',
  });
}

function kindOfEntry(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'no regular file';
}

function notAllowed(shown: string, rules: ReadRules): Problem {
  const folders = [...(rules.imageDirs ?? []), ...(rules.outputDir === undefined ? [] : [rules.outputDir])];
  return new Problem('image_not_allowed', {
    what: `${shown} is outside the folders that images may be read from (JIMENG_VIDEO_IMAGE_DIRS and the output folder).`,
    hint: `copy the picture into one of these: ${folders.join(', ')}`,
  });
}

function problemOfReading(error: unknown, path: string, name: ImageInput, shown: string): Problem {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    if (isInClientSandbox(path)) return attachedToChat(path, name);
    const isTemporary = /^\/(tmp|var\/folders|private\/tmp|mnt)\//.test(path);
    return new Problem('image_not_found', {
      what: `${shown} is not on this computer.`,
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
    return new Problem('invalid_image', { what: `${shown} is a symbolic link that leads in a circle.`, cause: error });
  if (code === 'ENAMETOOLONG')
    return new Problem('invalid_input', {
      what: `${shown} is no valid path: it is too long.`,
      hint: 'give the path of a JPEG or PNG file',
      cause: error,
    });
  return new Problem('invalid_image', {
    what: `${shown} could not be read (${code ?? 'unknown error'}).`,
    hint: 'check the file, or copy it elsewhere',
    cause: error,
  });
}
