/** Serialises a body with pictures without a copy of each picture per step. */

/** A multiple of three, so that the pieces' base64 joins without padding in between. */
const PIECE_BYTES = 48 * 1024;

/** The text of JSON.stringify in ordered pieces; bytes are written as base64. */
export function* jsonPieces(value: unknown): Generator<string> {
  if (value instanceof Uint8Array) {
    yield '"';
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.toString('base64', at, at + PIECE_BYTES);
    yield '"';
  } else if (Array.isArray(value)) {
    const items = value.map((item) => ['', item ?? null] as const);
    yield* joined('[', items, ']');
  } else if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, field]) => field !== undefined);
    const fields = given.map(([name, field]) => [`${JSON.stringify(name)}:`, field] as const);
    yield* joined('{', fields, '}');
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

/** The same bytes as `Buffer.from(JSON.stringify(body))` with every picture as base64, written once, in place. */
export function bodyBytes(body: Readonly<Record<string, unknown>>): Buffer {
  let length = 0;
  for (const piece of jsonPieces(body)) length += Buffer.byteLength(piece);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const piece of jsonPieces(body)) at += bytes.write(piece, at);
  return bytes;
}
