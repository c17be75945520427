/** Keeps finished videos in folders on this computer. */
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { Problem } from '../problems.ts';
import { folderBecameLink, notSaved, PlaceElsewhere } from '../system/file-problems.ts';
import {
  contentOf,
  errorCode,
  type FileContent,
  type FileSystem,
  makeFolders,
  nodeFiles,
  retryWhileBusy,
  syncFile,
  syncFolder,
} from '../system/files.ts';
import { isInside, isWithin } from '../system/inside.ts';
import { choosePlace, type PlaceRules, personFolder } from './choose-place.ts';
import { numberedName } from './file-name.ts';
import type { ByteRange, Caller, FileLink, Library, LinkOf, LocalCopy, Place, SavedFile } from './library.ts';

export interface DiskOptions extends PlaceRules {
  readonly clock: Clock;
  readonly fs?: FileSystem | undefined;
  /** Places of records may be other computers': a folder outside our own that does not exist here is one of theirs. */
  readonly isStoreShared?: boolean;
  /** Where a server of ours serves the files. */
  readonly linkOf?: LinkOf | undefined;
}

const MAX_NUMBER = 9999;
/** Nothing that is staged or hidden. */
const VIDEO_NAME = /(^|[\\/])[^.\\/][^\\/]*\.mp4$/i;
/** Named so that a sweep of the user's own folder never takes another program's .part for ours. */
const STAGED_NAME = /^\.jimeng-video-(?<id>[\w-]+)\.part(?:\.(?:resume|sound|clip-\d+))?$/;
/** A file that was written to this recently may belong to a process that this one does not know. */
const MIN_IDLE_MILLISECONDS = 15 * 60_000;

/** `name.mp4`, `name (2).mp4` …: the paths that a file may get, in the order in which they are tried. */
function* numberedPaths(folder: string, name: string): Generator<string> {
  for (let number = 1; number <= MAX_NUMBER; number += 1) yield path.join(folder, numberedName(name, number));
}

export class DiskLibrary implements Library {
  private readonly options: DiskOptions;
  private readonly clock: Clock;
  private readonly fs: FileSystem;

  constructor(options: DiskOptions) {
    this.options = options;
    this.clock = options.clock;
    this.fs = options.fs ?? nodeFiles;
  }

  async choose(output: string | undefined, caller: Caller): Promise<Place | undefined> {
    return await choosePlace(output, caller, this.options, { fs: this.fs, clock: this.clock });
  }

  async has({ folder }: Place): Promise<boolean> {
    const { outputDir } = this.options;
    if (!path.isAbsolute(folder)) return false;
    if (!this.options.isStoreShared || (outputDir !== undefined && isWithin(folder, outputDir))) return true;
    return (await this.fs.stat(folder).catch(() => undefined))?.isDirectory() ?? false;
  }

  async preview({ folder, name }: Place): Promise<string> {
    if (name === undefined) return folder.endsWith(path.sep) ? folder : `${folder}${path.sep}`;
    for (const target of numberedPaths(folder, name)) {
      if ((await this.fs.lstat(target).catch(() => undefined)) === undefined) return target;
    }
    return path.join(folder, name);
  }

  /** Beside the target, so that naming it needs no copy: `.jimeng-video-<id>.part`. */
  async staging(place: Place, id: string): Promise<string> {
    const { folder } = place;
    if (!(await this.has(place))) throw new PlaceElsewhere(folder);
    const part = path.join(folder, `.jimeng-video-${id.replace(/[^\w-]/g, '_').slice(0, 100)}.part`);
    try {
      // A folder that was removed after it was chosen.
      await makeFolders(folder, undefined, this.fs);
      if ((await this.fs.realpath(folder)) !== folder) throw folderBecameLink(folder);
      // A hard link of a published file that its user has moved: writing to the staged name would change that file.
      const found = await this.fs.lstat(part).catch(() => undefined);
      if (found !== undefined && found.nlink > 1) await this.fs.unlink(part);
      return part;
    } catch (error) {
      throw error instanceof Problem ? error : notSaved(folder, error);
    }
  }

  async publish(
    file: string,
    { folder }: Place,
    name: string,
    lastCheck?: (content: FileContent) => Promise<void>,
  ): Promise<SavedFile> {
    const content = await this.wholeContent(file, folder, name);
    await lastCheck?.(content);
    try {
      for (const target of numberedPaths(folder, name)) {
        if (!(await this.takeName(file, target))) continue;
        // After a hard link a second name of the same file, which a sweep removes if this fails.
        await retryWhileBusy(this.clock, () => this.fs.unlink(file)).catch(() => undefined);
        await syncFolder(folder, this.fs).catch(() => undefined);
        return { path: target, ...content };
      }
    } catch (error) {
      throw error instanceof Problem ? error : notSaved(path.join(folder, name), error);
    }
    throw new Problem('save_failed', {
      what: `"${folder}" already holds ${MAX_NUMBER} files named like "${name}".`,
      hint: 'name another file to save to',
    });
  }

  /** The content of a staged file, which is synced to the disk. */
  private async wholeContent(file: string, folder: string, name: string): Promise<FileContent> {
    try {
      if ((await this.fs.realpath(folder)) !== folder) {
        // Nothing is left in a place that was never allowed.
        await this.fs.unlink(file).catch(() => undefined);
        throw folderBecameLink(folder);
      }
      const content = await retryWhileBusy(this.clock, () => contentOf(file, this.fs));
      await retryWhileBusy(this.clock, () => syncFile(file, this.fs));
      return content;
    } catch (error) {
      throw error instanceof Problem ? error : notSaved(path.join(folder, name), error);
    }
  }

  async find(content: FileContent, { folder }: Place, name: string): Promise<SavedFile | undefined> {
    for (const target of numberedPaths(folder, name)) {
      const found = await this.fs.stat(target).catch(() => undefined);
      if (found === undefined) return undefined;
      if (!found.isFile() || found.size !== content.bytes) continue;
      const there = await contentOf(target, this.fs).catch(() => undefined);
      if (there?.bytes === content.bytes && there.sha256 === content.sha256) return { path: target, ...content };
    }
    return undefined;
  }

  async isThere(file: Pick<SavedFile, 'path'>): Promise<boolean> {
    const found = await this.fs.stat(file.path).catch(() => undefined);
    return found?.isFile() ?? false;
  }

  async ownVideo(named: string, person: string): Promise<Pick<SavedFile, 'path'> | undefined> {
    const { outputDir } = this.options;
    if (outputDir === undefined || !VIDEO_NAME.test(named)) return undefined;
    const real = (place: string) => this.fs.realpath(place).catch(() => undefined);
    // A link in the folder leads to what somebody else has.
    const [folder, found] = [await real(path.join(outputDir, personFolder(person))), await real(named)];
    const isOwn = folder !== undefined && found !== undefined && isInside(found, folder) && VIDEO_NAME.test(found);
    return isOwn && (await this.isThere({ path: found })) ? { path: found } : undefined;
  }

  async open(file: Pick<SavedFile, 'path'>, range?: ByteRange): Promise<Readable> {
    const handle = await this.fs.open(file.path, 'r');
    return handle.createReadStream({ ...range });
  }

  async localCopy(file: Pick<SavedFile, 'path'>): Promise<LocalCopy> {
    return { path: file.path, release: async () => undefined };
  }

  /** A disk has no address of its own. */
  async link({ path: saved }: Pick<SavedFile, 'path'>, owner: string): Promise<FileLink | undefined> {
    return await this.options.linkOf?.(owner, saved);
  }

  async sweep(places: readonly Pick<Place, 'folder'>[], isAlive: (id: string) => boolean): Promise<string[]> {
    const { outputDir, allowedDirs } = this.options;
    const removed: string[] = [];
    for (const folder of new Set([outputDir, ...allowedDirs, ...places.map((place) => place.folder)])) {
      if (folder !== undefined) removed.push(...(await this.sweepFolder(folder, isAlive)));
    }
    return removed;
  }

  private async sweepFolder(folder: string, isAlive: (id: string) => boolean): Promise<string[]> {
    const removed: string[] = [];
    for (const name of await this.fs.readdir(folder).catch(() => [])) {
      const id = STAGED_NAME.exec(name)?.groups?.id;
      if (id === undefined || isAlive(id)) continue;
      const file = path.join(folder, name);
      try {
        const found = await this.fs.lstat(file);
        if (!found.isFile() || this.clock.now() - found.mtimeMs < MIN_IDLE_MILLISECONDS) continue;
        await this.fs.unlink(file);
        removed.push(file);
      } catch {
        // Removed meanwhile, or not ours to remove: the next sweep tries again.
      }
    }
    return removed;
  }

  /**
   * A hard link fails where the name is taken. File systems without hard links answer it with many codes (EPERM, ENOSYS;
   * EISDIR and UNKNOWN for exFAT on Windows): there the name is reserved by a new file, which the rename replaces.
   * @returns whether the name was free and is now the video's
   */
  private async takeName(file: string, target: string): Promise<boolean> {
    try {
      await this.fs.link(file, target);
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
    }
    try {
      await (await retryWhileBusy(this.clock, () => this.fs.open(target, 'wx'))).close();
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
    try {
      await retryWhileBusy(this.clock, () => this.fs.rename(file, target));
      return true;
    } catch (error) {
      // Some network drives rename and report a failure: only a name that is still empty is given back.
      const reserved = await this.fs.stat(target).catch(() => undefined);
      if (reserved?.size === 0) await this.fs.unlink(target).catch(() => undefined);
      else if (errorCode(await this.fs.stat(file).catch((reason) => reason)) === 'ENOENT') return true;
      throw error;
    }
  }
}
