/** Finds the best quality, and if need be the size, at which a JPEG of these pixels fits a limit. */
import type { Size } from './facts.ts';
import { type Pixels, sampleBands, scaleDown } from './pixels.ts';

export interface Jpeg extends Size {
  readonly bytes: Uint8Array;
}

export type Encode = (pixels: Pixels, quality: number) => Promise<Uint8Array>;

const BEST_QUALITY = 95;
/** Below this quality a smaller picture looks better than a coarser one. */
const WORST_QUALITY = 50;
const SAMPLE_ROWS = 256;
/** The estimate may be low: with this aim, noise and a photograph at 4096 pixels came out at 94–97 % of the limit. */
const AIM = 0.97;
/** Close enough: another full encoding costs seconds at 4096×4096. */
const WELL_USED = 0.9;

/**
 * Tries the qualities on a sample, then the best that should fit on the whole picture. Scales down, keeping the ratio,
 * only where the worst quality is still too large.
 */
export async function encodeToFit(pixels: Pixels, maxBytes: number, encode: Encode): Promise<Jpeg> {
  let current = pixels;
  for (;;) {
    const { quality, bytesAtWorst } = await estimateQuality(current, maxBytes, encode);
    const bytes = quality === undefined ? undefined : await encodeWhole(current, quality, maxBytes, encode);
    if (bytes) return { bytes, width: current.width, height: current.height };
    // The size is about proportional to the area; slightly less, so that one step usually suffices.
    const factor = Math.min(0.95, Math.sqrt((maxBytes * AIM) / bytesAtWorst) * 0.98);
    current = scaleDown(current, factor);
  }
}

/** @returns the best quality that should fit, or undefined; and the estimated size at the worst one */
async function estimateQuality(pixels: Pixels, maxBytes: number, encode: Encode) {
  const sample = pixels.height > 2 * SAMPLE_ROWS ? sampleBands(pixels, SAMPLE_ROWS) : pixels;
  const estimate = async (quality: number) => ((await encode(sample, quality)).length * pixels.height) / sample.height;
  const bytesAtWorst = await estimate(WORST_QUALITY);
  if (bytesAtWorst > maxBytes) return { quality: undefined, bytesAtWorst };
  let fits = WORST_QUALITY;
  let tooLarge = BEST_QUALITY + 1;
  while (tooLarge - fits > 1) {
    const middle = Math.ceil((fits + tooLarge) / 2);
    if ((await estimate(middle)) <= maxBytes * AIM) fits = middle;
    else tooLarge = middle;
  }
  return { quality: fits, bytesAtWorst };
}

/** Corrects the estimate: one step up where much room is left, down until it fits. */
async function encodeWhole(
  pixels: Pixels,
  estimated: number,
  maxBytes: number,
  encode: Encode,
): Promise<Uint8Array | undefined> {
  let best: Uint8Array | undefined;
  for (let quality = estimated; quality >= WORST_QUALITY; quality -= 2) {
    best = await encode(pixels, quality);
    if (best.length <= maxBytes) break;
    best = undefined;
  }
  if (!best || best.length > maxBytes * WELL_USED || estimated >= BEST_QUALITY) return best;
  const better = await encode(pixels, Math.min(BEST_QUALITY, estimated + 2));
  return better.length <= maxBytes ? better : best;
}
