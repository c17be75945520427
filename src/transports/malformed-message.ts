/** What a malformed JSON-RPC message may be repaired to, the sentence that it is refused with, and how much it may hold. */
import type { z } from 'zod';

/** Message, params, capabilities, one capability, its fields: nothing in the protocol is nested deeper. */
const LEVELS = 5;

const LONGEST_NAME_CHARACTERS = 80;

/** zod's name of a type → the word in a sentence. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};

type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The protocol has no null: a client that writes it means a field that it left out. A tool's arguments are not touched, and
 * a request's id stays: without one the request would be a notification.
 */
export function withoutNulls(message: unknown): unknown {
  if (!isObject(message)) return message;
  const { id, method, params } = message;
  const whole = method === 'tools/call' && isObject(params) ? params.arguments : undefined;
  const given = copyWithoutNulls(message, LEVELS, whole) as Fields;
  const isNotification = typeof method === 'string' && method.startsWith('notifications/');
  return id === null && !isNotification ? { ...given, id } : given;
}

function copyWithoutNulls(value: unknown, levels: number, whole: unknown): unknown {
  if (!isObject(value) || value === whole || levels === 0) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(given.map(([name, field]) => [name, copyWithoutNulls(field, levels - 1, whole)]));
}

/** @returns undefined where nobody waits for an answer, or the id cannot be repeated in JSON */
export function idToAnswer(message: unknown): string | number | undefined {
  if (!isObject(message) || message.method === undefined) return undefined;
  const { id } = message;
  return typeof id === 'string' || Number.isFinite(id) ? (id as string | number) : undefined;
}

/** @param error of a check with `reportInput` */
export function wrongField({ issues: [issue] }: z.core.$ZodError): string {
  if (issue === undefined) return 'The message is not one of the protocol.';
  if (issue.code === 'unrecognized_keys') return `A request has no field ${JSON.stringify(shortened(issue.keys[0]))}.`;
  const name = shortened(issue.path.map(String).join('.'));
  if (name === '') return 'A message must be an object.';
  if (issue.input === undefined) return `\`${name}\` is missing.`;
  const words = wordsOf(issue);
  return words === undefined
    ? `\`${name}\` does not follow the protocol.`
    : `\`${name}\` must be ${words.join(' or ')}.`;
}

/** @returns the types or values that are accepted; undefined where that takes more than a few words */
function wordsOf(issue: z.core.$ZodIssue | undefined): string[] | undefined {
  if (issue?.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value));
  if (issue?.code === 'invalid_type') return [TYPE_WORDS[issue.expected] ?? issue.expected];
  if (issue?.code !== 'invalid_union') return undefined;
  const words = issue.errors.map(([first]) => (first?.path.length === 0 ? wordsOf(first) : undefined));
  return words.every((each) => each !== undefined) ? words.flat() : undefined;
}

function shortened(text = ''): string {
  return text.length > LONGEST_NAME_CHARACTERS ? `${text.slice(0, LONGEST_NAME_CHARACTERS)}…` : text;
}

/** A film of 50 shots with every input has about 1,000. */
const MAX_VALUES = 50_000;
/** Whatever walks through the values calls itself for each level. */
const MAX_LEVELS = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [LIST, LIST_END] = [0x5b, 0x5d];
const [OBJECT, OBJECT_END] = [0x7b, 0x7d];

/**
 * Counted without parsing: a few megabytes of brackets take gigabytes and minutes.
 * @param text JSON in UTF-8, where no other character has a byte of these
 * @returns what there is too much of
 */
export function excessOf(text: Uint8Array): string | undefined {
  let values = 0;
  let levels = 0;
  let isInText = false;
  for (let place = 0; place < text.length; place++) {
    const byte = text[place];
    if (isInText) {
      if (byte === BACKSLASH) place++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === COMMA) values++;
    else if (byte === LIST || byte === OBJECT) {
      values++;
      if (++levels > MAX_LEVELS) return `${MAX_LEVELS} levels`;
    } else if (byte === LIST_END || byte === OBJECT_END) levels--;
    if (values > MAX_VALUES) return `${MAX_VALUES.toLocaleString('en')} values`;
  }
  return undefined;
}
