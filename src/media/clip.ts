/** What is this video file really: its size, length, frame rate and number of frames? Read from the file, without ffmpeg. */
import type { EncodedPacket, Input, InputVideoTrack } from 'mediabunny';
import { Problem } from '../problems.ts';
import { errorCode } from '../system/files.ts';
import { type Mp4Library, unplayable, withMp4Input } from './clip-file.ts';

export interface ClipFacts {
  readonly bytes: number;
  /** Pixels as shown, after rotation. */
  readonly width: number;
  readonly height: number;
  /** frames / fps, so 121 frames at 24 are 5.0417. */
  readonly durationSeconds: number;
  /** From the timestamps, to two decimals; the average where the rate varies. */
  readonly fps: number;
  readonly frames: number;
}

/** Above any camera's; what is over it comes from a broken table. */
const MAX_FPS = 1000;

export interface ClipTrack {
  readonly track: InputVideoTrack;
  /** One a frame, in decoding order, without their data. */
  readonly frames: readonly EncodedPacket[];
}

/** @throws Problem when there is no video track, or no frame in it */
export async function readTrack(path: string, input: Input, library: Mp4Library): Promise<ClipTrack> {
  // Asking an unreadable file for its tracks fails with an assertion that says nothing.
  if (!(await input.canRead())) throw unplayable(path, 'it has no MP4 header');
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw unplayable(path, 'it holds no video');
  const frames: EncodedPacket[] = [];
  for await (const frame of new library.EncodedPacketSink(track).packets(undefined, undefined, {
    metadataOnly: true,
  })) {
    frames.push(frame);
  }
  if (frames.length === 0) throw unplayable(path, 'its video has no frames');
  return { track, frames };
}

/** Frames per second to two decimals: a timescale in milliseconds makes 24 out of 42, 41 and 42. */
export function averageFps(frames: readonly { timestamp: number; duration: number }[]): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { timestamp } of frames) {
    first = Math.min(first, timestamp);
    last = Math.max(last, timestamp);
  }
  const perFrameSeconds = last > first ? (last - first) / (frames.length - 1) : (frames[0]?.duration ?? 0);
  return perFrameSeconds > 0 ? Math.round(100 / perFrameSeconds) / 100 : 0;
}

/**
 * The file's facts, from its index: whatever the file's size, only the last frame's bytes are read, to see that they are there.
 * @throws Problem `unplayable_video` for anything the MP4 library cannot read, told with the path
 */
export async function readClip(path: string): Promise<ClipFacts> {
  try {
    return await withMp4Input(path, (input, library, bytes) => factsOf(path, input, library, bytes));
  } catch (error) {
    if (error instanceof Problem) throw error;
    const code = errorCode(error);
    throw unplayable(path, code === undefined ? 'its contents make no sense' : `it cannot be read (${code})`, error);
  }
}

async function factsOf(path: string, input: Input, library: Mp4Library, bytes: number): Promise<ClipFacts> {
  const { track, frames } = await readTrack(path, input, library);
  const last = frames.at(-1) as EncodedPacket;
  const lastThere = await new library.EncodedPacketSink(track).getPacket(last.timestamp);
  if (lastThere === null) throw unplayable(path, 'its last frame is missing');
  const fps = averageFps(frames);
  if (fps === 0 || fps > MAX_FPS) throw unplayable(path, 'the times of its frames make no sense');
  const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
  return { bytes, width, height, durationSeconds: frames.length / fps, fps, frames: frames.length };
}
