/** How is one answer read without holding more of it than the disk has not yet taken? */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { DownloadSetback } from './download-setback.ts';

export interface LinkAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /**
   * Hands on each piece as it comes off the connection, which waits while a promise of `take` is open. A stream's
   * buffer in between would be thrown away by a cut, and with it what a resumed download need not fetch again.
   * @throws what `take` throws; what the connection threw
   */
  receive(take: (chunk: Uint8Array) => Promise<void> | undefined): Promise<void>;
  /** Closes the connection, the body read or not. */
  close(): void;
}

export type AnswerOptions = Pick<Dispatcher.DispatchOptions, 'origin' | 'path' | 'headers'> & {
  readonly stallMilliseconds: number;
};

/** The clips are 4 to 20 MB: only a body far beyond them, on a disk slower than the network, gets there. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * undici 7 ends the whole process with an AssertionError when a connection that is not kept alive ends while its body
 * is paused (nodejs/undici#5360, mended in 8 only, which needs Node 22.19). HTTP/1.0 and bodies without a length are
 * not kept alive either, so only what says that it is may be paused.
 */
function mayPause(headers: IncomingHttpHeaders): boolean {
  const hasEnd = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  return hasEnd && headers.connection?.toLowerCase() === 'keep-alive';
}

class OpenAnswer implements LinkAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly #controller: Dispatcher.DispatchController;
  readonly #ended: Promise<void>;
  readonly #mayPause: boolean;
  #take: ((chunk: Uint8Array) => Promise<void> | undefined) | undefined;
  /** Still running when a cut connection ends the body: what it brought counts. */
  #taking: Promise<void> | undefined;
  /** Came while the disk was behind; at most one piece where the connection waits. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #failure: Error | undefined;

  constructor(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    ended: Promise<void>,
  ) {
    this.#controller = controller;
    this.status = status;
    this.headers = headers;
    this.#ended = ended;
    this.#mayPause = mayPause(headers);
    if (this.#mayPause) controller.pause();
  }

  async receive(take: (chunk: Uint8Array) => Promise<void> | undefined): Promise<void> {
    this.#take = take;
    if (this.#mayPause) this.#controller.resume();
    this.#handOn();
    try {
      await this.#ended;
    } finally {
      while (this.#taking !== undefined) await this.#taking;
      // biome-ignore lint/correctness/noUnsafeFinally: the disk's reason is the cause of the connection's
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  onData(chunk: Uint8Array): void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#fail(new DownloadSetback('it came faster than the disk takes it'));
    } else this.#handOn();
  }

  #handOn(): void {
    while (this.#take !== undefined && this.#taking === undefined) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return;
      this.#waitingBytes -= chunk.length;
      try {
        const taken = this.#take(chunk);
        if (taken !== undefined) this.#waitFor(taken);
      } catch (error) {
        this.#fail(error as Error);
      }
    }
  }

  #waitFor(taken: Promise<void>): void {
    if (this.#mayPause) this.#controller.pause();
    this.#taking = taken.then(
      () => {
        this.#taking = undefined;
        if (this.#mayPause) this.#controller.resume();
        this.#handOn();
      },
      (error: Error) => {
        this.#taking = undefined;
        this.#fail(error);
      },
    );
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#take = undefined;
    this.#waiting = [];
    this.close();
  }

  close(): void {
    this.#controller.abort(this.#failure ?? new Error('not needed any more'));
  }
}

/** One GET. @throws what the connection threw; the signal's reason, which also ends the body */
export function getAnswer(
  dispatcher: Dispatcher,
  { stallMilliseconds, ...options }: AnswerOptions,
  signal: AbortSignal,
): Promise<LinkAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let answer: OpenAnswer | undefined;
    let end: () => void = () => undefined;
    let fail: (error: unknown) => void = () => undefined;
    const ended = new Promise<void>((resolveEnd, rejectEnd) => {
      [end, fail] = [resolveEnd, rejectEnd];
    });
    // Nobody waits for the end of a body that is not read.
    ended.catch(() => undefined);
    const onAbort = () => {
      controller?.abort(signal.reason);
      reject(signal.reason);
      fail(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = () => signal.removeEventListener('abort', onAbort);

    dispatcher.dispatch(
      { ...options, method: 'GET', headersTimeout: stallMilliseconds, bodyTimeout: stallMilliseconds },
      {
        onRequestStart(started) {
          controller = started;
          if (signal.aborted) started.abort(signal.reason);
        },
        onResponseStart(started, status, headers) {
          if (status < 200) return;
          answer = new OpenAnswer(started, status, headers, ended);
          resolve(answer);
        },
        onResponseData(_, chunk) {
          answer?.onData(chunk);
        },
        onResponseEnd() {
          settle();
          end();
        },
        onResponseError(_, error) {
          settle();
          reject(error);
          fail(error);
        },
      },
    );
  });
}
