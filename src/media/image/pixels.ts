/** Makes decoded pixels opaque, turns them upright, scales and samples them. Pure: no codec, no file. */
import { type Orientation, type Size, swapsSides } from './facts.ts';

/** Four bytes a pixel: red, green, blue, alpha; rows from the top. */
export interface Pixels extends Size {
  readonly data: Uint8Array;
}

/** JPEG has no alpha: transparent parts become white, in place. @returns whether there were any */
export function flattenOnWhite({ data }: Pixels): boolean {
  let wasTransparent = false;
  for (let at = 3; at < data.length; at += 4) {
    const alpha = data[at] as number;
    if (alpha === 255) continue;
    wasTransparent = true;
    for (let colour = at - 3; colour < at; colour += 1) {
      data[colour] = Math.round(((data[colour] as number) * alpha + 255 * (255 - alpha)) / 255);
    }
    data[at] = 255;
  }
  return wasTransparent;
}

/** The picture as it is meant to be seen (EXIF 2.32, tag 0x0112). */
export function turnUpright(pixels: Pixels, orientation: Orientation): Pixels {
  if (orientation === 1) return pixels;
  const { width, height } = pixels;
  const swaps = swapsSides(orientation);
  const [newWidth, newHeight] = swaps ? [height, width] : [width, height];
  const source = asWords(pixels.data);
  const target = new Uint32Array(source.length);
  const mirrorsColumns = [2, 3, 7, 8].includes(orientation);
  const mirrorsRows = [3, 4, 6, 7].includes(orientation);
  let at = 0;
  for (let row = 0; row < newHeight; row += 1) {
    for (let column = 0; column < newWidth; column += 1) {
      const [x, y] = swaps ? [row, column] : [column, row];
      const sourceColumn = mirrorsColumns ? width - 1 - x : x;
      const sourceRow = mirrorsRows ? height - 1 - y : y;
      target[at] = source[sourceRow * width + sourceColumn] as number;
      at += 1;
    }
  }
  return { data: new Uint8Array(target.buffer), width: newWidth, height: newHeight };
}

/** Each new pixel is the mean of the old ones that it covers. @param factor above 0, below 1 */
export function scaleDown({ data, width, height }: Pixels, factor: number): Pixels {
  const newWidth = Math.max(1, Math.round(width * factor));
  const newHeight = Math.max(1, Math.round(height * factor));
  const columns = overlaps(width, newWidth);
  const target = new Uint8Array(newWidth * newHeight * 4);
  const sums = new Float64Array(newWidth * 4);
  for (let row = 0; row < newHeight; row += 1) {
    sums.fill(0);
    const from = (row * height) / newHeight;
    const to = ((row + 1) * height) / newHeight;
    for (let y = Math.floor(from); y < Math.ceil(to - 1e-9); y += 1) {
      const rowWeight = (Math.min(y + 1, to) - Math.max(y, from)) / (to - from);
      for (const { x, column, weight } of columns) {
        for (let colour = 0; colour < 4; colour += 1) {
          const at = column * 4 + colour;
          sums[at] = (sums[at] as number) + (data[(y * width + x) * 4 + colour] as number) * weight * rowWeight;
        }
      }
    }
    for (let at = 0; at < sums.length; at += 1) target[row * sums.length + at] = Math.round(sums[at] as number);
  }
  return { data: target, width: newWidth, height: newHeight };
}

/** About `rows` rows, in bands from top to bottom: they compress about as well as the whole. */
export function sampleBands({ data, width, height }: Pixels, rows: number): Pixels {
  const BAND_ROWS = 16;
  const bands = Math.floor(rows / BAND_ROWS);
  const sample = new Uint8Array(bands * BAND_ROWS * width * 4);
  for (let band = 0; band < bands; band += 1) {
    const top = Math.floor((band * (height - BAND_ROWS)) / Math.max(1, bands - 1));
    const rowsOfBand = data.subarray(top * width * 4, (top + BAND_ROWS) * width * 4);
    sample.set(rowsOfBand, band * BAND_ROWS * width * 4);
  }
  return { data: sample, width, height: bands * BAND_ROWS };
}

/** The share of each old column in each new one. */
function overlaps(oldCount: number, newCount: number): { x: number; column: number; weight: number }[] {
  const step = oldCount / newCount;
  const list: { x: number; column: number; weight: number }[] = [];
  for (let column = 0; column < newCount; column += 1) {
    const [from, to] = [column * step, (column + 1) * step];
    for (let x = Math.floor(from); x < Math.ceil(to - 1e-9); x += 1) {
      list.push({ x, column, weight: (Math.min(x + 1, to) - Math.max(x, from)) / step });
    }
  }
  return list;
}

/** Views four bytes as one number; a decoder's array may start at any offset. */
function asWords(data: Uint8Array): Uint32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
