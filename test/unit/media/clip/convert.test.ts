/** A converted clip has the requested rate at its original speed; the last frame is the very last one. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convertFrameRate, extractFrame } from '../../../../src/media/clip/convert.ts';
import {
  clip,
  decode,
  ffmpeg,
  hasNoFfmpeg,
  lastPicture,
  limits,
  makeClip,
  metadata,
  needsFfmpeg,
  probe,
  rgbPictures,
} from '../../../support/clips.ts';

let folder: string;
let small: string;
const label = '{"Label":"1"}';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'convert-'));
  small = path.join(folder, 'small.mp4');
  if (!hasNoFfmpeg) makeClip(small, 121, '-movflags', 'use_metadata_tags', '-metadata', `AIGC=${label}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program that answers as ffmpeg does until it is asked for work on a file. */
async function fakeFfmpeg(name: string, work: string): Promise<string> {
  const file = path.join(folder, name);
  const lines = [
    '#!/bin/sh',
    'case "$*" in *-encoders*) echo " V....D libx264 x"; exit 0;; *rawvideo*) exit 0;; esac',
    work,
  ];
  await writeFile(file, lines.join('\n'), { mode: 0o755 });
  return file;
}

describe.skipIf(hasNoFfmpeg)(`25 and 30 frames a second${needsFfmpeg}`, () => {
  test.each([25, 30] as const)(
    'at %i the rate is right, the length is kept within a frame, and it decodes',
    async (fps) => {
      const target = path.join(folder, `rate-${fps}.mp4`);
      const facts = await convertFrameRate(small, target, fps, ffmpeg, limits);
      const seen = await probe(target);
      expect(seen).toMatchObject({ fps: `${fps}/1`, codec: 'h264' });
      expect(Math.abs(facts.durationSeconds - 121 / 24)).toBeLessThanOrEqual(1 / fps);
      expect(Math.abs(seen.seconds - 121 / 24)).toBeLessThanOrEqual(1 / fps);
      const { pictures, complaints } = await decode(target);
      expect([pictures.length, complaints]).toEqual([facts.frames, '']);
      expect(facts.hasAigcLabel).toBe(true);
      expect(await metadata(target)).toMatchObject({ AIGC: label });
      const made = await readFile(target);
      expect(made.indexOf('moov')).toBeLessThan(made.indexOf('mdat'));
    },
  );

  test('ten seconds are trimmed and converted in one pass', async () => {
    const [source, target] = [path.join(folder, 'ten.mp4'), path.join(folder, 'both.mp4')];
    makeClip(source, 241);
    const facts = await convertFrameRate(source, target, 25, ffmpeg, { ...limits, seconds: 8 });
    expect(facts).toMatchObject({ frames: 200, fps: 25, durationSeconds: 8, width: 320, height: 180 });
    expect(await probe(target)).toMatchObject({ fps: '25/1', seconds: 8 });
    const { pictures, complaints } = await decode(target);
    expect([pictures.length, complaints]).toEqual([200, '']);
  });
});

describe.skipIf(hasNoFfmpeg)(`the last frame${needsFfmpeg}`, () => {
  test('the first frame is the first, pixel for pixel', async () => {
    const target = path.join(folder, 'first.png');
    await extractFrame('first', small, target, ffmpeg, limits);
    expect((await rgbPictures(target))[0]).toBe((await rgbPictures(small))[0]);
  });

  test.each([['small'], ['1120x832-121']])("%s: the picture is the clip's last, pixel for pixel", async (name) => {
    const source = name === 'small' ? small : clip(name);
    const target = path.join(folder, `${name}.png`);
    await extractFrame('last', source, target, ffmpeg, limits);
    expect((await readFile(target)).subarray(1, 4).toString()).toBe('PNG');
    const { pictures } = await decode(source);
    expect(pictures).toHaveLength(121);
    expect(await lastPicture(target)).toBe(await lastPicture(source));
    // Else a frame before the last would pass as well.
    expect(pictures[119]).not.toBe(pictures[120]);
  });
});

describe.skipIf(hasNoFfmpeg)(`names and failures${needsFfmpeg}`, () => {
  test('names that begin with - or hold : and % are names and nothing else', async () => {
    const odd = path.join(folder, process.platform === 'win32' ? '-odd 100%d' : '-http:odd 100%d');
    await mkdir(odd);
    const source = path.join(odd, '-i.mp4');
    await copyFile(small, source);
    await extractFrame('last', source, path.join(odd, '-y%03d.png'), ffmpeg, limits);
    await convertFrameRate(source, path.join(odd, '-n%d.mp4.part'), 30, ffmpeg, limits);
    expect((await readdir(odd)).sort()).toEqual(['-i.mp4', '-n%d.mp4.part', '-y%03d.png']);
  });

  test('a broken file ends in a Problem that names it, kept as it is, and leaves no target', async () => {
    const source = path.join(folder, 'broken.mp4');
    await copyFile(small, source);
    await truncate(source, 60_000);
    const [video, picture] = [path.join(folder, 'never.mp4'), path.join(folder, 'never.png')];
    await expect(convertFrameRate(source, video, 25, ffmpeg, limits)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: expect.stringContaining(`original is kept: "${source}"`),
    });
    await expect(extractFrame('last', source, picture, ffmpeg, limits)).rejects.toMatchObject({
      code: 'invalid_image',
      message: expect.stringContaining(`The last frame of "${source}" could not be read (`),
      hint: 'give a picture of that frame',
    });
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
    expect((await readFile(source)).length).toBe(60_000);
  });

  test('a clip is not converted onto itself', async () => {
    const before = await readFile(small);
    await expect(convertFrameRate(small, small, 25, ffmpeg, limits)).rejects.toMatchObject({
      code: 'conversion_failed',
    });
    await expect(extractFrame('last', small, small, ffmpeg, limits)).rejects.toMatchObject({
      code: 'conversion_failed',
    });
    expect(await readFile(small)).toEqual(before);
  });

  test('a clip too short for the asked length is refused with both lengths', async () => {
    const target = path.join(folder, 'never.mp4');
    await expect(convertFrameRate(small, target, 25, ffmpeg, { ...limits, seconds: 8 })).rejects.toMatchObject({
      message: expect.stringContaining('5.04 seconds long and cannot be trimmed to 8'),
    });
  });
});

describe.skipIf(hasNoFfmpeg || process.platform === 'win32')(`an ffmpeg that misbehaves${needsFfmpeg}`, () => {
  test('one that hangs is killed at the time limit, and what it wrote is removed', async () => {
    const pidFile = path.join(folder, 'pid');
    const target = path.join(folder, 'hung.mp4');
    const file = await fakeFfmpeg('hangs', `echo $$ > "${pidFile}"; echo x > "${target}"; exec sleep 300`);
    // The limit is let pass as soon as the program has begun its work.
    const clock = { ...limits.clock, sleep: () => waitUntilWritten(pidFile) };
    const run = { ...limits, clock, timeLimitMilliseconds: 90_000 };
    await expect(convertFrameRate(small, target, 25, { ...ffmpeg, path: file }, run)).rejects.toMatchObject({
      code: 'conversion_failed',
      message: expect.stringContaining('(stopped after 90 seconds); the original is kept'),
    });
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await readdir(folder)).not.toContain('hung.mp4');
  });

  test('an abort kills it and is passed on as it is', async () => {
    const pidFile = path.join(folder, 'pid-aborted');
    const target = path.join(folder, 'aborted.png');
    const file = await fakeFfmpeg('is-aborted', `echo $$ > "${pidFile}"; echo x > "${target}"; exec sleep 300`);
    const abort = new AbortController();
    const reason = new Error('the client went away');
    const run = extractFrame('last', small, target, { ...ffmpeg, path: file }, { ...limits, signal: abort.signal });
    run.catch(() => {});
    await waitUntilWritten(pidFile);
    abort.abort(reason);
    await expect(run).rejects.toBe(reason);
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await readdir(folder)).not.toContain('aborted.png');
  });

  test('its last words are the cause, cut short, and not the sentence', async () => {
    const file = await fakeFfmpeg(
      'talks',
      'i=0; while [ $i -lt 2000 ]; do echo "noise $i" >&2; i=$((i+1)); done; exit 3',
    );
    const target = path.join(folder, 'never.mp4');
    const problem = await convertFrameRate(small, target, 25, { ...ffmpeg, path: file }, limits).catch(
      (error) => error,
    );
    expect(problem.message).toBe(
      `The video could not be converted to 25 frames a second; the original is kept: "${small}".`,
    );
    expect(problem.cause.message).toMatch(/^exit code 3: /);
    expect(problem.cause.message).toContain('noise 1999');
    expect(problem.cause.message.length).toBeLessThan(2100);
  });

  test('one that says all is well but made something else is not believed', async () => {
    const target = path.join(folder, 'wrong.mp4');
    const hundred = path.join(folder, 'hundred.mp4');
    makeClip(hundred, 100);
    for (const [made, reported] of [
      [small, '121 frames at 24'],
      [hundred, '100 frames at 24'],
    ] as const) {
      const file = await fakeFfmpeg(`lies-${reported}`, `cp "${made}" "${target}"`);
      const run = convertFrameRate(small, target, 25, { ...ffmpeg, path: file }, { ...limits, seconds: 4 });
      await expect(run).rejects.toMatchObject({
        code: 'conversion_failed',
        cause: { message: `ffmpeg made ${reported} instead of 100 at 25` },
      });
    }
    expect(await readdir(folder)).not.toContain('wrong.mp4');
  });
});

async function waitUntilWritten(file: string): Promise<void> {
  while ((await readFile(file, 'utf8').catch(() => '')) === '') await new Promise((resolve) => setTimeout(resolve, 5));
}
