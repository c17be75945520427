/** Reads and trims video files, in a worker thread with limits of time and memory. */
import { Problem } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { TimeLimitExceeded } from '../../system/thread.ts';
import { giveUp, notConverted, refuseSameFile } from './failure.ts';
import { type ClipThread, type Job, openClipThread, UnusableFile } from './thread.ts';

export interface ClipFacts {
  readonly bytes: number;
  /** Pixels as shown, after rotation. */
  readonly width: number;
  readonly height: number;
  /** frames / fps, so 121 frames at 24 are 5.0417. */
  readonly durationSeconds: number;
  /** From the timestamps, to two decimals; the average where the rate varies. */
  readonly fps: number;
  /** Those that a player shows: without what an edit list hides. */
  readonly frames: number;
  /** Whether it carries the content label of GB 45438 (metadata key `AIGC`). */
  readonly hasAigcLabel: boolean;
}

/** Lengths that the provider does not make: 4 comes from a clip of 5 seconds, 6 and 8 from one of 10. */
export type TrimmedSeconds = 4 | 6 | 8;

/** Reading takes 0.1 s, and 5 s with twelve busy programs a core; a file that takes longer is broken, or its disk hangs. */
export const READ_LIMIT_MILLISECONDS = 30_000;
/** Trimming a clip of 20 MB takes 0.2 s. */
const TRIM_LIMIT_MILLISECONDS = 60_000;

export interface ClipOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeLimitMilliseconds?: number | undefined;
  /** For many files in a row; without it each gets a thread of its own. */
  readonly thread?: ClipThread | undefined;
}

/** Runs one job in the thread that was given, or in one that lives only for it. */
export async function runJob<Value>(job: Job, options: ClipOptions, timeLimitMilliseconds: number): Promise<Value> {
  const thread = options.thread ?? openClipThread();
  try {
    return await thread.run<Value>(job, {
      signal: options.signal,
      timeLimitMilliseconds: options.timeLimitMilliseconds ?? timeLimitMilliseconds,
    });
  } finally {
    if (options.thread === undefined) await thread.close();
  }
}

/** Why a file could not be read; continues "is not a playable MP4: …". Only our own words. */
export function readFailure(error: unknown): string {
  if (error instanceof UnusableFile) return error.message;
  if (error instanceof TimeLimitExceeded) return `reading it was ${error.message}`;
  const code = errorCode(error);
  return code === undefined ? 'its contents make no sense' : `it cannot be read (${code})`;
}

/**
 * The file's facts, from its index, as a player would report them.
 * @throws Problem `unplayable_video` with the path for anything that cannot be read; the signal's reason
 */
export async function readClip(path: string, options: ClipOptions = {}): Promise<ClipFacts> {
  try {
    return await runJob<ClipFacts>({ step: 'facts', source: path }, options, READ_LIMIT_MILLISECONDS);
  } catch (error) {
    if (error instanceof Problem || options.signal?.aborted) throw error;
    const what = `"${path}" is not a playable MP4: ${readFailure(error)}.`;
    throw new Problem('unplayable_video', { what, cause: error });
  }
}

/** Facts of a delivered file; where they cannot be read, a sentence for the report with the reason. */
export type ClipReading =
  | { readonly facts: ClipFacts; readonly note?: never }
  | { readonly facts?: never; readonly note: string };

/** For a file that is saved whatever is in it. @throws the signal's reason */
export async function readDelivered(path: string, options: ClipOptions = {}): Promise<ClipReading> {
  try {
    return { facts: await readClip(path, options) };
  } catch (error) {
    options.signal?.throwIfAborted();
    const reason = error instanceof Problem && error.code === 'unplayable_video' ? readFailure(error.cause) : undefined;
    const why = reason ?? (error instanceof Error ? error.message.replace(/\.$/, '') : 'unknown error');
    return { note: `The file's size, length and frame rate could not be read (${why}); it was saved as delivered` };
  }
}

/**
 * Writes the first `seconds` of `source` to `target`, a temporary path of ours, and syncs it: seconds × fps frames, give
 * or take one, the pictures unchanged; no sound; metadata kept. On failure `target` is removed.
 * @returns the facts of what was written
 * @throws Problem `conversion_failed`; the signal's reason
 */
export async function trimClip(
  source: string,
  target: string,
  seconds: TrimmedSeconds,
  options: ClipOptions = {},
): Promise<ClipFacts> {
  await refuseSameFile(source, target);
  try {
    return await runJob<ClipFacts>({ step: 'trim', source, target, seconds }, options, TRIM_LIMIT_MILLISECONDS);
  } catch (error) {
    return await giveUp(target, notConverted(source, `trimmed to ${seconds} seconds`, error), options.signal);
  }
}
