/** How does a long line come in without being copied for each piece of it? Whole, in one chunk. */
import { Transform } from 'node:stream';

const NEWLINE = 0x0a;

/** Two pictures of 15 MB as data URLs are 42 MB. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * The SDK's own buffer joins and searches everything again with each 64 kB that come in, and gives up listening after
 * 10 MiB: a 15 MB picture as a data URL, 20 MB, left a server that was deaf (measured: with its limit lifted, 40 MB take 22 s
 * and 1.9 GB). A line over `maxLineBytes` is dropped and told; those after it are read.
 */
export function wholeLines(onTooLong: (bytes: number) => void, maxLineBytes = MAX_LINE_BYTES): Transform {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const keep = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxLineBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  return new Transform({
    // A chunk is a line, also where several wait.
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, end + 1));
        if (bytes > maxLineBytes) onTooLong(bytes);
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
