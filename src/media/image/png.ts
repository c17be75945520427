/** Reads a PNG's chunks, and checks that its data holds as many pixels as its header says. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflate, inflateSync } from 'node:zlib';
import { BrokenPicture, formatBytes, formatSize, orientationOfExif, type PictureFacts } from './facts.ts';

export interface PngFacts extends PictureFacts {
  /** The picture without the chunks that its pixels do not need: the decoder refuses malformed texts. */
  readonly pixelChunks: readonly Buffer[];
  /** The compressed pixels, in order. */
  readonly data: readonly Buffer[];
  /** What they must inflate to, in bytes. */
  readonly inflatedBytes: number;
}

const SIGNATURE_BYTES = 8;
const PIXEL_CHUNKS = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
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
/** Some encoders leave a little too much after the last row, which every decoder skips. */
const SLACK_BYTES = 65_536;
/** Far above the largest in use (2 MB, printers with tables). */
const MAX_PROFILE_BYTES = 8_388_608;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  readonly interlaced: boolean;
  readonly hasAlpha: boolean;
}

/**
 * Walks the chunks from IHDR to IEND and checks their checksums. Damaged chunks that no decoder needs are left out.
 * Nothing is inflated yet.
 * @throws BrokenPicture
 */
export function readPng(bytes: Buffer): PngFacts {
  let header: Header | undefined;
  let position = SIGNATURE_BYTES;
  let orientation: PictureFacts['orientation'] = 1;
  let profile: Buffer | undefined;
  let isAnimated = false;
  let hasTransparency = false;
  const leftOut: string[] = [];
  const kept: Buffer[] = [];
  let keptFrom = 0;
  const data: Buffer[] = [];
  const pixelChunks = [bytes.subarray(0, SIGNATURE_BYTES)];
  for (let type = ''; type !== 'IEND'; ) {
    if (position + 12 > bytes.length) throw new BrokenPicture('is cut off: the end of the PNG is missing');
    const length = bytes.readUInt32BE(position);
    type = bytes.toString('latin1', position + 4, position + 8);
    if (!/^[A-Za-z]{4}$/.test(type))
      throw new BrokenPicture(`is damaged: its PNG structure breaks at byte ${position}`);
    const start = position;
    position = start + 12 + length;
    if (position > bytes.length) throw new BrokenPicture('is cut off: the end of the PNG is missing');
    const content = bytes.subarray(start + 8, position - 4);
    if (!header && type !== 'IHDR') throw new BrokenPicture('is damaged: it is a PNG without a header');
    if (crc32(bytes.subarray(start + 4, position - 4)) !== bytes.readUInt32BE(position - 4)) {
      if (!isAncillary(type)) throw new BrokenPicture(`is damaged: the checksum of its PNG chunk ${type} is wrong`);
      leftOut.push(type);
      kept.push(bytes.subarray(keptFrom, start));
      keptFrom = position;
      continue;
    }
    if (PIXEL_CHUNKS.has(type)) pixelChunks.push(bytes.subarray(start, position));
    if (type === 'IHDR') header ??= readHeader(content);
    if (type === 'IDAT') data.push(content);
    if (type === 'acTL') isAnimated = true;
    if (type === 'tRNS') hasTransparency = true;
    if (type === 'eXIf') orientation = orientationOfExif(content);
    if (type === 'iCCP') profile = readProfile(content);
  }
  if (!header || data.length === 0) throw new BrokenPicture('is damaged: it is a PNG without a picture in it');
  const { width, height } = header;
  const trailing = bytes.length - position;
  const remarks = [
    ...(leftOut.length > 0 ? [`damaged PNG chunks that no decoder needs were left out (${leftOut.join(', ')})`] : []),
    ...(trailing > 0 ? [`${formatBytes(trailing)} after the end of the picture were left out`] : []),
    ...(isAnimated ? ['it is animated, and only its still picture is used'] : []),
  ];
  return {
    width,
    height,
    orientation,
    bytes:
      leftOut.length > 0 ? Buffer.concat([...kept, bytes.subarray(keptFrom, position)]) : bytes.subarray(0, position),
    remarks,
    profile,
    hasAlpha: header.hasAlpha || hasTransparency,
    pixelChunks,
    data,
    inflatedBytes: inflatedSize(header),
  };
}

/** A lower-case first letter: decoders may skip the chunk (PNG specification, section 5.4). */
function isAncillary(type: string): boolean {
  return /^[a-z]/.test(type);
}

/** A name, a zero byte, the method (0) and the packed profile; without a readable one the colours count as sRGB. */
function readProfile(content: Buffer): Buffer | undefined {
  try {
    return inflateSync(content.subarray(content.indexOf(0) + 2), { maxOutputLength: MAX_PROFILE_BYTES });
  } catch {
    return undefined;
  }
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
    hasAlpha: colour.samples % 2 === 0,
  };
}

/** Each row has a filter byte and its pixels; a pass without columns or rows is empty. */
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
 * Inflates without keeping anything, and stops a decompression bomb at the size that its header promises. Call it only
 * after that size was checked against the limits.
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
    // Which of the pipeline's errors comes first is not certain; the count is reliable.
    if (inflated > most) {
      throw new BrokenPicture(
        `is not a valid PNG: it unpacks to more than the ${formatSize(facts)} pixels in its header`,
      );
    }
    throw new BrokenPicture('is damaged: the pixels of the PNG cannot be unpacked', { cause: error });
  }
  if (inflated < facts.inflatedBytes) throw new BrokenPicture('is cut off: rows of the PNG are missing');
}
