/** The seam to where finished videos are kept: a folder on this disk, or another store with the same contract. */
import type { Readable } from 'node:stream';
import type { FileContent } from '../system/files.ts';

/** Who names the place. It decides which places are allowed, and what a relative path is relative to. */
export type Caller =
  /** A person at a command line: paths are relative to the working directory and unrestricted. */
  /** `fromFile`: its inputs are written in a file, and are named as there, not as options. */
  | { readonly kind: 'terminal'; readonly fromFile?: boolean }
  /** An agent of this computer's user. `roots`: the folders that its client offers, as absolute paths or file URLs. */
  | { readonly kind: 'local-agent'; readonly roots?: readonly string[] }
  | RemoteCaller;

/** An agent somewhere else: it names files only, and each person has a folder of their own. */
export interface RemoteCaller {
  readonly kind: 'remote-agent';
  readonly person: string;
  /** Sees everybody's tasks. */
  readonly isAdmin: boolean;
  /** The person's own daily budget. */
  readonly budgetFen?: number;
}

/** Where a video is to be saved. A plain JSON value: it is kept in the task's record. */
export interface Place {
  /** Only the library that chose the place reads it; it may be shown. On a disk: absolute, without symbolic links. */
  readonly folder: string;
  /** Ends in `.mp4`. Missing: the video is named when it is saved. */
  readonly name?: string;
}

/** A video that is kept. A plain JSON value. */
export interface SavedFile extends FileContent {
  /** On a disk the absolute path; in another store what finds it there. */
  readonly path: string;
}

/** As in HTTP: both ends are included; without `end` up to the last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** An address of a saved file that anybody may fetch. */
export interface FileLink {
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly validUntil: number;
}

/** Makes the address at which a server of ours serves a saved file. @param owner as of `Library.link` */
export type LinkOf = (owner: string, path: string) => Promise<FileLink>;

/** A saved file on this computer. */
export interface LocalCopy {
  readonly path: string;
  /** Removes what was made for it; a file that is kept here stays. Never throws. */
  release(): Promise<void>;
}

export interface Library {
  /**
   * Decides where a video will be saved, and proves that it can be written there, before anything is paid.
   * @param output what the caller asked for; undefined: the default place
   * @returns undefined: only links are given
   * @throws Problem output_not_allowed, output_not_writable
   */
  choose(output: string | undefined, caller: Caller): Promise<Place | undefined>;

  /** Whether a record's place is of this library. Another process may have chosen it: on another computer, or for another storage. */
  has(place: Place): Promise<boolean>;

  /** @returns the path that a video for this place would get now; of a place without a name, the folder with a separator */
  preview(place: Place): Promise<string>;

  /**
   * Makes room for a file that is not finished.
   * @param id of the task, and of the file's purpose where a task has several; the same id gives the same file
   * @returns a path on this computer, which `publish` takes. The file may exist: an earlier download that was cut
   * @throws Problem save_failed, also for a place that this library does not have
   */
  staging(place: Place, id: string): Promise<string>;

  /**
   * Moves a staged file to its final name, or to `name (2).mp4` … where that is taken. Never overwrites.
   * @param lastCheck called with what the file holds just before it gets its name; where it throws, it gets none
   * @throws Problem save_failed; what `lastCheck` throws; the staged file is kept, except where its folder became a link
   * to another place
   */
  publish(
    file: string,
    place: Place,
    name: string,
    lastCheck?: (content: FileContent) => Promise<void>,
  ): Promise<SavedFile>;

  /** Finds a file that was published by a process that died before recording it. @returns undefined where no file of this name has that content */
  find(content: FileContent, place: Place, name: string): Promise<SavedFile | undefined>;

  /** Whether the file still exists; its content may have been changed by its user. True where a storage cannot be reached now. */
  isThere(file: Pick<SavedFile, 'path'>): Promise<boolean>;

  /**
   * A video that a report named to a person, who cannot name any other file here.
   * @param path as the report had it
   * @returns undefined for what is not there, or not in the person's own folder
   */
  ownVideo(path: string, person: string): Promise<Pick<SavedFile, 'path'> | undefined>;

  /** @throws what the system reports of a file that does not exist */
  open(file: Pick<SavedFile, 'path'>, range?: ByteRange): Promise<Readable>;

  /** For programs that read files: on a disk the file itself. @throws Problem save_failed; the signal's reason */
  localCopy(file: Pick<SavedFile, 'path'>, signal: AbortSignal): Promise<LocalCopy>;

  /**
   * @param owner the id of the task, film or join whose video it is
   * @returns an address made now; undefined where the library gives none
   */
  link(file: Pick<SavedFile, 'path'>, owner: string): Promise<FileLink | undefined>;

  /**
   * Removes staged files that were idle for 15 minutes and whose task is over. Never throws.
   * @param places where tasks of any account save to, beside the library's own folders
   * @param isAlive takes the id that `staging` was given
   * @returns the paths of what was removed
   */
  sweep(places: readonly Pick<Place, 'folder'>[], isAlive: (id: string) => boolean): Promise<string[]>;
}

/** Lends saved files to a program that reads files. One after the other: a storage is no faster for several. @throws Problem save_failed; what `use` throws */
export async function withLocalCopies<Result>(
  library: Pick<Library, 'localCopy'>,
  paths: readonly string[],
  signal: AbortSignal,
  use: (paths: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const copies: LocalCopy[] = [];
  try {
    for (const path of paths) copies.push(await library.localCopy({ path }, signal));
    return await use(copies.map((copy) => copy.path));
  } finally {
    await Promise.all(copies.map((copy) => copy.release()));
  }
}
