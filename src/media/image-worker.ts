/** What runs beside the server while a picture is decoded or encoded? One job, then the thread ends. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import decoderFile from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import encoderFile from '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm';
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js';
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js';
import pngFile from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import decodePng, { init as initPngDecoder } from '@jsquash/png/decode.js';
import { type Encode, encodeToFit, type Fitted } from './image-fit.ts';
import { flattenOnWhite, type Pixels, turnUpright } from './image-pixels.ts';
import type { DecodeJob, EncodeJob } from './image-shrink.ts';

const job: DecodeJob | EncodeJob = workerData;

function readCodec(fileName: string): Buffer {
  return readFileSync(new URL(fileName, import.meta.url));
}

/** The JPEG codecs warn of coarse tables on the console, whose stdout belongs to the protocol. */
function quietly(fileName: string): object {
  return { wasmBinary: readCodec(fileName), print: () => {}, printErr: () => {} };
}

async function decode({ bytes, format, orientation }: DecodeJob): Promise<Pixels> {
  if (format === 'jpeg') {
    await initJpegDecoder(quietly(decoderFile));
    return turnUpright(pixelsOf(await decodeJpeg(bytes, { preserveOrientation: false })), orientation);
  }
  await initPngDecoder(readCodec(pngFile));
  const pixels = pixelsOf(await decodePng(bytes));
  flattenOnWhite(pixels);
  return turnUpright(pixels, orientation);
}

function pixelsOf({ data, width, height }: { data: ArrayLike<number>; width: number; height: number }): Pixels {
  const bytes = data as Uint8ClampedArray;
  return { data: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), width, height };
}

/** At half its width and height the colour still has every pixel of the largest video (1920×1088). */
const HALVED_COLOUR_PIXELS = 4 * 1920 * 1088;

/**
 * Baseline, which every decoder reads and which took 3.4 s instead of 6.0 s for 4096×3072 of noise, 4 % larger. The
 * encoder keeps all coefficients twice: with the colour halved 4096×4096 takes 100 MB of them instead of 200 MB.
 */
function encoderFor({ width, height }: Pixels): Encode {
  const colour = width * height >= HALVED_COLOUR_PIXELS ? { auto_subsample: false, chroma_subsample: 2 } : {};
  return async (pixels, quality) =>
    new Uint8Array(await encodeJpeg(pixels as never, { quality, progressive: false, ...colour }));
}

async function run(): Promise<Pixels | Fitted> {
  if (job.step === 'decode') return decode(job);
  await initJpegEncoder(quietly(encoderFile));
  return encodeToFit(job.pixels, job.maxBytes, encoderFor(job.pixels));
}

const outcome = await run();
parentPort?.postMessage(outcome, [('data' in outcome ? outcome.data : outcome.bytes).buffer as ArrayBuffer]);
