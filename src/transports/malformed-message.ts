/** What a malformed JSON-RPC message may be repaired to, and the sentence that it is refused with. */
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
