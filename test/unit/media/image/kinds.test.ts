/** Pictures of other kinds than JPEG and PNG are converted, and the notes say so. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ImageBytes } from '../../../../src/media/image/load.ts';
import { ffmpeg, hasNoFfmpeg, needsFfmpeg, surroundings } from '../../../support/clips.ts';
import { makePictureFolder, type PictureFolder } from '../../../support/picture-folder.ts';
import { decodeJpeg, makeAvif, makeGif, makeWebp } from '../../../support/pictures.ts';

let pictures: PictureFolder;
beforeAll(async () => {
  pictures = await makePictureFolder(true);
});
afterAll(() => pictures.remove());

const heic = () => readFile(new URL('./grid.heic', import.meta.url));

const load: PictureFolder['load'] = (...given) => pictures.load(...given);

async function coloursAt(image: ImageBytes, places: readonly (readonly [number, number])[]): Promise<string[]> {
  const { data, width, height } = await decodeJpeg(image.bytes);
  expect([width, height]).toEqual([image.width, image.height]);
  return places.map(([x, y]) => {
    const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
    const [red = 0, green = 0, blue = 0] = data.slice(at, at + 3);
    if (green > 150 && red < 60 && blue < 60) return 'green';
    return red > 245 ? 'white' : red > 200 ? 'bright' : red < 60 ? 'dark' : `${red} ${green} ${blue}`;
  });
}

const PLACES = [
  [0.1, 0.1],
  [0.1, 0.9],
  [0.6, 0.5],
  [0.9, 0.5],
] as const;

test.each([
  ['WebP', 'a.webp', makeWebp, []],
  ['AVIF', 'a.avif', makeAvif, []],
  ['GIF', 'a.gif', makeGif, ['a.gif: only the first frame of a GIF is used']],
] as const)('%s becomes a JPEG, what is transparent white', async (kind, fileName, make, remarks) => {
  const opaque = await load(fileName, await make(400, 320));
  expect(opaque.format).toBe('jpeg');
  expect(opaque.notes).toEqual([
    expect.stringMatching(new RegExp(`^${fileName} .* ${kind} → \\d+ kB JPEG, 400×320$`)),
    ...remarks,
  ]);
  expect(await coloursAt(opaque, PLACES)).toEqual(['green', 'dark', 'bright', 'bright']);
  const transparent = await load(fileName, await make(400, 320, true));
  expect(transparent.notes[0]).toMatch(/ JPEG, 400×320, transparent parts made white$/);
  expect(await coloursAt(transparent, PLACES)).toEqual(['green', 'dark', 'bright', 'white']);
});

test('the bytes decide, not the name, and the limits hold', async () => {
  expect((await load('a.jpg', await makeWebp(400, 320))).notes[0]).toContain('WebP →');
  await expect(load('a.webp', await makeWebp(400, 300))).rejects.toThrow('a.webp is 400×300 pixels; the shortest');
  await expect(load('a.gif', await makeGif(1000, 320))).rejects.toThrow('its long side is 3.13 times the short one');
});

test.each([
  ['WebP', makeWebp],
  ['AVIF', makeAvif],
  ['GIF', makeGif],
] as const)('a cut %s is refused', async (_kind, make) => {
  const bytes = await make(400, 320);
  await expect(load('a.bin', bytes.subarray(0, bytes.length >> 1))).rejects.toThrow(/^a\.bin (cannot be decoded|is )/);
});

test('an animated WebP is refused with what it is', async () => {
  const content = Buffer.alloc(10);
  content[0] = 2;
  const bytes = Buffer.concat([Buffer.from('RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0', 'latin1'), content]);
  await expect(load('a.webp', bytes)).rejects.toThrow('a.webp is an animated WebP.');
});

test.skipIf(hasNoFfmpeg)(`a HEIC of four tiles is put together and turned upright${needsFfmpeg}`, async () => {
  // Made with heif-enc (libheif 1.15), the tiles laid out as iPhones do; libheif decodes it to the same pixels ±1.
  const tools = { clock: surroundings.clock, ffmpeg: async () => ffmpeg };
  const image = await load('IMG_1.HEIC', await heic(), { heic: tools });
  expect(image.notes).toEqual([
    expect.stringMatching(/^IMG_1\.HEIC 2 kB HEIC → \d+ kB JPEG, 330×400, turned upright$/),
  ]);
  // The green corner is top left as stored, and top right once turned.
  expect(await coloursAt(image, [...PLACES, [0.9, 0.1]])).toEqual(['dark', 'bright', 'bright', 'bright', 'green']);
});

test('without ffmpeg a HEIC is refused with what to do', async () => {
  const tools = { clock: surroundings.clock, ffmpeg: async () => undefined };
  await expect(load('IMG_1.HEIC', await heic(), { heic: tools })).rejects.toMatchObject({
    code: 'ffmpeg_missing',
    message: expect.stringContaining('ffmpeg was not found on this computer'),
    hint: expect.stringMatching(/^export it as JPEG .* or install ffmpeg/),
  });
});

test.each([20, 300, 700, 1200])('a HEIC that is cut at byte %i is refused', async (end) => {
  await expect(load('a.heic', (await heic()).subarray(0, end))).rejects.toThrow(/^a\.heic is (damaged|cut off)/);
});
