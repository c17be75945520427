/** Clips that differ only in how their file is made are joined bit for bit; what would show wrong pictures never is. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { joinClips } from '../../../../src/media/clip/join.ts';
import {
  decode,
  ffmpeg,
  frameTimes,
  hasNoFfmpeg,
  makeClip,
  makeSound,
  needsFfmpeg,
  streamSeconds,
} from '../../../support/clips.ts';

let folder: string;
let film: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'join-origins-'));
  film = at('film.part');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const run = (...options: string[]) => execFileSync(ffmpeg.path, ['-v', 'error', '-y', ...options]);
const copy = (from: string, to: string, ...options: string[]) => run('-i', at(from), '-c', 'copy', ...options, at(to));
const join = (names: readonly string[], withFfmpeg = false) =>
  joinClips(names.map(at), film, { clock: systemClock, ...(withFfmpeg ? { ffmpeg } : {}) });

describe.skipIf(hasNoFfmpeg)(`clips of other origins${needsFfmpeg}`, () => {
  const HEVC = ['-c:v', 'libx265', '-x265-params', 'log-level=error', '-tag:v', 'hvc1', '-pix_fmt', 'yuv420p'];
  const hdr = 'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc';

  beforeAll(() => {
    makeClip(at('plain.mp4'), 60);
    run('-i', at('plain.mp4'), '-f', 'lavfi', '-i', 'sine', '-shortest', '-c:v', 'copy', at('loud.mp4'));
    copy('plain.mp4', 'index-first.mp4', '-movflags', 'faststart');
    copy('plain.mp4', 'fragmented.mp4', '-movflags', 'frag_keyframe+empty_moov');
    copy('plain.mp4', 'turned.mp4', '-metadata:s:v', 'rotate=90');
    copy('plain.mp4', 'among-frames.mp4', '-tag:v', 'avc3');
    run('-itsoffset', '0.5', '-i', at('plain.mp4'), '-c', 'copy', at('late.mp4'));
    makeClip(at('hevc-a.mp4'), 30, ...HEVC);
    makeClip(at('hevc-b.mp4'), 30, '-vf', 'hflip', ...HEVC);
    makeClip(at('hdr.mp4'), 30, ...HEVC, '-pix_fmt', 'yuv420p10le', '-x265-params', hdr);
    // Two encodings in one track: the parameters of the second stand among its frames.
    makeClip(at('a.h264'), 30, '-bf', '0');
    makeClip(at('b.h264'), 30, '-bf', '0', '-refs', '1', '-x264-params', 'cabac=0');
    makeClip(at('a.mp4'), 30, '-bf', '0');
  });

  test.each([
    ['plain.mp4', 'loud.mp4', ['the sound of clip 2 was left out']],
    ['loud.mp4', 'plain.mp4', ['the sound of clip 1 was left out']],
    ['plain.mp4', 'index-first.mp4', []],
    ['plain.mp4', 'fragmented.mp4', []],
    ['fragmented.mp4', 'plain.mp4', []],
    ['plain.mp4', 'late.mp4', []],
    ['turned.mp4', 'turned.mp4', []],
    ['hevc-a.mp4', 'hevc-b.mp4', []],
    ['hdr.mp4', 'hdr.mp4', []],
  ])('%s and %s are joined bit for bit', async (first, second, notes) => {
    expect(await join([first, second])).toMatchObject({ joined: true, reencoded: false, notes });
    const { pictures, complaints } = await decode(film);
    const parts = await Promise.all([first, second].map(async (name) => (await decode(at(name))).pictures));
    expect([pictures, complaints]).toEqual([parts.flat(), '']);
    for (const [index, time] of (await frameTimes(film)).entries()) expect(time).toBeCloseTo(index / 24, 3);
  });

  test('decoder parameters among the frames would hold for the clip behind it: it is refused by name, or encoded again', async () => {
    await writeFile(at('two.h264'), Buffer.concat([await readFile(at('a.h264')), await readFile(at('b.h264'))]));
    run('-r', '24', '-i', at('two.h264'), '-c', 'copy', at('two.mp4'));
    const difference = 'clip 1 keeps its decoder configuration among its frames';
    expect(await join(['two.mp4', 'a.mp4'])).toEqual({ joined: false, misfit: { clips: [0], difference } });
    expect(await join(['two.mp4', 'a.mp4'], true)).toMatchObject({ joined: true, reencoded: true });
    expect((await decode(film)).complaints).toBe('');
    const both = await join(['among-frames.mp4', 'among-frames.mp4']);
    expect(both).toEqual({ joined: false, misfit: { clips: [0], difference } });
  });

  test('HDR that would have to be encoded again is refused by name: its colours would be wrong', async () => {
    await expect(join(['plain.mp4', 'hdr.mp4'], true)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: expect.stringMatching(/different codecs: avc and hevc, and ".*hdr\.mp4" is HDR, whose colours/),
    });
  });

  test('HEVC beside H.264 is encoded again, and said', async () => {
    const result = await join(['plain.mp4', 'hevc-a.mp4'], true);
    expect(result).toMatchObject({ joined: true, reencoded: true, facts: { frames: 90 } });
    expect((await decode(film)).pictures).toHaveLength(90);
  });

  test('a playlist that calls itself a sound reads no other file', async () => {
    makeSound(at('secret.wav'), 5);
    makeSound(at('secret.aac'), 5);
    await writeFile(at('song.wav'), 'ffconcat version 1.0\nfile secret.wav\n');
    await writeFile(at('list.m3u8'), `#EXTM3U\n#EXTINF:5,\nsecret.aac\n#EXT-X-ENDLIST\n`);
    for (const audio of ['song.wav', 'list.m3u8']) {
      const options = { clock: systemClock, ffmpeg, audio: at(audio) };
      await expect(joinClips([at('plain.mp4'), at('plain.mp4')], film, options)).rejects.toMatchObject({
        code: 'invalid_input',
        message: `No sound could be read from "${at(audio)}".`,
      });
    }
    await joinClips([at('plain.mp4'), at('plain.mp4')], film, { clock: systemClock, ffmpeg, audio: at('secret.wav') });
    const seconds = await streamSeconds(film);
    expect(Math.abs(seconds.audio - seconds.video)).toBeLessThanOrEqual(1 / 24);
  });
});
