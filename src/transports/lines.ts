/** Splits a stream into lines without copying a long one for each of its pieces. */
import { Transform } from 'node:stream';

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
