/** Checks a submit's body by the modes' table, and names the first invalid field. */
import {
  ASPECT_RATIOS,
  type AspectRatio,
  CAMERA_STRENGTHS,
  CAMERA_TEMPLATE_IDS,
  FRAMES_OF_SECONDS,
  MAX_PROMPT_CHARACTERS,
  type Mode,
  type ModeName,
  modeOfReqKey,
  modeRow,
  type Need,
  SEED_RANGE,
} from '../jimeng/modes.ts';
import { type ImageSize, imageSizeOrReason, isUnreachable, nearestRatio } from './check-image.ts';

export type Body = Readonly<Record<string, unknown>>;

/** An invalid field, answered as 50200 with its name. */
export class FieldRefusal {
  readonly field: string;
  readonly reason: string;

  constructor(field: string, reason: string) {
    this.field = field;
    this.reason = reason;
  }
}

export interface CheckedSubmit {
  readonly mode: ModeName;
  readonly reqKey: string;
  readonly frames: number;
  readonly ratio: AspectRatio;
  readonly unreachableImage: boolean;
}

const DEFAULT_RATIO: AspectRatio = '16:9';
const DEFAULT_FRAMES = FRAMES_OF_SECONDS[5];
const IMAGE_FIELDS = ['image_urls', 'binary_data_base64'] as const;

export function modeOrRefusal(body: Body): ModeName | FieldRefusal {
  const reqKey = body.req_key;
  if (typeof reqKey !== 'string') return new FieldRefusal('req_key', 'not a string');
  return modeOfReqKey(reqKey) ?? new FieldRefusal('req_key', 'none of the eight');
}

function fieldsOf(mode: Mode): ReadonlySet<string> {
  const fields = new Set(['req_key', 'prompt', 'seed', 'frames']);
  if (mode.image !== 'none') for (const field of IMAGE_FIELDS) fields.add(field);
  if (mode.aspectRatio !== 'none') fields.add('aspect_ratio');
  if (mode.camera !== 'none') fields.add('template_id').add('camera_strength');
  return fields;
}

function checkPrompt(prompt: unknown, required: boolean): FieldRefusal | undefined {
  if (prompt === undefined) return required ? new FieldRefusal('prompt', 'required') : undefined;
  if (typeof prompt !== 'string') return new FieldRefusal('prompt', 'not a string');
  const length = [...prompt.trim()].length;
  if (length >= 1 && length <= MAX_PROMPT_CHARACTERS) return undefined;
  return new FieldRefusal('prompt', `${length} characters; 1 to ${MAX_PROMPT_CHARACTERS} are taken`);
}

function checkSeed(seed: unknown): FieldRefusal | undefined {
  if (seed === undefined) return undefined;
  const { min, max } = SEED_RANGE;
  if (Number.isInteger(seed) && (seed as number) >= min && (seed as number) <= max) return undefined;
  return new FieldRefusal('seed', `not an integer from ${min} to ${max}`);
}

function checkOneOf(body: Body, field: string, values: readonly unknown[], need: Need): FieldRefusal | undefined {
  const value = body[field];
  if (value === undefined) return need === 'required' ? new FieldRefusal(field, 'required') : undefined;
  return values.includes(value) ? undefined : new FieldRefusal(field, `none of ${values.join(', ')}`);
}

/**
 * @param text `req_json`: a JSON string that holds aigc_meta alone (reference sections 6 and 13)
 * @returns the aigc_meta
 */
export function aigcMetaOrRefusal(text: unknown): Readonly<Record<string, string>> | undefined | FieldRefusal {
  if (text === undefined) return undefined;
  const invalid = new FieldRefusal('req_json', 'not a JSON string that holds aigc_meta alone');
  if (typeof text !== 'string') return invalid;
  try {
    const { aigc_meta: meta, ...others } = JSON.parse(text) as { aigc_meta?: Record<string, unknown> };
    if (meta === undefined || Object.keys(others).length > 0) return invalid;
    const { producer_id, content_propagator, content_producer = '', propagate_id = '', ...more } = meta;
    const values = [producer_id, content_propagator, content_producer, propagate_id];
    const isValid = values.every((value) => typeof value === 'string' && value.length <= 256);
    return isValid && Object.keys(more).length === 0 ? (meta as Record<string, string>) : invalid;
  } catch {
    return invalid;
  }
}

interface CheckedImages {
  readonly count: number;
  /** Of the first image, where its bytes are here. */
  readonly firstSize: ImageSize | undefined;
  readonly unreachable: boolean;
}

function checkUrl(field: string, text: string): URL | FieldRefusal {
  const url = URL.parse(text);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  return new FieldRefusal(field, 'not an http(s) URL');
}

function checkImages(body: Body, mode: Mode): CheckedImages | FieldRefusal {
  const given = IMAGE_FIELDS.filter((field) => body[field] !== undefined);
  const least = Number(mode.image === 'required') + Number(mode.tailImage === 'required');
  const most = Number(mode.image !== 'none') + Number(mode.tailImage !== 'none');
  const [field] = given;
  if (field === undefined || most === 0) {
    const none: CheckedImages = { count: 0, firstSize: undefined, unreachable: false };
    return least === 0 ? none : new FieldRefusal('image_urls', `${least} required`);
  }
  if (given.length > 1) return new FieldRefusal('binary_data_base64', 'image_urls is there as well; one or the other');
  const images = body[field];
  if (!Array.isArray(images) || !images.every((image) => typeof image === 'string')) {
    return new FieldRefusal(field, 'not an array of strings');
  }
  if (images.length < Math.max(least, 1) || images.length > most) {
    return new FieldRefusal(field, `${images.length} images; ${least} to ${most} are taken`);
  }
  if (field === 'image_urls') return checkUrls(images);
  const sizes = images.map((image) => imageSizeOrReason(image));
  const wrong = sizes.findIndex((size) => typeof size === 'string');
  if (wrong >= 0) return new FieldRefusal(field, `[${wrong}] ${sizes[wrong]}`);
  return { count: images.length, firstSize: sizes[0] as ImageSize, unreachable: false };
}

function checkUrls(images: readonly string[]): CheckedImages | FieldRefusal {
  const urls = images.map((image) => checkUrl('image_urls', image));
  const wrong = urls.find((url) => url instanceof FieldRefusal);
  if (wrong) return wrong;
  const unreachable = urls.some((url) => url instanceof URL && isUnreachable(url));
  return { count: images.length, firstSize: undefined, unreachable };
}

/** All checks of a submit (reference sections 2, 3 and 12). */
export function checkSubmit(body: Body): CheckedSubmit | FieldRefusal {
  const name = modeOrRefusal(body);
  if (name instanceof FieldRefusal) return name;
  const mode = modeRow(name);
  const known = fieldsOf(mode);
  const unknownField = Object.keys(body).find((field) => !known.has(field));
  if (unknownField !== undefined) return new FieldRefusal(unknownField, `not a field of ${mode.reqKey}`);
  const images = checkImages(body, mode);
  if (images instanceof FieldRefusal) return images;
  const promptRequired = mode.prompt === 'required' || images.count === 0;
  const wrong =
    checkPrompt(body.prompt, promptRequired) ??
    checkSeed(body.seed) ??
    checkOneOf(body, 'frames', Object.values(FRAMES_OF_SECONDS), 'optional') ??
    (mode.aspectRatio === 'none' ? undefined : checkOneOf(body, 'aspect_ratio', ASPECT_RATIOS, mode.aspectRatio)) ??
    (mode.camera === 'none' ? undefined : checkOneOf(body, 'template_id', CAMERA_TEMPLATE_IDS, mode.camera)) ??
    (mode.camera === 'none' ? undefined : checkOneOf(body, 'camera_strength', CAMERA_STRENGTHS, mode.camera));
  if (wrong) return wrong;
  const asked = mode.aspectRatio !== 'none' && images.count === 0 ? body.aspect_ratio : undefined;
  const ratio = images.firstSize
    ? nearestRatio(images.firstSize)
    : ((asked as AspectRatio | undefined) ?? DEFAULT_RATIO);
  const frames = (body.frames as number | undefined) ?? DEFAULT_FRAMES;
  return { mode: name, reqKey: mode.reqKey, frames, ratio, unreachableImage: images.unreachable };
}
