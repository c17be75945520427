/** Reads which part of each track a player shows: the edit lists of an MP4. */
import { findBox, numberAfterTimes, trackIn } from '../boxes.ts';
import { Refusal } from './file-ranges.ts';

/** In seconds on the movie's time line; frames outside are in the file, but not shown. */
export interface ShownPart {
  readonly from: number;
  readonly until: number;
}

const EVERYTHING: ShownPart = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

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
  if (movie === undefined) return EVERYTHING;
  try {
    const header = findBox(movie, 'moov', 'mvhd');
    const track = trackIn(movie, trackId);
    const list = track && findBox(track, 'edts', 'elst');
    if (list !== undefined && header !== undefined) return partOf(readEdits(list), numberAfterTimes(header));
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
