/** Is this a whole JPEG, how large is it, and where does it end? */
import { type Orientation, orientationOfExif } from './image-exif.ts';
import { BrokenPicture, type PictureFacts } from './image-facts.ts';

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const APP1 = 0xe1;
/** Baseline, extended and progressive Huffman coding: what decoders in the wild read. */
const READABLE_FRAMES = new Set([0xc0, 0xc1, 0xc2]);
/** DHT, JPG and DAC lie in the same range as the frames. */
const NO_FRAMES = new Set([0xc4, 0xc8, 0xcc]);

/**
 * Walks the markers from SOI to EOI (ITU T.81, annex B).
 * @throws BrokenPicture
 */
export function readJpeg(bytes: Buffer): PictureFacts {
  let position = 2;
  let frame: { width: number; height: number; components: number } | undefined;
  let orientation: Orientation = 1;
  let hasScan = false;
  for (;;) {
    const marker = markerAt(bytes, position);
    position = marker.next;
    if (marker.code === END_OF_IMAGE) break;
    if (isWithoutLength(marker.code)) continue;
    const length = position + 2 <= bytes.length ? bytes.readUInt16BE(position) : 0;
    if (position + Math.max(length, 2) > bytes.length) throw cutOff();
    if (length < 2) throw new BrokenPicture('is damaged: a part of the JPEG has no length');
    const segment = bytes.subarray(position + 2, position + length);
    position += length;
    if (isFrame(marker.code)) frame ??= readFrame(marker.code, segment);
    if (marker.code === APP1 && segment.toString('latin1', 0, 6) === 'Exif\0\0' && orientation === 1) {
      orientation = orientationOfExif(segment.subarray(6));
    }
    if (marker.code === START_OF_SCAN) {
      if (!frame) throw new BrokenPicture('is damaged: its JPEG data has no frame header');
      hasScan = true;
      position = endOfScan(bytes, position);
    }
  }
  if (!frame || !hasScan) throw new BrokenPicture('is damaged: it is a JPEG without a picture in it');
  const { width, height, components } = frame;
  return { width, height, orientation, endOfPicture: position, isCmyk: components === 4, isAnimated: false };
}

function cutOff(): BrokenPicture {
  return new BrokenPicture('is cut off: the end of the JPEG is missing');
}

/** Fill bytes (FF FF …) may stand before a marker. */
function markerAt(bytes: Buffer, position: number): { code: number; next: number } {
  let at = position;
  if (at >= bytes.length) throw cutOff();
  if (bytes[at] !== 0xff) throw new BrokenPicture(`is damaged: its JPEG structure breaks at byte ${at}`);
  while (bytes[at] === 0xff) at += 1;
  const code = bytes[at];
  if (code === undefined) throw cutOff();
  return { code, next: at + 1 };
}

function isWithoutLength(code: number): boolean {
  return code === 0x01 || (code >= 0xd0 && code <= 0xd8);
}

function isFrame(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && !NO_FRAMES.has(code);
}

function readFrame(code: number, segment: Buffer): { width: number; height: number; components: number } {
  if (segment.length < 6) throw new BrokenPicture('is damaged: its JPEG frame header is too short');
  const components = segment.readUInt8(5);
  if (!READABLE_FRAMES.has(code) || segment.readUInt8(0) !== 8 || ![1, 3, 4].includes(components)) {
    throw new BrokenPicture(
      'is a rare kind of JPEG (lossless, arithmetic, 12-bit or two colours) that the service may not read',
    );
  }
  return { height: segment.readUInt16BE(1), width: segment.readUInt16BE(3), components };
}

/** Behind the entropy-coded data: at the next marker that is neither a stuffed FF 00 nor a restart. */
function endOfScan(bytes: Buffer, position: number): number {
  for (let at = bytes.indexOf(0xff, position); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === undefined) break;
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return at;
  }
  throw cutOff();
}
