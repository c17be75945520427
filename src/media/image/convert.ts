/** Decodes and encodes pictures in threads, so that the server can keep answering. */
import { Problem } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { nextMessage, startThread, type ThreadLimits, TimeLimitExceeded } from '../../system/thread.ts';
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

/** The time limit is for one decoding or one encoding. */
export interface ThreadOptions extends Partial<ThreadLimits> {
  /** The built worker; beside the bundle, where the build puts it, unless given. */
  readonly workerFile?: URL | undefined;
}

/** Over four times what 4096×3072 of noise took on two busy cores (13 s). */
const TIME_LIMIT_MILLISECONDS = 60_000;
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
  { workerFile, timeLimitMilliseconds = TIME_LIMIT_MILLISECONDS, signal }: ThreadOptions,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const worker = startThread(workerFile ?? new URL('./image-worker.mjs', import.meta.url), {
    workerData: job,
    transferList,
    resourceLimits: HEAP_LIMITS,
  });
  try {
    return await nextMessage<Outcome>(worker, { timeLimitMilliseconds, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof Problem ? error : threadProblem(job.step, shownName, timeLimitMilliseconds, error);
  } finally {
    await worker.terminate();
  }
}

function threadProblem(step: string, shownName: string, limitMilliseconds: number, cause: unknown): Problem {
  if (cause instanceof TimeLimitExceeded) {
    return new Problem('invalid_image', {
      what: `${shownName} could not be ${step}d within ${limitMilliseconds / 1000} s.`,
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
