/** How is a clip made shorter without encoding it again, so that it still decodes cleanly? */
import { type FileHandle, open } from 'node:fs/promises';
import type { Input, InputVideoTrack, MetadataTags } from 'mediabunny';
import { averageFps, type ClipFacts, readClip, readTrack } from './clip.ts';
import { giveUp, refuseSameFile, refuseTooShort } from './clip-failure.ts';
import { type Mp4Library, mp4TargetOn, withMp4Input } from './clip-file.ts';

/** Lengths that the provider does not make: 4 comes from a clip of 5 seconds, 6 and 8 from one of 10. */
export type TrimmedSeconds = 4 | 6 | 8;

/** When a kept frame is shown, and for how long, in seconds from the clip's beginning. */
export interface Showing {
  readonly atSeconds: number;
  readonly forSeconds: number;
}

/** For each frame, in decoding order, its place in the order of showing. */
function placesOf(shownAtSeconds: readonly number[]): number[] {
  const order = shownAtSeconds.map((_, index) => index);
  order.sort((a, b) => (shownAtSeconds[a] as number) - (shownAtSeconds[b] as number) || a - b);
  const places = new Array<number>(order.length);
  order.forEach((index, place) => {
    places[index] = place;
  });
  return places;
}

/**
 * Where to cut. A B-frame is decoded from a frame that is shown after it, so frames dropped by their time would take the
 * picture of others with them. What is kept is therefore a beginning in *decoding* order, which always decodes, shown in
 * the same order at the clip's first times. Where the cut falls inside a group of B-frames, the group's last picture
 * comes some frames early; one frame more or less is chosen where that skips fewer. Pure.
 * @param shownAtSeconds when each frame is shown, in decoding order
 * @returns the kept frames, in decoding order
 */
export function chooseCut(shownAtSeconds: readonly number[], seconds: number, fps: number): Showing[] {
  const places = placesOf(shownAtSeconds);
  const times = [...shownAtSeconds].sort((a, b) => a - b);
  const start = times[0] ?? 0;
  const wanted = times.filter((time) => time - start < seconds - 0.5 / fps).length;

  let kept = wanted;
  let fewest = Number.POSITIVE_INFINITY;
  for (const count of [wanted, wanted + 1, wanted - 1]) {
    if (count < 1 || count > places.length) continue;
    const skipped = Math.max(...places.slice(0, count)) + 1 - count;
    if (skipped < fewest) [kept, fewest] = [count, skipped];
  }
  return placesOf(shownAtSeconds.slice(0, kept)).map((place) => {
    const time = times[place] as number;
    return { atSeconds: time - start, forSeconds: (times[place + 1] ?? time + 1 / fps) - time };
  });
}

/** iTunes-style names begin with ©; anything else (the content label `AIGC` of GB 45438) is a name in a list of keys. */
function metadataFormatOf(tags: MetadataTags): 'mdir' | 'mdta' {
  return Object.keys(tags.raw ?? {}).some((key) => key.startsWith('©')) ? 'mdir' : 'mdta';
}

async function copyFrames(
  input: Input,
  track: InputVideoTrack,
  kept: readonly Showing[],
  file: FileHandle,
  library: Mp4Library,
): Promise<void> {
  const codec = await track.getCodec();
  const decoderConfig = await track.getDecoderConfig();
  if (codec === null || decoderConfig === null) throw new Error('the codec of the video is not known');
  const tags = await input.getMetadataTags();

  const output = new library.Output({
    // Reserved space puts the index first, so that players start at once, without the media being held in memory.
    format: new library.Mp4OutputFormat({ fastStart: 'reserve', metadataFormat: metadataFormatOf(tags) }),
    target: mp4TargetOn(file, library),
  });
  try {
    const source = new library.EncodedVideoPacketSource(codec);
    const transformationMatrix = await track.getTransformationMatrix();
    output.addVideoTrack(source, { transformationMatrix, maximumPacketCount: kept.length });
    output.setMetadataTags(tags);
    await output.start();

    let index = 0;
    for await (const frame of new library.EncodedPacketSink(track).packets()) {
      const showing = kept[index];
      if (showing === undefined) break;
      const retimed = frame.clone({ timestamp: showing.atSeconds, duration: showing.forSeconds });
      await source.add(retimed, { decoderConfig });
      index += 1;
    }
    await output.finalize();
  } catch (error) {
    if (output.state !== 'finalized') await output.cancel().catch(() => {});
    throw error;
  }
}

/**
 * Writes the first `seconds` of `source` to `target`, a temporary path of ours, and syncs it: seconds × fps frames, give
 * or take one, the pictures unchanged; no sound; metadata kept. On failure `target` is removed.
 * @returns the facts of what was written
 * @throws Problem `conversion_failed`
 */
export async function trimClip(source: string, target: string, seconds: TrimmedSeconds): Promise<ClipFacts> {
  await refuseSameFile(source, target);
  try {
    const frames = await withMp4Input(source, async (input, library) => {
      const clip = await readTrack(source, input, library);
      const fps = averageFps(clip.frames);
      refuseTooShort(clip.frames.length / fps, fps, seconds);
      const times = clip.frames.map((frame) => frame.timestamp);
      const kept = chooseCut(times, seconds, fps);
      const file = await open(target, 'w');
      try {
        await copyFrames(input, clip.track, kept, file, library);
        await file.sync();
      } finally {
        await file.close();
      }
      return kept.length;
    });
    const facts = await readClip(target);
    if (facts.frames !== frames) throw new Error(`${facts.frames} frames were written instead of ${frames}`);
    return facts;
  } catch (error) {
    throw await giveUp(source, target, `trimmed to ${seconds} seconds`, error);
  }
}
