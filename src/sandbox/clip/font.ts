/** The label's font: GNU Unifont's glyphs for ASCII, Latin-1, Chinese punctuation and GB 2312 (see assets/sandbox-font.md). */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

export interface Glyph {
  /** 8 or 16. */
  readonly width: number;
  /** 16 rows, the leftmost pixel in bit 15. */
  readonly rows: readonly number[];
}

export interface Font {
  /** A box for a character that the font does not have. */
  glyphOf(character: string): Glyph;
}

/** Code, width, 16 rows of 16 bits. */
const RECORD_BYTES = 2 + 1 + 32;
const BOX: Glyph = { width: 16, rows: [0, 0, 0x3ffc, ...Array<number>(11).fill(0x2004), 0x3ffc, 0] };

/** Beside the bundle, or in the sources. */
const PLACES = ['./sandbox-font.br', '../../../assets/sandbox-font.br'];

/** @throws Error when the package contains no font */
export function readFont(): Font {
  const files = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const file = files.find((one) => existsSync(one));
  if (file === undefined) throw new Error(`The sandbox's font is in none of ${files.join(', ')}.`);
  const bytes = brotliDecompressSync(readFileSync(file));
  const offsets = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) offsets.set(bytes.readUInt16BE(at), at);
  return {
    glyphOf(character) {
      const at = offsets.get(character.codePointAt(0) ?? 0);
      if (at === undefined) return BOX;
      const rows = Array.from({ length: 16 }, (_, row) => bytes.readUInt16BE(at + 3 + 2 * row));
      return { width: bytes[at + 2] ?? 16, rows };
    },
  };
}
