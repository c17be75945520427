/** Takes the last (or first) frame of a saved video as an input picture. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { Problem } from '../problems.ts';
import { extractFrame } from './clip/convert.ts';
import type { Ffmpeg } from './clip/ffmpeg.ts';
import { type ImageRules, type LoadedImage, loadImage } from './image/load.ts';

const LIMIT_MILLISECONDS = 30_000;

export interface FrameRequest {
  readonly which: 'first' | 'last';
  readonly video: string;
  readonly ffmpeg: Ffmpeg | undefined;
  readonly rules: ImageRules;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function noFfmpeg(which: FrameRequest['which']): Problem {
  return new Problem('ffmpeg_missing', {
    what: `Taking the ${which} frame of another video needs ffmpeg, which was not found on this computer.`,
    hint: 'install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path, or give a picture of that frame',
  });
}

/** @throws Problem ffmpeg_missing, invalid_image; the signal's reason */
export async function loadFrame({ which, video, ffmpeg, rules, clock, signal }: FrameRequest): Promise<LoadedImage> {
  if (ffmpeg === undefined) throw noFfmpeg(which);
  const scratch = await mkdtemp(join(tmpdir(), 'jimeng-frame-')).catch((cause: unknown) => {
    throw new Problem('invalid_image', {
      what: `The ${which} frame needs a temporary folder in ${tmpdir()}, which cannot be created.`,
      hint: 'set TMPDIR (TEMP on Windows) to a folder that can be written, or give a picture of that frame',
      cause,
    });
  });
  try {
    const picture = join(scratch, `${which}-frame.png`);
    await extractFrame(which, video, picture, ffmpeg, { clock, signal, timeLimitMilliseconds: LIMIT_MILLISECONDS });
    // Our own file: the folders that a caller may name do not apply to it, every other rule does.
    return await loadImage(picture, 'image', { ...rules, unrestricted: true, imageDirs: undefined }, signal);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
