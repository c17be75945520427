/** Worker thread: draws one sandbox clip and sends its MP4. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import decoderFile from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js';
import pngFile from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import decodePng, { init as initPngDecoder } from '@jsquash/png/decode.js';
import { type Drawing, drawClip } from './draw.ts';
import { readFont } from './font.ts';
import type { Rgba } from './paint.ts';

/** Pictures as they were sent: JPEG or PNG. */
export interface ClipJob extends Omit<Drawing, 'images'> {
  readonly images: readonly Uint8Array[];
}

async function decode(bytes: Uint8Array): Promise<Rgba | undefined> {
  const codec = (fileName: string) => readFileSync(new URL(fileName, import.meta.url));
  const buffer = new Uint8Array(bytes).buffer;
  try {
    if (bytes[0] === 0xff) {
      await initJpegDecoder({ wasmBinary: codec(decoderFile), print: () => {}, printErr: () => {} });
      return pixelsOf(await decodeJpeg(buffer, { preserveOrientation: false }));
    }
    await initPngDecoder(codec(pngFile));
    return pixelsOf(await decodePng(buffer));
  } catch {
    // The service takes many a picture that this decoder does not; the label says that it is missing.
    return undefined;
  }
}

function pixelsOf({ data, width, height }: { data: ArrayLike<number>; width: number; height: number }): Rgba {
  const bytes = data as Uint8ClampedArray;
  return { data: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), width, height };
}

const job: ClipJob = workerData;
const images: (Rgba | undefined)[] = [];
for (const bytes of job.images) images.push(await decode(bytes));
const clip = await drawClip({ ...job, images }, readFont());
parentPort?.postMessage(clip, [clip.buffer as ArrayBuffer]);
