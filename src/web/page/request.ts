/** Asks the gallery's server. */
import type { ApiError, Notice } from '../api.ts';

/** The server's own answer, or that it did not answer. */
export class RequestError extends Error {
  /** 0: no answer. */
  readonly status: number;
  readonly notice: Notice | undefined;

  constructor(status: number, notice?: Notice) {
    super(notice?.message ?? `status ${status}`);
    this.status = status;
    this.notice = notice;
  }
}

/** @throws RequestError */
export async function read<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return await ask<Answer>(path, signal === undefined ? {} : { signal });
}

/** @param token of the overview @throws RequestError */
export async function act(path: string, token: string): Promise<void> {
  await ask(path, { method: 'POST', headers: { 'x-gallery-token': token } });
}

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, init).catch((error: unknown) => {
    throw init.signal?.aborted ? error : new RequestError(0);
  });
  if (response.ok) return (await response.json()) as Answer;
  const body = (await response.json().catch(() => ({}))) as Partial<ApiError>;
  throw new RequestError(response.status, body.error);
}
