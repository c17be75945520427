/** Joins clips that fit together into one film without encoding them again. Only in the worker thread. */
import { EncodedPacketSink, type InputAudioTrack, type MetadataTags } from 'mediabunny';
import type { ClipFacts } from './clip.ts';
import { decoderOf, describeClip } from './describe-clip.ts';
import { Refusal } from './file-ranges.ts';
import { withMp4Input } from './mp4-file.ts';
import { readFacts, readTrack } from './read-facts.ts';
import { packetsUntil, withSound } from './sound.ts';
import type { JoinJob } from './thread.ts';
import { type Mp4Writer, placesOf, shapeOf, type VideoShape, writeMp4 } from './write-mp4.ts';

/**
 * Writes the film and syncs it. One clip is open at a time. Frame n of the film is shown at n / fps, so that the seams
 * have no gap and no frame twice, whatever the clips' own times are rounded to.
 * @returns the facts of what was written
 * @throws Refusal; what the system or the library throws
 */
export async function joinFrames(job: JoinJob): Promise<ClipFacts> {
  const [first] = job.sources;
  if (first === undefined) throw new Refusal('there are no clips to join');
  const { shape, tags } = await withMp4Input(first, async (opened) => {
    const { track } = await readTrack(opened);
    return { shape: await shapeOf(track), tags: await opened.input.getMetadataTags() };
  });
  const contents = { shape, maxFrames: job.frames, fps: job.fps, tags: withLabels(tags, job.labels) };
  if (job.audio === undefined) {
    await writeMp4(job.target, contents, (writer) => addClips(job, shape, writer, async () => {}));
  } else {
    await withSound(job.audio, async (track) => {
      const maxPackets = (await packetsUntil(track, job.frames / job.fps)).length;
      await writeMp4(job.target, { ...contents, audio: { track, maxPackets } }, async (writer) => {
        const sound = soundOf(track, maxPackets, writer);
        await addClips(job, shape, writer, sound);
        await sound(Number.POSITIVE_INFINITY);
      });
    });
  }
  const facts = await withMp4Input(job.target, readFacts);
  if (facts.frames !== job.frames) throw new Error(`${facts.frames} frames were written instead of ${job.frames}`);
  if (facts.hasAigcLabel !== job.labels.length > 0) throw new Error('the content label was lost');
  return facts;
}

/** The first label stands where it is looked for; different ones of other clips stand beside it. */
function withLabels(tags: MetadataTags, labels: readonly string[]): MetadataTags {
  const named = labels.map((label, index) => [index === 0 ? 'AIGC' : `AIGC_${index + 1}`, label]);
  return labels.length === 0 ? tags : { ...tags, raw: { ...tags.raw, ...Object.fromEntries(named) } };
}

/** Adds all clips; calls `sound` with the time up to which there are pictures. */
async function addClips(
  job: JoinJob,
  shape: VideoShape,
  { addFrame }: Mp4Writer,
  sound: (untilSeconds: number) => Promise<void>,
): Promise<void> {
  const decoder = decoderOf(shape);
  let before = 0;
  for (const source of job.sources) {
    before += await withMp4Input(source, async (opened) => {
      const clip = await readTrack(opened);
      const description = await describeClip(opened, clip);
      if (description.decoder !== decoder || description.obstacle !== undefined) {
        throw new Refusal(`"${source}" changed while it was joined`);
      }
      const { track, frames } = clip;
      const places = placesOf(frames.map(({ timestamp }) => timestamp));
      let index = 0;
      for await (const frame of new EncodedPacketSink(track).packets()) {
        const place = before + (places[index] as number);
        await addFrame(frame, { atSeconds: place / job.fps, forSeconds: 1 / job.fps });
        index += 1;
        await sound((before + index) / job.fps);
      }
      if (index !== frames.length) throw new Refusal(`frames of "${source}" are missing`);
      return index;
    });
  }
}

/** @returns adds the sound's packets up to a time, so that sound and pictures lie beside each other in the file */
function soundOf(
  track: InputAudioTrack,
  maxPackets: number,
  { addSound }: Mp4Writer,
): (untilSeconds: number) => Promise<void> {
  const packets = new EncodedPacketSink(track).packets();
  let next = packets.next();
  let added = 0;
  return async (untilSeconds) => {
    for (;;) {
      const { done, value: packet } = await next;
      if (done || added === maxPackets || packet.timestamp >= untilSeconds) return;
      await addSound(packet);
      added += 1;
      next = packets.next();
    }
  };
}
