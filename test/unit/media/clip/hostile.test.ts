/** A delivered file is hostile data: whatever it holds, the event loop goes on and reading it ends. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readClip, readDelivered, trimClip } from '../../../../src/media/clip/clip.ts';
import { openClipThread } from '../../../../src/media/clip/thread.ts';
import { clip, decode, ffmpeg, hasNoFfmpeg, makeClip, needsFfmpeg } from '../../../support/clips.ts';
import { measureSilence } from '../../../support/event-loop.ts';
import { append, box, boxPlaces, patched, u32 } from '../../../support/mp4-boxes.ts';

let folder: string;
let whole: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
  whole = await readFile(clip('1248x704-121'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function save(name: string, bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, `${name}.mp4`);
  await writeFile(file, bytes);
  return file;
}

/** Runs `work` and measures the longest time in which no timer could fire. */
async function longestSilence(work: () => Promise<unknown>): Promise<number> {
  const meter = measureSilence();
  try {
    await work();
    return meter.longestMilliseconds();
  } finally {
    meter.stop();
  }
}

/** 250,000 frames in one chunk: small enough for the check, and minutes of work for the library, which adds up the chunk's sizes for each frame. */
const busy = () => patched(patched(whole, 'stts', 8, 250_000), 'stsc', 12, 250_000);

describe('a file that keeps its reader busy', () => {
  test('is ended at the time limit, its facts are left out with the reason, and timers fire meanwhile', async () => {
    const file = await save('busy', busy());
    const silence = await longestSilence(async () => {
      expect(await readDelivered(file, { timeLimitMilliseconds: 1000 })).toEqual({
        note: "The file's size, length and frame rate could not be read (reading it was stopped after 1 seconds); it was saved as delivered",
      });
    });
    expect(silence).toBeLessThan(250);
  });

  test('a thread that many files share goes on with the next one', async () => {
    const thread = openClipThread();
    const options = { thread, timeLimitMilliseconds: 1000 };
    expect(await readDelivered(await save('busy-first', busy()), options)).toHaveProperty('note');
    expect(await readClip(clip('1248x704-121'), { thread })).toMatchObject({ frames: 121 });
    await thread.close();
  });

  test('an abort ends it with the signal’s reason', async () => {
    const file = await save('busy-aborted', busy());
    const abort = new AbortController();
    const reason = new Error('the client went away');
    const reading = readDelivered(file, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 300);
    await expect(reading).rejects.toBe(reason);
  });

  test('trimming it ends, too, and leaves nothing behind', async () => {
    const file = await save('busy-trim', busy());
    const target = path.join(folder, 'busy-trimmed.mp4');
    await expect(trimClip(file, target, 4, { timeLimitMilliseconds: 1000 })).rejects.toMatchObject({
      code: 'conversion_failed',
      message: `The video could not be trimmed to 4 seconds (stopped after 1 seconds); the original is kept: "${file}".`,
    });
    await expect(readFile(target)).rejects.toThrow('ENOENT');
  });
});

/** Each of these kept the library busy for minutes, or ended the process for want of memory. */
const HUGE = 0xffff_ffff;
const bombs: [what: string, make: () => Buffer, reason: string][] = [
  ['frames in a chunk', () => patched(whole, 'stsc', 12, 0x7fff_ffff), 'more frames'],
  ['the number of a chunk', () => patched(whole, 'stsc', 8, 0x7fff_ffff), 'more frames'],
  ['frames of one length', () => patched(whole, 'stts', 8, HUGE), 'more frames'],
  ['sizes', () => patched(whole, 'stsz', 8, HUGE), 'more entries'],
  ['sizes of no bits', () => append(whole, 'stbl', box('stz2', 0, 0, HUGE)), 'more entries'],
  ['sizes of no bits, inside a codec’s description', () => insideCodec(box('stz2', 0, 0, HUGE)), 'more entries'],
  ['a sample table inside a codec’s description', () => insideCodec(box('stts', 0, 1, HUGE, 1)), 'more frames'],
  [
    'many tables of a moderate length',
    () => append(whole, 'stbl', Buffer.concat(Array(1000).fill(box('stts', 0, 1, 100_000, 1)))),
    'more frames',
  ],
  ['frames of one fragment', () => fragments(1, HUGE), 'more frames'],
  ['frames of many fragments', () => fragments(1000, 50_000), 'more frames'],
  ['fragments whose place an index at the end names', hiddenFragment, 'the times of its frames'],
  [
    'places of fragments inside the movie',
    () => append(whole, 'moov', box('mfra', box('tfra', 0, 1, 0, HUGE))),
    'mfra',
  ],
  ['edits', () => append(whole, 'trak', box('edts', box('elst', 0, HUGE))), 'more entries'],
  ['names of metadata', () => append(whole, 'moov', box('meta', box('keys', 0, HUGE))), 'more entries'],
  ['boxes inside boxes', () => append(whole, 'moov', nested(200_000)), ''],
];

function insideCodec(table: Buffer): Buffer {
  const place = boxPlaces(whole).find(({ name }) => name === 'stsd');
  if (place === undefined) throw new Error('there is no stsd');
  const at = whole.indexOf('avcC', 0, 'latin1') - 4;
  const changed = Buffer.from(whole);
  for (const outer of [...place.parents, place.start, place.start + 16]) {
    changed.writeUInt32BE(changed.readUInt32BE(outer) + table.length, outer);
  }
  return Buffer.concat([changed.subarray(0, at), table, changed.subarray(at)]);
}

function nested(depth: number): Buffer {
  const bytes = Buffer.alloc(depth * 8);
  for (let level = 0; level < depth; level += 1) bytes.set(u32((depth - level) * 8), level * 8);
  for (let level = 0; level < depth; level += 1) bytes.write('edts', level * 8 + 4, 'latin1');
  return bytes;
}

const fragment = (frames: number) =>
  box('moof', box('mfhd', 0, 1), box('traf', box('tfhd', 0x00_00_00_38, 1, 1, 1, 0), box('trun', 0, frames)));

function fragments(count: number, framesOfEach: number): Buffer {
  const movie = append(whole, 'moov', box('mvex', box('trex', 0, 1, 1, 1, 1, 0)));
  return Buffer.concat([movie, ...Array(count).fill(fragment(framesOfEach))]);
}

/** A fragment inside media, where no walk over the boxes sees it, and an index of fragments that names its place. */
function hiddenFragment(): Buffer {
  const empty = patched(patched(patched(whole, 'stsz', 8, 0), 'stts', 4, 0), 'ctts', 4, 0);
  const movie = append(withoutBox(empty, 'edts'), 'moov', box('mvex', box('trex', 0, 1, 1, 1, 1, 0)));
  const seen = Buffer.concat([movie, fragment(1)]);
  const places = box('tfra', 0, 1, 0, 1, 0, seen.length + 8, Buffer.from([1, 1, 1]));
  const index = box('mfra', places, box('mfro', 0, 0));
  index.writeUInt32BE(index.length, index.length - 4);
  return Buffer.concat([seen, box('mdat', fragment(HUGE)), index]);
}

describe('tables that claim more than any clip has', () => {
  test.each(bombs)(
    '%s: reading ends in a sentence or in facts, and timers fire meanwhile',
    async (what, make, reason) => {
      const file = await save(`bomb ${what.replaceAll('/', ' ')}`, make());
      const silence = await longestSilence(async () => {
        const { facts, note } = await readDelivered(file, { timeLimitMilliseconds: 5000 });
        if (facts) expect(facts).toMatchObject({ frames: 121, fps: 24 });
        else expect(note).not.toMatch(/stopped|memory/);
        if (reason !== '') expect(note).toContain(reason);
      });
      expect(silence).toBeLessThan(250);
    },
  );
});

describe('what is no reason to refuse', () => {
  const facts = { width: 1248, height: 704, frames: 121, fps: 24, durationSeconds: 121 / 24 };

  test('text behind the last box', async () => {
    const text = Buffer.from('\nThank you for using our content delivery network!\n');
    expect(await readClip(await save('text', Buffer.concat([whole, text])))).toMatchObject(facts);
  });

  test.each(['qt  ', 'M4V ', 'iso8', 'xxxx'])('brand "%s"', async (brand) => {
    const changed = Buffer.from(whole);
    changed.write(brand, changed.indexOf('ftyp') + 4, 'latin1');
    expect(await readClip(await save(`brand ${brand.trim()}`, changed))).toMatchObject(facts);
  });

  test('an edit list that shows the whole clip', async () => {
    const list = box('edts', box('elst', 0, 1, 0, 0, 0x0001_0000));
    const trackHeaderFirst = append(withoutBox(whole, 'edts'), 'trak', list);
    expect(await readClip(await save('edits', trackHeaderFirst))).toMatchObject(facts);
  });
});

function withoutBox(bytes: Buffer, name: string): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.indexOf(name, 0, 'latin1');
  if (at !== -1) changed.write('free', at, 'latin1');
  return changed;
}

test('an edit list that a player shows in parts has no facts, and says why', async () => {
  const parts = box('elst', 0, 2, 1000, 0, 0x0001_0000, 1000, 40_000, 0x0001_0000);
  const file = await save('parts', append(withoutBox(whole, 'edts'), 'trak', box('edts', parts)));
  expect((await readDelivered(file)).note).toContain('(its edit list has several parts or another speed)');
});

describe.skipIf(hasNoFfmpeg)(`as a player reports it${needsFfmpeg}`, () => {
  test('a clip cut by an edit list: only the frames that are shown count, and it is not trimmed', async () => {
    const source = path.join(folder, 'long.mp4');
    makeClip(source, 240, '-g', '48');
    const cut = path.join(folder, 'cut-by-list.mp4');
    execFileSync(ffmpeg.path, ['-v', 'error', '-y', '-ss', '1.5', '-i', source, '-c', 'copy', cut]);
    const { pictures } = await decode(cut);
    const read = await readClip(cut);
    expect(read).toMatchObject({ frames: pictures.length, fps: 24 });
    expect(read.frames).toBe(204);
    await expect(trimClip(cut, path.join(folder, 'cut-again.mp4'), 4)).rejects.toMatchObject({
      message: expect.stringContaining('its edit list hides frames'),
    });
  });

  test('fragments with an index of fragments at the end', async () => {
    const file = path.join(folder, 'fragments.mp4');
    makeClip(file, 120, '-g', '24', '-movflags', 'frag_keyframe+empty_moov');
    expect((await readFile(file)).includes('mfra')).toBe(true);
    expect(await readClip(file)).toMatchObject({ frames: 120, fps: 24, durationSeconds: 5 });
  });

  test('QuickTime’s own container', async () => {
    const file = path.join(folder, 'quicktime.mov');
    makeClip(file, 48);
    expect(await readClip(file)).toMatchObject({ frames: 48, fps: 24, width: 320, height: 180 });
  });
});
