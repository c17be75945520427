/** Describes a clip for joining: what has to be the same in clips that go into one film unchanged. Only in the worker thread. */
import { createHash } from 'node:crypto';
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
  /** Why it cannot be joined to anything without being encoded again; continues "clip 2 …". */
  readonly obstacle: string | undefined;
}

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
    obstacle: obstacleOf(clip, facts.fps, shape.decoderConfig.codec),
  };
}

function obstacleOf({ frames, shown }: ClipTrack, fps: number, codecString: string): string | undefined {
  if (shown.length < frames.length) return 'is cut by an edit list';
  if (frames[0]?.type !== 'key') return 'does not begin with a key frame';
  if (/^(avc3|hev1)/.test(codecString)) return 'keeps its decoder configuration among its frames';
  const times = frames.map(({ timestamp }) => timestamp).sort((a, b) => a - b);
  const start = times[0] ?? 0;
  const isEven = times.every((time, index) => Math.abs(time - start - index / fps) < 0.5 / fps);
  return isEven ? undefined : 'has frames of different lengths';
}
