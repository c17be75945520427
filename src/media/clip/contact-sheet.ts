/** Makes one JPEG of several frames of a video, each with its time, for a model or a person to view. */
import { Problem } from '../../problems.ts';
import { type ClipFacts, readClip } from './clip.ts';
import { asFileUrl } from './convert.ts';
import { inBrackets } from './failure.ts';
import { type Ffmpeg, QUIET } from './ffmpeg.ts';
import { type RunLimits, runProgram } from './run-program.ts';
import { paintTimes } from './time-stamps.ts';

const MAX_SHEET_BYTES = 200_000;
const SHEET_WIDTH = 1000;
/** So that frames that stand upright do not make a sheet that is taller than any model accepts. */
const MAX_SHEET_HEIGHT = 1400;
const MAX_PNG_BYTES = 16 * 1024 * 1024;

export interface ShownFrame {
  /** From 0. */
  readonly frame: number;
  /** When it is shown. */
  readonly seconds: number;
}

export interface ContactSheet {
  /** At most 200 kB. */
  readonly jpeg: Buffer;
  readonly width: number;
  readonly height: number;
  /** In the order of the sheet: left to right, top to bottom. */
  readonly frames: readonly ShownFrame[];
}

/** Where frames lie on a sheet, in pixels. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
}

/** The frames that are shown at `times` (seconds), each once, in order. Pure. */
export function framesAt(times: readonly number[], { fps, frames }: Pick<ClipFacts, 'fps' | 'frames'>): ShownFrame[] {
  // A thousandth of a frame: 5 / 24 seconds are frame 5, whatever the division leaves.
  const chosen = times.map((time) => Math.min(frames - 1, Math.max(0, Math.floor(time * fps + 0.001))));
  return [...new Set(chosen)].sort((a, b) => a - b).map((frame) => ({ frame, seconds: frame / fps }));
}

/** As large as fits; the shape of the frames is kept. Pure. */
export function gridFor(count: number, { width, height }: Pick<ClipFacts, 'width' | 'height'>): Grid {
  const isUpright = height > width;
  const columns = isUpright
    ? Math.min(count, count <= 8 ? 4 : 6)
    : Math.min(count, count <= 4 ? 2 : count <= 9 ? 3 : 4);
  const rows = Math.ceil(count / columns);
  const scale = Math.min(SHEET_WIDTH / columns / width, MAX_SHEET_HEIGHT / rows / height);
  const even = (pixels: number) => Math.max(2, Math.floor((pixels * scale) / 2) * 2);
  return { columns, rows, cellWidth: even(width), cellHeight: even(height) };
}

/**
 * @param times in seconds, 1–12 of them; of equal frames one is shown
 * @throws Problem `unplayable_video`; `conversion_failed`; the signal's reason
 */
export async function contactSheet(
  file: string,
  times: readonly number[],
  ffmpeg: Ffmpeg,
  limits: RunLimits,
): Promise<ContactSheet> {
  const facts = await readClip(file, { signal: limits.signal });
  const frames = framesAt(times, facts);
  const grid = gridFor(frames.length, facts);
  const width = grid.columns * grid.cellWidth;
  const height = grid.rows * grid.cellHeight;
  try {
    const png = await drawSheet(file, frames, grid, ffmpeg, limits);
    return { jpeg: await jpegInLimit(png, ffmpeg, limits), width, height, frames };
  } catch (error) {
    limits.signal?.throwIfAborted();
    throw new Problem('conversion_failed', {
      what: `No pictures of "${file}" could be made${inBrackets(error)}.`,
      hint: 'open the video itself',
      cause: error,
    });
  }
}

/** The frames beside each other, and over them the times, which are painted here: no font is needed. */
async function drawSheet(
  file: string,
  frames: readonly ShownFrame[],
  grid: Grid,
  ffmpeg: Ffmpeg,
  limits: RunLimits,
): Promise<Buffer> {
  const { columns, rows, cellWidth, cellHeight } = grid;
  const times = paintTimes(
    frames.map(({ seconds }) => seconds),
    grid,
  );
  const chosen = frames.map(({ frame }) => `eq(n\\,${frame})`).join('+');
  const sheet = `select=${chosen},scale=${cellWidth}:${cellHeight},setsar=1,tile=${columns}x${rows}:nb_frames=${frames.length}`;
  const reading = ['-f', 'mov', '-i', asFileUrl(file)];
  const size = `${columns * cellWidth}x${rows * cellHeight}`;
  const raw = ['-protocol_whitelist', 'pipe', '-f', 'rawvideo', '-pix_fmt', 'rgba'];
  const readingTimes = [...raw, '-s', size, '-i', 'pipe:0'];
  const filter = `[0:v:0]${sheet}[sheet];[sheet][1:v]overlay=format=rgb[out]`;
  const writing = ['-filter_complex', filter, '-map', '[out]', '-frames:v', '1', '-c:v', 'png', '-pix_fmt', 'rgb24'];
  const options = [...QUIET, ...reading, ...readingTimes, ...writing, '-f', 'image2pipe', 'pipe:1'];
  return await runProgram(ffmpeg, options, limits, { input: times, maxOutputBytes: MAX_PNG_BYTES });
}

/** ffmpeg's scale, best first; 31 is the worst. */
const QUALITIES = [2, 4, 6, 9, 13, 18, 24, 31];
const SMALLER = [1, 0.7, 0.5];

/** The best quality that fits. @throws Error when none does */
async function jpegInLimit(png: Buffer, ffmpeg: Ffmpeg, limits: RunLimits): Promise<Buffer> {
  for (const scale of SMALLER) {
    for (const quality of QUALITIES) {
      const size = ['-vf', `scale=iw*${scale}:-2`, '-pix_fmt', 'yuvj420p', '-q:v', String(quality)];
      const writing = [...size, '-c:v', 'mjpeg', '-f', 'image2pipe', 'pipe:1'];
      const options = [...QUIET, '-f', 'png_pipe', '-i', 'pipe:0', ...writing];
      const jpeg = await runProgram(ffmpeg, options, limits, { input: png, maxOutputBytes: MAX_PNG_BYTES });
      if (jpeg.length > 0 && jpeg.length <= MAX_SHEET_BYTES) return jpeg;
    }
  }
  throw new Error('no quality fits');
}
