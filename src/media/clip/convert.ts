/** Converts a clip to another frame rate, and saves its first or last frame as a picture, with the system's ffmpeg. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Problem } from '../../problems.ts';
import { syncFile } from '../../system/files.ts';
import { type ClipFacts, readClip, type TrimmedSeconds } from './clip.ts';
import { giveUp, inBrackets, notConverted, refuseSameFile, refuseTooShort } from './failure.ts';
import { encoderOrProblem, type Ffmpeg, QUIET } from './ffmpeg.ts';
import { type RunLimits, runProgram } from './run-program.ts';

/** Frame rates that the provider does not make. */
export type ConvertedFps = 25 | 30;

export interface ConvertOptions extends RunLimits {
  /** Trims in the same pass. */
  readonly seconds?: TrimmedSeconds | undefined;
}

/** ffmpeg's H.264 guide calls 17 to 18 visually lossless; 16 leaves room, as the clip was compressed before. */
const X264_QUALITY = ['-preset', 'medium', '-crf', '16'];

/** Other encoders need more bits than x264 for the same picture; how many is a guess, not measured. */
const BIT_RATE_FACTOR = 2;

/** For `readClip`: the time limit in RunLimits is ffmpeg's. */
function signalOf({ signal }: RunLimits): { signal: AbortSignal | undefined } {
  return { signal };
}

/** So that a path that begins with `-` is no option, and one that holds `:` names no protocol. */
export function asFileUrl(file: string): string {
  return `file:${path.resolve(file)}`;
}

/** Forced to MP4, so that a playlist with a video's name opens no other files. */
export function readingVideo(source: string): string[] {
  return ['-y', '-f', 'mov', '-i', asFileUrl(source), '-map', '0:v:0', '-an'];
}

export function qualityOf(encoder: string, facts: ClipFacts): string[] {
  if (encoder === 'libx264') return X264_QUALITY;
  return ['-b:v', String(Math.ceil((facts.bytes * 8 * BIT_RATE_FACTOR) / facts.durationSeconds))];
}

/**
 * Writes `source` at another frame rate to `target`, a temporary path of ours that is overwritten, and syncs it. The speed
 * stays: frames are repeated, none is made up. No sound; metadata kept. On failure or abort `target` is removed.
 * @returns the facts of what was written
 * @throws Problem `conversion_failed`; the signal's reason when it is aborted
 */
export async function convertFrameRate(
  source: string,
  target: string,
  fps: ConvertedFps,
  ffmpeg: Ffmpeg,
  options: ConvertOptions,
): Promise<ClipFacts> {
  await refuseSameFile(source, target);
  try {
    const facts = await readClip(source, signalOf(options));
    if (options.seconds !== undefined) refuseTooShort(facts.durationSeconds, facts.fps, options.seconds);
    const encoder = await encoderOrProblem(ffmpeg, options);
    const frames = Math.round((options.seconds ?? facts.durationSeconds) * fps);
    const writing = [
      ...['-vf', `fps=${fps}`, '-frames:v', String(frames)],
      ...['-c:v', encoder, ...qualityOf(encoder, facts), '-pix_fmt', 'yuv420p'],
      // Without use_metadata_tags the content label (a key of its own) would be lost.
      ...['-map_metadata', '0', '-movflags', '+faststart+use_metadata_tags', '-f', 'mp4'],
    ];
    await runProgram(ffmpeg, [...QUIET, ...readingVideo(source), ...writing, asFileUrl(target)], options);
    await syncFile(target);
    const made = await readClip(target, signalOf(options));
    if (made.fps !== fps || Math.abs(made.frames - frames) > 1) {
      throw new Error(`ffmpeg made ${made.frames} frames at ${made.fps} instead of ${frames} at ${fps}`);
    }
    if (made.hasAigcLabel !== facts.hasAigcLabel) throw new Error('the content label was lost');
    return made;
  } catch (error) {
    return await giveUp(target, notConverted(source, `converted to ${fps} frames a second`, error), options.signal);
  }
}

/** More than one frame is encoded, each over the one before, in case a decoder gives fewer than the file's tables say. */
const LAST_FRAMES = 4;

/**
 * Writes the first or last frame of `source` as a PNG to `target`, a temporary path of ours that is overwritten. On
 * failure or abort `target` is removed.
 * @throws Problem `invalid_image`; the signal's reason when it is aborted
 */
export async function extractFrame(
  which: 'first' | 'last',
  source: string,
  target: string,
  ffmpeg: Ffmpeg,
  options: RunLimits,
): Promise<void> {
  await refuseSameFile(source, target);
  try {
    const { frames } = await readClip(source, signalOf(options));
    const from = Math.max(0, frames - LAST_FRAMES);
    const choice = which === 'first' ? ['-frames:v', '1'] : ['-vf', `select=gte(n\\,${from})`];
    const writing = [...choice, '-c:v', 'png', '-pix_fmt', 'rgb24', '-update', '1', '-f', 'image2'];
    await runProgram(ffmpeg, [...QUIET, ...readingVideo(source), ...writing, asFileUrl(target)], options);
    if ((await stat(target)).size === 0) throw new Error('ffmpeg wrote an empty picture');
  } catch (error) {
    const what = `The ${which} frame of "${source}" could not be read${inBrackets(error)}.`;
    const problem = new Problem('invalid_image', { what, hint: 'give a picture of that frame', cause: error });
    await giveUp(target, problem, options.signal);
  }
}
