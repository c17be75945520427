/** Paints a sandbox clip: the given pictures, a label with mode and prompt, and a bar that moves. */
import type { Font } from './font.ts';
import type { Picture } from './h264.ts';

/** 8 bits a channel, without padding; transparent pixels count as over white. */
export interface Rgba {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const BLOCK = 16;
const GLYPH_HEIGHT = 16;

export function blankPicture(width: number, height: number): Picture {
  const quarter = (width * height) / 4;
  return { width, height, y: Buffer.alloc(width * height), u: Buffer.alloc(quarter), v: Buffer.alloc(quarter) };
}

/** A background that differs from shot to shot: the hue comes from the text. */
export function paintBackground(picture: Picture, text: string): void {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  const angle = ((hash % 360) * Math.PI) / 180;
  picture.y.fill(64);
  picture.u.fill(Math.round(128 + 24 * Math.cos(angle)));
  picture.v.fill(Math.round(128 + 24 * Math.sin(angle)));
}

/** Fills the whole picture; what does not fit its shape is cut off evenly at two edges. */
export function paintImage(picture: Picture, image: Rgba): void {
  const { width, height } = picture;
  const rgb = scaled(image, width, height);
  // BT.709, limited range: no sample is 0, so a stored block needs no escape.
  for (let at = 0; at < width * height; at++) {
    const [red, green, blue] = [rgb[3 * at] ?? 0, rgb[3 * at + 1] ?? 0, rgb[3 * at + 2] ?? 0];
    picture.y[at] = Math.round(16 + 0.18259 * red + 0.61423 * green + 0.06201 * blue);
  }
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const mean = (channel: number) => {
        const [at, below] = [3 * (y * width + x) + channel, 3 * ((y + 1) * width + x) + channel];
        return ((rgb[at] ?? 0) + (rgb[at + 3] ?? 0) + (rgb[below] ?? 0) + (rgb[below + 3] ?? 0)) / 4;
      };
      const [red, green, blue] = [mean(0), mean(1), mean(2)];
      const quarter = (y / 2) * (width / 2) + x / 2;
      picture.u[quarter] = Math.round(128 - 0.10064 * red - 0.33857 * green + 0.43922 * blue);
      picture.v[quarter] = Math.round(128 + 0.43922 * red - 0.39894 * green - 0.04027 * blue);
    }
  }
}

/** Each pixel is the mean of those under it. @returns 3 channels */
function scaled({ data, width, height }: Rgba, toWidth: number, toHeight: number): Float32Array {
  const scale = Math.min(width / toWidth, height / toHeight);
  const columns = spans((width - toWidth * scale) / 2, scale, toWidth, width);
  const rows = spans((height - toHeight * scale) / 2, scale, toHeight, height);
  const rgb = new Float32Array(3 * toWidth * toHeight);
  let to = 0;
  for (const [top, bottom] of rows) {
    for (const [left, right] of columns) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let y = top; y < bottom; y++) {
        for (let at = 4 * (y * width + left); at < 4 * (y * width + right); at += 4) {
          const alpha = (data[at + 3] ?? 255) / 255;
          red += 255 + ((data[at] ?? 0) - 255) * alpha;
          green += 255 + ((data[at + 1] ?? 0) - 255) * alpha;
          blue += 255 + ((data[at + 2] ?? 0) - 255) * alpha;
        }
      }
      const count = (right - left) * (bottom - top);
      rgb[to++] = red / count;
      rgb[to++] = green / count;
      rgb[to++] = blue / count;
    }
  }
  return rgb;
}

/** The source pixels under each of `count` pixels: at least one. */
function spans(start: number, length: number, count: number, limit: number): (readonly [from: number, to: number])[] {
  return Array.from({ length: count }, (_, index) => {
    const from = Math.min(limit - 1, Math.max(0, Math.round(start + index * length)));
    return [from, Math.min(limit, Math.max(from + 1, Math.round(start + (index + 1) * length)))] as const;
  });
}

/** A dark band at the bottom: a row of blocks for the bar, the lines, and an empty row. */
export class Label {
  private readonly picture: Picture;
  private readonly columns: number;
  private readonly topRow: number;
  private readonly barTrack: number;
  private barColumn = -1;

  constructor(picture: Picture, lines: number) {
    this.picture = picture;
    this.columns = picture.width / BLOCK;
    this.barTrack = this.columns - 1;
    this.topRow = picture.height / BLOCK - 2 - lines * zoomOf(picture);
  }

  /** @returns the changed macroblocks */
  paint(font: Font, lines: readonly string[]): Set<number> {
    const { width, height } = this.picture;
    for (const [plane, level] of [
      ['y', 32],
      ['u', 128],
      ['v', 128],
    ] as const) {
      const size = plane === 'y' ? BLOCK : BLOCK / 2;
      this.picture[plane].fill(level, this.topRow * size * (width / BLOCK) * size);
    }
    const zoom = zoomOf(this.picture);
    for (const [line, text] of lines.entries()) {
      this.write(font, text, (this.topRow + 1) * BLOCK + line * GLYPH_HEIGHT * zoom, zoom);
    }
    this.barColumn = -1;
    const first = this.topRow * this.columns;
    return new Set(Array.from({ length: (height / BLOCK) * this.columns - first }, (_, index) => first + index));
  }

  /** @param progress from 0 to 1 @returns the changed macroblocks */
  moveBar(progress: number): Set<number> {
    const column = Math.round(progress * this.barTrack);
    if (column === this.barColumn) return new Set();
    const changed = [this.barColumn, column].filter((one) => one >= 0);
    if (this.barColumn >= 0) this.fillBlock(this.barColumn, 32);
    this.fillBlock(column, 200);
    this.barColumn = column;
    return new Set(changed.map((one) => this.topRow * this.columns + one));
  }

  private fillBlock(column: number, level: number): void {
    for (let line = 0; line < BLOCK; line++) {
      const start = (this.topRow * BLOCK + line) * this.picture.width + column * BLOCK;
      this.picture.y.fill(level, start, start + BLOCK);
    }
  }

  private write(font: Font, text: string, top: number, zoom: number): void {
    const { width } = this.picture;
    let left = BLOCK;
    for (const character of text) {
      const glyph = font.glyphOf(character);
      if (left + glyph.width * zoom > width - BLOCK) return;
      for (let y = 0; y < GLYPH_HEIGHT * zoom; y++) {
        const bits = glyph.rows[Math.floor(y / zoom)] ?? 0;
        for (let x = 0; x < glyph.width * zoom; x++) {
          if ((bits >> (15 - Math.floor(x / zoom))) & 1) this.picture.y[(top + y) * width + left + x] = 235;
        }
      }
      left += glyph.width * zoom;
    }
  }
}

/** So that a label of two lines is readable in a player's small window. */
function zoomOf({ width, height }: Picture): number {
  return Math.max(1, Math.round(Math.min(width, height) / 350));
}
