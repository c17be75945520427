/** Paints times and lines onto a transparent picture, with digits of its own: machines without fonts are common. Pure. */
import type { Grid } from './contact-sheet.ts';

const GLYPH_WIDTH = 5;
const GLYPH_HEIGHT = 7;
/** Between frames, which may have the same colour at their edges. */
const LINE_WIDTH = 2;

/** Rows of five pixels, from the top; # is painted. */
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '.###. #...# #..## #.#.# ##..# #...# .###.',
  '1': '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
  '2': '.###. #...# ....# ...#. ..#.. .#... #####',
  '3': '##### ...#. ..#.. ...#. ....# #...# .###.',
  '4': '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
  '5': '##### #.... ####. ....# ....# #...# .###.',
  '6': '..##. .#... #.... ####. #...# #...# .###.',
  '7': '##### ....# ...#. ..#.. .#... .#... .#...',
  '8': '.###. #...# #...# .###. #...# #...# .###.',
  '9': '.###. #...# #...# .#### ....# ...#. .##..',
  ':': '..... ..#.. ..#.. ..... ..#.. ..#.. .....',
  '.': '..... ..... ..... ..... ..... .##.. .##..',
};

/** Minutes, seconds, hundredths: 0:05.04. */
export function timeText(seconds: number): string {
  const hundredths = Math.round(seconds * 100);
  const rest = (hundredths % 6000) / 100;
  return `${Math.floor(hundredths / 6000)}:${rest.toFixed(2).padStart(5, '0')}`;
}

/** @returns RGBA of the whole sheet: lines between the cells, and in each lower left corner its time, white on black */
export function paintTimes(times: readonly number[], { columns, rows, cellWidth, cellHeight }: Grid): Buffer {
  const width = columns * cellWidth;
  const picture = Buffer.alloc(width * rows * cellHeight * 4);
  const fill = (left: number, top: number, across: number, down: number, brightness: number) => {
    for (let y = top; y < top + down; y += 1) {
      for (let x = left; x < left + across; x += 1) {
        const at = (y * width + x) * 4;
        picture.fill(brightness, at, at + 3);
        picture[at + 3] = 255;
      }
    }
  };
  const cellOf = (index: number) => ({
    left: (index % columns) * cellWidth,
    bottom: (Math.floor(index / columns) + 1) * cellHeight,
  });
  for (let index = 0; index < columns * rows; index += 1) {
    const { left, bottom } = cellOf(index);
    fill(left + cellWidth - LINE_WIDTH, bottom - cellHeight, LINE_WIDTH, cellHeight, 255);
    fill(left, bottom - LINE_WIDTH, cellWidth, LINE_WIDTH, 255);
  }
  times.forEach((seconds, index) => {
    const text = timeText(seconds);
    const units = { width: text.length * (GLYPH_WIDTH + 1) + 1, height: GLYPH_HEIGHT + 2 };
    // Wide frames get digits that are still read when the sheet is shown smaller; narrow ones, what fits.
    const largest = Math.min(Math.floor(cellWidth / units.width), Math.floor(cellHeight / units.height));
    const scale = Math.max(1, Math.min(4, largest));
    const { left, bottom } = cellOf(index);
    const top = bottom - units.height * scale;
    if (largest < 1) return;
    fill(left, top, units.width * scale, units.height * scale, 0);
    [...text].forEach((character, place) => {
      (GLYPHS[character] ?? '').split(' ').forEach((row, y) => {
        [...row].forEach((pixel, x) => {
          const start = left + (place * (GLYPH_WIDTH + 1) + 1 + x) * scale;
          if (pixel === '#') fill(start, top + (y + 1) * scale, scale, scale, 255);
        });
      });
    });
  });
  return picture;
}
