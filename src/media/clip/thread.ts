/** Runs jobs on MP4 files in a worker thread that is terminated at its time limit: a broken file may keep it busy for hours. */
import type { Worker } from 'node:worker_threads';
import { Problem, type ProblemCode } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { nextMessage, startThread, type ThreadLimits } from '../../system/thread.ts';
import type { TrimmedSeconds } from './clip.ts';

export type Job =
  | { readonly step: 'facts'; readonly source: string }
  | { readonly step: 'trim'; readonly source: string; readonly target: string; readonly seconds: TrimmedSeconds }
  | { readonly step: 'describe'; readonly source: string }
  | { readonly step: 'describe sound'; readonly source: string }
  | JoinJob;

/** Clips that fit together, into one film. */
export interface JoinJob {
  readonly step: 'join';
  readonly sources: readonly string[];
  readonly target: string;
  /** All frames of all sources. */
  readonly frames: number;
  readonly fps: number;
  readonly audio?: string | undefined;
  /** Content labels (GB 45438) that the film carries. */
  readonly labels: readonly string[];
}

export type Reply =
  | { readonly value: unknown }
  | { readonly failed: 'problem' | 'refusal' | 'error'; readonly code?: string | undefined; readonly message: string };

/** The file cannot be used; the message continues "is not a playable MP4: …". */
export class UnusableFile extends Error {}

export interface ClipThread {
  /**
   * One job at a time.
   * After a time limit, an abort or a breakdown the next job starts another thread.
   * @throws UnusableFile; Problem; TimeLimitExceeded; the signal's reason; an Error with the system's code
   */
  run<Value>(job: Job, limits: ThreadLimits): Promise<Value>;
  close(): Promise<void>;
}

/**
 * An hour of video at 24 frames a second takes 60 MB. Array buffers do not count, and one allocation that exceeds the
 * limit by more than 16 MB ends the whole process (Node 24): `checkIndex` refuses what would lead to one.
 */
const MEMORY = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

/** Beside the bundle, as the build puts it; from the sources, Node runs the TypeScript itself. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './clip-worker.mjs', import.meta.url);
}

export function openClipThread(): ClipThread {
  let worker: Worker | undefined;
  const close = async () => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };

  async function run<Value>(job: Job, limits: ThreadLimits): Promise<Value> {
    limits.signal?.throwIfAborted();
    worker ??= startThread(workerFile(), { resourceLimits: MEMORY });
    let reply: Reply;
    try {
      worker.postMessage(job);
      reply = await nextMessage<Reply>(worker, limits);
    } catch (error) {
      await close();
      const isFull = errorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY';
      throw isFull ? new UnusableFile('reading it takes too much memory') : error;
    }
    if ('value' in reply) return reply.value as Value;
    throw errorOf(reply);
  }
  return { run, close };
}

function errorOf(reply: Extract<Reply, { failed: string }>): Error {
  if (reply.failed === 'problem') return new Problem(reply.code as ProblemCode, { what: reply.message });
  if (reply.failed === 'refusal') return new UnusableFile(reply.message);
  return Object.assign(new Error(reply.message), reply.code === undefined ? {} : { code: reply.code });
}
