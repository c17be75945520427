/** Clips are described correctly, and files that are no video are refused. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readClip } from '../../../../src/media/clip/clip.ts';
import { averageFps } from '../../../../src/media/clip/read-facts.ts';
import { openClipThread } from '../../../../src/media/clip/thread.ts';
import { clip, decode, ffmpeg, hasNoFfmpeg, makeClip, needsFfmpeg } from '../../../support/clips.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clip-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const shown = (...timestamps: number[]) => timestamps.map((timestamp) => ({ timestamp, duration: 1 / 24 }));

describe('facts', () => {
  test.each([
    ['1248x704-121', 1248, 704, 121],
    ['704x1248-241', 704, 1248, 241],
    ['1920x1088-121', 1920, 1088, 121],
  ])('%s is described with its size, frames, rate and length', async (name, width, height, frames) => {
    const bytes = (await readFile(clip(name))).length;
    expect(await readClip(clip(name))).toEqual({
      bytes,
      width,
      height,
      frames,
      fps: 24,
      durationSeconds: frames / 24,
      hasAigcLabel: false,
    });
  });

  test('times in whole milliseconds still make 24 frames a second', () => {
    const times = Array.from({ length: 121 }, (_, index) => Math.round((index * 1000) / 24) / 1000);
    expect(averageFps(shown(...times))).toBe(24);
  });

  test('the rate is the same in whatever order the frames are decoded', () => {
    expect(averageFps(shown(0, 4 / 24, 2 / 24, 1 / 24, 3 / 24))).toBe(24);
  });

  test('a varying rate is described by its average', () => {
    expect(averageFps(shown(0, 0.1, 0.2, 1))).toBe(3);
  });

  test('a single frame has the rate of its own length', () => {
    expect(averageFps(shown(0))).toBe(24);
  });
});

describe.skipIf(hasNoFfmpeg)(`odd files${needsFfmpeg}`, () => {
  test('sound beside the video changes no fact', async () => {
    const file = path.join(folder, 'sound.mp4');
    const silent = path.join(folder, 'silent.mp4');
    makeClip(silent, 48);
    const sound = ['-f', 'lavfi', '-i', 'sine=d=7', '-c:a', 'aac', '-map', '1:v', '-map', '0:a', '-c:v', 'copy'];
    execFileSync(ffmpeg.path, ['-v', 'error', '-y', ...sound.slice(0, 4), '-i', silent, ...sound.slice(4), file]);
    expect(await readClip(file)).toMatchObject({ width: 320, height: 180, frames: 48, fps: 24, durationSeconds: 2 });
  });

  test('a fragmented file and a rate of 30000/1001 are read', async () => {
    const file = path.join(folder, 'fragmented.mp4');
    makeClip(file, 60, '-r', '30000/1001', '-movflags', 'frag_keyframe+empty_moov');
    expect(await readClip(file)).toMatchObject({ frames: (await decode(file)).pictures.length, fps: 29.97 });
  });
});

describe('what is no playable MP4', () => {
  test('a truncated file is reported with its path, and never as a shorter video', async () => {
    const whole = await readFile(clip('1248x704-121'));
    for (const keep of [0.02, 0.3, 0.9, 0.999]) {
      const file = path.join(folder, `cut-${keep}.mp4`);
      await copyFile(clip('1248x704-121'), file);
      await truncate(file, Math.floor(whole.length * keep));
      const problem = await readClip(file).catch((error) => error);
      expect(problem, `${keep}`).toMatchObject({ code: 'unplayable_video', charge: 'none' });
      expect(problem.message).toContain(`"${file}" is not a playable MP4: its last `);
      expect(problem.message).toMatch(/its last \d+ bytes are missing\.$/);
    }
  });

  test('a truncated file whose last box runs to the end is recognised by its last frame', async () => {
    const bytes = await readFile(clip('1248x704-121'));
    bytes.writeUInt32BE(0, bytes.indexOf('mdat') - 4);
    const file = path.join(folder, 'open-end.mp4');
    await writeFile(file, bytes);
    expect((await readClip(file)).frames).toBe(121);
    await truncate(file, bytes.length - 1);
    await expect(readClip(file)).rejects.toMatchObject({
      message: expect.stringContaining('its last frame is missing'),
    });
  });

  test.each([
    ['an empty file', Buffer.alloc(0), 'it has 0 bytes'],
    ['a word', Buffer.from('no video'), 'it has 8 bytes'],
    ['a web page', Buffer.from(`<html>${' '.repeat(5000)}</html>`), 'it has no MP4 header'],
    ['zeros', Buffer.alloc(100_000), 'it has no MP4 header'],
    ['a header alone', Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isommp41', 'latin1'), ''],
  ])('%s is refused by what it is', async (name, bytes, reason) => {
    const file = path.join(folder, `${name}.mp4`);
    await writeFile(file, bytes);
    await expect(readClip(file)).rejects.toMatchObject({
      code: 'unplayable_video',
      message: expect.stringContaining(reason),
    });
  });

  test('noise anywhere in the index ends in a sentence or in facts, never in a hang', async () => {
    const whole = await readFile(clip('1248x704-121'));
    const start = whole.indexOf('moov') - 4;
    const file = path.join(folder, 'noise.mp4');
    const thread = openClipThread();
    for (let at = start; at < start + whole.readUInt32BE(start); at += 17) {
      const broken = Buffer.from(whole);
      broken.fill(0xff, at, at + 8);
      await writeFile(file, broken);
      const answer = await readClip(file, { thread }).catch((error) => error);
      if (answer instanceof Error) expect(answer, `at ${at}`).toMatchObject({ code: 'unplayable_video' });
      else expect(answer.fps, `at ${at}`).toBeLessThan(1000);
    }
    await thread.close();
  });

  test('a folder and a missing file are reported as such', async () => {
    await expect(readClip(folder)).rejects.toMatchObject({ message: expect.stringMatching(/it is not a file|EISDIR/) });
    await expect(readClip(path.join(folder, 'none.mp4'))).rejects.toMatchObject({
      code: 'unplayable_video',
      message: expect.stringContaining('ENOENT'),
    });
  });
});
