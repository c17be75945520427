/** Waits for a message of a worker thread, up to a time limit and until a signal is aborted. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { Problem } from '../problems.ts';
import { errorCode } from '../system/files.ts';

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
