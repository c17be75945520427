/** Reads a sound file that goes under a film without being encoded again: AAC in an MP4, or MP3. Only in the worker thread. */
import { type EncodedPacket, EncodedPacketSink, type InputAudioTrack, MP3 } from 'mediabunny';
import { errorCode } from '../../system/files.ts';
import { Refusal } from './file-ranges.ts';
import { withMp4Input } from './mp4-file.ts';

/** The codecs that an MP4 holds and players know. */
export type SoundCodec = 'aac' | 'mp3';

export interface SoundDescription {
  /** Undefined: a codec that has to be encoded again. */
  readonly codec: SoundCodec | undefined;
  readonly seconds: number;
}

/** @throws Refusal; what the system or the library throws */
export async function withSound<Result>(
  path: string,
  use: (track: InputAudioTrack) => Promise<Result>,
): Promise<Result> {
  const read = async ({ input }: Parameters<Parameters<typeof withMp4Input>[1]>[0]) => {
    if (!(await input.canRead())) throw new Refusal('it is neither an m4a nor an mp3');
    const track = await input.getPrimaryAudioTrack();
    if (track === null) throw new Refusal('it holds no sound');
    return await use(track);
  };
  return await withMp4Input(path, read, [MP3]);
}

/** The packets, without their data, that begin before `untilSeconds`. */
export async function packetsUntil(track: InputAudioTrack, untilSeconds: number): Promise<EncodedPacket[]> {
  const packets: EncodedPacket[] = [];
  const all = new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true });
  for await (const packet of all) {
    if (packet.timestamp >= untilSeconds) break;
    packets.push(packet);
  }
  return packets;
}

/** `codec` is undefined for a file that cannot be read here: ffmpeg reads more formats. @throws what the system throws */
export async function describeSound(path: string): Promise<SoundDescription> {
  try {
    return await withSound(path, async (track) => {
      const codec = await track.getCodec();
      const last = (await packetsUntil(track, Number.POSITIVE_INFINITY)).at(-1);
      const seconds = last ? last.timestamp + last.duration : 0;
      return { codec: codec === 'aac' || codec === 'mp3' ? codec : undefined, seconds };
    });
  } catch (error) {
    if (errorCode(error) !== undefined) throw error;
    return { codec: undefined, seconds: 0 };
  }
}
