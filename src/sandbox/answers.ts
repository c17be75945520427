/** The provider's answers: codes, HTTP statuses, shapes and texts. */
import { randomBytes } from 'node:crypto';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Set where the answer accepts a submit. */
  readonly acceptedTaskId?: string;
}

/** Business code → HTTP status and message (reference section 7). */
export const BUSINESS_CODES: Readonly<Record<number, readonly [status: number, message: string]>> = {
  10000: [200, 'Success'],
  50411: [400, 'Pre Img Risk Not Pass'],
  50511: [400, 'Post Img Risk Not Pass'],
  50412: [400, 'Text Risk Not Pass'],
  50512: [400, 'Post Text Risk Not Pass'],
  50413: [400, 'Post Text Risk Not Pass'],
  50516: [400, 'Post Video Risk Not Pass'],
  50517: [400, 'Post Audio Risk Not Pass'],
  50518: [400, 'Pre Img Risk Not Pass: Copyright'],
  50519: [400, 'Post Img Risk Not Pass: Copyright'],
  50520: [400, 'Risk Internal Error'],
  50521: [400, 'Antidirt Internal Error'],
  50522: [400, 'Image Copyright Internal Error'],
  50429: [429, 'Request Has Reached API Limit, Please Try Later'],
  50430: [429, 'Request Has Reached API Concurrent Limit, Please Try Later'],
  50500: [500, 'Internal Error'],
  50501: [500, 'Internal RPC Error'],
  50400: [401, 'Access Denied: Internal Error'],
  50200: [400, 'Invalid Input Parameters'],
  50215: [400, 'Input invalid for this service.'],
};

/** Gateway code → HTTP status, CodeN where there is one, message (reference section 8; most texts are ours). */
export const GATEWAY_CODES = {
  MissingParameter: [400, 100002, 'The request is missing a required parameter.'],
  MissingAuthenticationToken: [401, 100003, 'The request is missing an authentication token.'],
  MissingSignature: [401, 100005, 'The request is missing a signature.'],
  InvalidTimestamp: [400, 100006, 'The request timestamp is malformed or more than 900 seconds off.'],
  ServiceNotFound: [404, 100007, 'The requested service does not exist.'],
  InvalidActionOrVersion: [404, 100008, 'Could not find the operation for the given Action and Version.'],
  InvalidAccessKey: [401, 100009, 'The access key does not exist.'],
  SignatureDoesNotMatch: [401, 100010, 'The request signature does not match the one the server calculated.'],
  LackPolicy: [403, 100012, 'The user has no policy for this action.'],
  AccessDenied: [403, 100013, 'The user is not authorized to perform this action.'],
  InvalidAuthorization: [400, undefined, 'The Authorization header is malformed.'],
  InvalidCredential: [400, undefined, 'The credential in the Authorization header is malformed.'],
  InvalidSecretToken: [401, undefined, 'The security token is invalid or expired.'],
  InternalError: [500, 100014, 'The gateway had an internal error.'],
  FailToConnect: [502, 100015, 'The gateway could not connect to the service.'],
  InternalServiceTimeout: [504, 100016, 'The service did not answer the gateway in time.'],
  FlowLimitExceeded: [429, undefined, 'The flow limit is exceeded.'],
  AccountFlowLimitExceeded: [429, undefined, 'The flow limit of the account is exceeded.'],
  ServiceUnavailableTemp: [503, undefined, 'The service is temporarily unavailable.'],
} as const satisfies Record<string, readonly [number, number | undefined, string]>;
export type GatewayCode = keyof typeof GATEWAY_CODES;

/** The provider's form: date and time, then 20 hex digits. */
function newRequestId(nowMilliseconds: number): string {
  const stamp = new Date(nowMilliseconds).toISOString().replace(/\D/g, '').slice(0, 14);
  return stamp + randomBytes(10).toString('hex').toUpperCase();
}

/** Sub-millisecond times carry a non-ASCII `µs`, which a client that reads the body as latin1 mangles. */
function timeElapsed(nowMilliseconds: number): string {
  return nowMilliseconds % 3 === 0 ? '843.217µs' : '104.852309ms';
}

/** @param reason why the sandbox refused, in a header for debugging that the provider does not send */
function jsonAnswer(status: number, value: unknown, reason?: string): Answer {
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
  if (reason !== undefined) headers['x-jimeng-sandbox-reason'] = reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
  return { status, headers, body: JSON.stringify(value) };
}

export function successAnswer(data: object, now: number): Answer {
  const tail = { message: 'Success', request_id: newRequestId(now), status: 10000, time_elapsed: timeElapsed(now) };
  return jsonAnswer(200, { code: 10000, data, ...tail });
}

export interface BusinessDetails {
  readonly now: number;
  /** Replaces the table's message. */
  readonly message?: string;
  /** Replaces the table's HTTP status; a code that is not in the table has 400. */
  readonly httpStatus?: number;
  readonly data?: object | null;
  readonly reason?: string;
}

export function businessAnswer(code: number, details: BusinessDetails): Answer {
  const [status, message] = BUSINESS_CODES[code] ?? [400, 'Unknown Error'];
  const { now, data = null } = details;
  const body = { code, data, message: details.message ?? message, request_id: newRequestId(now), status: code };
  return jsonAnswer(details.httpStatus ?? status, body, details.reason);
}

/** `50200 Invalid Input Parameters: <field>`. */
export function invalidField(field: string, reason: string, now: number): Answer {
  return businessAnswer(50200, { now, message: `Invalid Input Parameters: ${field}`, reason: `${field}: ${reason}` });
}

/** @param code a name in the table or a business number, which has its own HTTP status */
export function gatewayAnswer(code: string, now: number, reason?: string, httpStatus?: number): Answer {
  const known: readonly [number, number | undefined, string] | undefined = Object.hasOwn(GATEWAY_CODES, code)
    ? GATEWAY_CODES[code as GatewayCode]
    : undefined;
  const business = BUSINESS_CODES[Number(code)];
  const [status, number, message] = known ?? [business?.[0] ?? 400, undefined, business?.[1] ?? 'Unknown error.'];
  const error = { ...(number === undefined ? {} : { CodeN: number }), Code: code, Message: message };
  const metadata = { ResponseMetadata: { RequestId: newRequestId(now), Error: error } };
  return jsonAnswer(httpStatus ?? status, metadata, reason);
}
