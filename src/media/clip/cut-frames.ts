/** Makes a clip shorter without encoding it again, so that it still decodes cleanly. Runs only in the worker thread. */
import { EncodedPacketSink } from 'mediabunny';
import type { ClipFacts, TrimmedSeconds } from './clip.ts';
import { refuseTooShort } from './failure.ts';
import { Refusal } from './file-ranges.ts';
import { withMp4Input } from './mp4-file.ts';
import { readFacts, readTrack } from './read-facts.ts';
import { placesOf, type Showing, shapeOf, writeMp4 } from './write-mp4.ts';

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

/**
 * Writes the first `seconds` of `source` to `target` and syncs it.
 * @returns the facts of what was written
 * @throws Refusal; Problem `conversion_failed` when it is too short; what the system or the library throws
 */
export async function cutFrames(source: string, target: string, seconds: TrimmedSeconds): Promise<ClipFacts> {
  const written = await withMp4Input(source, async (opened) => {
    const clip = await readTrack(opened);
    const before = await readFacts(opened, clip);
    refuseTooShort(before.durationSeconds, before.fps, seconds);
    // Changes would be visible to the caller, as the list is not copied.
    if (clip.shown.length < clip.frames.length) throw new Refusal('its edit list hides frames');
    const times = clip.frames.map((frame) => frame.timestamp);
    const kept = chooseCut(times, seconds, before.fps);
    const shape = await shapeOf(clip.track);
    const tags = await opened.input.getMetadataTags();
    await writeMp4(target, { shape, maxFrames: kept.length, tags }, async ({ addFrame }) => {
      let index = 0;
      for await (const frame of new EncodedPacketSink(clip.track).packets()) {
        const showing = kept[index];
        if (showing === undefined) break;
        await addFrame(frame, showing);
        index += 1;
      }
    });
    return { frames: kept.length, hasAigcLabel: before.hasAigcLabel };
  });
  const facts = await withMp4Input(target, readFacts);
  if (facts.frames !== written.frames) {
    throw new Error(`${facts.frames} frames were written instead of ${written.frames}`);
  }
  if (facts.hasAigcLabel !== written.hasAigcLabel) throw new Error('the content label was lost');
  return facts;
}
