/** Whatever a video file holds, reading and trimming it end in time, other work goes on, and memory stays bounded. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import {
  BufferTarget,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  FilePathSource,
  Input,
  MP4,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDelivered, trimClip } from '../../src/media/clip/clip.ts';
import { type ClipThread, openClipThread } from '../../src/media/clip/thread.ts';
import { clip } from '../support/clips.ts';
import { measureSilence } from '../support/event-loop.ts';
import { type BoxPlace, box, boxPlaces, insert } from '../support/mp4-boxes.ts';

/** `npm run fuzz` sets 100000. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 400);
const LIMIT_MILLISECONDS = 2000;
/** What ends a thread and notices it, on a busy machine. */
const MARGIN_MILLISECONDS = 2000;
const LONGEST_SILENCE_MILLISECONDS = 250;
const MAX_GROWTH_BYTES = 400 * 1024 * 1024;

let folder: string;
let thread: ClipThread;
let seeds: readonly { readonly bytes: Buffer; readonly places: readonly BoxPlace[] }[];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fuzz-clips-'));
  thread = openClipThread();
  const names = ['1248x704-121', '704x1248-241'];
  const clips: Buffer[] = await Promise.all(names.map((name) => readFile(clip(name))));
  clips.push(await inFragments(clip('1248x704-121')));
  seeds = clips.map((bytes) => ({ bytes, places: boxPlaces(bytes) }));
});
afterAll(async () => {
  await thread.close();
  await rm(folder, { recursive: true, force: true });
});

async function inFragments(file: string): Promise<Buffer> {
  const track = await new Input({ source: new FilePathSource(file), formats: [MP4] }).getPrimaryVideoTrack();
  const decoderConfig = await track?.getDecoderConfig();
  if (!track || !decoderConfig) throw new Error('the clip cannot be read');
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'fragmented' }), target });
  const source = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(source);
  output.setMetadataTags({ raw: { AIGC: '{"Label":"1"}' } });
  await output.start();
  for await (const frame of new EncodedPacketSink(track).packets()) await source.add(frame, { decoderConfig });
  await output.finalize();
  return Buffer.from(target.buffer as ArrayBuffer);
}

/** Values at which counts, sizes and signs go wrong. */
const words = fc.oneof(
  fc.constantFrom(0, 1, 2, 7, 8, 9, 121, 0xffff, 100_000, 299_999, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const where = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const names = fc.constantFrom(
  ...['stts', 'ctts', 'stsz', 'stz2', 'stsc', 'stss', 'stco', 'co64', 'stsd', 'elst', 'trun', 'tfhd', 'tfdt', 'trex'],
  ...['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf', 'mfra', 'tfra', 'udta', 'meta', 'keys', 'ilst', 'mdat'],
  ...['mvhd', 'mdhd', 'tkhd', 'hdlr', 'avcC', 'tenc', 'sinf', 'senc', 'saiz', 'saio', 'pssh', 'wave', 'colr', 'free'],
);
/** One change to a file. Places are fractions, so that they mean something for every seed. */
const changes = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('word' as const), where, offset: where, word: words }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), where, name: names }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy' as const), where, to: where }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      where,
      name: names,
      words: fc.array(words, { maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('noise' as const), where, bytes: fc.uint8Array({ maxLength: 16 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), where }) },
);
type Change = typeof changes extends fc.Arbitrary<infer Kind> ? Kind : never;

/** Media is not interesting: a position in it is moved into the index. */
function pick(places: readonly BoxPlace[], fraction: number): BoxPlace {
  const interesting = places.filter(({ name }) => name !== 'mdat' && name !== 'free');
  return interesting[Math.floor(fraction * interesting.length)] as BoxPlace;
}

function changed(bytes: Buffer, places: readonly BoxPlace[], change: Change): Buffer {
  const place = pick(places, change.where);
  if (place.end > bytes.length) return bytes;
  const copy = Buffer.from(bytes);
  const at = (fraction: number) => place.start + Math.floor(fraction * (place.end - place.start - 3));
  switch (change.kind) {
    case 'word': {
      // Every other time where fields begin.
      const position = at(change.offset);
      copy.writeUInt32BE(
        change.word >>> 0,
        change.word % 2 === 0 ? position : position - ((position - place.start) % 4),
      );
      return copy;
    }
    case 'rename':
      copy.write(change.name, place.start + 4, 'latin1');
      return copy;
    case 'copy': {
      const goal = pick(places, change.to);
      const inserted = bytes.subarray(place.start, place.end);
      return goal.end > bytes.length ? bytes : insert(bytes, goal.end, goal.parents, inserted);
    }
    case 'add':
      return insert(bytes, place.end, place.parents, box(change.name, ...change.words));
    case 'noise':
      copy.set(change.bytes.subarray(0, copy.length - place.start - 8), place.start + 8);
      return copy;
    case 'cut':
      return bytes.subarray(0, Math.floor(change.where * bytes.length));
  }
}

test(`${RUNS} mutated clips are read, and some trimmed, within the limit, while timers fire`, async () => {
  const file = path.join(folder, 'mutated.mp4');
  const target = path.join(folder, 'trimmed.mp4');
  const before = process.memoryUsage().rss;
  const seen = { facts: 0, notes: 0, stopped: 0, trimmed: 0, longestRun: 0, growth: 0 };
  const meter = measureSilence();
  const options = { thread, timeLimitMilliseconds: LIMIT_MILLISECONDS };
  const property = fc.asyncProperty(
    fc.nat(2),
    fc.array(changes, { minLength: 1, maxLength: 4 }),
    fc.nat(19),
    async (index, mutations, lot) => {
      const { bytes, places } = seeds[index] as (typeof seeds)[number];
      await writeFile(
        file,
        mutations.reduce((mutated, change) => changed(mutated, places, change), bytes),
      );
      const started = performance.now();
      if (lot === 0) {
        const facts = await trimClip(file, target, 4, options).catch((error) => {
          expect(error).toMatchObject({ code: 'conversion_failed' });
        });
        if (facts) seen.trimmed += 1;
      } else {
        const { facts, note } = await readDelivered(file, options);
        seen[facts ? 'facts' : 'notes'] += 1;
        if (note?.includes('stopped')) seen.stopped += 1;
        if (facts) {
          expect(facts.fps > 0 && facts.fps <= 1000 && facts.frames > 0, JSON.stringify(facts)).toBe(true);
          expect(facts.durationSeconds).toBeCloseTo(facts.frames / facts.fps, 6);
        }
      }
      const run = performance.now() - started;
      seen.longestRun = Math.max(seen.longestRun, run);
      seen.growth = Math.max(seen.growth, process.memoryUsage().rss - before);
      expect(run).toBeLessThan(LIMIT_MILLISECONDS + MARGIN_MILLISECONDS);
    },
  );
  try {
    await fc.assert(property, { numRuns: RUNS });
  } finally {
    meter.stop();
    if (process.env.FUZZ_RUNS !== undefined)
      process.stderr.write(`${JSON.stringify({ ...seen, silence: meter.longestMilliseconds() })}\n`);
  }
  expect(meter.longestMilliseconds()).toBeLessThan(LONGEST_SILENCE_MILLISECONDS);
  // Elsewhere other tests run in the same process.
  if (process.env.FUZZ_RUNS !== undefined) expect(seen.growth).toBeLessThan(MAX_GROWTH_BYTES);
  // Mutations that only ever break the first box would try nothing.
  expect(seen.facts).toBeGreaterThan(RUNS / 20);
  expect(seen.notes).toBeGreaterThan(RUNS / 20);
});
