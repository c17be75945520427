/** Which pictures are taken, which are refused, and with which sentence. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadImage } from '../../../../src/media/image/load.ts';
import { Problem } from '../../../../src/problems.ts';
import { makePictureFolder, type PictureFolder } from '../../../support/picture-folder.ts';
import {
  decodeJpeg,
  decodePng,
  exifBlock,
  makeJpeg,
  makePng,
  PNG_SIGNATURE,
  padJpeg,
  padPng,
  pngChunk,
  pngRowBytes,
  withOrientation,
} from '../../../support/pictures.ts';

let pictures: PictureFolder;
beforeAll(async () => {
  pictures = await makePictureFolder(false);
});
afterAll(() => pictures.remove());

async function verdict(fileName: string, bytes: Buffer): Promise<string> {
  const path = join(pictures.folder, fileName);
  await writeFile(path, bytes);
  try {
    const image = await loadImage(path, 'image', pictures.rules);
    if (image.kind !== 'bytes') return 'a URL';
    const decoded = image.notes.join().includes('CMYK')
      ? image
      : await (image.format === 'png' ? decodePng : decodeJpeg)(image.bytes);
    expect([decoded.width, decoded.height]).toEqual([image.width, image.height]);
    const sent = image.bytes.equals(bytes) ? 'as it is' : 'changed';
    return [`${image.format} ${image.width}×${image.height}, ${sent}`, ...image.notes].join(': ');
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

const png = (width: number, height: number, more: object = {}) => makePng({ width, height, ...more });
const text = (content: string) => Buffer.from(content, 'latin1');
const box = (brand: string) => text(`\0\0\0\x18ftyp${brand}\0\0\0\0${'\0'.repeat(400)}`);
const cmyk = readFileSync(new URL('./cmyk.jpg', import.meta.url));
const fine = png(400, 400);
const small = () => makeJpeg(400, 320);
/** White and opaque: every byte 255 but the filters. */
const opaque = (rowBytes: number) => (rows: Buffer) => {
  rows.fill(255);
  for (let at = 0; at < rows.length; at += rowBytes) rows[at] = 0;
};
const broken = (bytes: Buffer, at: number, value: number) => {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
};
/** Offset of the first SOF0 marker. */
const frameOf = (jpeg: Buffer) => jpeg.indexOf(Buffer.from([0xff, 0xc0]));
/** A small JPEG whose header names another size: for what is refused by its header alone. */
const jpegSaying = async (width: number, height: number) => {
  const jpeg = await small();
  jpeg.writeUInt16BE(height, frameOf(jpeg) + 5);
  jpeg.writeUInt16BE(width, frameOf(jpeg) + 7);
  return jpeg;
};

type Row = readonly [claim: string, fileName: string, make: () => Buffer | Promise<Buffer>, verdict: string];

const taken: readonly Row[] = [
  ['a baseline JPEG', 'a.jpg', small, 'jpeg 400×320, as it is'],
  ['a progressive JPEG', 'a.jpg', () => makeJpeg(400, 320, { progressive: true }), 'jpeg 400×320, as it is'],
  ['a grey JPEG', 'a.jpg', () => makeJpeg(400, 320, { color_space: 1 }), 'jpeg 400×320, as it is'],
  ['the largest JPEG', 'a.jpg', () => makeJpeg(4096, 4096, { color_space: 1 }), 'jpeg 4096×4096, as it is'],
  ['the smallest JPEG', 'a.jpg', () => makeJpeg(320, 320), 'jpeg 320×320, as it is'],
  ['the widest', 'a.jpg', () => makeJpeg(960, 320), 'jpeg 960×320, as it is'],
  ['the tallest', 'a.png', () => png(320, 960), 'png 320×960, as it is'],
  ['a panorama at every limit', 'a.png', () => png(4096, 1366), 'png 4096×1366, as it is'],
  ['the largest PNG', 'a.png', () => png(4096, 4096, { colourType: 0 }), 'png 4096×4096, as it is'],
  ['an RGB PNG', 'a.png', () => fine, 'png 400×400, as it is'],
  ['a 1-bit PNG', 'a.png', () => png(401, 321, { colourType: 0, depth: 1 }), 'png 401×321, as it is'],
  ['a palette PNG', 'a.png', () => png(401, 321, { colourType: 3, depth: 4 }), 'png 401×321, as it is'],
  [
    'an opaque grey PNG with alpha',
    'a.png',
    () => png(400, 321, { colourType: 4, fill: opaque(801) }),
    'png 400×321, as it is',
  ],
  ['an opaque RGBA PNG', 'a.png', () => png(400, 321, { colourType: 6, fill: opaque(1601) }), 'png 400×321, as it is'],
  ['a 16-bit PNG', 'a.png', () => png(400, 321, { depth: 16 }), 'png 400×321, as it is'],
  ['an interlaced PNG', 'a.png', () => png(403, 325, { interlaced: true }), 'png 403×325, as it is'],
  [
    'an interlaced 2-bit PNG',
    'a.png',
    () => png(321, 333, { interlaced: true, colourType: 3, depth: 2 }),
    'png 321×333, as it is',
  ],
  ['a PNG that is called .jpg', 'a.jpg', () => fine, 'png 400×400, as it is'],
  ['a JPEG that is called .png', 'a.png', small, 'jpeg 400×320, as it is'],
  ['a JPEG without an extension', 'upload', small, 'jpeg 400×320, as it is'],
  ['a JPEG that says it is upright', 'a.jpg', async () => withOrientation(await small(), 1), 'jpeg 400×320, as it is'],
  [
    'a JPEG with a broken orientation',
    'a.jpg',
    async () => withOrientation(await small(), 9),
    'jpeg 400×320, as it is',
  ],
  ['a JPEG of exactly 4.7 MB', 'a.jpg', async () => padJpeg(await small(), 4_928_307), 'jpeg 400×320, as it is'],
  ['a PNG of exactly 4.7 MB', 'a.png', () => padPng(fine, 4_928_307), 'png 400×400, as it is'],
  [
    'a JPEG one byte larger',
    'a.jpg',
    async () => padJpeg(await small(), 4_928_308),
    'jpeg 400×320, changed: a.jpg 4.7 MB → 2 kB JPEG, 400×320',
  ],
  [
    'a PNG of exactly 15 MB',
    'a.png',
    () => padPng(fine, 15_728_640),
    'jpeg 400×400, changed: a.png 15.0 MB → 2 kB JPEG, 400×400',
  ],
  [
    'a JPEG stored on its side',
    'a.jpg',
    async () => withOrientation(await small(), 6),
    'jpeg 320×400, changed: a.jpg 2 kB → 2 kB JPEG, 320×400, turned upright',
  ],
  [
    'a PNG stored upside down',
    'a.png',
    () => png(400, 320, { chunks: [pngChunk('eXIf', exifBlock(3, 'II'))] }),
    'jpeg 400×320, changed: a.png 490 bytes → 2 kB JPEG, 400×320, turned upright',
  ],
  [
    'a CMYK JPEG',
    'a.jpg',
    () => cmyk,
    'jpeg 480×320, as it is: a.jpg is in print colours (CMYK), whose colours may change',
  ],
  [
    'an animated PNG',
    'a.png',
    () => png(400, 400, { chunks: [pngChunk('acTL', Buffer.alloc(8, 1))] }),
    'png 400×400, as it is: a.png: it is animated, and only its still picture is used',
  ],
  [
    'a motion photo',
    'a.jpg',
    async () => Buffer.concat([await small(), box('mp42')]),
    'jpeg 400×320, changed: a.jpg: 416 bytes after the end of the picture were left out',
  ],
  [
    'a PNG with an archive behind it',
    'a.png',
    () => Buffer.concat([fine, text('PK\x03\x04 secret')]),
    'png 400×400, changed: a.png: 11 bytes after the end of the picture were left out',
  ],
  [
    'a PNG that leaves a little too much',
    'a.png',
    () => png(400, 400, { rows: Buffer.alloc(400 * 1201 + 500) }),
    'png 400×400, as it is',
  ],
];

const refused: readonly Row[] = [
  [
    'one column too many',
    'a.png',
    () => png(4097, 4096, { colourType: 0 }),
    'a.png is 4097×4096 pixels; the limit is 4096×4096.',
  ],
  ['one row too many', 'a.jpg', () => jpegSaying(3000, 4097), 'a.jpg is 3000×4097 pixels; the limit is 4096×4096.'],
  [
    'one column too few',
    'a.jpg',
    () => makeJpeg(319, 400),
    'a.jpg is 319×400 pixels; the shortest side must be at least 320.',
  ],
  ['one row too few', 'a.png', () => png(400, 319), 'a.png is 400×319 pixels; the shortest side must be at least 320.'],
  [
    'too wide',
    'a.png',
    () => png(961, 320),
    'a.png is 961×320 pixels, so its long side is 3.01 times the short one; the limit is 3 times.',
  ],
  [
    'too tall',
    'a.jpg',
    () => jpegSaying(1365, 4096),
    'a.jpg is 1365×4096 pixels, so its long side is 3.01 times the short one; the limit is 3 times.',
  ],
  [
    'too narrow once turned',
    'a.jpg',
    async () => withOrientation(await makeJpeg(961, 320), 8),
    'a.jpg is 320×961 pixels, so its long side is 3.01 times the short one; the limit is 3 times.',
  ],
  [
    'one byte over 15 MB',
    'a.png',
    () => padPng(fine, 15_728_641),
    'a.png is 15,728,641 bytes (15.0 MB); the limit is 15,728,640 bytes (15 MB).',
  ],
  [
    'a bomb by its header',
    'a.png',
    () => png(50_000, 50_000, { rows: Buffer.alloc(5000) }),
    'a.png is 50000×50000 pixels; the limit is 4096×4096.',
  ],
  [
    'a bomb behind an honest header',
    'a.png',
    () => png(400, 400, { rows: Buffer.alloc(50_000_000) }),
    'a.png is not a valid PNG: it unpacks to more than the 400×400 pixels in its header.',
  ],
  [
    'a PNG of no size',
    'a.png',
    () => png(0, 400, { rows: Buffer.alloc(1) }),
    'a.png is 0×400 pixels, which is not a picture.',
  ],
  ['a JPEG of no height', 'a.jpg', () => jpegSaying(400, 0), 'a.jpg is 400×0 pixels, which is not a picture.'],
  [
    'a JPEG cut in its pixels',
    'a.jpg',
    async () => (await small()).subarray(0, -100),
    'a.jpg is cut off: the end of the JPEG is missing.',
  ],
  [
    'a JPEG cut in its header',
    'a.jpg',
    async () => (await small()).subarray(0, 100),
    'a.jpg is cut off: the end of the JPEG is missing.',
  ],
  ['a JPEG with a hole', 'a.jpg', async () => broken(await small(), 20, 0), 'a.jpg cannot be decoded: it is damaged.'],
  [
    'a JPEG of markers only',
    'a.jpg',
    () => Buffer.from([0xff, 0xd8, 0xff, 0xd9]),
    'a.jpg is damaged: it is a JPEG without a picture in it.',
  ],
  [
    'a JPEG without a frame',
    'a.jpg',
    () => Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2, 1, 0xff, 0xd9]),
    'a.jpg is damaged: its JPEG data has no frame header.',
  ],
  [
    'a lossless JPEG',
    'a.jpg',
    async () => {
      const jpeg = await small();
      return broken(jpeg, frameOf(jpeg) + 1, 0xc3);
    },
    'a.jpg is a rare kind of JPEG (lossless, arithmetic, 12-bit or two colours) that the service may not read.',
  ],
  [
    'a JPEG that cannot be decoded',
    'a.jpg',
    async () => {
      const jpeg = await makeJpeg(400, 320);
      return withOrientation(broken(jpeg, frameOf(jpeg) + 11, 0x77), 6);
    },
    'a.jpg cannot be decoded: it is damaged.',
  ],
  [
    'a large CMYK JPEG',
    'a.jpg',
    () => padJpeg(cmyk, 6_000_000),
    'a.jpg is a JPEG in print colours (CMYK) and 5.7 MB (over 4.7 MB); only RGB and grey pictures can be made smaller, turned or repaired.',
  ],
  [
    'a CMYK JPEG on its side',
    'a.jpg',
    () => withOrientation(cmyk, 6),
    'a.jpg is a JPEG in print colours (CMYK) and stored on its side; only RGB and grey pictures can be made smaller, turned or repaired.',
  ],
  [
    'a PNG without its end',
    'a.png',
    () => png(400, 400, { noEnd: true }),
    'a.png is cut off: the end of the PNG is missing.',
  ],
  ['a PNG cut in its pixels', 'a.png', () => fine.subarray(0, -30), 'a.png is cut off: the end of the PNG is missing.'],
  [
    'a PNG with a wrong sum',
    'a.png',
    () => broken(fine, 50, 0x77),
    'a.png is damaged: the checksum of its PNG chunk IDAT is wrong.',
  ],
  [
    'a PNG that lacks rows',
    'a.png',
    () => png(400, 400, { rows: Buffer.alloc(pngRowBytes({ width: 400, height: 399 })) }),
    'a.png is cut off: rows of the PNG are missing.',
  ],
  [
    'an interlaced PNG that lacks its last byte',
    'a.png',
    () => {
      const size = { width: 403, height: 325, interlaced: true };
      return makePng({ ...size, rows: Buffer.alloc(pngRowBytes(size) - 1) });
    },
    'a.png is cut off: rows of the PNG are missing.',
  ],
  [
    'a PNG whose pixels are not packed',
    'a.png',
    () => Buffer.concat([fine.subarray(0, 33), pngChunk('IDAT', text('no zlib')), pngChunk('IEND', Buffer.alloc(0))]),
    'a.png is damaged: the pixels of the PNG cannot be unpacked.',
  ],
  [
    'a PNG without pixels',
    'a.png',
    () => Buffer.concat([fine.subarray(0, 33), pngChunk('IEND', Buffer.alloc(0))]),
    'a.png is damaged: it is a PNG without a picture in it.',
  ],
  [
    'a PNG without a header',
    'a.png',
    () => Buffer.concat([PNG_SIGNATURE, pngChunk('IDAT', deflateSync('x'))]),
    'a.png is damaged: it is a PNG without a header.',
  ],
  ['a PNG of 3 bits', 'a.png', () => png(400, 400, { depth: 3 }), 'a.png is damaged: its PNG header is not valid.'],
];

describe('taken', () => {
  test.each(taken)('%s', async (_claim, fileName, make, expected) => {
    expect(await verdict(fileName, await make())).toBe(expected);
  });
});

describe('refused', () => {
  test.each(refused)('%s', async (_claim, fileName, make, expected) => {
    expect(await verdict(fileName, await make())).toBe(expected);
  });
});
