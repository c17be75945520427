/** Clips become one film: unchanged where they fit together, with ffmpeg where they do not, never wrong silently. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { type JoinOptions, type JoinResult, joinClips } from '../../../../src/media/clip/join.ts';
import { exactRate } from '../../../../src/media/clip/match.ts';
import {
  clip,
  decode,
  ffmpeg,
  frameTimes,
  hasNoFfmpeg,
  makeClip,
  makePicture,
  makeSound,
  metadata,
  needsFfmpeg,
  pixelAt,
  probe,
  streamSeconds,
} from '../../../support/clips.ts';

let folder: string;
let film: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'join-'));
  film = path.join(folder, 'film.mp4');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);

async function join(inputs: readonly string[], options: Partial<JoinOptions> = {}): Promise<JoinResult> {
  await rm(film, { force: true });
  return await joinClips(inputs, film, { clock: systemClock, ...options });
}

async function joined(inputs: readonly string[], options: Partial<JoinOptions> = {}) {
  const result = await join(inputs, options);
  if (!result.joined) throw new Error(result.misfit.difference);
  return result;
}

test('three clips of the provider become 363 frames, without ffmpeg', async () => {
  const source = clip('1248x704-121');
  expect(await joined([source, source, source])).toMatchObject({
    facts: { frames: 363, fps: 24, width: 1248, height: 704, durationSeconds: 363 / 24, hasAigcLabel: false },
    reencoded: false,
    notes: [],
  });
});

test('without ffmpeg, clips that do not fit together are named, and nothing is written', async () => {
  const [wide, tall] = [clip('1248x704-121'), clip('704x1248-121')];
  expect(await join([wide, wide, tall])).toEqual({
    joined: false,
    misfit: { clips: [0, 2], difference: 'clips 1 and 3 have different sizes: 1248×704 and 704×1248' },
  });
  expect(await readdir(folder)).toEqual([]);
});

test('a clip that cannot be read is named, and nothing is left', async () => {
  const broken = at('broken.mp4');
  await writeFile(broken, (await readFile(clip('1248x704-121'))).subarray(0, 6000));
  await expect(join([clip('1248x704-121'), broken])).rejects.toMatchObject({
    code: 'unplayable_video',
    message: expect.stringMatching(/^".*broken\.mp4" is not a playable MP4: its last \d+ bytes are missing\.$/),
  });
  await rm(broken);
  expect(await readdir(folder)).toEqual([]);
});

test('an abort ends in the signal’s reason', async () => {
  const reason = new Error('the client went away');
  const source = clip('1248x704-121');
  await expect(join([source, source], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('rates that television uses are exact', () => {
  expect([exactRate(24), exactRate(25), exactRate(29.97), exactRate(23.98), exactRate(59.94)]).toEqual([
    24,
    25,
    30_000 / 1001,
    24_000 / 1001,
    60_000 / 1001,
  ]);
});

describe.skipIf(hasNoFfmpeg)(`without encoding again${needsFfmpeg}`, () => {
  beforeAll(() => {
    for (const [name, options] of [
      ['a', ['-movflags', 'use_metadata_tags', '-metadata', 'AIGC={"Label":"1"}']],
      ['b', ['-vf', 'hflip']],
      ['c', ['-vf', 'vflip', '-movflags', 'use_metadata_tags', '-metadata', 'AIGC={"Label":"2"}']],
    ] as const) {
      makeClip(at(`${name}.mp4`), 121, ...options);
    }
    makeSound(at('long.m4a'), 30);
    makeSound(at('long.mp3'), 30);
    makeSound(at('short.m4a'), 3);
    makeSound(at('long.flac'), 30);
  });
  const parts = () => ['a', 'b', 'c'].map((name) => at(`${name}.mp4`));

  test('the pictures are those of the clips, bit for bit, evenly timed, and decode without a word', async () => {
    const { facts, reencoded } = await joined(parts());
    expect([facts.frames, reencoded]).toEqual([363, false]);
    const { pictures, complaints } = await decode(film);
    const ofParts = await Promise.all(parts().map(async (part) => (await decode(part)).pictures));
    expect(pictures).toEqual(ofParts.flat());
    expect(complaints).toBe('');
    expect(await probe(film)).toMatchObject({ fps: '24/1', seconds: 363 / 24 });
    const times = await frameTimes(film);
    expect(times).toHaveLength(363);
    times.forEach((time, index) => {
      expect(time).toBeCloseTo(index / 24, 4);
    });
    const bytes = await readFile(film);
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
  });

  test('the content labels of the clips are in the film', async () => {
    const { facts } = await joined(parts());
    expect(facts.hasAigcLabel).toBe(true);
    expect(await metadata(film)).toMatchObject({ AIGC: '{"Label":"1"}', AIGC_2: '{"Label":"2"}' });
    await joined([at('b.mp4'), at('c.mp4')]);
    expect(await metadata(film)).toMatchObject({ AIGC: '{"Label":"2"}' });
  });

  test.each(['long.m4a', 'long.mp3'])('%s is laid under it, and ends with it within a frame', async (name) => {
    const { notes } = await joined(parts(), { audio: at(name) });
    const seconds = await streamSeconds(film);
    expect(seconds.video).toBeCloseTo(363 / 24, 3);
    expect(Math.abs(seconds.audio - seconds.video)).toBeLessThanOrEqual(1 / 24);
    expect((await decode(film)).complaints).toBe('');
    expect(notes.some((note) => note.includes('Apple'))).toBe(name.endsWith('mp3'));
  });

  test('sound that is shorter than the film is said', async () => {
    expect((await joined(parts(), { audio: at('short.m4a') })).notes).toEqual([
      'the sound ends 12.1 s before the film',
    ]);
  });

  test('sound of another kind needs ffmpeg, and is encoded with it', async () => {
    await expect(join(parts(), { audio: at('long.flac') })).rejects.toMatchObject({
      code: 'ffmpeg_missing',
      message: expect.stringContaining('is neither an m4a with AAC nor an mp3'),
    });
    expect((await joined(parts(), { audio: at('long.flac'), ffmpeg })).reencoded).toBe(false);
    const seconds = await streamSeconds(film);
    expect(Math.abs(seconds.audio - seconds.video)).toBeLessThanOrEqual(1 / 24);
  });
});

describe.skipIf(hasNoFfmpeg)(`clips of other origins${needsFfmpeg}`, () => {
  const origins: [name: string, difference: RegExp, options: readonly string[]][] = [
    ['other-settings', /different settings/, ['-refs', '1', '-bf', '0']],
    ['30-fps', /different frame rates: 24 and 30/, ['-r', '30']],
    [
      'hevc',
      /keeps its decoder configuration among its frames/,
      ['-c:v', 'libx265', '-x265-params', 'log-level=error'],
    ],
    ['444', /different settings/, ['-pix_fmt', 'yuv444p']],
    ['variable', /frames of different lengths/, ['-vf', "setpts='(N+mod(N,7)*0.8)/24/TB'", '-fps_mode', 'vfr']],
    ['tall', /different sizes: 320×180 and 180×320/, ['-vf', 'transpose=1']],
    ['turned', /different sizes: 320×180 and 180×320/, ['turned']],
    ['loud', /different settings/, ['loud']],
    ['fragmented', /different settings/, ['-bf', '0', '-movflags', 'frag_keyframe+empty_moov']],
    ['list', /is cut by an edit list/, ['list']],
  ];

  function make(name: string, options: readonly string[]): string {
    const file = at(`${name}.mp4`);
    const plain = at('plain.mp4');
    const copy = (...extra: string[]) => execFileSync(ffmpeg.path, ['-v', 'error', '-y', ...extra, file]);
    if (options[0] === 'turned') copy('-i', plain, '-c', 'copy', '-metadata:s:v', 'rotate=90');
    else if (options[0] === 'list') copy('-ss', '1.3', '-i', plain, '-c', 'copy');
    else if (options[0] === 'loud') {
      makeClip(at('quiet.mp4'), 60, '-bf', '0');
      copy('-i', at('quiet.mp4'), '-f', 'lavfi', '-i', 'sine', '-shortest', '-c:v', 'copy');
    } else makeClip(file, 60, ...options);
    return file;
  }

  beforeAll(() => makeClip(at('plain.mp4'), 60));

  test.each(origins)('%s: refused by name without ffmpeg, and joined with it', async (name, difference, options) => {
    const [plain, other] = [at('plain.mp4'), make(name, options)];
    const without = await join([plain, other]);
    expect(without).toMatchObject({ joined: false, misfit: { difference: expect.stringMatching(difference) } });

    const shown = (await decode(other)).pictures.length;
    const { facts, reencoded, notes } = await joined([plain, other], { ffmpeg });
    expect(facts).toMatchObject({ width: 320, height: 180, fps: 24 });
    expect(reencoded).toBe(true);
    expect(notes[0]).toMatch(/, so all were encoded again to one size and frame rate$/);
    expect(notes.some((note) => note === 'the sound of clip 2 was left out')).toBe(name === 'loud');
    const { pictures, complaints } = await decode(film);
    expect([pictures.length, complaints]).toEqual([facts.frames, '']);
    expect(await probe(film)).toMatchObject({ fps: '24/1', codec: 'h264' });
    // Their speed stays: 60 frames at 30 a second are 2 s.
    const seconds = name === '30-fps' ? shown / 30 : (await streamSeconds(other)).video;
    expect(Math.abs(facts.durationSeconds - 2.5 - seconds)).toBeLessThanOrEqual(name === 'list' ? 1.4 : 2 / 24);
    expect((await readdir(folder)).filter((file) => file.startsWith('film.mp4.'))).toEqual([]);
  });

  test('another shape gets bars and loses nothing', async () => {
    makePicture(at('white-tall.mp4'), 'white', '180x320', 24);
    await joined([at('plain.mp4'), at('white-tall.mp4')], { ffmpeg });
    // 180 × 320 in 320 × 180 is 101 wide: white in the middle up to its top and bottom, black left and right.
    const last = 83;
    expect(await pixelAt(film, last, 160, 2)).toBeGreaterThan(230);
    expect(await pixelAt(film, last, 160, 177)).toBeGreaterThan(230);
    expect(await pixelAt(film, last, 100, 90)).toBeLessThan(20);
    expect(await pixelAt(film, last, 220, 90)).toBeLessThan(20);
  });

  test('the content label survives being encoded again', async () => {
    makeClip(at('label.mp4'), 30, '-bf', '0', '-movflags', 'use_metadata_tags', '-metadata', 'AIGC={"Label":"1"}');
    expect((await joined([at('plain.mp4'), at('label.mp4')], { ffmpeg })).facts.hasAigcLabel).toBe(true);
    expect(await metadata(film)).toMatchObject({ AIGC: '{"Label":"1"}' });
  });

  test('an ffmpeg that fails leaves nothing, and the videos are kept', async () => {
    makeClip(at('label.mp4'), 30, '-bf', '0');
    const broken = { ...ffmpeg, path: at('no-ffmpeg') };
    await expect(join([at('plain.mp4'), at('label.mp4')], { ffmpeg: broken })).rejects.toMatchObject({
      code: 'ffmpeg_missing',
    });
    expect((await readdir(folder)).filter((file) => file.startsWith('film'))).toEqual([]);
  });
});
