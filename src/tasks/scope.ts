/** Whose tasks are meant? Those of one account at one service. */
import { createHash } from 'node:crypto';

/** Records of other pairs are not seen. */
export interface Scope {
  /** The API's address, or `sandbox`. */
  readonly origin: string;
  /** A hash of the access key. */
  readonly account: string;
}

export function accountOf(accessKeyId: string): string {
  return createHash('sha256').update(`jimeng-video-mcp account\n${accessKeyId}`).digest('hex').slice(0, 16);
}
