/** A picture that is encoded again keeps the colours that its profile means. */
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSrgb, matrixProfile } from '../../../../src/media/image/colour.ts';
import { makePictureFolder, type PictureFolder } from '../../../support/picture-folder.ts';
import {
  decodeJpeg,
  displayP3Profile,
  encodeJpegOf,
  exifBlock,
  makePng,
  padJpeg,
  pngChunk,
  withJpegProfile,
  withOrientation,
} from '../../../support/pictures.ts';

type Colour = readonly [number, number, number];

let pictures: PictureFolder;
beforeAll(async () => {
  pictures = await makePictureFolder(true);
});
afterAll(() => pictures.remove());

const load: PictureFolder['load'] = (...given) => pictures.load(...given);

function flatJpeg([red, green, blue]: Colour): Promise<Buffer> {
  const data = new Uint8ClampedArray(400 * 320 * 4).fill(255);
  for (let at = 0; at < data.length; at += 4) data.set([red, green, blue], at);
  return encodeJpegOf(data, 400, 320);
}

async function middleOf(jpeg: Buffer): Promise<Colour> {
  const { data, width, height } = await decodeJpeg(jpeg);
  const at = ((height >> 1) * width + (width >> 1)) * 4;
  return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
}

/** CIE 1976 ΔE of two sRGB colours, under D65. */
function deltaE(one: Colour, other: Colour): number {
  const [a, b] = [labOf(one), labOf(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function labOf(colour: Colour): Colour {
  const linear = (value: number) => (value <= 10.3 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = [linear(colour[0]), linear(colour[1]), linear(colour[2])];
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The same colour in both: what Apple's ColorSync utility shows for the sRGB primaries and mixed colours. */
const SAME: readonly (readonly [name: string, p3: Colour, srgb: Colour])[] = [
  ['red', [234, 51, 35], [255, 0, 0]],
  ['green', [117, 251, 76], [0, 255, 0]],
  ['blue', [0, 0, 245], [0, 0, 255]],
  ['grey', [119, 119, 119], [119, 119, 119]],
];
const MAX_DELTA_E = 3;

test.each(SAME)('Display P3 %s of a turned JPEG is the same in sRGB', async (_name, p3, srgb) => {
  const jpeg = withOrientation(withJpegProfile(await flatJpeg(p3), displayP3Profile()), 6);
  const image = await load('a.jpg', jpeg);
  expect(image.notes[0]).toMatch(/turned upright, colours converted to sRGB$/);
  expect(image.bytes.includes('ICC_PROFILE')).toBe(false);
  expect(deltaE(await middleOf(image.bytes), srgb)).toBeLessThan(MAX_DELTA_E);
});

test('so it is for a JPEG that is too large, and for a PNG', async () => {
  const [, p3, srgb] = SAME[1] as (typeof SAME)[number];
  const large = padJpeg(withJpegProfile(await flatJpeg(p3), displayP3Profile()), 5_000_000);
  expect(deltaE(await middleOf((await load('a.jpg', large)).bytes), srgb)).toBeLessThan(MAX_DELTA_E);
  const fill = (rows: Buffer) => {
    for (let at = 0; at < rows.length; at += 1) rows[at] = at % 1201 === 0 ? 0 : (p3[((at % 1201) - 1) % 3] as number);
  };
  const iccp = pngChunk('iCCP', Buffer.concat([Buffer.from('P3\0\0', 'latin1'), deflateSync(displayP3Profile())]));
  const png = makePng({ width: 400, height: 320, fill, chunks: [iccp, pngChunk('eXIf', exifBlock(3))] });
  expect(deltaE(await middleOf((await load('a.png', png)).bytes), srgb)).toBeLessThan(MAX_DELTA_E);
});

test('a picture that is sent as it is keeps its profile', async () => {
  const jpeg = withJpegProfile(await flatJpeg([234, 51, 35]), displayP3Profile());
  const image = await load('a.jpg', jpeg);
  expect([image.bytes.equals(jpeg), image.notes]).toEqual([true, []]);
});

test('a profile that cannot be converted from stays in the picture', async () => {
  const profile = displayP3Profile(false);
  const image = await load('a.jpg', withOrientation(withJpegProfile(await flatJpeg([234, 51, 35]), profile), 3));
  expect(image.bytes.includes(profile)).toBe(true);
  expect(image.notes[0]).not.toContain('sRGB');
  expect(deltaE(await middleOf(image.bytes), [234, 51, 35])).toBeLessThan(MAX_DELTA_E);
});

test('malformed profiles are no reason to refuse a picture', () => {
  const profile = displayP3Profile();
  expect(matrixProfile(profile)).toBeDefined();
  expect(isSrgb(matrixProfile(profile) as never)).toBe(false);
  for (let end = 0; end < profile.length - 4; end += 7) expect(matrixProfile(profile.subarray(0, end))).toBeUndefined();
});
