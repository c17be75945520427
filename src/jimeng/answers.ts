/** What does an answer of the provider say? Both reply shapes are read here, and the wire's words end here. */
import { GATEWAY_NUMBERS, isProblemCode, Problem, type ProblemCode, type ProblemDetails } from '../problems.ts';

/** A whole answer as it came over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** A readable answer of the provider, business or gateway. `code` is the business number or the gateway's name, as text. */
export interface ProviderAnswer {
  readonly httpStatus: number;
  readonly code: string;
  /** The gateway's number, where it gave one. */
  readonly number: string | undefined;
  readonly message: string;
  readonly requestId: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

export const SUCCESS = '10000';

type Json = Readonly<Record<string, unknown>>;

function objectOrUndefined(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A code is a number or its text; anything else is none. */
function codeOrUndefined(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && /^[A-Za-z0-9_.]{1,80}$/.test(value) ? value : undefined;
}

/** @returns undefined when it is no JSON, or JSON without the provider's marks: a proxy's page, a cut answer */
export function readAnswer(answer: HttpAnswer): ProviderAnswer | undefined {
  let json: Json | undefined;
  try {
    // A task_id that came as a number would be rounded: it is quoted before it is parsed.
    json = objectOrUndefined(JSON.parse(answer.text.replace(/("task_id"\s*:\s*)(\d+)/g, '$1"$2"')));
  } catch {
    return undefined;
  }
  if (json === undefined) return undefined;
  const metadata = objectOrUndefined(json.ResponseMetadata);
  const error = objectOrUndefined(metadata?.Error);
  if (error !== undefined) return gatewayAnswer(answer.status, metadata, error);
  const code = codeOrUndefined(json.code);
  if (code === undefined || !isBusinessCode(code)) return undefined;
  return {
    httpStatus: answer.status,
    code,
    number: undefined,
    message: textOrUndefined(json.message) ?? '',
    requestId: textOrUndefined(json.request_id),
    data: objectOrUndefined(json.data),
  };
}

/** 10000 and 50xxx; a proxy's `{"code":403}` is not the provider's word that nothing was made. */
function isBusinessCode(code: string): boolean {
  return /^[1-9]\d{4,}$/.test(code);
}

function gatewayAnswer(httpStatus: number, metadata: Json | undefined, error: Json): ProviderAnswer | undefined {
  const number = codeOrUndefined(error.CodeN);
  const given = codeOrUndefined(error.Code) ?? number;
  const code = given !== undefined && Object.hasOwn(GATEWAY_NUMBERS, given) ? GATEWAY_NUMBERS[given] : given;
  if (code === undefined) return undefined;
  return {
    httpStatus,
    code,
    number,
    message: textOrUndefined(error.Message) ?? '',
    requestId: textOrUndefined(metadata?.RequestId),
    data: undefined,
  };
}

/** The row of a provider's code. A code without a row keeps its name and is explained by `unknown_code`. */
export function problemOf(answer: ProviderAnswer): Problem {
  const details: ProblemDetails = { providerCode: answer.number ?? answer.code, providerText: answer.message };
  const known = isProviderCode(answer.code);
  return known
    ? new Problem(answer.code as ProblemCode, details)
    : new Problem('unknown_code', { ...details, code: answer.code });
}

/** Our own codes are in the same table, and the provider cannot use them. */
function isProviderCode(code: string): boolean {
  return isProblemCode(code) && /^(\d|[A-Z])/.test(code);
}

/** Too many requests, or too many tasks: nothing was made, and the same request may be sent again. */
const BUSY_CODES: ReadonlySet<string> = new Set(['50429', '50430', 'FlowLimitExceeded', 'AccountFlowLimitExceeded']);

export function isBusy(code: string): boolean {
  return BUSY_CODES.has(code);
}

/** What a whole answer to a submit means. `undefined`: it does not tell, so the outcome is unknown. */
export type SubmitReading =
  | { readonly kind: 'accepted'; readonly providerTaskId: string }
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'busy'; readonly problem: Problem };

/**
 * Refused is only a readable answer of the provider below HTTP 500 with an error code; whatever else is not an
 * acceptance may have been charged.
 */
export function readSubmit(answer: ProviderAnswer): SubmitReading | undefined {
  if (answer.httpStatus >= 500 || (answer.httpStatus >= 300 && answer.httpStatus < 400)) return undefined;
  if (answer.code === SUCCESS) {
    const providerTaskId = answer.data?.task_id;
    return typeof providerTaskId === 'string' && /^\S{1,64}$/.test(providerTaskId)
      ? { kind: 'accepted', providerTaskId }
      : undefined;
  }
  // An id says that a task was made, and a success without a known code that the code is garbled.
  const hasTaskId = answer.data?.task_id !== undefined && answer.data.task_id !== null && answer.data.task_id !== '';
  const isGarbled = answer.httpStatus < 300 && !isProviderCode(answer.code);
  if (answer.code === '0' || hasTaskId || isGarbled) return undefined;
  const problem = problemOf(answer);
  return { kind: isBusy(answer.code) ? 'busy' : 'refused', problem };
}

/** What a whole answer to a query says of the task. `hindered`: it was answered, but says nothing of the task. */
export type QueryReading =
  | { readonly kind: 'running'; readonly word: string }
  | { readonly kind: 'done'; readonly url: string }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'expired' }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'hindered'; readonly problem: Problem };

/** Review codes, and the input that could not be used: the provider's definite no for this task. */
const DEFINITE_CODES: ReadonlySet<string> = new Set([
  ...['50411', '50511', '50412', '50512', '50413', '50516', '50517', '50518', '50519', '50520', '50521', '50522'],
  '50215',
]);

export function readQuery(answer: ProviderAnswer): QueryReading {
  if (DEFINITE_CODES.has(answer.code)) return { kind: 'failed', problem: problemOf(answer) };
  const word = textOrUndefined(answer.data?.status);
  if (word === 'done') return readDone(answer);
  if (answer.code !== SUCCESS) return { kind: 'hindered', problem: problemOf(answer) };
  if (word === 'expired' || word === 'not_found') return { kind: word };
  return { kind: 'running', word: word ?? 'generating' };
}

/** `done` means over, well or badly: there is a video only with code 10000 and a URL. */
function readDone(answer: ProviderAnswer): QueryReading {
  if (answer.code !== SUCCESS) return { kind: 'failed', problem: problemOf(answer) };
  const given = answer.data?.video_url;
  // No link means no video; a link of a wrong type is a garbled answer, and a video may well be there.
  if (given !== undefined && given !== null && typeof given !== 'string') return garbled(answer);
  const url = textOrUndefined(given);
  const parsed = url === undefined ? null : URL.parse(url);
  if (url !== undefined && parsed !== null && /^https?:$/.test(parsed.protocol)) return { kind: 'done', url };
  const details =
    url === undefined ? {} : { what: 'The provider finished the task with a link that is no web address.' };
  return { kind: 'failed', problem: new Problem('no_video', details) };
}

function garbled({ httpStatus, code, message }: ProviderAnswer): QueryReading {
  const what = `The answer (HTTP ${httpStatus}, code ${code}) says that the task is done, with a link that cannot be read.`;
  return { kind: 'hindered', problem: new Problem('unreadable_answer', { what, providerText: message }) };
}
