/** Reads which part of each track a player shows: the edit lists of an MP4. */

import { readBoxHeader } from '../box-header.ts';
import { Refusal } from './file-ranges.ts';

/** In seconds on the movie's time line; frames outside are in the file, but not shown. */
export interface ShownPart {
  readonly from: number;
  readonly until: number;
}

const EVERYTHING: ShownPart = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

/** The contents of the boxes at `path`, the first of each name on the way. */
function find(bytes: Buffer, ...[name, ...rest]: string[]): Buffer | undefined {
  for (const box of boxesIn(bytes)) {
    if (box.name === name) return rest.length === 0 ? box.body : find(box.body, ...rest);
  }
  return undefined;
}

function* boxesIn(bytes: Buffer): Generator<{ name: string; body: Buffer }> {
  for (let offset = 0; ; ) {
    const box = readBoxHeader(bytes.subarray(offset), bytes.length - offset);
    if (box === undefined) return;
    yield { name: box.name, body: bytes.subarray(offset + box.headerBytes, offset + box.bytes) };
    offset += box.bytes;
  }
}

/** The number after the times of creation and modification, which are 64 bits wide where the first byte is 1, else 32. */
function numberAfterTimes(body: Buffer): number {
  return body.readUInt32BE(body[0] === 1 ? 20 : 12);
}

interface Edit {
  /** In the movie's units of time. */
  readonly length: number;
  /** −1: nothing is shown for that long. */
  readonly mediaTime: number;
  readonly rate: number;
}

function readEdits(body: Buffer): Edit[] {
  const isWide = body[0] === 1;
  const count = body.readUInt32BE(4);
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + index * (isWide ? 20 : 12);
    return isWide
      ? {
          length: Number(body.readBigUInt64BE(at)),
          mediaTime: Number(body.readBigInt64BE(at + 8)),
          rate: body.readInt32BE(at + 16) / 0x10000,
        }
      : {
          length: body.readUInt32BE(at),
          mediaTime: body.readInt32BE(at + 4),
          rate: body.readInt32BE(at + 8) / 0x10000,
        };
  });
}

/**
 * @param movie the movie's box, checked by `checkIndex`
 * @param trackId as in the track's header
 * @throws Refusal for an edit list that the MP4 library does not follow: several parts, another speed, nothing shown
 */
export function shownPartOf(movie: Buffer | undefined, trackId: number): ShownPart {
  const body = movie && find(movie, 'moov');
  if (body === undefined) return EVERYTHING;
  try {
    const header = find(body, 'mvhd');
    for (const { name, body: track } of boxesIn(body)) {
      const trackHeader = name === 'trak' ? find(track, 'tkhd') : undefined;
      const list = trackHeader && numberAfterTimes(trackHeader) === trackId ? find(track, 'edts', 'elst') : undefined;
      if (list !== undefined && header !== undefined) return partOf(readEdits(list), numberAfterTimes(header));
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal('its edit list makes no sense');
  }
  return EVERYTHING;
}

function partOf(edits: readonly Edit[], unitsASecond: number): ShownPart {
  if (edits.length === 0) return EVERYTHING;
  const shown = edits.filter(({ mediaTime }) => mediaTime !== -1);
  const [only] = shown;
  if (only === undefined || shown.length > 1 || only !== edits.at(-1) || only.rate !== 1 || only.mediaTime < 0) {
    throw new Refusal('its edit list has several parts or another speed');
  }
  const from = edits.slice(0, -1).reduce((sum, { length }) => sum + length, 0) / unitsASecond;
  // Zero: up to the end, as in fragmented files, whose length was not known when the list was written.
  return { from, until: only.length === 0 ? Number.POSITIVE_INFINITY : from + only.length / unitsASecond };
}
