/** Finds boxes in the movie's box of an MP4, which the MP4 library does not report. */
import { boxesIn } from '../box-header.ts';

/** The contents of the boxes at `path`, the first of each name on the way. */
export function find(bytes: Buffer, ...[name, ...rest]: string[]): Buffer | undefined {
  for (const box of boxesIn(bytes)) {
    if (box.name === name) return rest.length === 0 ? box.body : find(box.body, ...rest);
  }
  return undefined;
}

/** The number after the times of creation and modification, which are 64 bits wide where the first byte is 1, else 32. */
export function numberAfterTimes(body: Buffer): number {
  return body.readUInt32BE(body[0] === 1 ? 20 : 12);
}

/** @param movie the movie's box @param trackId as in the track's header @throws RangeError for a box that is too short */
export function trackIn(movie: Buffer, trackId: number): Buffer | undefined {
  for (const { name, body } of boxesIn(find(movie, 'moov') ?? Buffer.alloc(0))) {
    const header = name === 'trak' ? find(body, 'tkhd') : undefined;
    if (header !== undefined && numberAfterTimes(header) === trackId) return body;
  }
  return undefined;
}

/** "avc1", "hvc1", …: how each of the track's decoder configurations is stored. */
export function sampleEntriesOf(movie: Buffer | undefined, trackId: number): string[] {
  const track = movie && trackIn(movie, trackId);
  const entries = track && find(track, 'mdia', 'minf', 'stbl', 'stsd');
  // Version and number of entries come first.
  return entries === undefined ? [] : [...boxesIn(entries.subarray(8))].map(({ name }) => name);
}
