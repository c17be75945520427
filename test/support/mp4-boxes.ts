/** Builds and changes MP4 files box by box, for tests with hostile ones. */

/** A box with its header. */
export function box(name: string, ...contents: readonly (Uint8Array | number | string)[]): Buffer {
  const body = Buffer.concat(contents.map((part) => (typeof part === 'number' ? u32(part) : Buffer.from(part))));
  return Buffer.concat([u32(body.length + 8), Buffer.from(name, 'latin1'), body]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'udta', 'mvex', 'moof', 'traf', 'dinf']);

export interface BoxPlace {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Positions of the boxes around it, outermost first. */
  readonly parents: readonly number[];
}

/** All boxes of a well-formed file, parents before children. */
export function boxPlaces(
  bytes: Buffer,
  start = 0,
  end = bytes.length,
  parents: readonly number[] = [],
): readonly BoxPlace[] {
  const places: BoxPlace[] = [];
  for (let at = start; at + 8 <= end; ) {
    const name = bytes.toString('latin1', at + 4, at + 8);
    const boxEnd = at + bytes.readUInt32BE(at);
    places.push({ name, start: at, end: boxEnd, parents });
    if (CONTAINERS.has(name)) places.push(...boxPlaces(bytes, at + 8, boxEnd, [...parents, at]));
    at = boxEnd;
  }
  return places;
}

/** Puts `inserted` at `position`, and makes the boxes around it that much longer. What refers to later bytes is wrong then. */
export function insert(bytes: Buffer, position: number, parents: readonly number[], inserted: Uint8Array): Buffer {
  const changed = Buffer.from(bytes);
  for (const parent of parents) {
    changed.writeUInt32BE((changed.readUInt32BE(parent) + inserted.length) >>> 0, parent);
  }
  return Buffer.concat([changed.subarray(0, position), inserted, changed.subarray(position)]);
}

/** Puts a box at the end of the first box named `parent`. */
export function append(bytes: Buffer, parent: string, inserted: Uint8Array): Buffer {
  const place = boxPlaces(bytes).find(({ name }) => name === parent);
  if (place === undefined) throw new Error(`there is no ${parent}`);
  return insert(bytes, place.end, [...place.parents, place.start], inserted);
}

/** @param offset behind the name of the first box called `name` */
export function patched(bytes: Buffer, name: string, offset: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt32BE(value >>> 0, changed.indexOf(name, 0, 'latin1') + 4 + offset);
  return changed;
}
