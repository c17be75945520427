/** Reads the provider's answers, business and gateway, and what they mean for a submit and for a query. */
import { GATEWAY_NUMBERS, isProblemCode, Problem, type ProblemCode, type ProblemDetails } from '../problems.ts';

/** A whole answer as it came over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** A readable answer of the provider. Its texts are bounded, on one line and well-formed. */
export interface ProviderAnswer {
  readonly httpStatus: number;
  /** The business number or the gateway's name, as text. */
  readonly code: string;
  /** The gateway's number, where it gave one. */
  readonly number: string | undefined;
  /** At most 500 characters. */
  readonly message: string;
  /** At most 128 characters. */
  readonly requestId: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

export const SUCCESS = '10000';

const MAX_MESSAGE_CHARACTERS = 500;
const MAX_REQUEST_ID_CHARACTERS = 128;
const MAX_STATUS_CHARACTERS = 40;
/** Signed links of the file host have 300 to 1,500 characters. */
const MAX_URL_CHARACTERS = 8192;

type Json = Readonly<Record<string, unknown>>;

function objectOrUndefined(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** Control and bidirectional characters become spaces, lone surrogates U+FFFD. @returns undefined for what is no text */
function textOrUndefined(value: unknown, maxCharacters: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  // Cut before the costly steps: the message of a hostile answer may have a million characters.
  const text = value.slice(0, 4 * maxCharacters).toWellFormed();
  const clean = text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ').trim();
  return clean === '' ? undefined : [...clean].slice(0, maxCharacters).join('');
}

/** @returns undefined unless it is a number or its text */
function codeOrUndefined(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && /^[A-Za-z0-9_.]{1,80}$/.test(value) ? value : undefined;
}

/** @returns undefined for what is not JSON with the provider's marks: a proxy's page, a cut answer */
export function readAnswer(answer: HttpAnswer): ProviderAnswer | undefined {
  let json: Json | undefined;
  try {
    // A task_id sent as a number would be rounded: it is quoted before parsing.
    const text = answer.text.replace(/^\uFEFF/, '').replace(/("task_id"\s*:\s*)(\d+)/g, '$1"$2"');
    json = objectOrUndefined(JSON.parse(text));
  } catch {
    return undefined;
  }
  if (json === undefined) return undefined;
  const metadata = objectOrUndefined(json.ResponseMetadata);
  const error = objectOrUndefined(metadata?.Error);
  if (error !== undefined) return gatewayAnswer(answer.status, metadata, error);
  // The surface of 2024-06-06 wraps the same answer in Result (reference section 13).
  const business = (metadata && objectOrUndefined(json.Result)) ?? json;
  return businessAnswer(answer.status, business, metadata?.RequestId);
}

function businessAnswer(httpStatus: number, json: Json, gatewayRequestId: unknown): ProviderAnswer | undefined {
  const code = codeOrUndefined(json.code);
  if (code === undefined || !isBusinessCode(code)) return undefined;
  return {
    httpStatus,
    code,
    number: undefined,
    message: textOrUndefined(json.message, MAX_MESSAGE_CHARACTERS) ?? '',
    requestId:
      textOrUndefined(json.request_id, MAX_REQUEST_ID_CHARACTERS) ??
      textOrUndefined(gatewayRequestId, MAX_REQUEST_ID_CHARACTERS),
    data: objectOrUndefined(json.data),
  };
}

/** Business codes have five digits or more: a proxy's `{"code":403}` is not the provider's refusal. */
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
    message: textOrUndefined(error.Message, MAX_MESSAGE_CHARACTERS) ?? '',
    requestId: textOrUndefined(metadata?.RequestId, MAX_REQUEST_ID_CHARACTERS),
    data: undefined,
  };
}

/** The problem of a provider's code. A code without a row keeps its name and is explained by `unknown_code`. */
export function problemOf(answer: ProviderAnswer): Problem {
  const details: ProblemDetails = { providerCode: answer.number ?? answer.code, providerText: answer.message };
  if (!isProviderCode(answer.code)) return new Problem('unknown_code', { ...details, code: answer.code });
  return new Problem(answer.code as ProblemCode, { ...details, ...(isRetired(answer) ? RETIRED : {}) });
}

/** Our own codes are in the same table: the provider cannot use their names. */
function isProviderCode(code: string): boolean {
  return isProblemCode(code) && /^(\d|[A-Z])/.test(code);
}

const RETIRED: ProblemDetails = {
  what: 'The provider no longer offers this capability to the account (or never did).',
  hint: 'choose another mode; the Volcengine console shows which capabilities of 即梦AI can still be opened',
};

/** Codes that a removed capability can have: unknown parameter, no access, unknown action (reference section 13). */
const RETIRED_CODES: ReadonlySet<string> = new Set(['50200', '50400', 'ServiceNotFound', 'InvalidActionOrVersion']);

/** The product sends only req_keys that existed in 2026-09, so one that is unknown now was removed. */
function isRetired({ code, message }: ProviderAnswer): boolean {
  if (!RETIRED_CODES.has(code)) return false;
  return /\breq_key\b|offline|no longer|discontinued|deprecated|retired|下线|停止服务|停用/i.test(message);
}

/** Too many requests or tasks: nothing was made, and the same request may be sent again. */
const BUSY_CODES: ReadonlySet<string> = new Set(['50429', '50430', 'FlowLimitExceeded', 'AccountFlowLimitExceeded']);

export function isBusy(code: string): boolean {
  return BUSY_CODES.has(code);
}

/** What a whole answer to a submit means. `undefined`: the answer is inconclusive, so the outcome is unknown. */
export type SubmitReading =
  | { readonly kind: 'accepted'; readonly providerTaskId: string }
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'busy'; readonly problem: Problem };

/** Request timeout, too early, client closed request: what stands between may have passed the request on. */
const UNDECIDED_STATUSES: ReadonlySet<number> = new Set([408, 425, 499]);

/**
 * `refused` is only a readable answer of the provider below HTTP 500 with an error code; anything else that is not an
 * acceptance may have been charged.
 */
export function readSubmit(answer: ProviderAnswer): SubmitReading | undefined {
  const { code, data, httpStatus } = answer;
  if (httpStatus >= 500 || (httpStatus >= 300 && httpStatus < 400)) return undefined;
  if (code === SUCCESS) {
    const providerTaskId = data?.task_id;
    return isProviderTaskId(providerTaskId) ? { kind: 'accepted', providerTaskId } : undefined;
  }
  // With a task id a task was made; a success or a time-out whose code is not documented decides nothing.
  const hasTaskId = data?.task_id !== undefined && data.task_id !== null && data.task_id !== '';
  const isUndecided = (httpStatus < 300 || UNDECIDED_STATUSES.has(httpStatus)) && !isProviderCode(code);
  if (code === '0' || hasTaskId || isUndecided) return undefined;
  return { kind: isBusy(code) ? 'busy' : 'refused', problem: problemOf(answer) };
}

/** The provider's ids: what is taken as one, and stored. */
export function isProviderTaskId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value);
}

/** What a whole answer to a query means for the task. */
export type QueryReading =
  /** `word`: the provider's status, at most 40 characters. */
  | { readonly kind: 'running'; readonly word: string }
  /** `aigcMetaTagged`: whether the content label was written; undefined: not reported. */
  | { readonly kind: 'done'; readonly url: string; readonly aigcMetaTagged?: boolean }
  /** Finished, and perhaps charged, but the link is missing or unusable: query again a few times. */
  | { readonly kind: 'done_without_link'; readonly problem: Problem }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'expired' }
  | { readonly kind: 'not_found' }
  /** Answered, but with nothing about the task. */
  | { readonly kind: 'blocked'; readonly problem: Problem };

/** Review codes, and the input that could not be used: the provider's definite refusal of this task. */
const DEFINITE_CODES: ReadonlySet<string> = new Set([
  ...['50411', '50511', '50412', '50512', '50413', '50514', '50516', '50517', '50518', '50519'],
  ...['50520', '50521', '50522', '50205', '50207', '50215', '60102'],
]);

export function readQuery(answer: ProviderAnswer): QueryReading {
  if (DEFINITE_CODES.has(answer.code)) return { kind: 'failed', problem: problemOf(answer) };
  const word = textOrUndefined(answer.data?.status, MAX_STATUS_CHARACTERS);
  if (word === 'done') return readDone(answer);
  if (answer.code !== SUCCESS) return { kind: 'blocked', problem: problemOf(answer) };
  if (word === 'expired' || word === 'not_found') return { kind: word };
  return { kind: 'running', word: word ?? 'generating' };
}

/** `done` means over, well or badly: there is a video only with code 10000 and a link. */
function readDone(answer: ProviderAnswer): QueryReading {
  if (answer.code !== SUCCESS) return { kind: 'failed', problem: problemOf(answer) };
  const { video_url: url, aigc_meta_tagged: tagged } = answer.data ?? {};
  if (isVideoUrl(url)) return { kind: 'done', url, ...(typeof tagged === 'boolean' ? { aigcMetaTagged: tagged } : {}) };
  const isMissing = url === undefined || url === null || url === '';
  const what = isMissing ? 'without a link to the video' : 'with a link that cannot be used';
  return {
    kind: 'done_without_link',
    problem: new Problem('no_video', {
      what: `The provider reports the task as done, ${what}.`,
      hint: 'wait a few minutes, or ask the provider with the request id',
    }),
  };
}

function isVideoUrl(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_URL_CHARACTERS) return false;
  if (/[\s\p{Cc}\p{Bidi_Control}\p{Cs}]/u.test(value)) return false;
  return /^https?:$/.test(URL.parse(value)?.protocol ?? '');
}
