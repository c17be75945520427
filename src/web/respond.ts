/** Sends answers of the gallery, each with the headers that keep its page to itself. */
import type { ServerResponse } from 'node:http';
import type { Problem } from '../problems.ts';
import type { ApiError } from './api.ts';

/** Nothing from elsewhere, nothing inline, and no string is ever taken for HTML. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

export const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

type Headers = Readonly<Record<string, string>>;

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
  more: Headers = {},
): void {
  response.writeHead(status, {
    ...HEADERS,
    'cache-control': 'no-store',
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...more,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function sendJson(response: ServerResponse, value: object, status = 200, more: Headers = {}): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value), more);
}

export function sendError(
  response: ServerResponse,
  status: number,
  error: ApiError['error'],
  more: Headers = {},
): void {
  sendJson(response, { error } satisfies ApiError, status, more);
}

/** What a page is told of a problem. */
export function noticeOf({ code, message, hint }: Problem): ApiError['error'] {
  return { code, message, hint };
}

/** The store, the storage or the list of people may be back soon. */
const AGAIN = { 'retry-after': '5' };

/** @param page shown instead of JSON, where a browser opens a page */
export function sendProblem(response: ServerResponse, problem: Problem, page?: (message: string) => string): void {
  const [status, headers] = problem.code === 'invalid_input' ? [400, {}] : [503, AGAIN];
  if (page !== undefined) send(response, status, 'text/html; charset=utf-8', page(problem.message), headers);
  else sendError(response, status, noticeOf(problem), headers);
}
