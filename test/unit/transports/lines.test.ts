/** Lines come out as they went in, whatever the pieces, and only a line that is too long is dropped. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { readLines } from '../../../src/transports/stdio.ts';

/** What comes out, chunk by chunk, of what goes in so. */
async function through(
  pieces: readonly Buffer[],
  maxLineBytes?: number,
): Promise<{ lines: string[]; dropped: number[]; ids: unknown[] }> {
  const [lines, dropped, ids]: [string[], number[], unknown[]] = [[], [], []];
  const onTooLong = (bytes: number, id: unknown) => {
    dropped.push(bytes);
    ids.push(id);
  };
  const stream = readLines(onTooLong, maxLineBytes);
  stream.on('data', (chunk: Buffer) => lines.push(chunk.toString('utf8')));
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await once(stream, 'end');
  return { lines, dropped, ids };
}

const TEXT = '{"a":1}\n\n日出🌅\r\nlast\n';
const EXPECTED = ['{"a":1}\n', '\n', '日出🌅\r\n', 'last\n'];

const inPieces = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

describe('lines', () => {
  it.each([1, 2, 3, 5, 7, 1000])('come out one by one, whole, from pieces of %d bytes', async (size) => {
    const bytes = Buffer.from(TEXT);
    expect(await through(inPieces(bytes, size))).toMatchObject({ lines: EXPECTED, dropped: [] });
  });

  it('that have not ended are kept back', async () => {
    expect(await through([Buffer.from('one\nhal')])).toMatchObject({ lines: ['one\n'], dropped: [] });
  });

  it.each([1, 4, 100])('of exactly the limit pass, and one more byte is dropped alone (pieces of %d)', async (size) => {
    const bytes = Buffer.from('1234567\n12345678\nok\n');
    expect(await through(inPieces(bytes, size), 8)).toMatchObject({ lines: ['1234567\n', 'ok\n'], dropped: [9] });
  });
});

const LONG = JSON.stringify({ prompt: '日'.repeat(5_000), id: 5, deep: [{ id: 6 }] });

describe('of a line too long', () => {
  it.each([
    ['first', `{"id":7,"method":"x","params":${LONG}}`, 7],
    ['after the method', ` { "jsonrpc" : "2.0", "method":"x", "id" : "a-7" , "params":${LONG}}`, 'a-7'],
    ['last', `{"method":"x","params":${LONG},"jsonrpc":"2.0","id":-7}\r`, -7],
    ['before the version', `{"method":"x","params":${LONG},"id":"","jsonrpc":"2.0"}`, ''],
  ])('the id is found that is %s', async (_where, line, id) => {
    for (const size of [7, 1_000, 100_000]) {
      expect((await through(inPieces(Buffer.from(`${line}\n`), size), 3_000)).ids).toEqual([id]);
    }
  });

  it.each([
    ['in the middle', `{"params":${LONG},"id":7,"_":${LONG}}`],
    ['in params', `{"params":${LONG},"_":{"x":1,"id":7}}`],
    ['in a text', `{"params":${LONG},"_":",\\"id\\":7"}`],
    ['in a batch', `[{"id":7,"params":${LONG}}]`],
    ['with a fraction', `{"params":${LONG},"id":7.5}`],
  ])('no id is found that is %s', async (_where, line) => {
    expect((await through([Buffer.from(`${line}\n`)], 3_000)).ids).toEqual([undefined]);
  });
});
