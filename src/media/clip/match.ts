/** Encodes clips and sound again with ffmpeg, so that they fit into one film. */
import type { ClipFacts } from './clip.ts';
import { asFileUrl, qualityOf, readingVideo } from './convert.ts';
import { type Ffmpeg, QUIET } from './ffmpeg.ts';
import { type RunLimits, runProgram } from './run-program.ts';

/** What a clip is made to look like. */
export interface Look {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** The clip before it is encoded. */
  readonly facts: ClipFacts;
}

type Limits = Pick<RunLimits, 'clock' | 'signal'>;

/** A minute of 1080p takes about that long on two busy cores; a machine that needs longer is stuck. */
function timeLimitMilliseconds(seconds: number): number {
  return 5 * 60_000 + seconds * 30_000;
}

/** 29.97 is 30000/1001. */
export function exactRate(fps: number): number {
  const whole = Math.round(fps);
  return Math.abs((whole * 1000) / 1001 - fps) < 0.006 ? (whole * 1000) / 1001 : fps;
}

/** The frame rate in ffmpeg's notation, without rounding. */
function rateName(fps: number): string {
  return exactRate(fps) === fps ? String(fps) : `${Math.round(fps) * 1000}/1001`;
}

/**
 * The whole picture, never cropped, with black bars where the shapes differ. First to square pixels, then to the size.
 * The colours are written as BT.709, because a decoder configuration names them and has to be the same in all clips.
 */
function filtersFor({ width, height, fps }: Look): string {
  const size = `${width - (width % 2)}:${height - (height % 2)}`;
  return [
    "scale=w='round(iw*sar/2)*2':h=ih",
    `scale=${size}:force_original_aspect_ratio=decrease:force_divisible_by=2:out_color_matrix=bt709:out_range=tv`,
    `pad=${size}:(ow-iw)/2:(oh-ih)/2`,
    'setsar=1',
    `fps=${rateName(fps)}`,
    'format=yuv420p',
  ].join(',');
}

const COLOURS = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'];

/** Without it x264 writes settings that depend on the quality into the decoder configuration. */
const STITCHABLE = ['-x264-params', 'stitchable=1'];

/**
 * @param encoder one of H.264 that this ffmpeg has, from `encoderOrProblem`
 * @throws an Error with ffmpeg's message; the signal's reason
 */
export async function matchClip(
  source: string,
  target: string,
  look: Look,
  { ffmpeg, encoder }: { readonly ffmpeg: Ffmpeg; readonly encoder: string },
  { clock, signal }: Limits,
): Promise<void> {
  const writing = [
    ...['-vf', filtersFor(look), '-c:v', encoder, ...qualityOf(encoder, look.facts)],
    ...(encoder === 'libx264' ? STITCHABLE : []),
    ...[...COLOURS, '-map_metadata', '-1', '-f', 'mp4'],
  ];
  const limits = { clock, signal, timeLimitMilliseconds: timeLimitMilliseconds(look.facts.durationSeconds) };
  await runProgram(ffmpeg, [...QUIET, ...readingVideo(source), ...writing, asFileUrl(target)], limits);
}

/** No playlists: they would have other files of this computer read. */
const SOUND_FORMATS = 'aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,matroska,mov,mp3,ogg,tta,w64,wav,wv';

/** Writes the first `seconds` of a sound as AAC in an MP4. @throws an Error with ffmpeg's message; the signal's reason */
export async function matchAudio(
  source: string,
  target: string,
  seconds: number,
  ffmpeg: Ffmpeg,
  { clock, signal }: Limits,
): Promise<void> {
  const reading = ['-y', '-format_whitelist', SOUND_FORMATS, '-i', asFileUrl(source)];
  const choosing = ['-map', '0:a:0', '-vn', '-t', String(seconds)];
  const writing = ['-c:a', 'aac', '-b:a', '192k', '-map_metadata', '-1', '-f', 'mp4'];
  const limits = { clock, signal, timeLimitMilliseconds: timeLimitMilliseconds(seconds) };
  await runProgram(ffmpeg, [...QUIET, ...reading, ...choosing, ...writing, asFileUrl(target)], limits);
}
