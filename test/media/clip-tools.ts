/** How do the tests look at a clip with other eyes than ours? With ffmpeg and ffprobe, where the machine has them. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/clock.ts';
import type { Ffmpeg } from '../../src/media/clip-ffmpeg.ts';

const run = promisify(execFile);

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const files = folders.map((folder) => path.join(folder, process.platform === 'win32' ? `${name}.exe` : name));
  return files.find((file) => path.isAbsolute(file) && existsSync(file));
}

export const ffmpegPath = onPath('ffmpeg');
const ffprobePath = onPath('ffprobe');
/** The reason stands in the name, so that whoever sees the tests skipped knows why. */
export const needsFfmpeg = ffmpegPath && ffprobePath ? '' : ' [skipped: ffmpeg and ffprobe are not on the PATH]';
export const hasNoFfmpeg = needsFfmpeg !== '';

const environment = { PATH: process.env.PATH ?? '' };
export const ffmpeg: Ffmpeg = { path: ffmpegPath ?? 'none', version: 'any', environment };
export const surroundings = { clock: systemClock, environment };
export const limits = { clock: systemClock, timeLimitMilliseconds: 60_000 };

export function clip(name: string): string {
  return path.join(import.meta.dirname, '../../assets/sandbox-clips', `${name}.mp4`);
}

/** A moving test picture of 320 × 180, B-frames in groups of nine: a cut falls inside a group more often than not. */
export function makeClip(target: string, frames: number, ...options: string[]): void {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=24', '-frames:v', String(frames)];
  const coding = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-bf', '8', '-b_strategy', '0'];
  execFileSync(ffmpeg.path, ['-v', 'error', '-y', ...picture, ...coding, ...options, target]);
}

export async function probe(file: string): Promise<{ frames: number; fps: string; seconds: number; codec: string }> {
  const entries = 'stream=nb_read_frames,r_frame_rate,duration,codec_name';
  const options = [
    '-v',
    'error',
    '-count_frames',
    '-select_streams',
    'v',
    '-show_entries',
    entries,
    '-of',
    'json',
    file,
  ];
  const stream = JSON.parse((await run(ffprobePath ?? 'none', options)).stdout).streams[0];
  return {
    frames: Number(stream.nb_read_frames),
    fps: stream.r_frame_rate,
    seconds: Number(stream.duration),
    codec: stream.codec_name,
  };
}

export async function metadata(file: string): Promise<Record<string, string>> {
  const options = ['-v', 'error', '-show_entries', 'format_tags', '-of', 'json', file];
  return JSON.parse((await run(ffprobePath ?? 'none', options)).stdout).format.tags;
}

/** What ffmpeg complains of while it decodes the whole file; nothing when all is well. */
export async function decodingErrors(file: string): Promise<string> {
  return (await run(ffmpeg.path, ['-v', 'error', '-i', file, '-f', 'null', '-'])).stderr;
}

/** One hash a decoded picture, in the order of showing: of its red, green and blue. */
export async function pictureHashes(file: string): Promise<string[]> {
  const options = ['-v', 'error', '-i', file, '-map', '0:v', '-pix_fmt', 'rgb24', '-f', 'framemd5', '-'];
  const lines = (await run(ffmpeg.path, options)).stdout.split('\n');
  return lines.filter((line) => /^\d/.test(line)).map((line) => line.split(',').at(-1)?.trim() ?? '');
}
