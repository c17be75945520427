/** Checks that a video file is whole and that its tables are small, before the MP4 library reads it. */
import type { FileHandle } from 'node:fs/promises';
import { MAX_BOX_HEADER_BYTES, readBoxHeader } from '../boxes.ts';
import { Refusal, readRange } from './file-ranges.ts';

/** An hour of video at 24 frames a second and of AAC is 260,000. */
const MAX_FRAMES = 300_000;
/** Of all tables together: sizes, times and positions of an hour of video and sound are about 800,000. */
const MAX_ENTRIES = 2_000_000;
/** The index of an hour is about 2 MB. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;
const MAX_TOP_BOXES = 10_000;
const MAX_FRAGMENT_INDEXES = 4;

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf']);

/** Tables with one count, and how many bytes after the box's name that count is. */
const COUNT_OFFSETS = { stsz: 12, stz2: 12, stss: 8, stco: 8, co64: 8, trun: 8, elst: 8, keys: 8, saio: 8, saiz: 9 };
/** Tables of runs: after the box's name come version, count, and then entries whose counts are at these offsets. */
const RUN_TABLES = {
  stts: { entryBytes: 8, countOffsets: [0] },
  ctts: { entryBytes: 8, countOffsets: [0] },
  // The number of the first chunk is a count, too: the library walks from one to the next.
  stsc: { entryBytes: 12, countOffsets: [0, 4] },
};

/** Calls `use` with the position of every place where `name` stands, whatever box it belongs to. */
function everywhere(index: Buffer, name: string, use: (position: number) => void): void {
  const text = Buffer.from(name, 'latin1');
  for (let at = index.indexOf(text); at !== -1; at = index.indexOf(text, at + 1)) use(at);
}

/** What the tables of a file claim, added up over its fragments. */
interface Claims {
  /** Frames in the runs of fragments. */
  frames: number;
  /** Frames by the tables of one kind, of the kind that claims the most. */
  most: number;
  /** Entries of all tables. */
  entries: number;
}

/**
 * Adds what the tables in `index` claim. Tables are looked for by name at every byte, not by walking the boxes: the
 * library reads tables inside boxes where none belong, and a walk that differs from its own would miss them.
 */
function addClaims(index: Buffer, claims: Claims): void {
  for (const [name, offset] of Object.entries(COUNT_OFFSETS)) {
    everywhere(index, name, (at) => {
      if (at + offset + 4 > index.length) return;
      const count = index.readUInt32BE(at + offset);
      claims.entries += count;
      // Each run of a fragment holds frames of its own; other tables describe the same frames.
      if (name === 'trun') claims.frames += count;
    });
  }
  for (const [name, { entryBytes, countOffsets }] of Object.entries(RUN_TABLES)) {
    let sum = 0;
    everywhere(index, name, (at) => {
      if (at + 12 > index.length) return;
      const runs = index.readUInt32BE(at + 8);
      claims.entries += runs;
      const end = Math.min(index.length, at + 12 + runs * entryBytes);
      for (let entry = at + 12; entry + entryBytes <= end; entry += entryBytes) {
        for (const offset of countOffsets) {
          const count = index.readUInt32BE(entry + offset);
          if (name !== 'stsc') sum += count;
          else if (count > MAX_FRAMES) throw new Refusal('its index promises more frames than any clip has');
        }
      }
    });
    claims.most = Math.max(claims.most, sum);
  }
}

/** @throws Refusal for what no clip has and would lead the library to other bytes: encryption, and places of fragments */
function refuseForeignBoxes(index: Buffer): void {
  for (const name of ['tenc', 'mfra', 'tfra']) {
    if (index.includes(name, 0, 'latin1')) throw new Refusal(`its index holds "${name}"`);
  }
}

/**
 * The end of what may be read. An index of fragments (`mfra`) at the end is left out: it may point at any byte, media
 * included, as the place of another table, and is of use only for seeking.
 */
async function endBeforeFragmentIndex(file: FileHandle, fileBytes: number): Promise<number> {
  let end = fileBytes;
  for (let count = 0; count < MAX_FRAGMENT_INDEXES; count += 1) {
    if (end < 16) return end;
    const start = end - Buffer.from(await readRange(file, end - 4, end)).readUInt32BE(0);
    if (start < 0 || start > end - 8) return end;
    const head = Buffer.from(await readRange(file, start, Math.min(end, start + 16)));
    if (head.toString('latin1', 4, 8) !== 'mfra') return end;
    end = start;
  }
  throw new Refusal('it has several indexes of fragments');
}

export interface CheckedIndex {
  /** The library may read the file up to here. */
  readonly readableBytes: number;
  /** The movie's box, from which edit lists are read without the library. */
  readonly movie: Buffer | undefined;
}

/**
 * Finds only these two faults; the library finds the others.
 * @throws Refusal when the file is not whole, or its tables are larger than those of any clip; what the system throws
 */
export async function checkIndex(file: FileHandle, fileBytes: number): Promise<CheckedIndex> {
  const readableBytes = await endBeforeFragmentIndex(file, fileBytes);
  const claims: Claims = { frames: 0, most: 0, entries: 0 };
  let indexBytes = 0;
  let movie: Buffer | undefined;
  let position = 0;
  for (let count = 0; position < readableBytes; count += 1) {
    if (count === MAX_TOP_BOXES) throw new Refusal('it is made of more pieces than any clip');
    const headEnd = Math.min(readableBytes, position + MAX_BOX_HEADER_BYTES);
    const head = Buffer.from(await readRange(file, position, headEnd));
    const box = readBoxHeader(head, readableBytes - position);
    if (box === undefined) break;
    const missing = position + box.bytes - readableBytes;
    // Refused for boxes that matter only: some programs append bytes of their own, which may read as a box of any size.
    if (missing > 0) {
      if (box.name === 'mdat' || CONTAINERS.has(box.name)) throw new Refusal(`its last ${missing} bytes are missing`);
      break;
    }
    if (CONTAINERS.has(box.name)) {
      indexBytes += box.bytes;
      if (indexBytes > MAX_INDEX_BYTES) throw new Refusal('its index is larger than that of any clip');
      const index = Buffer.from(await readRange(file, position, position + box.bytes));
      refuseForeignBoxes(index);
      addClaims(index, claims);
      if (claims.frames + claims.most > MAX_FRAMES)
        throw new Refusal('its index promises more frames than any clip has');
      if (claims.entries > MAX_ENTRIES) throw new Refusal('its index promises more entries than any clip has');
      if (box.name === 'moov') movie ??= index;
    }
    position += box.bytes;
  }
  return { readableBytes, movie };
}
