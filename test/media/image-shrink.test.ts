/** Does a picture that is too large come out within the limit, upright and in its ratio, while the server answers? */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImageBytes, type ImageRules, loadImage } from '../../src/media/image.ts';
import type { Orientation } from '../../src/media/image-exif.ts';
import { encodeToFit } from '../../src/media/image-fit.ts';
import { scaleDown } from '../../src/media/image-pixels.ts';
import { shrinkPicture } from '../../src/media/image-shrink.ts';
import {
  buildImageWorker,
  type DecodedPicture,
  decodeJpeg,
  makeJpeg,
  makeNoisePng,
  makePng,
  withOrientation,
} from '../support/pictures.ts';

let folder: string;
let rules: ImageRules;
let workerFile: URL;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-shrink-'));
  workerFile = await buildImageWorker();
  rules = {
    workingDir: folder,
    imageDirs: undefined,
    outputDir: undefined,
    homeDir: folder,
    unrestricted: true,
    shrink: { workerFile },
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(fileURLToPath(new URL('.', workerFile)), { recursive: true });
});

function brightness({ data, width, height }: DecodedPicture, x: number, y: number): number[] {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
  return [...data.slice(at, at + 3)];
}

async function load(fileName: string, bytes: Buffer): Promise<ImageBytes> {
  await writeFile(join(folder, fileName), bytes);
  const image = await loadImage(fileName, 'image', rules);
  if (image.kind === 'url') throw new Error('a URL');
  return image;
}

test('15 MB of noise at 4096×3072 come out under the limit, the right way up, while the event loop runs', async () => {
  const noise = makeNoisePng();
  expect(noise.length).toBeGreaterThan(14_000_000);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const image = await load('noise.png', noise);
  delay.disable();
  expect(image).toMatchObject({ width: 4096, height: 3072, format: 'jpeg' });
  expect(image.bytes.length).toBeLessThanOrEqual(4_928_307);
  expect(image.bytes.length).toBeGreaterThan(4_000_000);
  expect(image.note).toMatch(/^noise\.png 1[45]\.\d MB → 4\.\d MB JPEG, 4096×3072$/);
  const decoded = await decodeJpeg(image.bytes);
  expect([decoded.width, decoded.height]).toEqual([4096, 3072]);
  expect(Math.min(...brightness(decoded, 0.1, 0.1))).toBeGreaterThan(240);
  const meanOfBottom = decoded.data.slice(-4096 * 400).reduce((sum, value) => sum + value, 0) / (4096 * 400);
  expect(meanOfBottom).toBeLessThan(200);
  expect(delay.max / 1e6).toBeLessThan(1000);
}, 60_000);

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
  const job = { bytes: png, format: 'png', orientation: 1, maxBytes: 1_000_000 } as const;
  const made = await shrinkPicture(job, 'a.png', { workerFile });
  const decoded = await decodeJpeg(Buffer.from(made.bytes));
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
  const job = { bytes: Buffer.alloc(9), format: 'jpeg', orientation: 1, maxBytes: 1_000_000 } as const;
  const endless = new URL('data:text/javascript,setInterval(() => {}, 1000)');
  const controller = new AbortController();
  const reason = new Error('gone');
  const running = shrinkPicture(job, 'a.jpg', { workerFile: endless }, controller.signal);
  setTimeout(() => controller.abort(reason), 5);
  await expect(running).rejects.toBe(reason);
  await expect(shrinkPicture(job, 'a.jpg', { workerFile: endless, timeoutMs: 5 })).rejects.toThrow(
    'a.jpg could not be made smaller within 0.005 s.',
  );
});

test('a decoder that ends without an answer is told as a damaged picture', async () => {
  const job = { bytes: Buffer.alloc(9), format: 'jpeg', orientation: 1, maxBytes: 1_000_000 } as const;
  const silent = new URL('data:text/javascript,process.exit(3)');
  await expect(shrinkPicture(job, 'a.jpg', { workerFile: silent })).rejects.toThrow('a.jpg cannot be decoded');
});
