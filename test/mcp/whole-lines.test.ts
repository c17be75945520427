/** Do lines come out as they went in, whatever the pieces, and is one too long dropped alone? */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { wholeLines } from '../../src/mcp/whole-lines.ts';

/** What comes out, chunk by chunk, of what goes in so. */
async function through(
  pieces: readonly Buffer[],
  maxLineBytes?: number,
): Promise<{ lines: string[]; dropped: number[] }> {
  const [lines, dropped]: [string[], number[]] = [[], []];
  const stream = wholeLines((bytes) => dropped.push(bytes), maxLineBytes);
  stream.on('data', (chunk: Buffer) => lines.push(chunk.toString('utf8')));
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await once(stream, 'end');
  return { lines, dropped };
}

const TEXT = '{"a":1}\n\n日出🌅\r\nlast\n';
const EXPECTED = ['{"a":1}\n', '\n', '日出🌅\r\n', 'last\n'];

describe('lines', () => {
  it.each([1, 2, 3, 5, 7, 1000])('come out one by one, whole, from pieces of %d bytes', async (size) => {
    const bytes = Buffer.from(TEXT);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    expect(await through(pieces)).toEqual({ lines: EXPECTED, dropped: [] });
  });

  it('that have not ended are kept back', async () => {
    expect(await through([Buffer.from('one\nhal')])).toEqual({ lines: ['one\n'], dropped: [] });
  });

  it.each([1, 4, 100])('of exactly the limit pass, and one more byte is dropped alone (pieces of %d)', async (size) => {
    const bytes = Buffer.from('1234567\n12345678\nok\n');
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    expect(await through(pieces, 8)).toEqual({ lines: ['1234567\n', 'ok\n'], dropped: [9] });
  });
});
