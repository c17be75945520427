/** What a picture's structure says before its pixels are decoded, the limits on it, and how sizes are written. */
import { Problem } from '../../problems.ts';

/** Limit of this server (source document), and of the service (reference section 3). */
export const MAX_IMAGE_BYTES = 15_728_640;
export const MAX_SENT_BYTES = 4_928_307;
const MAX_SIDE = 4096;
const MIN_SIDE = 320;
const MAX_RATIO = 3;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** As stored, before the orientation is applied. */
export interface PictureFacts extends Size {
  readonly orientation: Orientation;
  /** The picture alone: without trailing data, and without damaged parts that decoders skip. */
  readonly bytes: Buffer;
  /** What was left out or added in `bytes`, or may surprise: follows the file's name. */
  readonly remarks: readonly string[];
  /** The ICC profile. */
  readonly profile?: Buffer | undefined;
  readonly hasAlpha?: boolean;
  /** Four inks for print: no portable decoder converts them to the intended colours. */
  readonly isCmyk?: boolean;
  /** Only decoding can tell whether the picture is whole. */
  readonly isRepaired?: boolean;
}

/** The message follows the file's name: "photo.jpg is cut off: …". */
export class BrokenPicture extends Error {
  override readonly name = 'BrokenPicture';
}

const numbers = new Intl.NumberFormat('en-US');

/** `11.8 MB`, in units of 1,048,576 bytes as the provider counts; small ones in whole bytes or kB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1_048_576) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}

export function formatSize({ width, height }: Size): string {
  return `${width}×${height}`;
}

/** @throws Problem invalid_image with the number and the limit */
export function requireBytesInLimit(shownName: string, bytes: number): void {
  if (bytes <= MAX_IMAGE_BYTES) return;
  throw new Problem('invalid_image', {
    what: `${shownName} is ${numbers.format(bytes)} bytes (${formatBytes(bytes)}); the limit is ${numbers.format(MAX_IMAGE_BYTES)} bytes (15 MB).`,
    hint: 'save it smaller, or as a JPEG',
  });
}

/** Checks the size in the header, before anything is decoded. @throws Problem invalid_image */
export function requireSizeInLimits(shownName: string, size: Size): void {
  const { width, height } = size;
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  const is = `${shownName} is ${formatSize(size)} pixels`;
  const refuse = (what: string, hint: string) => new Problem('invalid_image', { what, hint });
  if (short === 0) throw refuse(`${is}, which is not a picture.`, 'save it again in an image program, as JPEG or PNG');
  if (long > MAX_SIDE) {
    throw refuse(
      `${is}; the limit is ${MAX_SIDE}×${MAX_SIDE}.`,
      `scale it down to at most ${MAX_SIDE} pixels on the longest side`,
    );
  }
  if (short < MIN_SIDE) throw refuse(`${is}; the shortest side must be at least ${MIN_SIDE}.`, 'use a larger picture');
  if (long > MAX_RATIO * short) {
    // Rounded up, so that a ratio just above the limit is never shown as the limit.
    const ratio = (Math.ceil((long / short) * 100) / 100).toFixed(2);
    throw refuse(
      `${is}, so its long side is ${ratio} times the short one; the limit is ${MAX_RATIO} times.`,
      `crop it to at most ${MAX_RATIO}:1`,
    );
  }
}

/** EXIF tag 0x0112: 1 is upright; from 5 on, width and height are swapped. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;
const SHORT_TYPE = 3;

/**
 * @param tiff the EXIF block from its byte-order mark on; a malformed one counts as upright, as in viewers
 * Source: TIFF 6.0 section 2, EXIF 2.32 section 4.6.4.
 */
export function orientationOfExif(tiff: Buffer): Orientation {
  if (tiff.length < 8) return 1;
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return 1;
  const little = order === 'II';
  const uint16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;
  const entries = uint16(directory);
  for (let index = 0; index < entries; index += 1) {
    const entry = directory + 2 + index * 12;
    if (entry + 12 > tiff.length) return 1;
    if (uint16(entry) !== ORIENTATION_TAG) continue;
    if (uint16(entry + 2) !== SHORT_TYPE) return 1;
    const value = uint16(entry + 8);
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}

export function swapsSides(orientation: Orientation): boolean {
  return orientation >= 5;
}
