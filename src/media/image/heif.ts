/** Reads the boxes of a HEIC or AVIF picture: size, orientation, profile, and the HEVC data of its tiles. */
import { type Box, boxesIn } from '../boxes.ts';
import { BrokenPicture, type Orientation, type PictureFacts, type Size } from './facts.ts';

export interface HeifFacts extends PictureFacts {
  /** For HEIC: one picture for each tile, row by row, as a raw HEVC stream (ITU-T H.265 annex B). */
  readonly hevc: HevcTiles | undefined;
}

export interface HevcTiles extends Size {
  readonly stream: Buffer;
  readonly columns: number;
  readonly rows: number;
  readonly colour: Colour | undefined;
}

/** `colr` of type `nclx`: how the coded values become RGB (ISO/IEC 23091-2). */
export interface Colour {
  readonly matrix: number;
  readonly isFullRange: boolean;
}

interface Item {
  readonly type: string;
  readonly data: () => Buffer;
  readonly properties: readonly Box[];
}

const MAX_TILES = 1024;
const START_CODE = Buffer.from([0, 0, 0, 1]);

/** Source: ISO/IEC 14496-12 section 8.11 (boxes), ISO/IEC 23008-12 (items and properties). @throws BrokenPicture */
export function readHeif(bytes: Buffer): HeifFacts {
  try {
    const meta = find(boxesIn(bytes), 'meta').subarray(4);
    const boxes = [...boxesIn(meta)];
    const items = readItems(bytes, boxes);
    const primaryId = numberAt(find(boxes, 'pitm'), 4, find(boxes, 'pitm')[0] === 0 ? 2 : 4);
    const primary = itemOf(items, primaryId);
    const size = sizeOf(primary);
    const isHevc = primary.type === 'hvc1' || primary.type === 'grid';
    const tiles = primary.type === 'grid' ? tilesOf(items, boxes, primaryId) : [primary];
    return {
      ...size,
      orientation: orientationOf(primary),
      bytes,
      remarks: [],
      hasAlpha: true,
      profile: profileOf(primary) ?? (tiles[0] && profileOf(tiles[0])),
      hevc: isHevc && tiles[0]?.type === 'hvc1' ? hevcOf(primary, tiles, size) : undefined,
    };
  } catch (error) {
    if (error instanceof BrokenPicture) throw error;
    throw new BrokenPicture('is damaged: its HEIF structure cannot be read', { cause: error });
  }
}

function find(boxes: Iterable<Box>, name: string): Buffer {
  for (const box of boxes) if (box.name === name) return box.body;
  throw new Error(`no ${name} box`);
}

function numberAt(bytes: Buffer, at: number, size: number): number {
  if (size === 0) return 0;
  return size === 8 ? Number(bytes.readBigUInt64BE(at)) : bytes.readUIntBE(at, size);
}

/** Reads numbers one after the other. */
function reader(bytes: Buffer, start: number) {
  let at = start;
  return (size: number) => {
    at += size;
    return numberAt(bytes, at - size, size);
  };
}

function readItems(file: Buffer, meta: readonly Box[]): Map<number, Item> {
  const properties = propertiesByItem(find(meta, 'iprp'));
  const data = dataByItem(file, meta);
  const info = find(meta, 'iinf');
  const items = new Map<number, Item>();
  for (const { body: content } of boxesIn(info.subarray(info[0] === 0 ? 6 : 8))) {
    const idBytes = content[0] === 3 ? 4 : 2;
    const id = numberAt(content, 4, idBytes);
    const type = content.toString('latin1', 6 + idBytes, 10 + idBytes);
    items.set(id, { type, data: data.get(id) ?? (() => Buffer.alloc(0)), properties: properties.get(id) ?? [] });
  }
  return items;
}

function propertiesByItem(container: Buffer): Map<number, Box[]> {
  const all = [...boxesIn(find(boxesIn(container), 'ipco'))];
  const associations = find(boxesIn(container), 'ipma');
  const next = reader(associations, 4);
  const hasWideIndex = (associations.readUInt8(3) & 1) === 1;
  const byItem = new Map<number, Box[]>();
  for (let left = next(4); left > 0; left -= 1) {
    const id = next(associations[0] === 0 ? 2 : 4);
    const indices = Array.from({ length: next(1) }, () => (hasWideIndex ? next(2) & 0x7fff : next(1) & 0x7f));
    byItem.set(
      id,
      indices.flatMap((index) => all[index - 1] ?? []),
    );
  }
  return byItem;
}

function dataByItem(file: Buffer, meta: readonly Box[]): Map<number, () => Buffer> {
  const locations = find(meta, 'iloc');
  const version = locations.readUInt8(0);
  const [sizes = 0, baseAndIndex = 0] = [locations.readUInt8(4), locations.readUInt8(5)];
  const next = reader(locations, 6);
  const wide = version === 2 ? 4 : 2;
  const byItem = new Map<number, () => Buffer>();
  for (let left = next(wide); left > 0; left -= 1) {
    const id = next(wide);
    const isInMeta = version > 0 && (next(2) & 15) === 1;
    next(2);
    const base = next(baseAndIndex >> 4);
    const extents = Array.from({ length: next(2) }, () => {
      if (version > 0) next(baseAndIndex & 15);
      return { offset: base + next(sizes >> 4), length: next(sizes & 15) };
    });
    byItem.set(id, () => {
      const source = isInMeta ? find(meta, 'idat') : file;
      const parts = extents.map(({ offset, length }) => source.subarray(offset, offset + length));
      const whole = Buffer.concat(parts);
      if (whole.length < extents.reduce((sum, { length }) => sum + length, 0)) {
        throw new BrokenPicture('is cut off: the end of the picture is missing');
      }
      return whole;
    });
  }
  return byItem;
}

function itemOf(items: Map<number, Item>, id: number): Item {
  const item = items.get(id);
  if (item === undefined) throw new Error(`no item ${id}`);
  return item;
}

function sizeOf(item: Item): Size {
  const content = find(item.properties, 'ispe');
  return { width: content.readUInt32BE(4), height: content.readUInt32BE(8) };
}

/** By the angle, anticlockwise in quarter turns: without a mirror, top and bottom swapped, left and right swapped. */
const ORIENTATIONS: readonly (readonly Orientation[])[] = [
  [1, 4, 2],
  [8, 5, 7],
  [3, 2, 4],
  [6, 7, 5],
];

function orientationOf({ properties }: Item): Orientation {
  const value = (type: string) => properties.find(({ name }) => name === type)?.body[0];
  const mirror = value('imir');
  return ORIENTATIONS[(value('irot') ?? 0) & 3]?.[mirror === undefined ? 0 : 1 + (mirror & 1)] ?? 1;
}

function coloursOf({ properties }: Item, types: RegExp): Buffer | undefined {
  return properties.find(({ name, body }) => name === 'colr' && types.test(body.toString('latin1', 0, 4)))?.body;
}

function profileOf(item: Item): Buffer | undefined {
  return coloursOf(item, /^(prof|rICC)$/)?.subarray(4);
}

function tilesOf(items: Map<number, Item>, meta: readonly Box[], gridId: number): Item[] {
  const references = find(meta, 'iref');
  const idBytes = references[0] === 0 ? 2 : 4;
  const derived = [...boxesIn(references.subarray(4))].find(
    ({ name, body }) => name === 'dimg' && numberAt(body, 0, idBytes) === gridId,
  );
  if (derived === undefined) throw new Error('no tiles');
  const next = reader(derived.body, idBytes);
  return Array.from({ length: Math.min(next(2), MAX_TILES) }, () => itemOf(items, next(idBytes)));
}

function hevcOf(primary: Item, tiles: readonly Item[], size: Size): HevcTiles {
  const colr = coloursOf(primary, /^nclx$/) ?? (tiles[0] && coloursOf(tiles[0], /^nclx$/));
  const colour = colr && { matrix: colr.readUInt16BE(8), isFullRange: colr.readUInt8(10) >= 128 };
  const stream = Buffer.concat(tiles.flatMap(annexB));
  if (primary.type !== 'grid') return { ...size, stream, columns: 1, rows: 1, colour };
  const grid = primary.data();
  const wide = grid.readUInt8(1) & 1 ? 4 : 2;
  const [rows, columns] = [grid.readUInt8(2) + 1, grid.readUInt8(3) + 1];
  if (rows * columns !== tiles.length) throw new Error(`${tiles.length} tiles for ${rows} rows of ${columns}`);
  return { width: numberAt(grid, 4, wide), height: numberAt(grid, 4 + wide, wide), stream, columns, rows, colour };
}

/** The parameter sets of `hvcC` and the item's own units, each behind a start code (ISO/IEC 14496-15 section 8.3). */
function annexB(item: Item): Buffer[] {
  const configuration = find(item.properties, 'hvcC');
  const lengthBytes = (configuration.readUInt8(21) & 3) + 1;
  const next = reader(configuration, 22);
  const units: Buffer[] = [];
  let at = 23;
  for (let arrays = next(1); arrays > 0; arrays -= 1) {
    let count = configuration.readUInt16BE(at + 1);
    for (at += 3; count > 0; count -= 1) {
      const length = configuration.readUInt16BE(at);
      units.push(START_CODE, configuration.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  const data = item.data();
  for (let from = 0; from + lengthBytes <= data.length; ) {
    const length = data.readUIntBE(from, lengthBytes);
    from += lengthBytes + length;
    units.push(START_CODE, data.subarray(from - length, from));
  }
  return units;
}
