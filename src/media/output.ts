/** Where may a video be saved, and can that place be written? Decided before anything is paid. */
import { randomUUID } from 'node:crypto';
import { open, realpath, stat, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolders } from '../make-folders.ts';
import { Problem } from '../problems.ts';
import { isWindowsDevice } from './output-name.ts';
import { errorCode, notWritable } from './output-problem.ts';

export { fileNameFor } from './output-name.ts';
export { publish } from './output-publish.ts';

export interface OutputRules {
  /** Absolute; undefined: links only. */
  readonly outputDir: string | undefined;
  /** Absolute. */
  readonly allowedDirs: readonly string[];
  readonly workingDir: string;
  /** The command line, where a person gives the path: relative to `workingDir`, anywhere. */
  readonly unrestricted: boolean;
}

export interface Destination {
  /** Absolute, without symbolic links; exists and was writable. */
  readonly folder: string;
  /** Ends in `.mp4`; undefined: named when the video is saved. */
  readonly fileName: string | undefined;
}

/** The longest name that most file systems take is 255 bytes; the number that keeps names apart needs some. */
const MAX_FILE_NAME_BYTES = 240;

function refuse(what: string, mend?: string): Problem {
  return new Problem('output_not_allowed', mend === undefined ? { what } : { what, mend });
}

async function exists(place: string): Promise<boolean> {
  return await stat(place).then(
    () => true,
    () => false,
  );
}

/** The working directory counts as the user's own project when it says so; a client may start us in `/` or home. */
export async function isProject(folder: string): Promise<boolean> {
  return (await exists(path.join(folder, '.git'))) || (await exists(path.join(folder, 'package.json')));
}

/** The path without symbolic links, as far as it exists; the rest is appended as it is. */
async function realPathOf(place: string): Promise<string> {
  try {
    return await realpath(place);
  } catch (error) {
    const parent = path.dirname(place);
    const isMissing = errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
    if (!isMissing || parent === place) throw notWritable(place, error);
    return path.join(await realPathOf(parent), path.basename(place));
  }
}

function isInside(folder: string, root: string): boolean {
  const way = path.relative(root, folder);
  return way === '' || (way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way));
}

/** @throws Problem output_not_allowed for what no local path looks like */
function plainPath(output: string): string {
  const isWindows = path.sep === '\\';
  if (output.trim() === '') throw refuse('`output` is empty.');
  if (/\p{Cc}/u.test(output)) throw refuse('`output` has a control character in it.', 'name a path without it');
  if (/^(\\\\|\/\/)/.test(output)) {
    throw refuse(`"${output}" is a network or device path; videos are saved to local folders only.`);
  }
  if (/^file:\/\//i.test(output)) {
    try {
      const local = fileURLToPath(output);
      if (!/^(\\\\|\/\/)/.test(local) && !/\p{Cc}/u.test(local)) return local;
    } catch {
      // Another host, or no path in it: refused below.
    }
    throw refuse(`"${output}" is no file on this computer.`);
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(output)) throw refuse(`"${output}" is a URL; \`output\` is a local path.`);
  if (!isWindows && (/^[a-z]:[\\/]/i.test(output) || output.includes('\\'))) {
    throw refuse(`"${output}" is a Windows path, but this server runs on another system.`, 'separate folders with /');
  }
  if (isWindows && /[<>:"|?*]/.test(output.replace(/^[a-z]:(?=[\\/])/i, ''))) {
    throw refuse(`"${output}" has a character that Windows does not take in a path: < > : " | ? *`);
  }
  if (/^~(?=$|[\\/])/.test(output)) return path.join(homedir(), output.slice(1));
  if (/^~[^\\/]*[\\/]/.test(output)) throw refuse(`"${output}" names another user's home.`, 'write the path out');
  return output;
}

async function baseOf(rules: OutputRules, output: string): Promise<string> {
  if (rules.unrestricted) return rules.workingDir;
  if (rules.outputDir !== undefined) return rules.outputDir;
  if (await isProject(rules.workingDir)) return rules.workingDir;
  throw refuse(
    `"${output}" is a relative path, but no output folder is set and the working directory is no project.`,
    'name a full path inside an allowed folder (JIMENG_VIDEO_ALLOWED_DIRS), or set JIMENG_VIDEO_OUTPUT_DIR',
  );
}

async function allowedRoots(rules: OutputRules): Promise<string[]> {
  const project = (await isProject(rules.workingDir)) ? [rules.workingDir] : [];
  const outputDirs = rules.outputDir === undefined ? [] : [rules.outputDir];
  const roots = [...outputDirs, ...rules.allowedDirs, ...project];
  return await Promise.all(roots.map((root) => realPathOf(path.resolve(rules.workingDir, root))));
}

function checkInside(folder: string, asked: string, roots: readonly string[]): void {
  if (roots.some((root) => isInside(folder, root))) return;
  if (roots.length === 0) {
    throw refuse(
      `"${asked}" is not allowed: videos are not saved here, only their links are given.`,
      'leave `output` out, or set JIMENG_VIDEO_OUTPUT_DIR or JIMENG_VIDEO_ALLOWED_DIRS',
    );
  }
  const places = roots.map((root) => `"${root}"`).join(', ');
  throw refuse(
    `"${asked}" is outside the folders that videos may be saved to: ${places}.`,
    'leave `output` out, or name a place inside one of these (JIMENG_VIDEO_ALLOWED_DIRS adds more)',
  );
}

/** A full disk lets an empty file be made, so some bytes are written. @throws Problem output_not_writable */
async function proveWritable(folder: string, fileName: string, isDefault: boolean): Promise<void> {
  const name = `.jimeng-video-probe-${randomUUID()}`.padEnd(Buffer.byteLength(fileName) + ' (99)'.length, '-');
  const probe = path.join(folder, name);
  try {
    const handle = await open(probe, 'wx', 0o600);
    try {
      await handle.writeFile(Buffer.alloc(4096));
    } finally {
      await handle.close();
      await unlink(probe);
    }
  } catch (error) {
    throw notWritable(folder, error, isDefault);
  }
}

async function splitIntoFolderAndName(place: string, output: string): Promise<Destination> {
  const found = await stat(place).catch(() => undefined);
  if (/(^|[\\/])\.{0,2}$/.test(output) || found?.isDirectory()) return { folder: place, fileName: undefined };
  const name = path.basename(place);
  const fileName = /\.mp4$/i.test(name) ? name : `${name}.mp4`;
  if (Buffer.byteLength(fileName) > MAX_FILE_NAME_BYTES) {
    throw refuse(
      `The file name has ${Buffer.byteLength(fileName)} bytes; at most ${MAX_FILE_NAME_BYTES} work.`,
      'shorten it',
    );
  }
  if (path.sep === '\\' && isWindowsDevice(fileName))
    throw refuse(`Windows keeps the name "${fileName}" for a device.`);
  return { folder: path.dirname(place), fileName };
}

/**
 * Decides where a video will be saved, and proves that it can be written there: creates the folder, creates and
 * removes a probe file. An `output` that ends in a separator or is a folder is one; else it is a file.
 * @returns undefined where only links are given
 * @throws Problem output_not_allowed | output_not_writable
 */
export async function chooseDestination(
  output: string | undefined,
  rules: OutputRules,
): Promise<Destination | undefined> {
  if (output === undefined && rules.outputDir === undefined) return undefined;
  const asked = output === undefined ? undefined : plainPath(output);
  const isRelative = asked !== undefined && !path.isAbsolute(asked);
  const base = isRelative ? await baseOf(rules, asked) : (rules.outputDir ?? rules.workingDir);
  const place = path.resolve(rules.workingDir, base, asked ?? '.');
  const wanted = await splitIntoFolderAndName(place, asked ?? '.');

  const isChecked = !rules.unrestricted && output !== undefined;
  const roots = isChecked ? await allowedRoots(rules) : [];
  if (isChecked) checkInside(await realPathOf(wanted.folder), output, roots);
  let folder: string;
  try {
    await makeFolders(wanted.folder);
    folder = await realpath(wanted.folder);
  } catch (error) {
    throw notWritable(wanted.folder, error, asked === undefined);
  }
  // Again, now that it exists: a link to a folder that was missing has become one to follow.
  if (isChecked) checkInside(folder, output, roots);
  await proveWritable(folder, wanted.fileName ?? '', asked === undefined);
  return { folder, fileName: wanted.fileName };
}
