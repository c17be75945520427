/** Starts worker threads, without our environment, and waits for their messages up to a time limit. */
import { once } from 'node:events';
import { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';
import { Problem } from '../problems.ts';
import { errorCode } from './files.ts';

/** The thread gets neither our stdout, which belongs to the protocol, nor our environment, which holds the keys. */
export function startThread(file: URL, options: WorkerOptions): Worker {
  leaveDeletedFolder();
  const worker = new Worker(file, { env: {}, execArgv: [], stdout: true, stderr: true, ...options });
  // Without a listener, an error of a thread that no call waits for would end the process.
  worker.on('error', () => undefined);
  return worker;
}

/**
 * No thread starts while the working directory is a deleted folder (Node 24: "process.cwd failed"). Leaving it changes
 * no path: the settings keep the directory that the process was started in, and relative paths are resolved from there.
 */
export function leaveDeletedFolder(): void {
  if (!isMainThread) return;
  try {
    // Throws also where the folder was deleted and created again: the process is still in the deleted one.
    process.chdir(process.cwd());
  } catch {
    process.chdir('/');
  }
}

export interface ThreadLimits {
  readonly timeLimitMilliseconds: number;
  /** Ends the waiting; what is thrown is then the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export class TimeLimitExceeded extends Error {
  constructor(limitMilliseconds: number) {
    super(`stopped after ${limitMilliseconds / 1000} seconds`);
  }
}

/**
 * The thread's next message. When this throws, the thread may still run: the caller terminates it.
 * @throws the signal's reason; TimeLimitExceeded; Problem `program_replaced` where the thread's code no longer exists;
 * the error that ended the thread
 */
export async function nextMessage<Message>(
  worker: Worker,
  { timeLimitMilliseconds, signal }: ThreadLimits,
): Promise<Message> {
  const timeout = AbortSignal.timeout(timeLimitMilliseconds);
  const over = new AbortController();
  const stop = { signal: AbortSignal.any([over.signal, timeout, ...(signal ? [signal] : [])]) };
  try {
    return await Promise.race([
      once(worker, 'message', stop).then(([message]) => message as Message),
      once(worker, 'exit', stop).then(([code]) => {
        throw new Error(`the thread ended with code ${code}`);
      }),
    ]);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) throw new TimeLimitExceeded(timeLimitMilliseconds);
    const isMissing = errorCode(error) === 'MODULE_NOT_FOUND' || errorCode(error) === 'ERR_MODULE_NOT_FOUND';
    throw isMissing ? new Problem('program_replaced', { cause: error }) : error;
  } finally {
    over.abort();
  }
}
