/** Describes a clip for joining: what has to be the same in clips that go into one film unchanged. Only in the worker thread. */
import { createHash } from 'node:crypto';
import { EncodedPacketSink } from 'mediabunny';
import { sampleEntriesOf } from '../boxes.ts';
import type { ClipFacts } from './clip.ts';
import type { Mp4Input } from './mp4-file.ts';
import { aigcLabelOf, type ClipTrack, readFacts, readTrack } from './read-facts.ts';
import { shapeOf, type VideoShape } from './write-mp4.ts';

export interface ClipDescription {
  readonly facts: ClipFacts;
  /** The codec's name: `avc`, `hevc`, … */
  readonly codec: string;
  /** Codec, coded size, rotation and decoder configuration. Where two differ, one decoder shows wrong pictures. */
  readonly decoder: string;
  readonly hasSound: boolean;
  readonly label: string | undefined;
  /** Its colours would be wrong after encoding it again as H.264 in BT.709. */
  readonly isHighDynamicRange: boolean;
  /** Why it cannot be joined to anything without being encoded again; continues "clip 2 …". */
  readonly obstacle: string | undefined;
}

const AMONG_FRAMES = 'keeps its decoder configuration among its frames';

/** The sample description is not compared as a whole: its bit rate differs between clips that fit. */
export function decoderOf({ codec, decoderConfig, transformationMatrix }: VideoShape): string {
  const { codedWidth, codedHeight, displayAspectWidth, displayAspectHeight, description } = decoderConfig;
  const bytes = description === undefined ? new Uint8Array() : new Uint8Array(description as ArrayBuffer);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const sizes = [codedWidth, codedHeight, displayAspectWidth, displayAspectHeight].join(' ');
  return `${codec} ${sizes} ${transformationMatrix.join(' ')} ${hash}`;
}

/** @throws Refusal; what the library throws */
export async function describeClip(opened: Mp4Input, track?: ClipTrack): Promise<ClipDescription> {
  const clip = track ?? (await readTrack(opened));
  const facts = await readFacts(opened, clip);
  const shape = await shapeOf(clip.track);
  return {
    facts,
    codec: shape.codec,
    decoder: decoderOf(shape),
    hasSound: (await opened.input.getAudioTracks()).length > 0,
    label: aigcLabelOf(await opened.input.getMetadataTags()),
    isHighDynamicRange: ['pq', 'hlg'].includes(String(shape.decoderConfig.colorSpace?.transfer)),
    obstacle: obstacleOf(clip, facts.fps, opened.movie) ?? (await parameterObstacle(clip, shape)),
  };
}

function obstacleOf({ track, frames, shown }: ClipTrack, fps: number, movie: Buffer | undefined): string | undefined {
  if (shown.length < frames.length) return 'is cut by an edit list';
  if (frames[0]?.type !== 'key') return 'does not begin with a key frame';
  const entries = sampleEntriesOf(movie, track.id);
  if (entries.length > 1) return 'has several decoder configurations';
  if (/^(avc3|hev1)$/.test(entries[0] ?? '')) return AMONG_FRAMES;
  const times = frames.map(({ timestamp }) => timestamp).sort((a, b) => a - b);
  const start = times[0] ?? 0;
  const isEven = times.every((time, index) => Math.abs(time - start - index / fps) < 0.5 / fps);
  return isEven ? undefined : 'has frames of different lengths';
}

/** Only key frames are read: elsewhere no encoder changes them. */
async function parameterObstacle({ track, frames }: ClipTrack, shape: VideoShape): Promise<string | undefined> {
  const { codec, decoderConfig } = shape;
  const configuration = new Uint8Array((decoderConfig.description as ArrayBuffer | undefined) ?? new ArrayBuffer(0));
  const sink = new EncodedPacketSink(track);
  for (const { type, timestamp } of frames) {
    const frame = type === 'key' ? await sink.getPacket(timestamp) : null;
    if (frame !== null && changesParameters(frame.data, configuration, codec)) return AMONG_FRAMES;
  }
  return undefined;
}

/** H.264: SPS and PPS (ITU-T H.264, table 7-1). HEVC: VPS, SPS and PPS (ITU-T H.265, table 7-1). */
const CODECS = {
  avc: { lengthByte: 4, typeOf: (first: number) => first & 31, types: [7, 8] },
  hevc: { lengthByte: 21, typeOf: (first: number) => (first >> 1) & 63, types: [32, 33, 34] },
} as const;

/**
 * Finds decoder parameters that a clip carries among its frames: after joining they would hold for the next clip, too.
 * @param frame as the file holds it: each unit behind its length
 * @param configuration of the decoder (avcC, hvcC)
 * @returns whether the frame changes the decoder's parameters to others than the configuration has
 */
function changesParameters(frame: Uint8Array, configuration: Uint8Array, codec: string): boolean {
  if (codec !== 'avc' && codec !== 'hevc') return false;
  const { lengthByte, typeOf, types } = CODECS[codec];
  const known = Buffer.from(configuration);
  const units = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const lengthBytes = ((known[lengthByte] ?? 3) & 3) + 1;
  for (let at = 0; at + lengthBytes < units.length; ) {
    const start = at + lengthBytes;
    at = start + units.readUIntBE(at, lengthBytes);
    const isParameters = (types as readonly number[]).includes(typeOf(units[start] ?? 0));
    if (isParameters && !known.includes(units.subarray(start, at))) return true;
  }
  return false;
}
