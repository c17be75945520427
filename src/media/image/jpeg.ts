/** Reads a JPEG's markers: its size, orientation and profile, where it ends, and what decoders skip in it. */
import { BrokenPicture, formatBytes, type Orientation, orientationOfExif, type PictureFacts } from './facts.ts';

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const APP1 = 0xe1;
const APP2 = 0xe2;
/** Baseline, extended and progressive Huffman coding: what common decoders read. */
const READABLE_FRAMES = new Set([0xc0, 0xc1, 0xc2]);
/** DHT, JPG and DAC lie in the same range as the frames. */
const NOT_FRAMES = new Set([0xc4, 0xc8, 0xcc]);
const EXIF_NAME = 'Exif\0\0';
/** Followed by the number of this part and of all parts. */
const PROFILE_NAME = 'ICC_PROFILE\0';

/**
 * Walks the markers from SOI to EOI (ITU T.81, annex B). Bytes before a marker that belong to nothing are left out, and
 * a missing EOI is added; whether the picture is whole then shows when it is decoded.
 * @throws BrokenPicture
 */
export function readJpeg(bytes: Buffer): PictureFacts {
  const kept: Buffer[] = [];
  let keptFrom = 0;
  let position = 2;
  let frame: { width: number; height: number; components: number } | undefined;
  let orientation: Orientation = 1;
  const profileParts: Buffer[] = [];
  let hasScan = false;
  let hasEnd = false;
  let strayBytes = 0;
  while (!hasEnd) {
    const marker = nextMarker(bytes, position);
    if (marker === undefined) {
      if (!hasScan) throw cutOff();
      break;
    }
    if (marker.start > position) {
      strayBytes += marker.start - position;
      kept.push(bytes.subarray(keptFrom, position));
      keptFrom = marker.start;
    }
    position = marker.next;
    hasEnd = marker.code === END_OF_IMAGE;
    if (hasEnd || isWithoutLength(marker.code)) continue;
    const length = position + 2 <= bytes.length ? bytes.readUInt16BE(position) : 0;
    if (position + Math.max(length, 2) > bytes.length) throw cutOff();
    if (length < 2) throw new BrokenPicture('is damaged: a part of the JPEG has no length');
    const segment = bytes.subarray(position + 2, position + length);
    position += length;
    if (isFrame(marker.code)) frame ??= readFrame(marker.code, segment);
    if (marker.code === APP1 && startsWith(segment, EXIF_NAME) && orientation === 1) {
      orientation = orientationOfExif(segment.subarray(EXIF_NAME.length));
    }
    if (marker.code === APP2 && startsWith(segment, PROFILE_NAME)) profileParts.push(segment);
    if (marker.code === START_OF_SCAN) {
      if (!frame) throw new BrokenPicture('is damaged: its JPEG data has no frame header');
      hasScan = true;
      position = endOfScan(bytes, position);
    }
  }
  if (!frame || !hasScan) throw new BrokenPicture('is damaged: it is a JPEG without a picture in it');
  kept.push(bytes.subarray(keptFrom, position), ...(hasEnd ? [] : [Buffer.from([0xff, END_OF_IMAGE])]));
  const isRepaired = strayBytes > 0 || !hasEnd;
  const trailing = hasEnd ? bytes.length - position : 0;
  const remarks = [
    ...(strayBytes > 0 ? [`${formatBytes(strayBytes)} that belong to no part of the JPEG were left out`] : []),
    ...(hasEnd ? [] : ['its missing JPEG end marker was added']),
    ...(trailing > 0 ? [`${formatBytes(trailing)} after the end of the picture were left out`] : []),
  ];
  return {
    width: frame.width,
    height: frame.height,
    orientation,
    bytes: isRepaired ? Buffer.concat(kept) : bytes.subarray(0, position),
    remarks,
    isCmyk: frame.components === 4,
    isRepaired,
    profile: joinProfile(profileParts),
  };
}

function cutOff(): BrokenPicture {
  return new BrokenPicture('is cut off: the end of the JPEG is missing');
}

function startsWith(segment: Buffer, name: string): boolean {
  return segment.toString('latin1', 0, name.length) === name;
}

/** Fill bytes (FF FF …) may stand before a marker; other bytes there are skipped, as libjpeg does. */
function nextMarker(bytes: Buffer, position: number): { start: number; code: number; next: number } | undefined {
  for (let start = bytes.indexOf(0xff, position); start !== -1; start = bytes.indexOf(0xff, start + 1)) {
    let at = start;
    while (bytes[at] === 0xff) at += 1;
    const code = bytes[at];
    if (code === undefined) return undefined;
    if (code !== 0) return { start, code, next: at + 1 };
  }
  return undefined;
}

function isWithoutLength(code: number): boolean {
  return code === 0x01 || (code >= 0xd0 && code <= 0xd8);
}

function isFrame(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && !NOT_FRAMES.has(code);
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

/** The next marker after the entropy-coded data that is neither a stuffed FF 00 nor a restart; else the end of the data. */
function endOfScan(bytes: Buffer, position: number): number {
  for (let at = bytes.indexOf(0xff, position); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === undefined) return at;
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return at;
  }
  return bytes.length;
}

/** ICC.1:2022 annex B.4: parts in the order of their numbers. */
function joinProfile(parts: readonly Buffer[]): Buffer | undefined {
  if (parts.length === 0) return undefined;
  const numbered = [...parts].sort((one, other) => (one[PROFILE_NAME.length] ?? 0) - (other[PROFILE_NAME.length] ?? 0));
  return Buffer.concat(numbered.map((part) => part.subarray(PROFILE_NAME.length + 2)));
}

const MAX_PROFILE_PART_BYTES = 65_519;

/** How much larger a JPEG becomes by `withProfile`. */
export function profileCost(profile: Uint8Array): number {
  return profile.length + Math.ceil(profile.length / MAX_PROFILE_PART_BYTES) * (PROFILE_NAME.length + 6);
}

/** @param jpeg without a profile */
export function withProfile(jpeg: Uint8Array, profile: Uint8Array): Uint8Array {
  const count = Math.ceil(profile.length / MAX_PROFILE_PART_BYTES);
  const segments = Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * MAX_PROFILE_PART_BYTES, (index + 1) * MAX_PROFILE_PART_BYTES);
    const length = part.length + PROFILE_NAME.length + 4;
    const head = [0xff, APP2, length >> 8, length & 0xff, ...Buffer.from(PROFILE_NAME, 'latin1'), index + 1, count];
    return Buffer.concat([Buffer.from(head), part]);
  });
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}
