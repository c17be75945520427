/** JSON-RPC over stdio, one message a line: what arrives malformed is repaired or refused, and output that nobody reads stops the reading. */
import type { Readable, Writable } from 'node:stream';
import { readLines } from './lines.ts';
import { idToAnswer, withoutNulls } from './malformed-message.ts';

/** What a request is refused with: the protocol's code, and one sentence. */
export type Refusal = Error & { readonly code: number };

/** Output that the client has not read yet; above it nothing more is read. An answer has at most some 50 kB. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

export interface StdioOptions {
  /** @returns what is wrong with a message; undefined for one that the protocol layer accepts */
  readonly refusalOf: (message: unknown) => Refusal | undefined;
  /** The refusal of a line that is too long to be read. */
  readonly tooLong: Refusal;
  readonly onTooLong: (bytes: number) => void;
}

/**
 * The SDK's own transport drops a malformed request without an answer, and its client waits for ever. Here such a request is
 * accepted without its nulls, or refused. Structurally the SDK's `Transport`.
 */
export class StdioTransport<Message> {
  onmessage?: (message: Message) => void;
  /** Receives what is neither handed on nor answered. */
  onerror?: (error: Error) => void;
  onclose?: () => void;
  private readonly lines: Readable;
  private readonly stdout: Writable;
  private readonly options: StdioOptions;
  private waiting: (() => void)[] = [];

  constructor(stdin: Readable, stdout: Writable, options: StdioOptions) {
    this.stdout = stdout;
    this.options = options;
    this.lines = stdin.pipe(
      readLines((bytes, id) => {
        options.onTooLong(bytes);
        if (id !== undefined) this.refuse(id, options.tooLong);
      }),
    );
  }

  async start(): Promise<void> {
    this.lines.on('data', (line: Buffer) => this.readLine(line));
    this.lines.on('error', (error) => this.onerror?.(error));
  }

  /** Resolves once the message is written, or can no longer be. */
  async send(message: object): Promise<void> {
    await new Promise<void>((resolve) => {
      this.stdout.write(`${JSON.stringify(message)}\n`, () => {
        this.resumeIfRead();
        resolve();
      });
      if (this.isUnread) this.lines.pause();
    });
  }

  /** Resolves when the client has read enough for another answer. */
  async writable(): Promise<void> {
    if (this.isUnread) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.lines.destroy();
    this.onclose?.();
  }

  private get isUnread(): boolean {
    return this.stdout.writableLength > MAX_UNREAD_BYTES;
  }

  private resumeIfRead(): void {
    if (this.isUnread) return;
    this.lines.resume();
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private refuse(id: string | number, { code, message }: Refusal): void {
    void this.send({ jsonrpc: '2.0', id, error: { code, message } });
  }

  private readLine(line: Buffer): void {
    try {
      const read: unknown = JSON.parse(withoutByteOrderMark(line.toString('utf8')));
      // "MUST support receiving JSON-RPC batches" (MCP 2025-03-26); the answers may come one by one.
      const messages = Array.isArray(read) ? read : [read];
      if (messages.length === 0) throw new Error('an empty batch');
      for (const message of messages) this.receive(message);
    } catch (error) {
      this.onerror?.(error as Error);
    }
  }

  private receive(given: unknown): void {
    let message = given;
    let refusal = this.options.refusalOf(message);
    if (refusal !== undefined) {
      message = withoutNulls(given);
      refusal = this.options.refusalOf(message);
    }
    const id = idToAnswer(message);
    if (refusal === undefined) this.onmessage?.(message as Message);
    else if (id === undefined) this.onerror?.(refusal);
    else this.refuse(id, refusal);
  }
}

/** Shells and editors on Windows begin a text with one. */
function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
