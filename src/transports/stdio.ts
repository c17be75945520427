/** JSON-RPC over stdio, one message a line: what arrives malformed is repaired or refused, and output that nobody reads stops the reading. */
import { type Readable, Transform, type Writable } from 'node:stream';
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

const NEWLINE = 0x0a;

/** Two pictures of 15 MB as data URLs are 42 MB. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Kept of each end of a line that is too long: its id stands there. */
const END_BYTES = 1024;

/**
 * The SDK's own buffer joins and searches everything again with each 64 kB that arrive, and stops listening after 10 MiB:
 * a 15 MB picture as a data URL, 20 MB, left a deaf server (measured: with its limit lifted, 40 MB take 22 s and 1.9 GB).
 * A line over `maxLineBytes` is dropped and reported, with its id if that stands near an end; later lines are read.
 * @returns a stream of one chunk a line
 */
export function readLines(
  onTooLong: (bytes: number, id?: string | number) => void,
  maxLineBytes = MAX_LINE_BYTES,
): Transform {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const keep = (piece: Buffer) => {
    bytes += piece.length;
    pieces.push(piece);
    if (bytes > maxLineBytes) pieces = [endsOf(Buffer.concat(pieces))];
  };
  return new Transform({
    // One chunk is one line, also where several wait.
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, end + 1));
        if (bytes > maxLineBytes) onTooLong(bytes, idAtAnEnd(Buffer.concat(pieces)));
        else this.push(Buffer.concat(pieces, bytes));
        pieces = [];
        bytes = 0;
        from = end + 1;
      }
      keep(chunk.subarray(from));
      done();
    },
  });
}

function endsOf(line: Buffer): Buffer {
  if (line.length <= 2 * END_BYTES) return line;
  return Buffer.concat([line.subarray(0, END_BYTES), line.subarray(-END_BYTES)]);
}

/** Only the message's own id, beside the line's outer braces: params can contain an id, too. */
function idAtAnEnd(ends: Buffer): string | number | undefined {
  const id = String.raw`"id"\s*:\s*(?:"([^"\\]*)"|(-?\d+))\s*`;
  const other = String.raw`"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*`;
  const text = ends.toString('utf8');
  const atStart = new RegExp(String.raw`^\s*\{\s*(?:${other},\s*)*${id},`).exec(text);
  const atEnd = new RegExp(String.raw`,\s*${id}(?:,\s*${other})*\}\s*$`).exec(text);
  const [, word, digits] = atStart ?? atEnd ?? [];
  return word ?? (digits === undefined ? undefined : Number(digits));
}
