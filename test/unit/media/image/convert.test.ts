/** A picture that is too large is encoded within the limit, upright and in its ratio, while the event loop runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePicture, encodeJpeg } from '../../../../src/media/image/convert.ts';
import type { Orientation } from '../../../../src/media/image/facts.ts';
import { encodeToFit } from '../../../../src/media/image/fit.ts';
import { scaleDown } from '../../../../src/media/image/pixels.ts';
import { makePictureFolder, type PictureFolder } from '../../../support/picture-folder.ts';
import {
  type DecodedPicture,
  decodeJpeg,
  makeJpeg,
  makeNoisePng,
  makePng,
  withOrientation,
} from '../../../support/pictures.ts';

let pictures: PictureFolder;
let workerFile: URL;
beforeAll(async () => {
  pictures = await makePictureFolder(true);
  workerFile = pictures.workerFile;
});
afterAll(() => pictures.remove());

function brightness({ data, width, height }: DecodedPicture, x: number, y: number): number[] {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
  return [...data.slice(at, at + 3)];
}

const load: PictureFolder['load'] = (...given) => pictures.load(...given);

test('noise comes out just under the limit, the right way up, while the event loop runs', async () => {
  // bench/shrink.mjs does it with 15 MB at 4096×3072.
  const [width, height, maxBytes] = [1280, 960, 480_000];
  const picture = { bytes: makeNoisePng(width, height), format: 'png', orientation: 1, profile: undefined } as const;
  expect(picture.bytes.length).toBeGreaterThan(maxBytes);
  let turns = 0;
  const turning = setInterval(() => {
    turns += 1;
  }, 10);
  const pixels = await decodePicture(picture, 'noise.png', { workerFile });
  const made = await encodeJpeg(pixels, maxBytes, 'noise.png', { workerFile });
  clearInterval(turning);
  expect(turns).toBeGreaterThan(10);
  expect(made).toMatchObject({ width, height });
  expect(made.bytes.length).toBeLessThanOrEqual(maxBytes);
  expect(made.bytes.length).toBeGreaterThan(0.85 * maxBytes);
  const decoded = await decodeJpeg(Buffer.from(made.bytes));
  expect([decoded.width, decoded.height]).toEqual([width, height]);
  expect(Math.min(...brightness(decoded, 0.1, 0.1))).toBeGreaterThan(240);
  const bottom = decoded.data.slice(-width * 400);
  expect(bottom.reduce((sum, value) => sum + value, 0) / bottom.length).toBeLessThan(200);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8] as Orientation[])('orientation %i is turned upright', async (orientation) => {
  // Where the green corner, top left as stored, has to be seen (EXIF 2.32, tag 0x0112).
  const corner = [[], [0, 0], [1, 0], [1, 1], [0, 1], [0, 0], [1, 0], [1, 1], [0, 1]][orientation] as number[];
  const image = await load(
    'turned.jpg',
    withOrientation(await makeJpeg(480, 320), orientation, orientation % 2 ? 'II' : 'MM'),
  );
  const decoded = await decodeJpeg(image.bytes);
  expect([image.width, image.height]).toEqual(orientation >= 5 ? [320, 480] : [480, 320]);
  expect([decoded.width, decoded.height]).toEqual([image.width, image.height]);
  const green = ([x = 0, y = 0]: number[]) => {
    const [red = 0, strength = 0, blue = 0] = brightness(decoded, x ? 0.95 : 0.05, y ? 0.95 : 0.05);
    return strength > 150 && red < 80 && blue < 80;
  };
  const corners = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  expect(corners.filter(green)).toEqual([corner]);
});

test('what is transparent becomes white, and 16 bits become 8', async () => {
  const fill = (rows: Buffer) => {
    for (let row = 0; row < 400; row += 1) rows.fill(255, row * 3201 + 1, row * 3201 + 1 + 1600);
  };
  const png = makePng({
    width: 400,
    height: 400,
    colourType: 6,
    depth: 16,
    fill,
  });
  const image = await load('a.png', png);
  expect(image.notes).toEqual([expect.stringMatching(/^a\.png .* JPEG, 400×400, transparent parts made white$/)]);
  const decoded = await decodeJpeg(image.bytes);
  expect(brightness(decoded, 0.2, 0.5)).toEqual([255, 255, 255]);
  expect(brightness(decoded, 0.8, 0.5)).toEqual([255, 255, 255]);
});

test('where no quality fits, the picture is scaled down in its ratio', async () => {
  const maxBytes = 100_000;
  // A made-up encoder: 4 bytes a pixel at quality 100, so that the search is seen, not the codec.
  const encode = async ({ width, height }: { width: number; height: number }, quality: number) =>
    new Uint8Array(Math.round(width * height * 0.04 * quality));
  const fitted = await encodeToFit({ data: new Uint8Array(900 * 600 * 4), width: 900, height: 600 }, maxBytes, encode);
  expect(fitted.bytes.length).toBeLessThanOrEqual(maxBytes);
  expect(fitted.bytes.length).toBeGreaterThan(maxBytes * 0.8);
  expect(fitted.width / fitted.height).toBeCloseTo(1.5, 1);
  expect(fitted.width).toBeLessThan(400);
});

test('scaling down keeps the mean of every part', () => {
  const data = new Uint8Array(6 * 4 * 4);
  for (let at = 0; at < data.length; at += 1) data[at] = at % 24 < 12 ? 40 : 200;
  const half = scaleDown({ data, width: 6, height: 4 }, 0.5);
  expect([half.width, half.height]).toEqual([3, 2]);
  expect([...half.data.slice(0, 12)].filter((_, at) => at % 4 === 0)).toEqual([40, 120, 200]);
});

test('a decoder that never ends is ended by the caller’s signal, or by the time limit with a sentence', async () => {
  const picture = { bytes: Buffer.alloc(9), format: 'jpeg', orientation: 1, profile: undefined } as const;
  const endless = new URL('data:text/javascript,setInterval(() => {}, 1000)');
  const controller = new AbortController();
  const reason = new Error('gone');
  const running = decodePicture(picture, 'a.jpg', { workerFile: endless, signal: controller.signal });
  setTimeout(() => controller.abort(reason), 5);
  await expect(running).rejects.toBe(reason);
  await expect(decodePicture(picture, 'a.jpg', { workerFile: endless, timeLimitMilliseconds: 5 })).rejects.toThrow(
    'a.jpg could not be decoded within 0.005 s.',
  );
});

test('a decoder that ends without a result is reported as a damaged picture', async () => {
  const picture = { bytes: Buffer.alloc(9), format: 'jpeg', orientation: 1, profile: undefined } as const;
  const silent = new URL('data:text/javascript,process.exit(3)');
  await expect(decodePicture(picture, 'a.jpg', { workerFile: silent })).rejects.toThrow('a.jpg cannot be decoded');
});

test('a decoder that fills its memory ends alone, with a sentence', async () => {
  const picture = { bytes: Buffer.alloc(9), format: 'jpeg', orientation: 1, profile: undefined } as const;
  const hungry = new URL('data:text/javascript,const all = []; for (;;) all.push(Array(1e6).fill({}));');
  await expect(decodePicture(picture, 'a.jpg', { workerFile: hungry })).rejects.toThrow(
    'a.jpg cannot be decoded: it takes too much memory.',
  );
});

test('a thread’s heap is limited', async () => {
  const picture = { bytes: Buffer.alloc(9), format: 'jpeg', orientation: 1, profile: undefined } as const;
  const code =
    'const { parentPort, resourceLimits } = require("node:worker_threads"); parentPort.postMessage(resourceLimits);';
  const asked = new URL(
    `data:text/javascript,import { createRequire } from 'node:module'; const require = createRequire('file:///x'); ${code}`,
  );
  const limits: unknown = await decodePicture(picture, 'a.jpg', { workerFile: asked });
  expect(limits).toMatchObject({ maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 });
});
