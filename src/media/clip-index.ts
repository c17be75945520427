/**
 * Is a video file whole, and does its index promise no more frames than a clip has?
 *
 * Asked before the MP4 library opens the file: it unfolds run-length tables in memory, so eight wrong bytes in one keep
 * it, and the whole server with it, busy for minutes (measured with 0xff in the first entry of `ctts`).
 */
import type { FileHandle } from 'node:fs/promises';

/** More than an hour at 24 frames a second. */
const MAX_FRAMES = 100_000;
/** The index of an hour is about 2 MB. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;
const MAX_TOP_BOXES = 10_000;

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf']);

interface Box {
  readonly name: string;
  readonly headerBytes: number;
  readonly bytes: number;
}

/** @param rest the bytes from the box's beginning to the end of what holds it */
function readBox(head: Buffer, rest: number): Box | undefined {
  if (head.length < 8) return undefined;
  const name = head.toString('latin1', 4, 8);
  const short = head.readUInt32BE(0);
  if (short === 0) return { name, headerBytes: 8, bytes: rest };
  if (short !== 1) return { name, headerBytes: 8, bytes: short };
  return head.length < 16 ? undefined : { name, headerBytes: 16, bytes: Number(head.readBigUInt64BE(8)) };
}

/** How many frames a table speaks of: the sum of its runs, or the one count it has. */
function countFrames(name: string, body: Buffer): number {
  if (name === 'stsz') return body.length < 12 ? 0 : body.readUInt32BE(8);
  if (name === 'trun') return body.length < 8 ? 0 : body.readUInt32BE(4);
  if (name !== 'stts' && name !== 'ctts') return 0;
  let frames = 0;
  for (let offset = 8; offset + 8 <= body.length; offset += 8) frames += body.readUInt32BE(offset);
  return frames;
}

function mostFrames(bytes: Buffer): number {
  let most = 0;
  for (let offset = 0; ; ) {
    const box = readBox(bytes.subarray(offset, offset + 16), bytes.length - offset);
    if (box === undefined || box.bytes < box.headerBytes) return most;
    const body = bytes.subarray(offset + box.headerBytes, offset + box.bytes);
    most = Math.max(most, CONTAINERS.has(box.name) ? mostFrames(body) : countFrames(box.name, body));
    offset += box.bytes;
  }
}

/**
 * @returns why the file is not believed; undefined when it may be read. What else is wrong with it, the library says
 * @throws what the system says
 */
export async function indexObjection(file: FileHandle, fileBytes: number): Promise<string | undefined> {
  let position = 0;
  for (let count = 0; count < MAX_TOP_BOXES && position < fileBytes; count += 1) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, position);
    const box = readBox(buffer.subarray(0, bytesRead), fileBytes - position);
    if (box === undefined || box.bytes < box.headerBytes) return undefined;
    const missing = position + box.bytes - fileBytes;
    // Only of boxes that matter: some programs leave bytes of their own at the end, which read as any size.
    if (missing > 0 && (box.name === 'mdat' || CONTAINERS.has(box.name)))
      return `its last ${missing} bytes are missing`;
    if (CONTAINERS.has(box.name)) {
      if (box.bytes > MAX_INDEX_BYTES) return 'its index is larger than that of any clip';
      const index = Buffer.alloc(box.bytes);
      await file.read(index, 0, index.length, position);
      if (mostFrames(index) > MAX_FRAMES) return 'its index promises more frames than any clip has';
    }
    position += box.bytes;
  }
  return position < fileBytes ? 'it is made of more pieces than any clip' : undefined;
}
