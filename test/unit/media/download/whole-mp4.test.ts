/** A cut MP4 is distinguished from a whole one by its own boxes. */
import { describe, expect, test } from 'vitest';
import { isWholeMp4 } from '../../../../src/media/download/part-file.ts';

function box(kind: string, bytes: number, length = 8 + bytes): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(length, 0);
  head.write(kind, 4, 'latin1');
  return Buffer.concat([head, Buffer.alloc(bytes, 0x61)]);
}

async function isWhole(...pieces: Buffer[]): Promise<boolean> {
  const file = Buffer.concat(pieces);
  return await isWholeMp4(async (position, length) => file.subarray(position, position + length), file.length);
}

const [ftyp, moov, mdat] = [box('ftyp', 16), box('moov', 100), box('mdat', 1000)];

describe('whole', () => {
  test('with the index before or after the media', async () => {
    expect(await isWhole(ftyp, moov, mdat)).toBe(true);
    expect(await isWhole(ftyp, box('free', 0), mdat, moov)).toBe(true);
  });

  test('with a 64-bit length, with a box that goes to the end, with bytes behind that are no box', async () => {
    const long = Buffer.concat([box('mdat', 0, 1), Buffer.from([0, 0, 0, 0, 0, 0, 0, 26]), Buffer.alloc(10)]);
    expect(await isWhole(ftyp, long, moov)).toBe(true);
    expect(await isWhole(ftyp, moov, box('mdat', 50, 0))).toBe(true);
    expect(await isWhole(ftyp, moov, mdat, Buffer.alloc(64))).toBe(true);
    expect(await isWhole(ftyp, moov, mdat, Buffer.alloc(3))).toBe(true);
    expect(await isWhole(ftyp, moov, mdat, Buffer.from('served by edge-17\n'))).toBe(true);
    expect(await isWhole(ftyp, moov, mdat, box('free', 5, 500))).toBe(true);
  });
});

describe('not whole', () => {
  test('cut anywhere, the index first or last', async () => {
    for (const pieces of [
      [ftyp, moov, mdat],
      [ftyp, mdat, moov],
    ]) {
      const file = Buffer.concat(pieces);
      for (let size = 0; size < file.length; size += 1) {
        expect([size, await isWhole(file.subarray(0, size))]).toEqual([size, false]);
      }
    }
  });

  test('without an index, or no MP4 at all', async () => {
    expect(await isWhole(ftyp, mdat)).toBe(false);
    expect(await isWhole(ftyp, box('mdat', 50, 0))).toBe(false);
    expect(await isWhole(Buffer.from('<!doctype html><html>'))).toBe(false);
  });
});
