/** Reads boxes, the units that MP4, HEIC and AVIF files are made of (ISO/IEC 14496-12, section 4.2). */

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
