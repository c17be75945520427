/**
 * A lossless H.264 encoder for still pictures with small changes: every macroblock is copied from the frame before
 * (P_Skip), predicted from its neighbour, or stored as it is (I_PCM). One slice per frame, no B-frames, no loop filter.
 * Source: ITU-T H.264 (08/2021), clauses in brackets.
 */

/** Planes of 8 bits, 4:2:0; width and height are multiples of 16. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly y: Buffer;
  readonly u: Buffer;
  readonly v: Buffer;
}

const NAL_SLICE = 0x61;
const NAL_IDR = 0x65;
const NAL_SPS = 0x67;
const NAL_PPS = 0x68;
/** Constrained baseline, level 4.2: 8,704 macroblocks a frame, and 62.5 Mbit for one that is stored as it is. */
const PROFILE_LEVEL = [66, 0xc0, 42] as const;
const FRAMES_PER_SECOND = 24;
const PCM_BYTES = 384;

/** Writes bits, most significant first. */
class BitWriter {
  private readonly buffer: Buffer;
  private length = 0;
  private partial = 0;
  private partialBits = 0;

  constructor(maxBytes: number) {
    this.buffer = Buffer.allocUnsafe(maxBytes);
  }

  bits(value: number, count: number): this {
    for (let bit = count - 1; bit >= 0; bit--) {
      this.partial = (this.partial << 1) | ((value >>> bit) & 1);
      this.partialBits += 1;
      if (this.partialBits === 8) this.flush();
    }
    return this;
  }

  /** Exp-Golomb (9.1). */
  ue(value: number): this {
    const length = 31 - Math.clz32(value + 1);
    return this.bits(0, length).bits(value + 1, length + 1);
  }

  alignWithZeros(): this {
    return this.partialBits === 0 ? this : this.bits(0, 8 - this.partialBits);
  }

  /** Only where aligned. */
  bytes(source: Buffer, start: number, end: number): void {
    this.length += source.copy(this.buffer, this.length, start, end);
  }

  /** With the stop bit, and with emulation prevention (7.4.1.1). */
  nal(header: number): Buffer {
    this.bits(1, 1).alignWithZeros();
    const payload = this.buffer.subarray(0, this.length);
    const parts: Buffer[] = [Buffer.of(header)];
    let start = 0;
    for (let at = payload.indexOf('\0\0', 0, 'latin1'); at >= 0; at = payload.indexOf('\0\0', at, 'latin1')) {
      at += 2;
      if ((payload[at] ?? 4) > 3) continue;
      parts.push(payload.subarray(start, at), Buffer.of(3));
      start = at;
    }
    return Buffer.concat([...parts, payload.subarray(start)]);
  }

  private flush(): void {
    this.buffer[this.length] = this.partial;
    this.length += 1;
    this.partial = 0;
    this.partialBits = 0;
  }
}

/** Sequence parameter set (7.3.2.1, E.1): BT.709, limited range, constant frame rate, nothing reordered. */
function sequenceParameters(width: number, height: number): Buffer {
  const bits = new BitWriter(64);
  for (const byte of PROFILE_LEVEL) bits.bits(byte, 8);
  bits.ue(0).ue(0).ue(2).ue(1).bits(0, 1);
  bits.ue(width / 16 - 1).ue(height / 16 - 1);
  // Frames only, direct 8x8, no cropping; then the VUI.
  bits.bits(0b1101, 4).bits(0b001, 3).bits(5, 3).bits(0b01, 2).bits(1, 8).bits(1, 8).bits(1, 8).bits(0, 1);
  bits
    .bits(1, 1)
    .bits(0, 16)
    .bits(1, 16)
    .bits(0, 16)
    .bits(2 * FRAMES_PER_SECOND, 16)
    .bits(1, 1);
  bits.bits(0b0001, 4).bits(1, 1).ue(0).ue(0).ue(16).ue(16).ue(0).ue(1);
  return bits.nal(NAL_SPS);
}

/** Picture parameter set (7.3.2.2): CAVLC, the loop filter under the slice's control. */
function pictureParameters(): Buffer {
  const bits = new BitWriter(16).ue(0).ue(0).bits(0b00, 2).ue(0).ue(0).ue(0).bits(0, 3);
  return bits.ue(0).ue(0).ue(0).bits(0b100, 3).nal(NAL_PPS);
}

/** The decoder configuration of all clips of this size (ISO/IEC 14496-15, 5.3.3.1). */
export function avcC(width: number, height: number): Buffer {
  const [sps, pps] = [sequenceParameters(width, height), pictureParameters()];
  const length = (nal: Buffer) => Buffer.of(nal.length >> 8, nal.length & 255);
  const head = Buffer.of(1, ...PROFILE_LEVEL, 0xff, 0xe1);
  return Buffer.concat([head, length(sps), sps, Buffer.of(1), length(pps), pps]);
}

export class Encoder {
  private frames = 0;

  /**
   * @param changed macroblocks that differ from the frame before, by their index in raster order; the first frame has all
   * @returns the frame's NAL unit behind its length in 4 bytes
   */
  encode(picture: Picture, changed: ReadonlySet<number>): Buffer {
    const isFirst = this.frames === 0;
    const columns = picture.width / 16;
    const count = columns * (picture.height / 16);
    const bits = new BitWriter((isFirst ? count : changed.size) * (PCM_BYTES + 16) + 64);
    // Slice header (7.3.3).
    bits
      .ue(0)
      .ue(isFirst ? 7 : 5)
      .ue(0)
      .bits(this.frames % 16, 4);
    if (isFirst) bits.ue(0).bits(0b00, 2);
    else bits.bits(0b000, 3);
    bits.ue(0).ue(1);
    const stored = new Uint8Array(count);
    let skipped = 0;
    for (let index = 0; index < count; index++) {
      if (!isFirst && !changed.has(index)) {
        skipped += 1;
        continue;
      }
      if (!isFirst) bits.ue(skipped);
      skipped = 0;
      const [column, row] = [index % columns, Math.floor(index / columns)];
      const direction = predictedFrom(picture, column, row);
      const intraType = isFirst ? 0 : 5;
      if (direction === undefined) {
        stored[index] = 1;
        bits.ue(intraType + 25).alignWithZeros();
        for (const plane of ['y', 'u', 'v'] as const) storeBlock(bits, picture, plane, column, row);
      } else {
        // Intra 16x16 without coefficients: type, chroma mode, no change of QP, and the coefficient token for none (9.2.1),
        // whose code depends on whether a neighbour is stored (16 coefficients) or not (0).
        const hasStoredNeighbour = (column > 0 && stored[index - 1]) || (row > 0 && stored[index - columns]);
        bits
          .ue(intraType + (direction === 'above' ? 1 : 2))
          .ue(direction === 'above' ? 2 : 1)
          .ue(0);
        if (hasStoredNeighbour) bits.bits(0b000011, 6);
        else bits.bits(1, 1);
      }
    }
    if (skipped > 0) bits.ue(skipped);
    this.frames += 1;
    const nal = bits.nal(isFirst ? NAL_IDR : NAL_SLICE);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(nal.length);
    return Buffer.concat([length, nal]);
  }
}

function storeBlock(bits: BitWriter, picture: Picture, plane: 'y' | 'u' | 'v', column: number, row: number): void {
  const [size, width] = plane === 'y' ? [16, picture.width] : [8, picture.width / 2];
  for (let line = 0; line < size; line++) {
    const start = (row * size + line) * width + column * size;
    bits.bytes(picture[plane], start, start + size);
  }
}

/** @returns the neighbour that predicts the macroblock exactly, vertically or horizontally (8.3.3, 8.3.4) */
function predictedFrom(picture: Picture, column: number, row: number): 'above' | 'left' | undefined {
  const planes = ['y', 'u', 'v'] as const;
  if (row > 0 && planes.every((plane) => isRepeated(picture, plane, column, row))) return 'above';
  if (column > 0 && planes.every((plane) => isLevel(picture, plane, column, row))) return 'left';
  return undefined;
}

/** Every line equals the one above the block. */
function isRepeated(picture: Picture, plane: 'y' | 'u' | 'v', column: number, row: number): boolean {
  const [size, width] = plane === 'y' ? [16, picture.width] : [8, picture.width / 2];
  const samples = picture[plane];
  const above = (row * size - 1) * width + column * size;
  for (let line = 1; line <= size; line++) {
    const start = above + line * width;
    if (samples.compare(samples, above, above + size, start, start + size) !== 0) return false;
  }
  return true;
}

/** Every line continues the sample on its left. */
function isLevel(picture: Picture, plane: 'y' | 'u' | 'v', column: number, row: number): boolean {
  const [size, width] = plane === 'y' ? [16, picture.width] : [8, picture.width / 2];
  const samples = picture[plane];
  for (let line = 0; line < size; line++) {
    const start = (row * size + line) * width + column * size;
    for (let at = start; at < start + size; at++) if (samples[at] !== samples[start - 1]) return false;
  }
  return true;
}
