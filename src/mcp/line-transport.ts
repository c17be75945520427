/** How do messages come in and go out, a line each, and who answers those that the SDK would not take? */
import type { Readable, Writable } from 'node:stream';
import { idToAnswer, withoutNulls } from './odd-message.ts';

/** What a request is refused with: the protocol's code, and one sentence. */
export type Refusal = Error & { readonly code: number };

/**
 * The SDK's transport, but for what its own drops without an answer, so that the client waits for ever: a request that is
 * not quite one. Such a one is taken without its nulls, or refused.
 */
export class LineTransport<Message> {
  onmessage?: (message: Message) => void;
  /** Told of what is neither handed on nor answered. */
  onerror?: (error: Error) => void;
  onclose?: () => void;
  readonly #lines: Readable;
  readonly #stdout: Writable;
  readonly #refusalOf: (message: unknown) => Refusal | undefined;

  /**
   * @param lines a chunk for each line
   * @param refusalOf what is wrong with a message; undefined for one that the SDK takes
   */
  constructor(lines: Readable, stdout: Writable, refusalOf: (message: unknown) => Refusal | undefined) {
    this.#lines = lines;
    this.#stdout = stdout;
    this.#refusalOf = refusalOf;
  }

  async start(): Promise<void> {
    this.#lines.on('data', (line: Buffer) => this.#read(line));
    this.#lines.on('error', (error) => this.onerror?.(error));
  }

  /** Resolves once it is written, or cannot be any more. */
  async send(message: object): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#stdout.write(`${JSON.stringify(message)}\n`, () => resolve());
    });
  }

  refuse(id: string | number, { code, message }: Refusal): void {
    void this.send({ jsonrpc: '2.0', id, error: { code, message } });
  }

  async close(): Promise<void> {
    this.#lines.destroy();
    this.onclose?.();
  }

  #read(line: Buffer): void {
    try {
      const read: unknown = JSON.parse(withoutMark(line.toString('utf8')));
      // "MUST support receiving JSON-RPC batches" (MCP 2025-03-26); the answers may come one by one.
      const messages = Array.isArray(read) ? read : [read];
      if (messages.length === 0) throw new Error('an empty batch');
      for (const message of messages) this.#take(message);
    } catch (error) {
      this.onerror?.(error as Error);
    }
  }

  #take(given: unknown): void {
    let message = given;
    let refusal = this.#refusalOf(message);
    if (refusal !== undefined) {
      message = withoutNulls(given);
      refusal = this.#refusalOf(message);
    }
    const id = idToAnswer(message);
    if (refusal === undefined) this.onmessage?.(message as Message);
    else if (id === undefined) this.onerror?.(refusal);
    else this.refuse(id, refusal);
  }
}

/** A shell or an editor on Windows begins a text so. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
