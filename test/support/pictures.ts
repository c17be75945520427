/** Makes the tests' pictures: real PNG, JPEG, WebP, AVIF and GIF of every size and kind, whole and broken. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, crc32, deflateSync } from 'node:zlib';
import encodeAvifPixels, { init as initAvifEncoder } from '@jsquash/avif/encode.js';
import decodeJpegPixels, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js';
import encodeJpegPixels, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js';
import decodePngPixels, { init as initPngDecoder } from '@jsquash/png/decode.js';
import encodeWebpPixels, { init as initWebpEncoder } from '@jsquash/webp/encode.js';
import { build } from 'esbuild';
import { encode as encodeGif } from 'modern-gif';

export interface DecodedPicture {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface PngOptions {
  readonly width: number;
  readonly height: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA; RGB unless given. */
  readonly colourType?: number;
  readonly depth?: number;
  readonly interlaced?: boolean;
  /** The rows' bytes; all zero unless given. */
  readonly fill?: (rows: Buffer) => void;
  /** What IDAT inflates to, where it is not to be what the header says. */
  readonly rows?: Buffer;
  /** Whole chunks between IHDR and IDAT. */
  readonly chunks?: readonly Buffer[];
  readonly noEnd?: boolean;
}

export const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export function pngChunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const chunk = Buffer.alloc(content.length + 12);
  chunk.writeUInt32BE(content.length, 0);
  named.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(named), chunk.length - 4);
  return chunk;
}

/** How many bytes the rows take, filter bytes included. */
export function pngRowBytes({ width, height, colourType = 2, depth = 8, interlaced = false }: PngOptions): number {
  const bits = (SAMPLES[colourType] ?? 0) * depth;
  const size = (columns: number, rows: number) => (columns > 0 ? rows * (1 + Math.ceil((columns * bits) / 8)) : 0);
  if (!interlaced) return size(width, height);
  // The seven passes, counted on the 8×8 pattern of the specification instead of by formula.
  const pattern = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777'];
  let total = 0;
  for (const pass of '1234567') {
    const columns = countUpTo(width, (x) => pattern.some((row) => row[x % 8] === pass));
    const rows = countUpTo(height, (y) => (pattern[y % 8] as string).includes(pass));
    total += size(columns, rows);
  }
  return total;
}

function countUpTo(end: number, holds: (index: number) => boolean): number {
  let count = 0;
  for (let index = 0; index < end; index += 1) if (holds(index)) count += 1;
  return count;
}

export function makePng(options: PngOptions): Buffer {
  const { width, height, colourType = 2, depth = 8, interlaced = false } = options;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const rows = options.rows ?? Buffer.alloc(pngRowBytes(options));
  if (!options.rows) options.fill?.(rows);
  const palette = colourType === 3 ? [pngChunk('PLTE', Buffer.alloc(48, 0x60))] : [];
  // Noise does not repeat: Huffman codes alone are as small, and ten times as fast.
  const packed = deflateSync(rows, options.fill ? { strategy: constants.Z_HUFFMAN_ONLY } : {});
  const end = options.noEnd ? [] : [pngChunk('IEND', Buffer.alloc(0))];
  const chunks = [...palette, ...(options.chunks ?? []), pngChunk('IDAT', packed), ...end];
  return Buffer.concat([PNG_SIGNATURE, pngChunk('IHDR', header), ...chunks]);
}

/** Repeatable noise: every byte is one of `levels` values, spread over 0–255. */
export function fillWithNoise(target: Uint8Array, levels: readonly number[]): void {
  let state = 0x2545f491;
  for (let at = 0; at < target.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const count = levels[at % levels.length] as number;
    target[at] = Math.floor(((state >>> 8) % count) * (255 / (count - 1)));
  }
}

/**
 * Noise that hardly compresses: a white block in the upper left corner shows the orientation. 4096×3072 of 9 levels are
 * just under 15 MB.
 * @param levels values a byte; 256 do not pack at all
 * @param depth bits a channel, 8 or 16: 16 make twice the bytes of the same number of pixels
 */
export function makeNoisePng(width = 4096, height = 3072, levels = 9, depth = 8): Buffer {
  const pixelBytes = (3 * depth) / 8;
  const rowBytes = width * pixelBytes + 1;
  const fill = (rows: Buffer) => {
    fillWithNoise(rows, [levels]);
    for (let row = 0; row < height; row += 1) {
      rows[row * rowBytes] = 0;
      if (row < height / 4) rows.fill(255, row * rowBytes + 1, row * rowBytes + 1 + (width / 4) * pixelBytes);
    }
  };
  return makePng({ width, height, depth, fill });
}

/** Grows a PNG to exactly `bytes` with a private chunk that decoders pass over. */
export function padPng(png: Buffer, bytes: number): Buffer {
  const endChunkBytes = 12;
  const padding = pngChunk('paDd', Buffer.alloc(bytes - png.length - 12));
  return Buffer.concat([png.subarray(0, -endChunkBytes), padding, png.subarray(-endChunkBytes)]);
}

/** Left half dark, right half bright, the upper left eighth green: any rotation or mirroring is detectable. */
export async function makeJpeg(width: number, height: number, options: object = {}): Promise<Buffer> {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  const words = new Uint32Array(data.buffer);
  for (let y = 0; y < height; y += 1) {
    words.fill(0xff202020, y * width, y * width + width / 2);
    words.fill(0xffe0e0e0, y * width + width / 2, (y + 1) * width);
    if (y < height / 4) words.fill(0xff00c000, y * width, y * width + width / 4);
  }
  await initJpegEncoder(await codec('jpeg/codec/enc/mozjpeg_enc.wasm'));
  const picture = { data, width, height, colorSpace: 'srgb' };
  return Buffer.from(await encodeJpegPixels(picture as never, { quality: 80, progressive: false, ...options }));
}

function jpegSegment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function afterStart(jpeg: Buffer, segments: readonly Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

/** The bytes of an EXIF block with an orientation only. */
export function exifBlock(orientation: number, order: 'II' | 'MM' = 'MM'): Buffer {
  const block = Buffer.alloc(26);
  const little = order === 'II';
  const put16 = (value: number, at: number) =>
    little ? block.writeUInt16LE(value, at) : block.writeUInt16BE(value, at);
  const put32 = (value: number, at: number) =>
    little ? block.writeUInt32LE(value, at) : block.writeUInt32BE(value, at);
  block.write(order, 0, 'latin1');
  put16(42, 2);
  put32(8, 4);
  put16(1, 8);
  put16(0x0112, 10);
  put16(3, 12);
  put32(1, 14);
  put16(orientation, 18);
  return block;
}

export function withOrientation(jpeg: Buffer, orientation: number, order: 'II' | 'MM' = 'MM'): Buffer {
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exifBlock(orientation, order)]);
  return afterStart(jpeg, [jpegSegment(0xe1, exif)]);
}

/** Grows a JPEG to exactly `bytes` with comments that decoders pass over. */
export function padJpeg(jpeg: Buffer, bytes: number): Buffer {
  const segments: Buffer[] = [];
  let missing = bytes - jpeg.length;
  while (missing > 0) {
    const size = missing > 65_537 ? Math.min(65_000, missing - 4) : missing;
    segments.push(jpegSegment(0xfe, Buffer.alloc(size - 4, 0x20)));
    missing -= size;
  }
  return afterStart(jpeg, segments);
}

export async function decodeJpeg(bytes: Buffer): Promise<DecodedPicture> {
  await initJpegDecoder(await codec('jpeg/codec/dec/mozjpeg_dec.wasm'));
  return decodeJpegPixels(new Uint8Array(bytes).buffer) as unknown as Promise<DecodedPicture>;
}

export async function decodePng(bytes: Buffer): Promise<DecodedPicture> {
  await initPngDecoder(
    await readFile(createRequire(import.meta.url).resolve('@jsquash/png/codec/pkg/squoosh_png_bg.wasm')),
  );
  return decodePngPixels(new Uint8Array(bytes).buffer) as unknown as Promise<DecodedPicture>;
}

async function codec(file: string): Promise<object> {
  const path = createRequire(import.meta.url).resolve(`@jsquash/${file}`);
  return { wasmBinary: await readFile(path), printErr: () => {} };
}

/** The worker as the release builds it, in a new temporary folder: for `rules.threads.workerFile`. */
export async function buildImageWorker(): Promise<URL> {
  const outdir = await mkdtemp(join(tmpdir(), 'image-worker-'));
  await writeFile(join(outdir, 'package.json'), '{"type":"module"}');
  await build({
    entryPoints: { 'image-worker': 'src/media/image/worker.ts' },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.13',
    loader: { '.wasm': 'file' },
    logLevel: 'error',
  });
  return pathToFileURL(join(outdir, 'image-worker.js'));
}

/** ICC primaries of Display P3 under D50, as Apple's profile has them. */
const DISPLAY_P3 = {
  rXYZ: [0.51512, 0.2412, -0.00105],
  gXYZ: [0.29198, 0.69225, 0.04189],
  bXYZ: [0.1571, 0.06657, 0.78407],
};
/** The sRGB curve as a parametric curve of type 3: ICC.1:2022, table 68. */
const SRGB_CURVE = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];

/** Display P3; with `hasMatrix` false one that says nothing of its primaries, as table-based profiles do. */
export function displayP3Profile(hasMatrix = true): Buffer {
  const fixed = (values: readonly number[]) => {
    const content = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => {
      content.writeInt32BE(Math.round(value * 65_536), index * 4);
    });
    return content;
  };
  const primaries = Object.entries(DISPLAY_P3).map(
    ([name, xyz]) => [name, Buffer.concat([Buffer.from('XYZ \0\0\0\0', 'latin1'), fixed(xyz)])] as const,
  );
  const curve = Buffer.concat([Buffer.from('para\0\0\0\0\0\x03\0\0', 'latin1'), fixed(SRGB_CURVE)]);
  const curves = ['rTRC', 'gTRC', 'bTRC'].map((name) => [name, curve] as const);
  const tags = hasMatrix ? [...primaries, ...curves] : [];
  const head = Buffer.alloc(132 + tags.length * 12);
  head.write('mntrRGB XYZ ', 12, 'latin1');
  head.write('acsp', 36, 'latin1');
  head.writeUInt32BE(tags.length, 128);
  let at = head.length;
  tags.forEach(([name, content], index) => {
    head.write(name, 132 + index * 12, 'latin1');
    head.writeUInt32BE(at, 136 + index * 12);
    head.writeUInt32BE(content.length, 140 + index * 12);
    at += content.length;
  });
  head.writeUInt32BE(at, 0);
  return Buffer.concat([head, ...tags.map(([, content]) => content)]);
}

export function withJpegProfile(jpeg: Buffer, profile: Buffer): Buffer {
  return afterStart(jpeg, [
    jpegSegment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), profile])),
  ]);
}

export async function encodeJpegOf(data: Uint8ClampedArray, width: number, height: number): Promise<Buffer> {
  await initJpegEncoder(await codec('jpeg/codec/enc/mozjpeg_enc.wasm'));
  return Buffer.from(await encodeJpegPixels({ data, width, height, colorSpace: 'srgb' } as never, { quality: 95 }));
}

/** Like `makeJpeg`, without loss; the right quarter may be transparent. */
function samplePixels(width: number, height: number, isTransparent: boolean): DecodedPicture {
  const data = new Uint8ClampedArray(width * height * 4);
  const words = new Uint32Array(data.buffer);
  for (let at = 0; at < words.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    words[at] = x < width / 4 && y < height / 4 ? 0xff00c000 : x < width / 2 ? 0xff202020 : 0xffe0e0e0;
    if (isTransparent && x >= width * 0.75) words[at] = 0x00202020;
  }
  return { data, width, height };
}

export async function makeWebp(width: number, height: number, isTransparent = false): Promise<Buffer> {
  await initWebpEncoder((await codec('webp/codec/enc/webp_enc_simd.wasm')) as never);
  return Buffer.from(await encodeWebpPixels(samplePixels(width, height, isTransparent) as never, { quality: 90 }));
}

export async function makeAvif(width: number, height: number, isTransparent = false): Promise<Buffer> {
  await initAvifEncoder((await codec('avif/codec/enc/avif_enc.wasm')) as never);
  return Buffer.from(
    await encodeAvifPixels(samplePixels(width, height, isTransparent) as never, { quality: 80, speed: 10 }),
  );
}

/** Two frames: the sample, then grey. */
export async function makeGif(width: number, height: number, isTransparent = false): Promise<Buffer> {
  const grey = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let at = 0; at < grey.length; at += 4) grey.fill(128, at, at + 3);
  const frames = [samplePixels(width, height, isTransparent).data, grey].map((data) => ({ data, delay: 100 }));
  return Buffer.from(await encodeGif({ width, height, frames }));
}
