/** Decodes and encodes pictures in threads, so that the server goes on answering. */

import { Problem } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { startThread } from '../../system/thread.ts';
import type { Orientation } from './facts.ts';
import type { Jpeg } from './fit.ts';
import type { DecodableFormat } from './formats.ts';
import type { Pixels } from './pixels.ts';

export interface DecodeJob {
  readonly step: 'decode';
  readonly bytes: ArrayBuffer;
  readonly format: DecodableFormat;
  readonly orientation: Orientation;
  readonly profile: Uint8Array | undefined;
}

/** Opaque, upright, in sRGB unless `profile` is given. */
export interface Decoded extends Pixels {
  readonly wasTransparent: boolean;
  /** From the colours of its profile to sRGB. */
  readonly isConverted: boolean;
  readonly isCutOff: boolean;
  /** The profile that the pixels are still in. */
  readonly profile: Uint8Array | undefined;
}

export interface EncodeJob {
  readonly step: 'encode';
  readonly pixels: Pixels;
  readonly maxBytes: number;
  readonly profile: Uint8Array | undefined;
}

export interface ThreadOptions {
  /** The built worker; beside the bundle, where the build puts it, unless given. */
  readonly workerFile?: URL | undefined;
  /** For one decoding or one encoding. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Over four times what 4096×3072 of noise took on two busy cores (13 s). */
const TIMEOUT_MS = 60_000;
/** The threads' own objects are small. Pixels lie outside this heap; the size in the picture's header bounds them. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 };

/** @throws Problem invalid_image; the signal's reason when it is aborted */
export async function decodePicture(
  picture: Omit<DecodeJob, 'step' | 'bytes'> & { readonly bytes: Uint8Array },
  shownName: string,
  options: ThreadOptions,
): Promise<Decoded> {
  const bytes = new Uint8Array(picture.bytes).buffer;
  const profile = picture.profile && new Uint8Array(picture.profile);
  return await runInThread<Decoded>({ step: 'decode', ...picture, bytes, profile }, [bytes], shownName, options);
}

/**
 * Encodes pixels as a baseline JPEG of at most `maxBytes`, scaled down only where no quality fits. Takes the pixels'
 * memory: they cannot be used afterwards.
 * @throws Problem invalid_image; the signal's reason when it is aborted
 */
export async function encodeJpeg(
  pixels: Pixels,
  maxBytes: number,
  shownName: string,
  options: ThreadOptions & { readonly profile?: Uint8Array | undefined },
): Promise<Jpeg> {
  const { data, width, height } = pixels;
  const whole = data.byteLength === data.buffer.byteLength ? data : data.slice();
  const job: EncodeJob = { step: 'encode', pixels: { data: whole, width, height }, maxBytes, profile: options.profile };
  return await runInThread<Jpeg>(job, [whole.buffer as ArrayBuffer], shownName, options);
}

/**
 * One thread for each step: WebAssembly memory never shrinks, and is freed only with its thread. Decoding and encoding
 * 4096×4096 in one took 660 MB.
 */
async function runInThread<Outcome>(
  job: DecodeJob | EncodeJob,
  transferList: ArrayBuffer[],
  shownName: string,
  { workerFile, timeoutMs = TIMEOUT_MS, signal }: ThreadOptions,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const worker = startThread(workerFile ?? new URL('./image-worker.mjs', import.meta.url), {
    workerData: job,
    transferList,
    resourceLimits: HEAP_LIMITS,
  });
  const ended = new AbortController();
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason), { signal: ended.signal });
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread ended with code ${code}`)));
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (errorCode(error) === 'MODULE_NOT_FOUND') throw new Problem('program_replaced', { cause: error });
    throw threadProblem(job.step, shownName, timeout.aborted ? timeoutMs : undefined, error);
  } finally {
    ended.abort();
    await worker.terminate();
  }
}

function threadProblem(step: string, shownName: string, timeoutMs: number | undefined, cause: unknown): Problem {
  if (timeoutMs !== undefined) {
    return new Problem('invalid_image', {
      what: `${shownName} could not be ${step}d within ${timeoutMs / 1000} s.`,
      hint: 'save it as a JPEG of at most 4.7 MB',
      cause,
    });
  }
  const reason = errorCode(cause) === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it takes too much memory' : 'it is damaged';
  return new Problem('invalid_image', {
    what: `${shownName} cannot be ${step}d: ${reason}.`,
    hint: 'save it again in an image program, as JPEG or PNG',
    cause,
  });
}
