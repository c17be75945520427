/** What a surface may ask of films and of saved videos, and all that a report needs of the answer. */
import type { Caller, FileLink } from '../library/library.ts';
import type { ClipFacts } from '../media/clip/clip.ts';
import type { Cut } from '../media/clip/preview.ts';
import type { Call, MakeOptions } from '../tasks/calls.ts';
import type { SavedVideo, Task } from '../tasks/record.ts';
import type { Film, FilmJoin, FilmStatus } from './film.ts';
import type { FilmInput, PlannedShot, RetakeInput } from './storyboard.ts';

/** A call of a tool or command, as a single video's. */
export type FilmCall = Omit<Call, 'onWait'> & { readonly onWait?: (view: FilmView) => void };

export interface FilmView {
  readonly film: Film;
  readonly status: FilmStatus;
  /** Of the current takes, in the order of the shots. */
  readonly tasks: readonly (Task | undefined)[];
  /** Of all takes that were made or may still be. */
  readonly fen: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The same film, or the same take, existed already: nothing new is paid. */
  readonly joined: boolean;
  /** The file with the current takes. */
  readonly join?: FilmJoin;
  /** The library's own link to that file, made for this call. */
  readonly link?: FileLink;
  /** It was joined, and its file is no longer there. */
  readonly missingFile?: string;
  /** There are shots whose process has ended: they are sent when the film is next requested. */
  readonly isLeft: boolean;
  /** Shots that are not sent before a process works on the queue. */
  readonly isUnsent: boolean;
  /** Whose it is, as `TaskView.person`. */
  readonly person?: string;
  /** The database was damaged, and what it held is not seen here. */
  readonly warning?: string;
}

/** A `dry_run`: everything is valid, and nothing was recorded or sent. */
export interface CheckedFilm {
  readonly shots: readonly PlannedShot[];
  readonly estimatedFen: number;
  readonly billedSeconds: number;
  readonly notes: readonly string[];
  readonly path: string;
  /** The film that the same call without `dry_run` would join, for nothing. */
  readonly same?: string;
  readonly sandbox: boolean;
}

export type RetakeOptions = RetakeInput & Pick<MakeOptions, 'maxCostCny'>;

/** Who may see what: as VideoService. @throws Problem, each method; what was recorded is never reported as refused */
export interface FilmService {
  check(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<CheckedFilm>;
  /** Records the whole film or nothing, and begins to make it; or joins the same one. */
  make(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<FilmView>;
  /** Makes another take of one shot, counted from 1, and joins the film again when it is there. */
  retake(filmId: string, shot: number, options: RetakeOptions, call: FilmCall): Promise<FilmView>;
  /** Until no part of it is in progress, or the deadline. */
  waitUntilOver(view: FilmView, call: FilmCall): Promise<FilmView>;
  /** Sends what its process left, polls, waits, joins. @throws Problem no_record */
  get(filmId: string, call: FilmCall): Promise<FilmView>;
  /** Withdraws every shot that was not sent. */
  cancel(filmId: string, caller: Caller): Promise<FilmView & { readonly withdrawn: number }>;
  /** What is recorded, without waiting. */
  read(filmId: string, caller: Caller): Promise<FilmView | undefined>;
  /** Newest first. */
  list(limit: number, caller: Caller): Promise<readonly FilmView[]>;
  /** Ids of those that are not over. */
  openIds(caller: Caller): Promise<readonly string[]>;
}

export const MIN_JOINED = 2;
export const MAX_JOINED = 50;
export const MAX_PREVIEW_FRAMES = 12;

export function newJoinId(): string {
  return `join-${crypto.randomUUID().slice(0, 8)}`;
}

export function isJoinId(text: string): boolean {
  return /^join-[0-9a-f]{8}$/.test(text);
}

export interface JoinedView {
  readonly file: SavedVideo;
  /** The library's own link to it. */
  readonly link?: FileLink;
  /** How many were joined. */
  readonly videos: number;
  /** What was changed or left out, to be reported: clauses. */
  readonly notes: readonly string[];
  /** One of them is the sandbox's. */
  readonly sandbox: boolean;
}

export interface PreviewView {
  /** Of the video. */
  readonly path: string;
  readonly filmId?: string;
  readonly facts: ClipFacts;
  /** At most 200 kB. */
  readonly jpeg: Uint8Array;
  /** Where the picture was written, if that was wanted. */
  readonly picturePath?: string;
  /** When each frame of the picture is shown: left to right, top to bottom. */
  readonly seconds: readonly number[];
  /** Those that are shown, of a film. */
  readonly cuts: readonly Cut[];
  readonly hiddenCuts: number;
  readonly sandbox: boolean;
}

/** Of videos that are saved already. Free: nothing is sent, and no record changes. @throws Problem, each method; the signal's reason */
export interface ClipService {
  /** @param videos ids of tasks or films, and paths, in order */
  join(
    videos: readonly string[],
    options: { readonly audio?: string | undefined; readonly output?: string | undefined },
    call: Call,
  ): Promise<JoinedView>;
  /**
   * @param video the id of a task or film, or a path
   * @param options.frames at most 12; left out: 9, and of a film those around its cuts
   * @param options.keepsPicture the picture is written to a file, too
   */
  preview(
    video: string,
    options: { readonly frames?: number | undefined; readonly keepsPicture: boolean },
    call: Call,
  ): Promise<PreviewView>;
}
