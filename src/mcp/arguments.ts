/** Reads the arguments of a tool call as clients really send them, before they are validated. Pure; derived from the tool's schema. */
import type * as z from 'zod';
import { CAMERA_TEMPLATE_IDS, CAMERA_TEMPLATES } from '../jimeng/modes.ts';
import { taskIdIn } from '../tasks/record.ts';
import { type GivenPictures, modeOfQuality, QUALITY_NAMES } from '../tasks/video-request.ts';
import { isObject } from '../transports/malformed-message.ts';

type Fields = Readonly<Record<string, unknown>>;
type Shape = Readonly<Record<string, z.core.$ZodType>>;

export interface ReadArguments {
  /** Inputs of the tool, to be validated by its schema. */
  readonly values: Record<string, unknown>;
  /** What was given under a name that is no input of the tool. */
  readonly unknown: readonly (readonly [name: string, value: unknown])[];
}

/** Frameworks add these to every call (n8n#21500, n8n#37308 and others); they say nothing about the video. */
const BOOKKEEPING = new Set(
  'toolCallId tool_call_id sessionId session_id requestId chatInput action tool task_progress security_risk request_heartbeat requestContext call_id toolSummary'.split(
    ' ',
  ),
);

/** An object under one of these names, and nothing beside it, is the arguments themselves. */
const WRAPPERS = new Set(['input', 'arguments', 'args', 'kwargs', 'params', 'parameters', 'request']);
const MAX_WRAPPERS = 4;

/** A choice, a number, an id: longer texts are none, and are not searched. */
const MAX_SHORT_CHARACTERS = 200;

/** What clients write for an optional input that they do not use. */
const NOT_GIVEN = new Set(['', 'null', 'undefined', 'none']);

/** Inputs of which some values have a form of their own; read before the type is. */
const FORMS: Readonly<Record<string, (value: unknown) => unknown>> = {
  image: imageOf,
  tail_image: imageOf,
  keyframes: imageOf,
  task_id: taskIdOf,
  film_id: taskIdOf,
  template_id: templateOf,
};

const SECONDS = /^(s|secs?|seconds?|秒钟?)$/;
/** The units that may stand beside the number of an input. */
const UNITS: Readonly<Record<string, RegExp>> = {
  duration: SECONDS,
  wait_seconds: SECONDS,
  fps: /^(fps|帧)$/,
  max_cost_cny: /^(¥|元|cny|rmb)$/,
};

/** @returns undefined where the arguments are no object */
export function readArguments(raw: unknown, shape: Shape): ReadArguments | undefined {
  const fields = unwrapped(raw, shape);
  if (fields === undefined) return undefined;
  const unknown: [string, unknown][] = [];
  const values = readFields(fields, shape, (name, value) => unknown.push([name, value]));
  return { values: withWholeMode(values, shape), unknown };
}

function isBookkeeping(name: string): boolean {
  return name.startsWith('_') || BOOKKEEPING.has(name);
}

/** `arguments` as JSON text, or inside a single wrapping object. PHP clients write an empty object as []. */
function unwrapped(raw: unknown, shape: Shape): Fields | undefined {
  let value: unknown = raw ?? {};
  for (let depth = 0; depth < MAX_WRAPPERS; depth++) {
    if (typeof value === 'string') value = fromJson(value);
    // A text within the text.
    if (typeof value === 'string') value = fromJson(value);
    if (Array.isArray(value) && value.length === 0) return {};
    if (!isObject(value)) return undefined;
    const [only, ...others] = Object.keys(value).filter((name) => Object.hasOwn(shape, name) || !isBookkeeping(name));
    if (only === undefined || others.length > 0 || Object.hasOwn(shape, only) || !WRAPPERS.has(only)) return value;
    const inner = typeof value[only] === 'string' ? fromJson(value[only]) : value[only];
    if (!isObject(inner)) return value;
    value = inner;
  }
  return isObject(value) ? value : undefined;
}

/** @returns the text itself where it is not the JSON of an object or a list */
function fromJson(text: string): unknown {
  if (!/^\s*["[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readFields(fields: Fields, shape: Shape, onUnknown: (name: string, value: unknown) => void) {
  const values: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(fields)) {
    const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (schema === undefined) {
      if (!isBookkeeping(name)) onUnknown(name, given);
      continue;
    }
    const value = readValue(name, schema, given);
    const isLeftOut = value === null || value === undefined || (isOptional(schema) && saysNothing(name, value));
    if (!isLeftOut) values[name] = value;
  }
  return values;
}

/** @returns the value in the type of its input where the meaning is certain, else as it is */
function readValue(name: string, schema: z.core.$ZodType, given: unknown): unknown {
  const field = inner(schema);
  const { def } = field._zod;
  if (def.type === 'array') {
    const list = typeof given === 'string' ? fromJson(given) : given;
    const { element } = def as z.core.$ZodArrayDef;
    return Array.isArray(list) ? list.map((item) => readValue(name, element, item)) : list;
  }
  if (def.type === 'object') {
    const value = typeof given === 'string' ? fromJson(given) : given;
    return isObject(value) ? readNested(value, (def as z.core.$ZodObjectDef).shape) : value;
  }
  const form = Object.hasOwn(FORMS, name) ? FORMS[name] : undefined;
  const value = form === undefined ? given : form(given);
  if (def.type === 'number') return numberOf(name, value);
  if (def.type === 'boolean') return booleanOf(value);
  if (def.type === 'enum') return choiceOf(value, Object.values((def as z.core.$ZodEnumDef).entries));
  return def.type === 'string' ? textOf(value) : value;
}

/** Unknown names stay where they are: the schema refuses them. */
function readNested(fields: Fields, shape: Shape): Fields {
  const unknown: [string, unknown][] = [];
  const values = readFields(fields, shape, (name, value) => unknown.push([name, value]));
  return { ...values, ...Object.fromEntries(unknown) };
}

function inner(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as z.core.$ZodTypeDef & { readonly innerType?: z.core.$ZodType };
  return def.innerType === undefined ? schema : inner(def.innerType);
}

function isOptional(schema: z.core.$ZodType): boolean {
  return schema._zod.optin === 'optional';
}

/** A prompt may say "none". The seed −1 is the provider's default. */
function saysNothing(name: string, value: unknown): boolean {
  if (name === 'seed' && value === -1) return true;
  if (Array.isArray(value)) return value.length === 0;
  return name !== 'prompt' && isShort(value) && NOT_GIVEN.has(value.trim().toLowerCase());
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_SHORT_CHARACTERS;
}

/** "8", " 8 ", "8s" for a length, "¥5" for an amount. */
function numberOf(name: string, value: unknown): unknown {
  if (!isShort(value)) return value;
  const text = value.normalize('NFKC').trim().toLowerCase();
  const [, before = '', digits, after = ''] = /^(¥?)\s*([+-]?\d+(?:\.\d+)?)\s*(\S*)$/.exec(text) ?? [];
  const unit = before + after;
  return digits !== undefined && (unit === '' || UNITS[name]?.test(unit)) ? Number(digits) : value;
}

function booleanOf(value: unknown): unknown {
  const text = isShort(value) ? value.trim().toLowerCase() : value;
  return text === 'true' ? true : text === 'false' ? false : value;
}

/** A whole number that JSON cannot hold has lost digits: a task's id would be another one. */
function textOf(value: unknown): unknown {
  if (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value))) return String(value);
  return typeof value === 'string' ? wellFormed(value) : value;
}

/** A text that was cut inside an emoji ends in half of it, which strict JSON readers and model APIs reject. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** Case, spaces, hyphens, underscores and full-width characters are no difference; 9x16 is 9:16. @returns '' for what is no choice */
export function plainChoice(value: unknown): string {
  const given = typeof value === 'number' ? String(value) : value;
  if (!isShort(given)) return '';
  const text = given
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_-]+/g, '');
  return text.replace(/^(\d+)[x×*/](\d+)$/, '$1:$2');
}

function choiceOf(value: unknown, choices: readonly unknown[]): unknown {
  return choices.find((choice) => plainChoice(choice) === plainChoice(value)) ?? value;
}

/** The provider's own names of the camera templates. */
function templateOf(value: unknown): unknown {
  return CAMERA_TEMPLATE_IDS.find((id) => plainChoice(CAMERA_TEMPLATES[id]) === plainChoice(value)) ?? value;
}

function taskIdOf(value: unknown): unknown {
  return isShort(value) ? taskIdIn(value) : value;
}

/** [path], {url}, {type: "image_url", image_url: {url}}, and the JSON text of these. */
function imageOf(given: unknown): unknown {
  let value = given;
  for (let depth = 0; depth < MAX_WRAPPERS; depth++) {
    if (typeof value === 'string') {
      const read = /^\s*[[{]/.test(value) ? fromJson(value) : value;
      if (typeof read === 'string') return value;
      value = read;
    }
    const name = isObject(value)
      ? ['url', 'path', 'image_url'].find((known) => Object.hasOwn(value as Fields, known))
      : undefined;
    if (Array.isArray(value) && value.length === 1) value = value[0];
    else if (isObject(value) && name !== undefined) value = value[name];
    else return value;
  }
  return value;
}

/** `720p`, `1080p` or `pro` as a mode, where the pictures decide which one is meant. */
function withWholeMode(values: Record<string, unknown>, shape: Shape): Record<string, unknown> {
  const quality = QUALITY_NAMES.find((name) => name === plainChoice(values.mode));
  if (quality === undefined || shape.image === undefined) return values;
  const mode = modeOfQuality(quality, picturesIn(values));
  if (mode === undefined) return values;
  const { mode: _, ...others } = values;
  // 720p is what follows without a mode: a refusal then names no mode that the caller did not write.
  return quality === '720p' ? others : { ...values, mode };
}

export function picturesIn(values: Fields): GivenPictures {
  const { image, tail_image, template_id } = values;
  return { image: image !== undefined, tailImage: tail_image !== undefined, camera: template_id !== undefined };
}
