/** What a surface may do with videos that are saved already, and all that a report needs of the result. */
import type { FileLink } from '../library/library.ts';
import type { ClipFacts } from '../media/clip/clip.ts';
import type { Cut } from '../media/clip/preview.ts';
import type { Call } from '../tasks/calls.ts';
import type { SavedVideo } from '../tasks/record.ts';

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

/** Free: nothing is sent, and no record changes. @throws Problem, each method; the signal's reason */
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
