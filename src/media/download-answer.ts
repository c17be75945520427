/** How is one answer read without holding more of it than the disk has not yet taken? */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

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

class OpenAnswer implements LinkAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly #controller: Dispatcher.DispatchController;
  readonly #ended: Promise<void>;
  #take: ((chunk: Uint8Array) => Promise<void> | undefined) | undefined;
  /** Still running when a cut connection ends the body: what it brought counts. */
  #taking: Promise<void> | undefined;
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
    controller.pause();
  }

  async receive(take: (chunk: Uint8Array) => Promise<void> | undefined): Promise<void> {
    this.#take = take;
    this.#controller.resume();
    try {
      await this.#ended;
    } finally {
      await this.#taking;
      // biome-ignore lint/correctness/noUnsafeFinally: the disk's reason is the cause of the connection's
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  onData(chunk: Uint8Array): void {
    try {
      // Paused from the start: nothing comes before there is someone to take it.
      const taken = this.#take?.(chunk);
      if (taken === undefined) return;
      this.#controller.pause();
      this.#taking = taken.then(
        () => this.#controller.resume(),
        (error: Error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
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
