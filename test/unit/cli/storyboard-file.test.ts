/** A storyboard file: paths are its folder's, and every fault is named with what is right. */
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readStoryboard } from '../../../src/cli/storyboard-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'jimeng-storyboard-'));
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string | Buffer, name = 'board.yaml') {
  await writeFile(join(folder, name), text);
  return await readStoryboard(join(folder, name));
}

it('reads paths from the folder of the file, and leaves what is none', async () => {
  const images = [
    'a/b.png',
    './c.png',
    '../d.png',
    '~/e.png',
    '/f.png',
    'https://g/h.png',
    'task:jv-1',
    'data:image/png;base64,AA',
  ];
  const shots = images.map((image, index) => ({ prompt: String(index), image }));
  const { film, output } = await read(JSON.stringify({ shots, audio: 'm.mp3', output: 'out/' }), 'board.json');
  const local = ['a/b.png', 'c.png', '../d.png'].map((path) => join(folder, path));
  expect(film.shots.map(({ image }) => image)).toEqual([...local, ...images.slice(3)]);
  expect([film.audio, output]).toEqual([join(folder, 'm.mp3'), `${join(folder, 'out')}/`]);
  const { film: keyed } = await read('keyframes: [1.png, 2.png, 3.png]\nshots: [{prompt: a}, {prompt: b}]\n');
  expect(keyed.keyframes).toEqual(['1.png', '2.png', '3.png'].map((name) => join(folder, name)));
});

it('reads a ratio as a text, and a file with a byte order mark', async () => {
  const { film } = await read('\ufeffaspect_ratio: 16:9\nshots: [{prompt: a}, {prompt: b, duration: 8}]\n');
  expect([film.aspect_ratio, film.shots[1]?.duration]).toEqual(['16:9', 8]);
});

it.each([
  [
    'shots: [{promt: a}, {prompt: b, duration: 7}]',
    /`promt` of shot 1 is not known; did you mean `prompt`\?.*`duration` of shot 2 must be one of 4, 5, 6, 8, 10, but is 7\./,
  ],
  ['shots: [{prompt: a}, {prompt: b}]\nqualty: pro', /`qualty` is not known; did you mean `quality`\?/],
  ['shots:\n  - prompt: "a\n  - prompt: b\n', /^board\.yaml, line \d+, column \d+: /],
  ['shots: [{prompt: a}, {prompt: b}]\nshots: []', /^board\.yaml, line 2, column 1: Map keys must be unique/],
  ['hello', /must hold a storyboard/],
  ['', /must hold a storyboard/],
  [Buffer.from([0xff, 0xfe, 0x73, 0x00]), /is not a text in UTF-8/],
  ['#'.repeat(1_000_001), /has 1000001 bytes, at most 1000000 are read/],
  [
    'a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c]',
    /cannot be read: Excessive alias count/,
  ],
] as const)('refuses %j', async (text, message) => {
  await expect(read(text)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) });
});

it('names the path of a file that does not exist, or is a folder', async () => {
  await expect(readStoryboard(join(folder, 'none.yaml'))).rejects.toThrow(
    `The storyboard ${join(folder, 'none.yaml')} does not exist.`,
  );
  await expect(readStoryboard(folder)).rejects.toThrow(`The storyboard ${folder} is a folder.`);
});
