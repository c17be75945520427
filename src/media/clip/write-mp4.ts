/** Writes an MP4 from encoded frames and sound, without encoding anything. Runs only in the worker thread. */
import { open } from 'node:fs/promises';
import {
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedVideoPacketSource,
  type InputAudioTrack,
  type InputVideoTrack,
  type MetadataTags,
  Mp4OutputFormat,
  Output,
  type TransformationMatrix,
  type VideoCodec,
} from 'mediabunny';
import { syncHandle } from '../../system/files.ts';
import { mp4TargetOn } from './mp4-file.ts';
import { aigcLabelOf } from './read-facts.ts';

/** When a frame is shown, and for how long, in seconds from the video's beginning. */
export interface Showing {
  readonly atSeconds: number;
  readonly forSeconds: number;
}

/** What all frames of a video have in common. */
export interface VideoShape {
  readonly codec: VideoCodec;
  readonly decoderConfig: VideoDecoderConfig;
  /** Turns and mirrors the frames when they are shown. */
  readonly transformationMatrix: TransformationMatrix;
}

export interface Mp4Contents {
  readonly shape: VideoShape;
  readonly maxFrames: number;
  /** Times are rounded to whole frames; without it, times stay as they are given. */
  readonly fps?: number | undefined;
  readonly audio?: { readonly track: InputAudioTrack; readonly maxPackets: number } | undefined;
  readonly tags: MetadataTags;
}

/** @throws Error when the codec is not one that the library knows */
export async function shapeOf(track: InputVideoTrack): Promise<VideoShape> {
  const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
  if (codec === null || decoderConfig === null) throw new Error('the codec of the video is not known');
  return { codec, decoderConfig, transformationMatrix: await track.getTransformationMatrix() };
}

export interface Mp4Writer {
  /** In decoding order. */
  addFrame(frame: EncodedPacket, showing: Showing): Promise<void>;
  addSound(packet: EncodedPacket): Promise<void>;
}

/** For each frame, in decoding order, its place in the order of showing. */
export function placesOf(shownAtSeconds: readonly number[]): number[] {
  const order = shownAtSeconds.map((_, index) => index);
  order.sort((a, b) => (shownAtSeconds[a] as number) - (shownAtSeconds[b] as number) || a - b);
  const places = new Array<number>(order.length);
  order.forEach((index, place) => {
    places[index] = place;
  });
  return places;
}

/**
 * iTunes-style names begin with ©; anything else is a name in a list of keys. The content label has to be in such a list
 * to be found, and the iTunes style has no place for it.
 */
function metadataFormatOf(tags: MetadataTags): 'mdir' | 'mdta' {
  if (aigcLabelOf(tags) !== undefined) return 'mdta';
  return Object.keys(tags.raw ?? {}).some((key) => key.startsWith('©')) ? 'mdir' : 'mdta';
}

function withLabelAsText(tags: MetadataTags): MetadataTags {
  const label = aigcLabelOf(tags);
  return label === undefined ? tags : { ...tags, raw: { ...tags.raw, AIGC: label } };
}

/** Writes what `write` adds to `target`, and syncs it. @throws what the system or the library throws */
export async function writeMp4(
  target: string,
  { shape, maxFrames, fps, audio, tags }: Mp4Contents,
  write: (writer: Mp4Writer) => Promise<void>,
): Promise<void> {
  const { codec, decoderConfig, transformationMatrix } = shape;
  const [soundCodec, soundConfig] = [await audio?.track.getCodec(), await audio?.track.getDecoderConfig()];

  const file = await open(target, 'w');
  try {
    const output = new Output({
      // Reserved space puts the index first, so that players start immediately, without the media being held in memory.
      format: new Mp4OutputFormat({ fastStart: 'reserve', metadataFormat: metadataFormatOf(tags) }),
      target: mp4TargetOn(file),
    });
    try {
      const pictures = new EncodedVideoPacketSource(codec);
      const rate = fps === undefined ? {} : { frameRate: fps };
      output.addVideoTrack(pictures, { transformationMatrix, maximumPacketCount: maxFrames, ...rate });
      const sound = soundCodec ? new EncodedAudioPacketSource(soundCodec) : undefined;
      if (sound && audio) output.addAudioTrack(sound, { maximumPacketCount: audio.maxPackets });
      output.setMetadataTags(withLabelAsText(tags));
      await output.start();
      await write({
        addFrame: (frame, { atSeconds, forSeconds }) =>
          pictures.add(frame.clone({ timestamp: atSeconds, duration: forSeconds }), { decoderConfig }),
        addSound: async (packet) => {
          await sound?.add(packet, soundConfig ? { decoderConfig: soundConfig } : {});
        },
      });
      await output.finalize();
    } catch (error) {
      if (output.state !== 'finalized') await output.cancel().catch(() => {});
      throw error;
    }
    await syncHandle(file);
  } finally {
    await file.close();
  }
}
