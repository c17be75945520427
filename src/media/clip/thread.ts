/** Runs jobs on MP4 files in a worker thread that is terminated at its time limit: a broken file may keep it busy for hours. */
import type { Worker } from 'node:worker_threads';
import { Problem, type ProblemCode } from '../../problems.ts';
import { startThread } from '../../system/thread.ts';
import type { TrimmedSeconds } from './clip.ts';
import { TimeLimitExceeded } from './run-program.ts';

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

export interface JobLimits {
  readonly timeLimitMilliseconds: number;
  /** Ends the thread; what is thrown is then the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ClipThread {
  /**
   * One job at a time.
   * After a time limit, an abort or a breakdown the next job starts another thread.
   * @throws UnusableFile; Problem; TimeLimitExceeded; the signal's reason; an Error with the system's code
   */
  run<Value>(job: Job, limits: JobLimits): Promise<Value>;
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

  async function run<Value>(job: Job, { timeLimitMilliseconds, signal }: JobLimits): Promise<Value> {
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(timeLimitMilliseconds);
    const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const done = new AbortController();
    worker ??= startThread(workerFile(), { resourceLimits: MEMORY });
    const running = worker;
    let reply: Reply;
    try {
      reply = await new Promise<Reply>((resolve, reject) => {
        stop.addEventListener('abort', () => reject(stop.reason), { signal: done.signal });
        const settle = { message: resolve, error: reject, exit: () => reject(new Error('the thread ended')) };
        for (const [event, listener] of Object.entries(settle)) {
          running.once(event, listener);
          done.signal.addEventListener('abort', () => running.off(event, listener));
        }
        running.postMessage(job);
      });
    } catch (error) {
      await close();
      signal?.throwIfAborted();
      if (timeout.aborted) throw new TimeLimitExceeded(`stopped after ${timeLimitMilliseconds / 1000} seconds`);
      throw breakdownOf(error);
    } finally {
      done.abort();
    }
    if ('value' in reply) return reply.value as Value;
    throw errorOf(reply);
  }
  return { run, close };
}

/** What to throw when the thread itself ended. */
function breakdownOf(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return new UnusableFile('reading it takes too much memory');
  const isMissing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  return isMissing ? new Problem('program_replaced', { cause: error }) : error;
}

function errorOf(reply: Extract<Reply, { failed: string }>): Error {
  if (reply.failed === 'problem') return new Problem(reply.code as ProblemCode, { what: reply.message });
  if (reply.failed === 'refusal') return new UnusableFile(reply.message);
  return Object.assign(new Error(reply.message), reply.code === undefined ? {} : { code: reply.code });
}
