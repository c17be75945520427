/** Converts a HEIC picture to PNG with the system's ffmpeg: any version that decodes HEVC, whatever it knows of HEIC. */
import type { Clock } from '../../clock.ts';
import { Problem } from '../../problems.ts';
import { type Ffmpeg, QUIET } from '../clip/ffmpeg.ts';
import { runProgram } from '../clip/run-program.ts';
import type { HevcTiles } from './heif.ts';

export interface HeicTools {
  readonly clock: Clock;
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
}

/** Noise of the largest size that is taken, unpacked: 4096×4096 pixels, and some. */
const MAX_PNG_BYTES = 54_525_952;
/** Twenty times what 12 million pixels took (3 s). */
const TIME_LIMIT_MILLISECONDS = 60_000;
const EXPORT =
  'export it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible; on a Mac: Preview, Export)';
/** By the matrix coefficients of ISO/IEC 23091-2, in the words of ffmpeg's filter `scale`. */
const MATRIX_NAMES: Readonly<Record<number, string>> = { 1: 'bt709', 5: 'bt601', 6: 'bt601', 9: 'bt2020' };

/**
 * Gives ffmpeg the tiles as a raw video, one frame each, and has it lay them out: before 8.1 it reads only one tile of
 * an iPhone's picture. Rotation and colour profile are not applied.
 * @throws Problem ffmpeg_missing, invalid_image; the signal's reason when it is aborted
 */
export async function pngOfHeic(
  tiles: HevcTiles | undefined,
  shownName: string,
  tools: HeicTools | undefined,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (tiles === undefined) {
    const what = `${shownName} is a HEIC picture in a coding that is not read here.`;
    throw new Problem('invalid_image', { what, hint: EXPORT });
  }
  const ffmpeg = await tools?.ffmpeg();
  if (tools === undefined || ffmpeg === undefined) {
    throw new Problem('ffmpeg_missing', {
      what: `${shownName} is a HEIC picture (what iPhones take), which is converted with ffmpeg, and ffmpeg was not found on this computer.`,
      hint: `${EXPORT}, or install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path`,
    });
  }
  const { width, height, columns, rows, colour } = tiles;
  const matrix = colour && MATRIX_NAMES[colour.matrix];
  const scale = colour && [
    ...(matrix ? [`in_color_matrix=${matrix}`] : []),
    `in_range=${colour.isFullRange ? 'pc' : 'tv'}`,
  ];
  const filters = [
    `scale${scale ? `=${scale.join(':')}` : ''}`,
    'format=rgb24',
    `tile=${columns}x${rows}`,
    `crop=${width}:${height}:0:0`,
  ];
  const input = ['-f', 'hevc', '-i', 'pipe:0'];
  const coding = ['-frames:v', '1', '-c:v', 'png', '-compression_level', '1', '-f', 'image2pipe', 'pipe:1'];
  const limits = { clock: tools.clock, timeLimitMilliseconds: TIME_LIMIT_MILLISECONDS, signal };
  try {
    return await runProgram(ffmpeg, [...QUIET, ...input, '-vf', filters.join(','), ...coding], limits, {
      input: tiles.stream,
      maxOutputBytes: MAX_PNG_BYTES,
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Problem('invalid_image', {
      what: `${shownName} is a HEIC picture (what iPhones take) that ffmpeg ${ffmpeg.version} cannot decode.`,
      hint: EXPORT,
      cause,
    });
  }
}
