/** Reads what a video file is: its size, length, frame rate and number of frames. Runs only in the worker thread. */
import { type EncodedPacket, EncodedPacketSink, type InputVideoTrack, type MetadataTags } from 'mediabunny';
import type { ClipFacts } from './clip.ts';
import { shownPartOf } from './edit-list.ts';
import { Refusal } from './file-ranges.ts';
import type { Mp4Input } from './mp4-file.ts';

/** Above any camera's; what is over it comes from a broken table. */
const MAX_FPS = 1000;

/** Larger than any frame of 4K. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export interface ClipTrack {
  readonly track: InputVideoTrack;
  /** One a frame, in decoding order, without their data. */
  readonly frames: readonly EncodedPacket[];
  /** Those that a player shows: an edit list may hide some. */
  readonly shown: readonly EncodedPacket[];
}

/** @throws Refusal when there is no video track, or no frame in it */
export async function readTrack({ input, movie }: Mp4Input): Promise<ClipTrack> {
  // Asking an unreadable file for its tracks fails with an assertion without a message.
  if (!(await input.canRead())) throw new Refusal('it has no MP4 header');
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new Refusal('it holds no video');
  const frames: EncodedPacket[] = [];
  const sink = new EncodedPacketSink(track);
  for await (const frame of sink.packets(undefined, undefined, { metadataOnly: true })) {
    if (frame.byteLength > MAX_FRAME_BYTES) throw new Refusal('one of its frames is larger than that of any clip');
    frames.push(frame);
  }
  if (frames.length === 0) throw new Refusal('its video has no frames');
  const { from, until } = shownPartOf(movie, track.id);
  // The list's times are rounded to units that may be coarser than a frame's.
  const margin = Math.min(...frames.slice(0, 2).map(({ duration }) => duration)) / 4;
  const shown = frames.filter(({ timestamp }) => timestamp >= from - margin && timestamp < until - margin);
  if (shown.length === 0) throw new Refusal('its edit list shows no frame');
  return { track, frames, shown };
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

/** The content label of GB 45438: a metadata key `AIGC` that holds JSON. */
export function aigcLabelOf({ raw = {} }: MetadataTags): string | undefined {
  const { AIGC: label } = raw;
  if (typeof label === 'string') return label;
  // Bytes: the label is in a box of its own, not in a list of keys.
  return label instanceof Uint8Array ? new TextDecoder().decode(label) : undefined;
}

/**
 * The file's facts, from its index: whatever the file's size, only the last frame's bytes are read, to see that they
 * exist.
 * @throws Refusal; what the library throws for a file that it cannot read
 */
export async function readFacts(opened: Mp4Input, clip?: ClipTrack): Promise<ClipFacts> {
  const { track, frames, shown } = clip ?? (await readTrack(opened));
  const last = frames.at(-1) as EncodedPacket;
  const lastFound = await new EncodedPacketSink(track).getPacket(last.timestamp);
  if (lastFound === null) throw new Refusal('its last frame is missing');
  const fps = averageFps(shown);
  if (fps === 0 || fps > MAX_FPS) throw new Refusal('the times of its frames make no sense');
  return {
    bytes: opened.bytes,
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
    durationSeconds: shown.length / fps,
    fps,
    frames: shown.length,
    hasAigcLabel: aigcLabelOf(await opened.input.getMetadataTags()) !== undefined,
  };
}
