/** How large may a picture be, and how is its size told? */
import { Problem } from '../problems.ts';

/** What we take (source document), and what the service takes (reference section 3). */
export const MAX_IMAGE_BYTES = 15_728_640;
export const MAX_SENT_BYTES = 4_928_307;
const MAX_SIDE = 4096;
const MIN_SIDE = 320;
const MAX_RATIO = 3;

export interface Size {
  readonly width: number;
  readonly height: number;
}

const numbers = new Intl.NumberFormat('en-US');

/** `11.8 MB`, in units of 1,048,576 bytes as the provider counts; small ones in whole bytes or kB. */
export function tellBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1_048_576) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}

export function tellSize({ width, height }: Size): string {
  return `${width}×${height}`;
}

/** @throws Problem invalid_image with the number and the limit */
export function requireBytesInLimit(shownName: string, bytes: number): void {
  if (bytes <= MAX_IMAGE_BYTES) return;
  throw new Problem('invalid_image', {
    what: `${shownName} is ${numbers.format(bytes)} bytes (${tellBytes(bytes)}); at most ${numbers.format(MAX_IMAGE_BYTES)} bytes (15 MB) are taken.`,
    hint: 'save it smaller, or as a JPEG',
  });
}

/** For the size that the header names, before anything is decoded. @throws Problem invalid_image */
export function requireSizeInLimits(shownName: string, size: Size): void {
  const { width, height } = size;
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  if (short === 0) {
    throw new Problem('invalid_image', {
      what: `${shownName} says that it is ${tellSize(size)} pixels, which is no picture.`,
      hint: 'save it again in an image program, as JPEG or PNG',
    });
  }
  if (long > MAX_SIDE) {
    throw new Problem('invalid_image', {
      what: `${shownName} is ${tellSize(size)} pixels; at most ${MAX_SIDE}×${MAX_SIDE} are taken.`,
      hint: `scale it down to at most ${MAX_SIDE} pixels on the longest side`,
    });
  }
  if (short < MIN_SIDE) {
    throw new Problem('invalid_image', {
      what: `${shownName} is ${tellSize(size)} pixels; the shortest side must be at least ${MIN_SIDE}.`,
      hint: 'use a larger picture',
    });
  }
  if (long > MAX_RATIO * short) {
    throw new Problem('invalid_image', {
      what: `${shownName} is ${tellSize(size)} pixels, so its long side is ${tellRatio(long / short)} times the short one; at most ${MAX_RATIO} times is taken.`,
      hint: `crop it to at most ${MAX_RATIO}:1`,
    });
  }
}

/** Rounded up, so that a ratio just above the limit is never told as the limit. */
function tellRatio(ratio: number): string {
  return (Math.ceil(ratio * 100) / 100).toFixed(2);
}
