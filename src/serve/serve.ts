/** What the commands `serve` and `worker` load, in a file of their own. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Credentials } from '../jimeng/signature.ts';

export { createHandlers } from '../mcp/handlers.ts';
export { ONE_USER } from './access.ts';
export { isLoopbackHost } from './own-hosts.ts';
export { startServer } from './server.ts';
export { work } from './worker.ts';

/** The same on all hosts that use the same account; without keys nothing is paid, and nothing signed. */
export function stateKeyOf(credentials: Credentials | undefined): Uint8Array {
  if (credentials === undefined) return randomBytes(32);
  return createHmac('sha256', credentials.secretAccessKey).update('jimeng-video-mcp confirmations').digest();
}
