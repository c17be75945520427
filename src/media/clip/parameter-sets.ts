/** Finds decoder parameters that a clip carries among its frames: after joining they would hold for the next clip, too. */

/** H.264: SPS and PPS (ITU-T H.264, table 7-1). HEVC: VPS, SPS and PPS (ITU-T H.265, table 7-1). */
const CODECS = {
  avc: { lengthByte: 4, typeOf: (first: number) => first & 31, types: [7, 8] },
  hevc: { lengthByte: 21, typeOf: (first: number) => (first >> 1) & 63, types: [32, 33, 34] },
} as const;

/**
 * @param frame as the file holds it: each unit behind its length
 * @param configuration of the decoder (avcC, hvcC)
 * @returns whether the frame changes the decoder's parameters to others than the configuration has
 */
export function changesParameters(frame: Uint8Array, configuration: Uint8Array, codec: string): boolean {
  if (codec !== 'avc' && codec !== 'hevc') return false;
  const { lengthByte, typeOf, types } = CODECS[codec];
  const known = Buffer.from(configuration);
  const units = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const lengthBytes = ((known[lengthByte] ?? 3) & 3) + 1;
  for (let at = 0; at + lengthBytes < units.length; ) {
    const start = at + lengthBytes;
    at = start + units.readUIntBE(at, lengthBytes);
    const isParameters = (types as readonly number[]).includes(typeOf(units[start] ?? 0));
    if (isParameters && !known.includes(units.subarray(start, at))) return true;
  }
  return false;
}
