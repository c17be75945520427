/** What every decoder reads is taken: the damage is left out of the bytes that are sent, and the notes say so. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePictureFolder, type PictureFolder } from '../../../support/picture-folder.ts';
import {
  decodeJpeg,
  decodePng,
  exifBlock,
  makeJpeg,
  makePng,
  pngChunk,
  withOrientation,
} from '../../../support/pictures.ts';

let pictures: PictureFolder;
beforeAll(async () => {
  pictures = await makePictureFolder(true);
});
afterAll(() => pictures.remove());

const load: PictureFolder['load'] = (...given) => pictures.load(...given);

const insert = (bytes: Buffer, at: number, more: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);

test.each([1, 2])('a JPEG without the last %i bytes, its end marker, is completed', async (missing) => {
  for (const progressive of [false, true]) {
    const whole = await makeJpeg(400, 320, { progressive });
    const image = await load('a.jpg', whole.subarray(0, -missing));
    expect(image.bytes.equals(whole)).toBe(true);
    expect(image.notes).toEqual(['a.jpg: its missing JPEG end marker was added']);
  }
});

test.each([3, 20, 200])('a JPEG that lacks pixels, too (the last %i bytes), is refused as cut off', async (missing) => {
  const cut = (await makeJpeg(400, 320)).subarray(0, -missing);
  await expect(load('a.jpg', cut)).rejects.toThrow('a.jpg is cut off: the end of the JPEG is missing.');
});

test('stray bytes before a marker of a JPEG are left out', async () => {
  const whole = await makeJpeg(400, 320);
  const table = whole.indexOf(Buffer.from([0xff, 0xdb]));
  const image = await load('a.jpg', insert(whole, table, Buffer.from([0, 1, 0xff, 0, 7])));
  expect(image.bytes.equals(whole)).toBe(true);
  expect(image.notes).toEqual(['a.jpg: 5 bytes that belong to no part of the JPEG were left out']);
});

test('a JPEG whose EXIF says that it is shorter than it is is taken', async () => {
  const jpeg = withOrientation(await makeJpeg(400, 320), 1);
  jpeg.writeUInt16BE(jpeg.readUInt16BE(4) - 6, 4);
  const image = await load('a.jpg', jpeg);
  const { width, height } = await decodeJpeg(image.bytes);
  expect([width, height]).toEqual([400, 320]);
  expect(image.notes).toEqual(['a.jpg: 6 bytes that belong to no part of the JPEG were left out']);
});

test('a PNG chunk with a wrong checksum is left out where no decoder needs it', async () => {
  const fine = makePng({ width: 400, height: 320 });
  const wrong = (type: string, content: string | Buffer) => {
    const chunk = pngChunk(type, Buffer.from(content));
    chunk[chunk.length - 1] = (chunk.at(-1) as number) ^ 1;
    return chunk;
  };
  const chunks = [wrong('tEXt', 'Comment\0x'), wrong('eXIf', exifBlock(6))];
  const image = await load('a.png', makePng({ width: 400, height: 320, chunks }));
  expect(image.bytes.equals(fine)).toBe(true);
  expect(image.notes).toEqual(['a.png: damaged PNG chunks that no decoder needs were left out (tEXt, eXIf)']);
  expect((await decodePng(image.bytes)).width).toBe(400);
});

test('transparent parts become white below and above the size limit', async () => {
  const clear = makePng({ width: 400, height: 320, colourType: 6 });
  const large = makePng({
    width: 400,
    height: 320,
    colourType: 6,
    chunks: [pngChunk('tEXt', Buffer.alloc(5_000_000))],
  });
  for (const png of [clear, large]) {
    const image = await load('a.png', png);
    expect(image.notes[0]).toMatch(/ JPEG, 400×320, transparent parts made white$/);
    expect([...(await decodeJpeg(image.bytes)).data.slice(0, 3)]).toEqual([255, 255, 255]);
  }
});
