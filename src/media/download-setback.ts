/** Why did one attempt at a download fail, in words, and does the next one need a fresh link? */
import { errorCode } from './output-problem.ts';

/** An attempt that failed in a way that another may not. Its message completes "… did not arrive: …". */
export class DownloadSetback extends Error {
  override readonly name = 'DownloadSetback';
  readonly needsFreshLink: boolean;

  constructor(message: string, { needsFreshLink = false }: { needsFreshLink?: boolean } = {}) {
    super(message);
    this.needsFreshLink = needsFreshLink;
  }
}

const CUT = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'UND_ERR_ABORTED']);
const SILENT = new Set(['UND_ERR_BODY_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT']);
const UNREACHED = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN']);

/** @returns undefined for what no network does: a mistake of ours, not to be repeated */
export function setbackOf(error: unknown, stallMilliseconds: number): DownloadSetback | undefined {
  if (error instanceof DownloadSetback) return error;
  const code = errorCode(error);
  if (code === undefined) return undefined;
  if (CUT.has(code) || code.startsWith('HPE_')) return new DownloadSetback('the connection was cut');
  if (SILENT.has(code)) return new DownloadSetback(`nothing arrived for ${stallMilliseconds / 1000} s`);
  if (UNREACHED.has(code)) return new DownloadSetback(`the host cannot be reached (${code})`);
  if (code === 'ECONNREFUSED') return new DownloadSetback('the host refused the connection');
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new DownloadSetback(`its name was not found (${code})`);
  return new DownloadSetback(`the connection failed (${code})`);
}

/** Links die with 403 (the provider's host) or one of the others that file hosts use for it. */
const DEAD_LINK = new Set([400, 401, 403, 404, 410]);

export function setbackOfStatus(status: number): DownloadSetback {
  return new DownloadSetback(`the server answered HTTP ${status}`, { needsFreshLink: DEAD_LINK.has(status) });
}
