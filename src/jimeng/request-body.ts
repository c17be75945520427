/** The bodies of a submit and of a query, and their bytes. */
import type { AigcMeta } from '../settings/values.ts';
import {
  type AspectRatio,
  type CameraStrength,
  type CameraTemplate,
  FRAMES_OF_SECONDS,
  type GeneratedSeconds,
  type ModeName,
  modeRow,
} from './modes.ts';

/** Both images travel the same way: the provider takes one of the two fields, never both. */
export type BodyImages =
  | { readonly kind: 'urls'; readonly urls: readonly string[] }
  /** Raw base64 without a `data:` prefix, or bytes, which `bodyBytes` writes as base64. */
  | { readonly kind: 'base64'; readonly data: readonly (string | Uint8Array)[] };

export interface BodyInput {
  readonly mode: ModeName;
  /** Trimmed; undefined only for a mode that may go without. */
  readonly prompt: string | undefined;
  readonly seconds: GeneratedSeconds;
  /** First frame, then tail. */
  readonly images: BodyImages | undefined;
  readonly seed: number | undefined;
  readonly aspectRatio: AspectRatio | undefined;
  readonly templateId: CameraTemplate | undefined;
  readonly cameraStrength: CameraStrength | undefined;
}

/**
 * The submit's body: only fields that the provider documents for the mode, and only those that were given.
 * An unknown field is ignored upstream and billed all the same, an empty `aspect_ratio` fails, and seed 0 is a seed.
 */
export function requestBody(input: BodyInput): Record<string, unknown> {
  const row = modeRow(input.mode);
  const body: Record<string, unknown> = { req_key: row.reqKey };
  const images = row.image === 'none' ? undefined : input.images;
  if (images?.kind === 'urls') body.image_urls = images.urls;
  if (images?.kind === 'base64') body.binary_data_base64 = images.data;
  if (input.prompt !== undefined) body.prompt = input.prompt;
  if (row.camera === 'required') {
    body.template_id = input.templateId;
    body.camera_strength = input.cameraStrength;
  }
  if (input.seed !== undefined) body.seed = input.seed;
  body.frames = FRAMES_OF_SECONDS[input.seconds];
  if (row.aspectRatio !== 'none' && input.aspectRatio !== undefined) body.aspect_ratio = input.aspectRatio;
  return body;
}

/** The body of a query; the req_key must be the submit's. */
export function queryBody(reqKey: string, providerTaskId: string, aigcMeta?: AigcMeta): Record<string, unknown> {
  const body = { req_key: reqKey, task_id: providerTaskId };
  return aigcMeta === undefined ? body : { ...body, req_json: JSON.stringify({ aigc_meta: aigcMeta }) };
}

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
