/** How does a body with pictures in it become the bytes to send without a copy of each picture for every step? */

/** A multiple of three, so that the pieces' base64 joins without padding in between. */
const PIECE_BYTES = 48 * 1024;

/** The text of JSON.stringify in pieces, in their order; bytes are told as base64. */
export function* jsonPieces(value: unknown): Generator<string> {
  if (value instanceof Uint8Array) {
    yield '"';
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.toString('base64', at, at + PIECE_BYTES);
    yield '"';
  } else if (Array.isArray(value)) {
    yield* joined(
      '[',
      value.map((item) => ['', item ?? null]),
      ']',
    );
  } else if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    yield* joined(
      '{',
      fields.map(([name, field]) => [`${JSON.stringify(name)}:`, field]),
      '}',
    );
  } else yield JSON.stringify(value);
}

function* joined(begin: string, items: readonly (readonly [name: string, value: unknown])[], end: string) {
  yield begin;
  for (const [index, [name, value]] of items.entries()) {
    yield index === 0 ? name : `,${name}`;
    yield* jsonPieces(value);
  }
  yield end;
}

/** The same bytes as `Buffer.from(JSON.stringify(body))` with every picture as its base64, written once, in place. */
export function bodyBytes(body: Readonly<Record<string, unknown>>): Buffer {
  const bytes = Buffer.allocUnsafe(lengthOf(body));
  let at = 0;
  for (const piece of jsonPieces(body)) at += bytes.write(piece, at);
  return bytes;
}

function lengthOf(value: unknown): number {
  if (value instanceof Uint8Array) return 4 * Math.ceil(value.byteLength / 3) + 2;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + lengthOf(item ?? null), 2) + commas(value);
  if (typeof value !== 'object' || value === null) return Buffer.byteLength(JSON.stringify(value));
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return fields.reduce((sum, [name, field]) => sum + lengthOf(name) + 1 + lengthOf(field), 2) + commas(fields);
}

function commas(items: readonly unknown[]): number {
  return Math.max(0, items.length - 1);
}
