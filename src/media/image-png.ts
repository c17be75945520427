/** Is this a whole PNG, how large is it, and does it hold as many pixels as it says? */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflate } from 'node:zlib';
import { orientationOfExif } from './image-exif.ts';
import { BrokenPicture, type PictureFacts } from './image-facts.ts';
import { tellSize } from './image-limits.ts';

export interface PngFacts extends PictureFacts {
  /** The compressed pixels, in order. */
  readonly data: readonly Buffer[];
  /** What they must inflate to, in bytes. */
  readonly inflatedBytes: number;
}

const SIGNATURE_BYTES = 8;
/** Colour type → samples a pixel and the bit depths it allows (PNG specification, table 11.1). */
const COLOUR_TYPES: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
/** Adam7: first column and row, and the steps, of each pass. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
/** Some encoders leave a little too much behind the last row, which every decoder passes over. */
const SLACK_BYTES = 65_536;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  readonly interlaced: boolean;
}

/**
 * Walks the chunks from IHDR to IEND and checks each one's sum. Nothing is inflated yet.
 * @throws BrokenPicture
 */
export function readPng(bytes: Buffer): PngFacts {
  let header: Header | undefined;
  let position = SIGNATURE_BYTES;
  let orientation: PictureFacts['orientation'] = 1;
  let isAnimated = false;
  const data: Buffer[] = [];
  for (;;) {
    if (position + 12 > bytes.length) throw new BrokenPicture('is cut off: the end of the PNG is missing');
    const length = bytes.readUInt32BE(position);
    const type = bytes.toString('latin1', position + 4, position + 8);
    if (!/^[A-Za-z]{4}$/.test(type))
      throw new BrokenPicture(`is damaged: its PNG structure breaks at byte ${position}`);
    const end = position + 12 + length;
    if (end > bytes.length) throw new BrokenPicture('is cut off: the end of the PNG is missing');
    if (crc32(bytes.subarray(position + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) {
      throw new BrokenPicture(`is damaged: the check sum of its PNG part ${type} is wrong`);
    }
    const content = bytes.subarray(position + 8, end - 4);
    if (!header && type !== 'IHDR') throw new BrokenPicture('is damaged: it is a PNG without a header');
    if (type === 'IHDR') header ??= readHeader(content);
    if (type === 'IDAT') data.push(content);
    if (type === 'acTL') isAnimated = true;
    if (type === 'eXIf') orientation = orientationOfExif(content);
    position = end;
    if (type === 'IEND') break;
  }
  if (!header || data.length === 0) throw new BrokenPicture('is damaged: it is a PNG without a picture in it');
  const { width, height } = header;
  const inflatedBytes = inflatedSize(header);
  return { width, height, orientation, endOfPicture: position, isCmyk: false, isAnimated, data, inflatedBytes };
}

function readHeader(content: Buffer): Header {
  const colour = content.length === 13 ? COLOUR_TYPES[content.readUInt8(9)] : undefined;
  const depth = colour && content.readUInt8(8);
  const interlace = colour && content.readUInt8(12);
  if (!colour || depth === undefined || !colour.depths.includes(depth) || interlace === undefined || interlace > 1) {
    throw new BrokenPicture('is damaged: its PNG header is not valid');
  }
  return {
    width: content.readUInt32BE(0),
    height: content.readUInt32BE(4),
    bitsPerPixel: colour.samples * depth,
    interlaced: interlace === 1,
  };
}

/** Each row takes a filter byte and its pixels; a pass without a column or a row takes nothing. */
function inflatedSize({ width, height, bitsPerPixel, interlaced }: Header): number {
  const passes = interlaced ? PASSES : ([[0, 0, 1, 1]] as const);
  let total = 0;
  for (const [left, top, stepX, stepY] of passes) {
    const columns = Math.ceil((width - left) / stepX);
    const rows = Math.ceil((height - top) / stepY);
    if (columns > 0 && rows > 0) total += rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  }
  return total;
}

/**
 * Inflates without keeping anything, and stops a bomb at the number that its header promises. To be called once
 * that number is known to be within the limits.
 * @throws BrokenPicture; the signal's reason when it is aborted
 */
export async function requirePixelsWhole(facts: PngFacts, signal?: AbortSignal): Promise<void> {
  const most = facts.inflatedBytes + SLACK_BYTES;
  let inflated = 0;
  const count = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      inflated += chunk.length;
      if (inflated > most) throw new Error('more than the header says');
    }
  };
  try {
    await pipeline(
      Readable.from(facts.data),
      createInflate({ chunkSize: 256 * 1024 }),
      count,
      signal ? { signal } : {},
    );
  } catch (error) {
    signal?.throwIfAborted();
    // Which of the pipeline's errors comes first is not certain; the count is.
    if (inflated > most) {
      throw new BrokenPicture(`is no honest PNG: it unpacks to more than the ${tellSize(facts)} pixels that it names`);
    }
    throw new BrokenPicture('is damaged: the pixels of the PNG cannot be unpacked', { cause: error });
  }
  if (inflated < facts.inflatedBytes) throw new BrokenPicture('is cut off: rows of the PNG are missing');
}
