/** Which way up is a picture, by its EXIF block? */

const ORIENTATION_TAG = 0x0112;
const SHORT_TYPE = 3;

/** What EXIF calls 1 (upright) to 8; from 5 on width and height change places. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/**
 * @param tiff the EXIF block from its byte-order mark on; anything broken counts as upright, as viewers do
 * Source: TIFF 6.0 section 2, EXIF 2.32 section 4.6.4.
 */
export function orientationOfExif(tiff: Buffer): Orientation {
  if (tiff.length < 8) return 1;
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return 1;
  const little = order === 'II';
  const uint16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;
  const entries = uint16(directory);
  for (let index = 0; index < entries; index += 1) {
    const entry = directory + 2 + index * 12;
    if (entry + 12 > tiff.length) return 1;
    if (uint16(entry) !== ORIENTATION_TAG) continue;
    if (uint16(entry + 2) !== SHORT_TYPE) return 1;
    const value = uint16(entry + 8);
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}

export function swapsSides(orientation: Orientation): boolean {
  return orientation >= 5;
}
