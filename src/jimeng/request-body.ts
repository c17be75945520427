/** The bodies of a submit and of a query. */
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

/** The content label of GB 45438; every value has at most 256 characters. */
export interface AigcMeta {
  readonly producer_id: string;
  readonly content_propagator: string;
  readonly content_producer?: string;
  readonly propagate_id?: string;
}

/** The body of a query; the req_key must be the submit's. */
export function queryBody(reqKey: string, providerTaskId: string, aigcMeta?: AigcMeta): Record<string, unknown> {
  const body = { req_key: reqKey, task_id: providerTaskId };
  return aigcMeta === undefined ? body : { ...body, req_json: JSON.stringify({ aigc_meta: aigcMeta }) };
}
