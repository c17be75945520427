/** A contact sheet shows the frames that were asked for, with their times, in a JPEG that a model can take. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contactSheet, framesAt, gridFor } from '../../../../src/media/clip/contact-sheet.ts';
import { paintTimes, timeText } from '../../../../src/media/clip/time-stamps.ts';
import {
  clip,
  ffmpeg,
  hasNoFfmpeg,
  limits,
  makeClip,
  makePicture,
  needsFfmpeg,
  pictureSize,
  pixelAt,
} from '../../../support/clips.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sheet-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('times become the frames that are shown then, each once, never behind the end', () => {
  const facts = { fps: 24, frames: 121 };
  expect(framesAt([5 / 24, 0, 0.01, 99, -1], facts)).toEqual([
    { frame: 0, seconds: 0 },
    { frame: 5, seconds: 5 / 24 },
    { frame: 120, seconds: 5 },
  ]);
});

test('a sheet is at most 1,000 pixels wide, whatever the shape and number of its frames', () => {
  for (const [width, height] of [
    [1248, 704],
    [704, 1248],
    [2176, 928],
    [960, 960],
    [16, 4000],
  ] as const) {
    for (let count = 1; count <= 12; count += 1) {
      const { columns, rows, cellWidth, cellHeight } = gridFor(count, { width, height });
      expect(columns * rows).toBeGreaterThanOrEqual(count);
      expect(columns * cellWidth).toBeLessThanOrEqual(1000);
      expect(rows * cellHeight).toBeLessThanOrEqual(1400);
    }
  }
  expect(gridFor(9, { width: 1248, height: 704 })).toEqual({ columns: 3, rows: 3, cellWidth: 332, cellHeight: 188 });
});

test('times are written as a player shows them', () => {
  expect([0, 5 + 1 / 24, 59.999, 75.5].map(timeText)).toEqual(['0:00.00', '0:05.04', '1:00.00', '1:15.50']);
});

test('each cell has its own time in its corner and a line at its edges, and nothing else is painted', () => {
  const grid = { columns: 2, rows: 1, cellWidth: 60, cellHeight: 20 };
  const painted = paintTimes([0, 1], grid);
  const rows = Array.from({ length: 20 }, (_, y) =>
    Array.from({ length: 120 }, (_, x) => {
      const at = (y * 120 + x) * 4;
      return painted[at + 3] === 0 ? ' ' : painted[at] === 255 ? '#' : '.';
    })
      .join('')
      .trimEnd(),
  );
  for (const row of rows.slice(0, 11)) expect(row).toBe(`${' '.repeat(58)}##${' '.repeat(58)}##`);
  expect(rows.slice(11).join('\n')).toMatchInlineSnapshot(`
    "...........................................               ##...........................................               ##
    ..###.........###...###.........###...###..               ##..###.........###....#..........###...###..               ##
    .#...#...#...#...#.#...#.......#...#.#...#.               ##.#...#...#...#...#..##.........#...#.#...#.               ##
    .#..##...#...#..##.#..##.......#..##.#..##.               ##.#..##...#...#..##...#.........#..##.#..##.               ##
    .#.#.#.......#.#.#.#.#.#.......#.#.#.#.#.#.               ##.#.#.#.......#.#.#...#.........#.#.#.#.#.#.               ##
    .##..#...#...##..#.##..#.......##..#.##..#.               ##.##..#...#...##..#...#.........##..#.##..#.               ##
    .#...#...#...#...#.#...#..##...#...#.#...#.               ##.#...#...#...#...#...#....##...#...#.#...#.               ##
    ..###.........###...###...##....###...###..#################..###.........###...###...##....###...###..#################
    ...........................................#################...........................................#################"
  `);
});

describe.skipIf(hasNoFfmpeg)(`with ffmpeg${needsFfmpeg}`, () => {
  test('twelve frames of noise stay under 200 kB, 1,000 pixels wide', async () => {
    const noisy = path.join(folder, 'noisy.mp4');
    makeClip(noisy, 48, '-vf', 'scale=1248:704,noise=alls=100:allf=t');
    const times = Array.from({ length: 12 }, (_, index) => index / 6);
    const sheet = await contactSheet(noisy, times, ffmpeg, limits);
    expect(sheet.jpeg.length).toBeLessThanOrEqual(200_000);
    expect(sheet.frames).toHaveLength(12);
    const file = path.join(folder, 'noisy.jpg');
    await writeFile(file, sheet.jpeg);
    expect(await pictureSize(file)).toMatchObject({ codec: 'mjpeg', width: sheet.width, height: sheet.height });
    expect(sheet.width).toBe(1000);
  });

  test('the frames are those at the times, in order', async () => {
    // Black, but white from frame 24 on.
    const flash = path.join(folder, 'flash.mp4');
    makePicture(flash, 'black', '320x180', 48, 'drawbox=c=white:t=fill:enable=gte(n\\,24)');
    const { jpeg, width, height, frames } = await contactSheet(flash, [1, 23 / 24, 0, 9], ffmpeg, limits);
    expect(frames.map(({ frame }) => frame)).toEqual([0, 23, 24, 47]);
    const file = path.join(folder, 'flash.jpg');
    await writeFile(file, jpeg);
    const [left, right, upper, lower] = [width / 4, (width * 3) / 4, height / 4, (height * 3) / 4];
    const shades = [
      [left, upper],
      [right, upper],
      [left, lower],
      [right, lower],
    ] as const;
    const seen = await Promise.all(shades.map(([x, y]) => pixelAt(file, 0, x, y)));
    expect(seen.map((shade) => shade > 128)).toEqual([false, false, true, true]);
    // The time's white digits lie on black, on every frame.
    const corners = await Promise.all([height / 2 - 2, height - 2].map((y) => pixelAt(file, 0, 0, y)));
    for (const corner of corners) expect(corner).toBeLessThan(60);
  });

  test('what is no video is named', async () => {
    const file = path.join(folder, 'text.mp4');
    await writeFile(file, 'no video at all, but long enough');
    await expect(contactSheet(file, [0], ffmpeg, limits)).rejects.toMatchObject({ code: 'unplayable_video' });
  });

  test('an upright clip has one row of four', async () => {
    const sheet = await contactSheet(clip('704x1248-121'), [0, 1, 2, 3], ffmpeg, limits);
    expect(sheet.width).toBeGreaterThan(990);
    expect(sheet.height).toBeLessThan(450);
  });
});
