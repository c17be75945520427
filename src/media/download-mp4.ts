/** Do these bytes begin an MP4, and is the MP4 all there? */

/** `ftyp` comes after the first box's length, at bytes 4–8. */
export const MP4_HEAD_BYTES = 8;

export function beginsMp4(head: Uint8Array): boolean {
  return Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1', 4, 8) === 'ftyp';
}

/** Reads up to `length` bytes at `position`. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

const BOX_HEADER_BYTES = 16;
const MAX_BOXES = 100_000;

/**
 * Walks the outermost boxes: they say themselves how long the file is, also where the server told a wrong length or
 * none. Bytes after them that are no box are let pass: players do so, and the video is paid for.
 * @param size of the file, in bytes
 */
export async function isWholeMp4(readAt: ReadAt, size: number): Promise<boolean> {
  let position = 0;
  let hasIndex = false;
  let hasMedia = false;
  for (let count = 0; position < size && count < MAX_BOXES; count += 1) {
    const header = await readAt(position, BOX_HEADER_BYTES);
    if (position === 0 && !beginsMp4(header)) return false;
    // A few bytes more than the last box: either nothing that matters, or the beginning of what is missing.
    if (header.length < MP4_HEAD_BYTES) return hasIndex && hasMedia;
    const kind = header.toString('latin1', 4, 8);
    if (!/^[\x20-\x7e\xa9]{4}$/.test(kind)) return true;
    hasIndex ||= kind === 'moov';
    hasMedia ||= kind === 'mdat';
    const shortLength = header.readUInt32BE(0);
    const isLong = shortLength === 1;
    if (isLong && header.length < BOX_HEADER_BYTES) return false;
    const length = isLong ? Number(header.readBigUInt64BE(8)) : shortLength;
    if (length > 0 && length < MP4_HEAD_BYTES) return true;
    // Zero: this box goes to the end of the file.
    position = length === 0 ? size : position + length;
  }
  return position === size && hasIndex && hasMedia;
}
