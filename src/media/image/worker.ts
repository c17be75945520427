/** Decodes or encodes one picture in a thread of its own, then ends. Each codec is loaded only when it is needed. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import avifFile from '@jsquash/avif/codec/dec/avif_dec.wasm';
import decodeAvif, { init as initAvifDecoder } from '@jsquash/avif/decode.js';
import decoderFile from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import encoderFile from '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm';
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js';
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js';
import pngFile from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import decodePng, { init as initPngDecoder } from '@jsquash/png/decode.js';
import webpFile from '@jsquash/webp/codec/dec/webp_dec.wasm';
import decodeWebp, { init as initWebpDecoder } from '@jsquash/webp/decode.js';
import { decodeFrame } from 'modern-gif';
import { convertToSrgb, isSrgb, matrixProfile } from './colour.ts';
import type { Decoded, DecodeJob, EncodeJob } from './convert.ts';
import { type Encode, encodeToFit, type Jpeg } from './fit.ts';
import { profileCost, withProfile } from './jpeg.ts';
import { flattenOnWhite, type Pixels, turnUpright } from './pixels.ts';

type Decode = (bytes: ArrayBuffer) => Promise<{ data: ArrayLike<number>; width: number; height: number }>;

const job: DecodeJob | EncodeJob = workerData;
const codecMessages: string[] = [];

function readCodec(fileName: string): Buffer {
  return readFileSync(new URL(fileName, import.meta.url));
}

/** The codecs print warnings on the console, whose stdout belongs to the protocol. */
function quietly(fileName: string): object {
  return { wasmBinary: readCodec(fileName), print: () => {}, printErr: (line: string) => codecMessages.push(line) };
}

const DECODERS: Readonly<Record<DecodeJob['format'], Decode>> = {
  async jpeg(bytes) {
    await initJpegDecoder(quietly(decoderFile));
    return decodeJpeg(bytes, { preserveOrientation: false });
  },
  async png(bytes) {
    await initPngDecoder(readCodec(pngFile));
    return decodePng(bytes);
  },
  async webp(bytes) {
    await initWebpDecoder(quietly(webpFile) as never);
    return decodeWebp(bytes);
  },
  async avif(bytes) {
    await initAvifDecoder(quietly(avifFile) as never);
    return decodeAvif(bytes) as ReturnType<Decode>;
  },
  async gif(bytes) {
    const frame = decodeFrame(bytes, 0);
    if (frame === undefined) throw new Error('the GIF has no frame');
    return frame;
  },
};

async function decode({ bytes, format, orientation, profile }: DecodeJob): Promise<Decoded> {
  const { data, width, height } = await DECODERS[format](bytes);
  const array = data as Uint8ClampedArray;
  const pixels = { data: new Uint8Array(array.buffer, array.byteOffset, array.byteLength), width, height };
  const wasTransparent = flattenOnWhite(pixels);
  const icc = profile && Buffer.from(profile);
  const matrix = icc && matrixProfile(icc);
  const isConverted = matrix !== undefined && !isSrgb(matrix);
  if (isConverted) convertToSrgb(pixels, matrix);
  return {
    ...turnUpright(pixels, orientation),
    wasTransparent,
    isConverted,
    isCutOff: codecMessages.some((line) => line.includes('premature end')),
    // A profile of tables is kept: the pixels are still in its colours. One of greys or inks does not fit RGB pixels.
    profile: matrix === undefined && icc?.toString('latin1', 16, 20) === 'RGB ' ? profile : undefined,
  };
}

/** With its width and height halved, the colour still has every pixel of the largest video (1920×1088). */
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

async function encode({ pixels, maxBytes, profile }: EncodeJob): Promise<Jpeg> {
  await initJpegEncoder(quietly(encoderFile));
  if (profile === undefined) return encodeToFit(pixels, maxBytes, encoderFor(pixels));
  const jpeg = await encodeToFit(pixels, maxBytes - profileCost(profile), encoderFor(pixels));
  // A copy: a small Buffer lies in a pool that cannot be transferred.
  return { ...jpeg, bytes: new Uint8Array(withProfile(jpeg.bytes, profile)) };
}

const outcome = job.step === 'decode' ? await decode(job) : await encode(job);
parentPort?.postMessage(outcome, [('data' in outcome ? outcome.data : outcome.bytes).buffer as ArrayBuffer]);
