/** Decides where a video may be saved, and proves that it can be written there, before anything is paid. */
import { createHash, randomUUID } from 'node:crypto';
import path, { type PlatformPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.ts';
import { linkToNowhere, notWritable } from '../system/file-problems.ts';
import {
  errorCode,
  type FileSystem,
  isProject,
  isWindowsDevice,
  makeFolders,
  retryWhileBusy,
} from '../system/files.ts';
import { isWithin } from '../system/inside.ts';
import { folded, plainReading } from '../system/written-path.ts';
import { withMp4Extension } from './file-name.ts';
import type { Caller, Place } from './library.ts';
import { readOutputText, refuse } from './output-text.ts';

export interface PlaceRules {
  /** Absolute; undefined: links only. */
  readonly outputDir: string | undefined;
  /** Absolute: more folders that `output` may name. */
  readonly allowedDirs: readonly string[];
  readonly workingDir: string;
  readonly homeDir: string;
}

export interface Disk {
  readonly fs: FileSystem;
  readonly clock: Clock;
}

/** The longest name that most file systems take is 255 bytes; the number that keeps names apart needs some. */
const MAX_FILE_NAME_BYTES = 240;

/** The path without symbolic links as far as it exists, and the rest as it is. @throws Problem output_not_writable */
async function resolveLinks(place: string, fs: FileSystem, isDefault = false): Promise<string> {
  try {
    return await fs.realpath(place);
  } catch (error) {
    const parent = path.dirname(place);
    const isMissing = errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
    if (!isMissing || parent === place) throw notWritable(place, error, isDefault);
    const target = await fs.readlink(place).catch(() => undefined);
    if (target !== undefined) throw linkToNowhere(place, target, isDefault);
    return path.join(await resolveLinks(parent, fs, isDefault), path.basename(place));
  }
}

/** A root as clients send it. @returns undefined for what is no folder of this computer */
export function rootPath(root: string, rules: PlatformPath = path): string | undefined {
  try {
    const local = /^file:/i.test(root) ? fileURLToPath(root, { windows: rules.sep === '\\' }) : root;
    return rules.isAbsolute(local) && !/^(\\\\|\/\/)/.test(local) ? local : undefined;
  } catch {
    return undefined;
  }
}

function offeredRoots(caller: Caller): string[] {
  const roots = caller.kind === 'local-agent' ? (caller.roots ?? []) : [];
  return roots.flatMap((root) => rootPath(root) ?? []);
}

async function allowedRoots(rules: PlaceRules, caller: Caller, fs: FileSystem): Promise<string[]> {
  const project = (await isProject(rules.workingDir, fs)) ? [rules.workingDir] : [];
  const outputDirs = rules.outputDir === undefined ? [] : [rules.outputDir];
  const roots = [...outputDirs, ...rules.allowedDirs, ...offeredRoots(caller), ...project];
  // A root on a disk that is unplugged allows nothing, and must not keep the others from it.
  const resolved = roots.map((root) => resolveLinks(path.resolve(rules.workingDir, root), fs).catch(() => undefined));
  return (await Promise.all(resolved)).filter((root) => root !== undefined);
}

function checkInside(folder: string, asked: string, roots: readonly string[]): void {
  if (roots.some((root) => isWithin(folder, root))) return;
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

/** What a relative path is relative to: a root of the client that has the path's folder, else the output folder. */
async function baseOf(rules: PlaceRules, caller: Caller, asked: string, fs: FileSystem): Promise<string> {
  if (caller.kind === 'terminal') return rules.workingDir;
  const roots = offeredRoots(caller);
  const folder = /[\\/]$/.test(asked) ? asked : path.dirname(asked);
  for (const root of path.normalize(folder) === '.' ? [] : roots) {
    const found = await fs.stat(path.resolve(root, folder)).catch(() => undefined);
    if (found?.isDirectory()) return root;
  }
  if (rules.outputDir !== undefined) return rules.outputDir;
  if (await isProject(rules.workingDir, fs)) return rules.workingDir;
  if (roots[0] !== undefined) return roots[0];
  throw refuse(
    `"${asked}" is a relative path, but no output folder is set and the working directory is no project.`,
    'name a full path inside an allowed folder (JIMENG_VIDEO_ALLOWED_DIRS), or set JIMENG_VIDEO_OUTPUT_DIR',
  );
}

/** A full disk lets an empty file be made, so some bytes are written. @throws Problem output_not_writable */
async function proveWritable(place: Place, isDefault: boolean, { fs, clock }: Disk): Promise<void> {
  const length = Buffer.byteLength(place.name ?? '') + ' (99)'.length;
  const probe = path.join(place.folder, `.jimeng-video-probe-${randomUUID()}`.padEnd(length, '-'));
  try {
    const handle = await retryWhileBusy(clock, () => fs.open(probe, 'wx', 0o600));
    try {
      await handle.writeFile(Buffer.alloc(4096));
    } finally {
      await handle.close();
      await retryWhileBusy(clock, () => fs.unlink(probe));
    }
  } catch (error) {
    throw notWritable(place.folder, error, isDefault);
  }
}

function checkedName(name: string): string {
  const named = withMp4Extension(name);
  const bytes = Buffer.byteLength(named);
  if (bytes > MAX_FILE_NAME_BYTES) {
    throw refuse(`The file name has ${bytes} bytes; at most ${MAX_FILE_NAME_BYTES} work.`, 'shorten it');
  }
  if (path.sep === '\\' && isWindowsDevice(named)) throw refuse(`Windows keeps the name "${named}" for a device.`);
  return named;
}

/**
 * The path with folders that exist, where only the kind of their spaces or their Unicode form differs: macOS writes
 * U+202F into names, and decomposed letters.
 */
async function withExistingFolders(folder: string, fs: FileSystem): Promise<string> {
  const parent = path.dirname(folder);
  if (parent === folder || (await isFolder(folder, fs))) return folder;
  const existing = await withExistingFolders(parent, fs);
  const name = path.basename(folder);
  const names = (await fs.readdir(existing).catch(() => [])).filter((other) => folded(other) === folded(name));
  const [only, ...others] = names.includes(name) ? [] : names;
  return path.join(existing, only === undefined || others.length > 0 ? name : only);
}

async function isFolder(place: string, fs: FileSystem): Promise<boolean> {
  return (await fs.stat(place).catch(() => undefined))?.isDirectory() ?? false;
}

async function splitIntoFolderAndName(place: string, asked: string, fs: FileSystem): Promise<Place> {
  const folder = await withExistingFolders(place, fs);
  if (/(^|[\\/])\.{0,2}$/.test(asked) || (await isFolder(folder, fs))) return { folder };
  return { folder: path.dirname(folder), name: checkedName(path.basename(place)) };
}

/** The name of a folder of the person's own, so that no name says what others have made. */
export function personFolder(person: string): string {
  const isPlain = /^[a-z0-9][a-z0-9_-]{0,63}$/.test(person) && !isWindowsDevice(person);
  const hash = createHash('sha256').update(person).digest('hex').slice(0, 16);
  return isPlain ? person : `person-${hash}`;
}

/** @throws Problem output_not_allowed for a path */
export function namedOnly(output: string, homeDir: string): string {
  // A shell's way to write a space is no separator.
  const isPath = (text: string) => /[\\/]|^\.+$|^~/.test(text.replace(/\\(?=[ ()[\]&'])/g, ''));
  const aPath = () => refuse(`"${output}" is a path; here \`output\` is only the name of a file.`, 'name a file');
  if (isPath(plainReading(output).text)) throw aPath();
  const name = readOutputText(output, homeDir);
  if (isPath(name)) throw aPath();
  return checkedName(name);
}

/** @returns undefined where only links are given @throws Problem output_not_allowed, output_not_writable */
export async function choosePlace(
  output: string | undefined,
  caller: Caller,
  rules: PlaceRules,
  disk: Disk,
): Promise<Place | undefined> {
  const { outputDir, workingDir } = rules;
  const { fs } = disk;
  if (caller.kind === 'remote-agent') {
    if (outputDir === undefined && output !== undefined) checkInside('', output, []);
    if (outputDir === undefined) return undefined;
    const folder = path.join(outputDir, personFolder(caller.person));
    const name = output === undefined ? {} : { name: namedOnly(output, rules.homeDir) };
    return await make({ folder, ...name }, true, disk);
  }
  if (output === undefined) {
    return outputDir === undefined
      ? undefined
      : await make({ folder: path.resolve(workingDir, outputDir) }, true, disk);
  }
  const asked = readOutputText(
    output,
    rules.homeDir,
    caller.kind === 'terminal' && caller.fromFile !== true ? '--output' : '`output`',
  );
  const base = path.isAbsolute(asked) ? workingDir : await baseOf(rules, caller, asked, fs);
  const wanted = await splitIntoFolderAndName(path.resolve(workingDir, base, asked), asked, fs);
  if (caller.kind === 'terminal') return await make(wanted, false, disk);
  const roots = await allowedRoots(rules, caller, fs);
  checkInside(await resolveLinks(wanted.folder, fs), output, roots);
  return await make(wanted, false, disk, (folder) => checkInside(folder, output, roots));
}

/** @param check of the folder as it exists: a link to a folder that was missing has become one to follow */
async function make(
  wanted: Place,
  isDefault: boolean,
  disk: Disk,
  check: (folder: string) => void = () => undefined,
): Promise<Place> {
  const { fs } = disk;
  await resolveLinks(wanted.folder, fs, isDefault);
  let folder: string;
  try {
    await makeFolders(wanted.folder, undefined, fs);
    folder = await fs.realpath(wanted.folder);
  } catch (error) {
    throw notWritable(wanted.folder, error, isDefault);
  }
  check(folder);
  const place = { ...wanted, folder };
  await proveWritable(place, isDefault, disk);
  return place;
}
