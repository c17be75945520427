/** Converts pixels from the colours of their ICC profile to sRGB. Pure. */
import type { Pixels } from './pixels.ts';

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** An RGB profile of three primaries and three curves, as cameras, phones and screens use. */
export interface MatrixProfile {
  /** Linear red, green and blue to XYZ under D50; one row each for X, Y and Z. */
  readonly toXyz: Matrix;
  /** Linear light of each of the 256 values. */
  readonly curves: readonly [Float32Array, Float32Array, Float32Array];
}

/** XYZ under D50 to linear sRGB: the inverse of IEC 61966-2-1, adapted by Bradford. */
const SRGB_FROM_XYZ: Matrix = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
];
/** Fine enough for the steep start of the sRGB curve: under half a level per step. */
const STEPS = 8192;
const HEADER_BYTES = 128;
/** In the order of the curves. */
const PRIMARY_TAGS = ['rXYZ', 'gXYZ', 'bXYZ'] as const;
const CURVE_TAGS = ['rTRC', 'gTRC', 'bTRC'] as const;

/** @returns undefined for grey, CMYK, table-based and malformed profiles. Source: ICC.1:2022, sections 7 to 10 */
export function matrixProfile(icc: Buffer): MatrixProfile | undefined {
  try {
    if (icc.toString('latin1', 16, 24) !== 'RGB XYZ ') return undefined;
    const primaries = PRIMARY_TAGS.map((tag) => primaryOf(tagContent(icc, tag)));
    const row = (axis: number) => primaries.map((primary) => primary[axis] as number) as unknown as Triple;
    const curves = CURVE_TAGS.map((tag) => curveOf(tagContent(icc, tag)));
    return { toXyz: [row(0), row(1), row(2)], curves: curves as unknown as MatrixProfile['curves'] };
  } catch {
    return undefined;
  }
}

function tagContent(icc: Buffer, name: string): Buffer {
  const count = icc.readUInt32BE(HEADER_BYTES);
  for (let entry = HEADER_BYTES + 4; entry < HEADER_BYTES + 4 + count * 12; entry += 12) {
    if (icc.toString('latin1', entry, entry + 4) !== name) continue;
    const offset = icc.readUInt32BE(entry + 4);
    return icc.subarray(offset, offset + icc.readUInt32BE(entry + 8));
  }
  throw new Error(`the profile has no ${name}`);
}

function fixed(content: Buffer, at: number): number {
  return content.readInt32BE(at) / 65_536;
}

function primaryOf(content: Buffer): Triple {
  return [fixed(content, 8), fixed(content, 12), fixed(content, 16)];
}

function curveOf(content: Buffer): Float32Array {
  const type = content.toString('latin1', 0, 4);
  if (type !== 'curv' && type !== 'para') throw new Error(`the profile has a curve of type ${type}`);
  const linear = type === 'curv' ? sampledCurve(content) : parametricCurve(content);
  return Float32Array.from({ length: 256 }, (_, value) => Math.min(1, Math.max(0, linear(value / 255))));
}

function sampledCurve(content: Buffer): (value: number) => number {
  const count = content.readUInt32BE(8);
  if (count === 0) return (value) => value;
  if (count === 1) return (value) => value ** (content.readUInt16BE(12) / 256);
  return (value) => {
    const at = value * (count - 1);
    const below = Math.min(Math.floor(at), count - 2);
    const [from, to] = [content.readUInt16BE(12 + below * 2), content.readUInt16BE(14 + below * 2)];
    return (from + (to - from) * (at - below)) / 65_535;
  };
}

/** How many parameters each function type has: ICC.1:2022, table 68. */
const PARAMETERS = [1, 3, 4, 5, 7];

function parametricCurve(content: Buffer): (value: number) => number {
  const type = content.readUInt16BE(8);
  const count = PARAMETERS[type];
  if (count === undefined) throw new Error(`the profile has a parametric curve of type ${type}`);
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: count }, (_, index) =>
    fixed(content, 12 + index * 4),
  );
  if (type === 0) return (value) => value ** g;
  // Types 1 and 2: constant below -b/a; 3 and 4: a line below d.
  if (type <= 2) return (value) => (value >= -b / a ? (a * value + b) ** g : 0) + c;
  return (value) => (value >= d ? (a * value + b) ** g + e : c * value + f);
}

/** In place; colours outside sRGB are clipped. */
export function convertToSrgb({ data }: Pixels, { toXyz, curves }: MatrixProfile): void {
  const combined = SRGB_FROM_XYZ.map((row) =>
    [0, 1, 2].map((column) => row.reduce((sum, value, axis) => sum + value * (toXyz[axis]?.[column] as number), 0)),
  );
  const [[rr, rg, rb], [gr, gg, gb], [br, bg, bb]] = combined as unknown as Matrix;
  const [reds, greens, blues] = curves;
  const encoded = Uint8Array.from({ length: STEPS + 1 }, (_, step) => Math.round(255 * encodeSrgb(step / STEPS)));
  const level = (linear: number) => encoded[Math.round(STEPS * Math.min(1, Math.max(0, linear)))] as number;
  for (let at = 0; at < data.length; at += 4) {
    const r = reds[data[at] as number] as number;
    const g = greens[data[at + 1] as number] as number;
    const b = blues[data[at + 2] as number] as number;
    data[at] = level(rr * r + rg * g + rb * b);
    data[at + 1] = level(gr * r + gg * g + gb * b);
    data[at + 2] = level(br * r + bg * g + bb * b);
  }
}

/** IEC 61966-2-1. */
function encodeSrgb(linear: number): number {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
}

/** Well inside every gamut: the primaries would be clipped to themselves. */
const TRIAL_COLOURS = [200, 100, 100, 255, 100, 200, 100, 255, 100, 100, 200, 255, 128, 128, 128, 255, 60, 60, 60, 255];

/** Whether converting would change nothing that can be seen. */
export function isSrgb(profile: MatrixProfile): boolean {
  const data = Uint8Array.from(TRIAL_COLOURS);
  convertToSrgb({ data, width: data.length / 4, height: 1 }, profile);
  return data.every((value, at) => Math.abs(value - (TRIAL_COLOURS[at] as number)) <= 2);
}
