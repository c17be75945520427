/** Reads boxes, the units that MP4, HEIC and AVIF files are made of (ISO/IEC 14496-12, section 4.2), and finds those of an MP4's movie. */

export const MAX_BOX_HEADER_BYTES = 16;

export interface BoxHeader {
  readonly name: string;
  readonly headerBytes: number;
  /** Of the whole box, its header included. */
  readonly bytes: number;
}

/**
 * @param head begins with the box; 16 bytes suffice
 * @param rest bytes from the box's beginning to the end of what holds it, which a length of zero stands for
 * @returns undefined where the header is cut off, or the box is shorter than its header
 */
export function readBoxHeader(head: Buffer, rest: number): BoxHeader | undefined {
  if (head.length < 8) return undefined;
  const short = head.readUInt32BE(0);
  const headerBytes = short === 1 ? MAX_BOX_HEADER_BYTES : 8;
  if (head.length < headerBytes) return undefined;
  const bytes = short === 0 ? rest : short === 1 ? Number(head.readBigUInt64BE(8)) : short;
  return bytes < headerBytes ? undefined : { name: head.toString('latin1', 4, 8), headerBytes, bytes };
}

export interface Box {
  readonly name: string;
  readonly body: Buffer;
}

/** One after the other, up to what is no box. */
export function* boxesIn(bytes: Buffer): Generator<Box> {
  for (let offset = 0; ; ) {
    const box = readBoxHeader(bytes.subarray(offset), bytes.length - offset);
    if (box === undefined) return;
    yield { name: box.name, body: bytes.subarray(offset + box.headerBytes, offset + box.bytes) };
    offset += box.bytes;
  }
}

/** The contents of the boxes at `path`, the first of each name on the way. */
export function findBox(bytes: Buffer, ...[name, ...rest]: string[]): Buffer | undefined {
  for (const box of boxesIn(bytes)) {
    if (box.name === name) return rest.length === 0 ? box.body : findBox(box.body, ...rest);
  }
  return undefined;
}

/** The number after the times of creation and modification, which are 64 bits wide where the first byte is 1, else 32. */
export function numberAfterTimes(body: Buffer): number {
  return body.readUInt32BE(body[0] === 1 ? 20 : 12);
}

/** @param movie the movie's box @param trackId as in the track's header @throws RangeError for a box that is too short */
export function trackIn(movie: Buffer, trackId: number): Buffer | undefined {
  for (const { name, body } of boxesIn(findBox(movie, 'moov') ?? Buffer.alloc(0))) {
    const header = name === 'trak' ? findBox(body, 'tkhd') : undefined;
    if (header !== undefined && numberAfterTimes(header) === trackId) return body;
  }
  return undefined;
}

/** "avc1", "hvc1", …: how each of the track's decoder configurations is stored. */
export function sampleEntriesOf(movie: Buffer | undefined, trackId: number): string[] {
  const track = movie && trackIn(movie, trackId);
  const entries = track && findBox(track, 'mdia', 'minf', 'stbl', 'stsd');
  // Version and number of entries come first.
  return entries === undefined ? [] : [...boxesIn(entries.subarray(8))].map(({ name }) => name);
}
