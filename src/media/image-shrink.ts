/** How is a picture that is too large, or stored on its side, made anew without stopping the server? */
import { Worker } from 'node:worker_threads';
import { Problem } from '../problems.ts';
import { errorCode } from '../system/files.ts';
import type { Orientation } from './image-exif.ts';
import type { Fitted } from './image-fit.ts';
import type { Pixels } from './image-pixels.ts';

export interface ShrinkJob {
  readonly bytes: Buffer;
  readonly format: 'jpeg' | 'png';
  readonly orientation: Orientation;
  readonly maxBytes: number;
}

export interface DecodeJob {
  readonly step: 'decode';
  readonly bytes: ArrayBuffer;
  readonly format: 'jpeg' | 'png';
  readonly orientation: Orientation;
}

export interface EncodeJob {
  readonly step: 'encode';
  readonly pixels: Pixels;
  readonly maxBytes: number;
}

export interface ShrinkLimits {
  /** The built worker; beside the bundle, as the build puts it, unless given. */
  readonly workerFile?: URL | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Over four times what 4096×3072 of noise took on two busy cores (13 s). */
const TIMEOUT_MS = 60_000;

/**
 * Decodes, and encodes as a JPEG, upright, of at most `maxBytes`. The codecs are loaded only then.
 * @throws Problem; the signal's reason when it is aborted
 */
export async function shrinkPicture(
  job: ShrinkJob,
  shownName: string,
  limits: ShrinkLimits,
  signal?: AbortSignal,
): Promise<Fitted> {
  signal?.throwIfAborted();
  const timeoutMs = limits.timeoutMs ?? TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const workerFile = limits.workerFile ?? new URL('./image-worker.mjs', import.meta.url);
  const { format, orientation, maxBytes } = job;
  try {
    const bytes = new Uint8Array(job.bytes).buffer;
    const decodeJob: DecodeJob = { step: 'decode', bytes, format, orientation };
    const pixels = await runInThread<Pixels>(workerFile, decodeJob, [bytes], stop);
    const encodeJob: EncodeJob = { step: 'encode', pixels, maxBytes };
    return await runInThread<Fitted>(workerFile, encodeJob, [pixels.data.buffer as ArrayBuffer], stop);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) {
      throw new Problem('invalid_image', {
        what: `${shownName} could not be made smaller within ${timeoutMs / 1000} s.`,
        hint: 'save it as a JPEG of at most 4.7 MB',
        cause: error,
      });
    }
    if (errorCode(error) === 'MODULE_NOT_FOUND') throw new Problem('program_replaced', { cause: error });
    throw new Problem('invalid_image', {
      what: `${shownName} cannot be decoded: it is damaged.`,
      hint: 'save it again in an image program, as JPEG or PNG',
      cause: error,
    });
  }
}

/**
 * A thread for each step: WebAssembly memory never shrinks, and goes only with its thread. Decoding and encoding
 * 4096×4096 in one took 660 MB.
 */
async function runInThread<Outcome>(
  workerFile: URL,
  job: DecodeJob | EncodeJob,
  transferList: ArrayBuffer[],
  stop: AbortSignal,
): Promise<Outcome> {
  stop.throwIfAborted();
  // Without our environment, which holds the keys, and without our stdout, which belongs to the protocol.
  const worker = new Worker(workerFile, { workerData: job, transferList, env: {}, stdout: true, stderr: true });
  const ended = new AbortController();
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason), { signal: ended.signal });
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the decoder ended with code ${code}`)));
    });
  } finally {
    ended.abort();
    await worker.terminate();
  }
}
