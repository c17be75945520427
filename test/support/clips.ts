/** Inspects clips independently of our code: with ffmpeg and ffprobe, where they are installed. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/clock.ts';
import type { Ffmpeg } from '../../src/media/clip/ffmpeg.ts';

const run = promisify(execFile);

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const files = folders.map((folder) => path.join(folder, process.platform === 'win32' ? `${name}.exe` : name));
  return files.find((file) => path.isAbsolute(file) && existsSync(file));
}

export const ffmpegPath = onPath('ffmpeg');
export const ffprobePath = onPath('ffprobe');
/** The reason is in the name, so that skipped tests show it. */
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

/** What the file's index says of the video in it. */
export async function probe(file: string): Promise<{ fps: string; seconds: number; codec: string }> {
  const entries = ['-show_entries', 'stream=r_frame_rate,duration,codec_name'];
  const options = ['-v', 'error', '-select_streams', 'v', ...entries, '-of', 'json', file];
  const stream = JSON.parse((await run(ffprobePath ?? 'none', options)).stdout).streams[0];
  return { fps: stream.r_frame_rate, seconds: Number(stream.duration), codec: stream.codec_name };
}

export async function metadata(file: string): Promise<Record<string, string>> {
  const options = ['-v', 'error', '-show_entries', 'format_tags', '-of', 'json', file];
  return JSON.parse((await run(ffprobePath ?? 'none', options)).stdout).format.tags;
}

export interface Decoded {
  /** One sum a picture that is shown, in the order of showing. */
  readonly pictures: readonly string[];
  /** What ffmpeg says while it decodes; nothing when all is well. */
  readonly complaints: string;
}

/** The whole file, decoded once. The sums are of the pixels as they are coded: converting them would take longer than all else. */
export async function decode(file: string): Promise<Decoded> {
  return await sumPictures(['-i', file, '-map', '0:v']);
}

/** One sum a picture of red, green and blue, for comparing a clip's frames with a PNG. */
export async function rgbPictures(file: string): Promise<readonly string[]> {
  return (await sumPictures(['-i', file, '-map', '0:v', '-pix_fmt', 'rgb24'])).pictures;
}

/** The sum of the last picture's red, green and blue: the same for a clip's last frame and for a PNG of it. */
export async function lastPicture(file: string): Promise<string | undefined> {
  const nearItsEnd = file.endsWith('.png') ? [] : ['-sseof', '-0.2'];
  const { pictures } = await sumPictures([...nearItsEnd, '-i', file, '-map', '0:v', '-pix_fmt', 'rgb24']);
  return pictures.at(-1);
}

/** As `lastPicture`, of the first one. */
export async function firstPicture(file: string): Promise<string | undefined> {
  const { pictures } = await sumPictures(['-i', file, '-map', '0:v', '-frames:v', '1', '-pix_fmt', 'rgb24']);
  return pictures[0];
}

async function sumPictures(options: readonly string[]): Promise<Decoded> {
  const sums = ['-f', 'framehash', '-hash', 'adler32', '-'];
  const { stdout, stderr } = await run(ffmpeg.path, ['-v', 'error', ...options, ...sums]);
  const lines = stdout.split('\n').filter((line) => /^\d/.test(line));
  return { pictures: lines.map((line) => line.split(',').at(-1)?.trim() ?? ''), complaints: stderr };
}

/** When each frame is shown, in seconds. */
export async function frameTimes(file: string): Promise<number[]> {
  const options = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file];
  const { stdout } = await run(ffprobePath ?? 'none', options);
  return stdout.split('\n').flatMap((line) => (/^[\d.]+/.test(line) ? [Number.parseFloat(line)] : []));
}

/** How long its pictures and its sound are, by the file's index. */
export async function streamSeconds(file: string): Promise<{ video: number; audio: number }> {
  const options = ['-v', 'error', '-show_entries', 'stream=codec_type,duration', '-of', 'json', file];
  const { streams } = JSON.parse((await run(ffprobePath ?? 'none', options)).stdout);
  const of = (type: string) =>
    Number(streams.find((stream: { codec_type: string }) => stream.codec_type === type)?.duration);
  return { video: of('video'), audio: of('audio') };
}

/** A tone. The format is the name's. */
export function makeSound(target: string, seconds: number): void {
  execFileSync(ffmpeg.path, ['-v', 'error', '-y', '-f', 'lavfi', '-i', `sine=d=${seconds}:r=44100`, target]);
}

/** The codec and size of a picture. */
export async function pictureSize(file: string): Promise<{ codec: string; width: number; height: number }> {
  const options = ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'json', file];
  const [stream] = JSON.parse((await run(ffprobePath ?? 'none', options)).stdout).streams;
  return { codec: stream.codec_name, width: stream.width, height: stream.height };
}

/** A video of one colour. */
export function makePicture(target: string, colour: string, size: string, frames: number, filter = 'null'): void {
  const picture = ['-f', 'lavfi', '-i', `color=${colour}:s=${size}:r=24`, '-frames:v', String(frames)];
  execFileSync(ffmpeg.path, ['-v', 'error', '-y', ...picture, '-vf', filter, '-pix_fmt', 'yuv420p', target]);
}

/** The brightness, 0–255, of one pixel of one frame. */
export async function pixelAt(file: string, frame: number, x: number, y: number): Promise<number> {
  const filter = `select=eq(n\\,${frame}),crop=2:2:${x - (x % 2)}:${y - (y % 2)},format=gray,scale=in_range=tv:out_range=pc`;
  const options = ['-v', 'error', '-i', file, '-vf', filter, '-frames:v', '1', '-f', 'rawvideo', '-'];
  const { stdout } = await run(ffmpeg.path, options, { encoding: 'buffer' });
  return (stdout as unknown as Buffer)[0] ?? Number.NaN;
}

/** Peak signal-to-noise ratio in dB of two frames; above 40 nobody sees a difference. Equal ones: infinity. */
export async function likeness(
  [oneFile, oneFrame]: readonly [file: string, frame: number],
  [otherFile, otherFrame]: readonly [file: string, frame: number],
): Promise<number> {
  const frame = (input: number, number: number) => `[${input}:v]select=eq(n\\,${number}),setpts=0`;
  const filter = `${frame(0, oneFrame)}[a];${frame(1, otherFrame)}[b];[a][b]psnr`;
  const options = ['-v', 'info', '-i', oneFile, '-i', otherFile, '-lavfi', filter, '-frames:v', '1', '-f', 'null', '-'];
  const { stderr } = await run(ffmpeg.path, options);
  const average = /PSNR .*average:(\S+)/.exec(stderr)?.[1] ?? 'none';
  return average === 'inf' ? Number.POSITIVE_INFINITY : Number(average);
}
