/** A trimmed clip has the requested length, decodes cleanly, and keeps its frames and their order. */
import { copyFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readClip, trimClip } from '../../../../src/media/clip/clip.ts';
import { chooseCut, cutFrames } from '../../../../src/media/clip/cut-frames.ts';
import { clip, decode, hasNoFfmpeg, makeClip, metadata, needsFfmpeg, probe } from '../../../support/clips.ts';
import { append, box } from '../../../support/mp4-boxes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'trim-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FRAME_SECONDS = 1 / 24;

/** Frames in decoding order, in groups as encoders make them: the last picture of a group first, then those before it. */
function decodingOrder(groups: readonly number[]): number[] {
  const times = [0];
  for (const size of groups) {
    const before = times.length - 1;
    times.push(before + size, ...Array.from({ length: size - 1 }, (_, index) => before + 1 + index));
  }
  return times.map((frame) => frame * FRAME_SECONDS);
}

describe('where to cut', () => {
  test('without B-frames exactly the requested frames are kept', () => {
    const cut = chooseCut(decodingOrder(new Array(240).fill(1)), 8, 24);
    expect(cut).toHaveLength(192);
    expect(cut.at(-1)?.atSeconds).toBeCloseTo(191 * FRAME_SECONDS, 9);
  });

  test('a cut inside a group of B-frames moves by the one frame that makes it whole', () => {
    const order = decodingOrder(new Array(60).fill(2));
    expect(chooseCut(order, 4, 24)).toHaveLength(97);
    expect(
      chooseCut(
        order.map((time) => time + 5),
        4,
        24,
      ),
    ).toHaveLength(97);
  });

  test('whatever the groups, the length is right within a frame and every time is shown once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 120, maxLength: 120 }), (groups) => {
        for (const seconds of [4, 6, 8] as const) {
          const order = decodingOrder(groups).slice(0, 241);
          if (order.length < seconds * 24) continue;
          const cut = chooseCut(order, seconds, 24);
          expect(Math.abs(cut.length - seconds * 24)).toBeLessThanOrEqual(1);
          const shown = cut.map(({ atSeconds }) => Math.round(atSeconds * 24)).sort((a, b) => a - b);
          expect(new Set(shown).size).toBe(cut.length);
          expect(shown[0]).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('4, 6 and 8 seconds without ffmpeg', () => {
  test.each([
    ['1248x704-121', 4],
    ['1248x704-241', 6],
    ['1248x704-241', 8],
    ['1088x1920-241', 8],
  ] as const)('%s becomes %i seconds, and the source stays as it was', async (name, seconds) => {
    const target = path.join(folder, `${name}-${seconds}.mp4`);
    const before = await readFile(clip(name));
    const facts = await trimClip(clip(name), target, seconds);
    expect(Math.abs(facts.frames - seconds * 24)).toBeLessThanOrEqual(1);
    expect(facts.fps).toBe(24);
    expect(await readClip(target)).toEqual(facts);
    expect(await readFile(clip(name))).toEqual(before);
    // The index comes first, so that a player starts before the file is whole.
    const made = await readFile(target);
    expect(made.indexOf('moov')).toBeLessThan(made.indexOf('mdat'));
  });
});

describe.skipIf(hasNoFfmpeg)(`the trimmed clip, seen by ffmpeg${needsFfmpeg}`, () => {
  /** The pictures of the last group of B-frames may have gaps between them; before it, none may be missing. */
  function expectBeginning(trimmed: readonly string[], source: readonly string[], longestGroup: number): void {
    const certain = trimmed.length - longestGroup;
    expect(trimmed.slice(0, certain)).toEqual(source.slice(0, certain));
    const rest = source.slice(certain);
    let from = 0;
    for (const hash of trimmed.slice(certain)) {
      from = rest.indexOf(hash, from) + 1;
      expect(from).toBeGreaterThan(0);
    }
  }

  test.each([
    ['1248x704-121', 4],
    ['1120x832-241', 6],
    ['704x1248-241', 8],
  ] as const)(
    '%s at %i seconds has the frames, decodes without a word, and shows the same pictures',
    async (name, seconds) => {
      const target = path.join(folder, `seen-${name}-${seconds}.mp4`);
      const facts = await trimClip(clip(name), target, seconds);
      const seen = await probe(target);
      expect(seen.fps).toBe('24/1');
      expect(seen.seconds).toBeCloseTo(facts.durationSeconds, 3);
      const { pictures, complaints } = await decode(target);
      expect(Math.abs(pictures.length - seconds * 24)).toBeLessThanOrEqual(1);
      expect([pictures.length, complaints]).toEqual([facts.frames, '']);
      expectBeginning(pictures, (await decode(clip(name))).pictures, 4);
    },
  );

  test('groups of nine frames are cut cleanly at 4, 6 and 8 seconds', async () => {
    const source = path.join(folder, 'groups.mp4');
    makeClip(source, 241);
    const whole = await decode(source);
    for (const seconds of [4, 6, 8] as const) {
      const target = path.join(folder, `groups-${seconds}.mp4`);
      await trimClip(source, target, seconds);
      const { pictures, complaints } = await decode(target);
      expect(Math.abs(pictures.length - seconds * 24)).toBeLessThanOrEqual(1);
      expect(complaints).toBe('');
      expectBeginning(pictures, whole.pictures, 9);
    }
  });

  test('the label that says the video is generated, and a comment, stay in the file', async () => {
    const source = path.join(folder, 'label.mp4');
    const target = path.join(folder, 'label-cut.mp4');
    const label = '{"Label":"1","ContentProducer":"x"}';
    makeClip(source, 121, '-movflags', 'use_metadata_tags', '-metadata', `AIGC=${label}`, '-metadata', 'comment=hello');
    expect(await readClip(source)).toMatchObject({ hasAigcLabel: true });
    expect(await trimClip(source, target, 4)).toMatchObject({ hasAigcLabel: true });
    expect(await metadata(target)).toMatchObject({ AIGC: label, comment: 'hello' });
  });

  test('the label stays beside names in the style of iTunes, which have no place for it', async () => {
    const source = path.join(folder, 'both.mp4');
    const target = path.join(folder, 'both-cut.mp4');
    const bytes = await readFile(clip('1248x704-121'));
    const name = box('\xa9cmt', Buffer.from([0, 2, 0x55, 0xc4]), 'hi');
    await writeFile(source, append(bytes, 'moov', box('udta', name, box('AIGC', '{"Label":"1"}'))));
    expect(await trimClip(source, target, 4)).toMatchObject({ hasAigcLabel: true });
    expect(await metadata(target)).toMatchObject({ AIGC: '{"Label":"1"}', comment: 'hi' });
  });
});

describe('what cannot be trimmed', () => {
  test('a clip that is too short is refused with both lengths', async () => {
    const target = path.join(folder, 'long.mp4');
    await expect(trimClip(clip('1248x704-121'), target, 8)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: 'The video is 5.04 seconds long and cannot be trimmed to 8.',
    });
    expect(await readdir(folder)).not.toContain('long.mp4');
  });

  test('a broken file is reported, its bytes stay, and no target is left', async () => {
    const source = path.join(folder, 'broken.mp4');
    await copyFile(clip('1248x704-241'), source);
    await truncate(source, 12_000);
    await expect(trimClip(source, path.join(folder, 'broken-cut.mp4'), 8)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: expect.stringContaining(`the original is kept: "${source}"`),
    });
    expect(await readdir(folder)).not.toContain('broken-cut.mp4');
    expect((await readFile(source)).length).toBe(12_000);
  });

  test('a clip whose last frames are missing is not trimmed, although those that are needed are there', async () => {
    // The last box runs to the end of the file, so that only the frames themselves show that some are missing.
    const bytes = await readFile(clip('1248x704-241'));
    bytes.writeUInt32BE(0, bytes.indexOf('mdat') - 4);
    const source = path.join(folder, 'open-end.mp4');
    await writeFile(source, bytes.subarray(0, 12_000));
    await expect(trimClip(source, path.join(folder, 'open-end-cut.mp4'), 8)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: expect.stringContaining('(it is not a playable MP4: its last frame is missing)'),
    });
    expect(await readdir(folder)).not.toContain('open-end-cut.mp4');
  });

  test('a clip is not trimmed onto itself', async () => {
    const source = path.join(folder, 'itself.mp4');
    await copyFile(clip('1248x704-121'), source);
    await expect(trimClip(source, source, 4)).rejects.toMatchObject({ code: 'conversion_failed' });
    expect(await readFile(source)).toEqual(await readFile(clip('1248x704-121')));
  });

  test('a target that cannot be written is reported with the reason', async () => {
    const blocked = path.join(folder, 'a-file');
    await writeFile(blocked, '');
    await expect(trimClip(clip('1248x704-121'), path.join(blocked, 'x.mp4'), 4)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: expect.stringMatching(/ENOTDIR|ENOENT/),
    });
  });
});

test.for(['EINVAL', 'EIO'])('a file system that answers %s to a sync', async (code) => {
  const target = path.join(folder, `sync-${code}.mp4`);
  const handle = await open(folder);
  const spy = vi.spyOn(Object.getPrototypeOf(handle), 'sync');
  spy.mockRejectedValue(Object.assign(new Error(code), { code }));
  await handle.close();
  const cut = cutFrames(clip('1248x704-121'), target, 4);
  // One that cannot sync keeps the file all the same; a disk that fails does not.
  if (code === 'EINVAL') expect((await cut).durationSeconds).toBeCloseTo(4, 1);
  else await expect(cut).rejects.toThrow('EIO');
  spy.mockRestore();
});
