/** Why a download failed, and whether trying again helps. */
import { Problem, type ProblemDetails } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';

/** `later`: the same link may work later. `fresh_link`: another link to the video is needed. `never`: trying again does not help. */
export type RetryAdvice = 'later' | 'fresh_link' | 'never';

/** The download has ended without the video. */
export class DownloadProblem extends Problem {
  readonly retry: RetryAdvice;

  constructor(retry: RetryAdvice, details: ProblemDetails) {
    super('save_failed', { ...details, retryable: retry !== 'never' });
    this.retry = retry;
  }
}

/** For any Problem that saving a video ended with, the disk's included. */
export function retryAdvice(problem: Problem): RetryAdvice {
  if (problem instanceof DownloadProblem) return problem.retry;
  return problem.retryable ? 'later' : 'never';
}

/** One attempt failed. The message completes "The video could not be fetched from HOST: …". */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';
  readonly retry: RetryAdvice;

  constructor(message: string, retry: RetryAdvice = 'later') {
    super(message);
    this.retry = retry;
  }
}

const REASONS: readonly (readonly [codes: RegExp, reason: string])[] = [
  [/^(UND_ERR_SOCKET|ECONNRESET|EPIPE|UND_ERR_ABORTED|HPE_.*)$/, 'the connection was cut'],
  [/^(Z_|ERR_BROTLI|ERR_PADDING|ERR__)/, 'its compressed body is damaged or was cut'],
  [/^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN)$/, 'the host cannot be reached'],
  [/^ECONNREFUSED$/, 'the host refused the connection'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its name was not found'],
];

/** @returns undefined for what no network causes: a programming error, which is not repeated */
export function attemptFailureOf(error: unknown, stallMilliseconds: number): AttemptFailure | undefined {
  if (error instanceof AttemptFailure) return error;
  const code = errorCode(error);
  if (code === undefined) return undefined;
  if (/^UND_ERR_(BODY|HEADERS)_TIMEOUT$/.test(code)) {
    return new AttemptFailure(`nothing arrived for ${stallMilliseconds / 1000} s`);
  }
  const reason = REASONS.find(([codes]) => codes.test(code))?.[1] ?? 'the connection failed';
  return new AttemptFailure(reason === 'the connection was cut' ? reason : `${reason} (${code})`);
}

/** File hosts answer a link that has expired with 403 (the provider's) or one of the others. */
const DEAD_LINK = new Set([400, 401, 403, 404, 410]);
/** Temporary: the server is busy or restarting; any other code is permanent. */
const PASSING = new Set([408, 425, 429]);

export function attemptFailureOfStatus(status: number): AttemptFailure {
  const retry = DEAD_LINK.has(status) ? 'fresh_link' : status >= 500 || PASSING.has(status) ? 'later' : 'never';
  return new AttemptFailure(`the server answered HTTP ${status}`, retry);
}
