/** Is this link one that the sandbox gave out, unchanged and not expired? */
import { createHmac, randomBytes } from 'node:crypto';

/** The path under which the file host keeps its videos. */
export const VIDEO_PATH = '/tos-cn-v-sandbox/';

function sign(target: string, secret: string): string {
  return createHmac('sha256', secret).update(`jimeng sandbox link:${target}`).digest('hex');
}

/**
 * A link as the provider's: no `.mp4`, and a query whose order and escapes are part of the signature (`+`, `%2F` and
 * `~` are there to catch who parses it and puts it together again).
 * @param expiresAtMilliseconds rounded up to whole seconds
 */
export function mintLink(baseUrl: string, taskId: string, expiresAtMilliseconds: number, secret: string): string {
  const expire = Math.ceil(expiresAtMilliseconds / 1000);
  const nonce = randomBytes(8).toString('hex');
  const query = `lk3s=8e244e95&a=0&br=2048&name=moving+bar%2F~1&expire=${expire}&x-nonce=${nonce}`;
  const target = `${VIDEO_PATH}${taskId}/?${query}`;
  return `${baseUrl}${target}&signature=${sign(target, secret)}`;
}

/** @returns the task's id; undefined for a link that is forged, changed or expired: a 403 */
export function readLink(target: string, nowMilliseconds: number, secret: string): string | undefined {
  const parts = /^(\/tos-cn-v-sandbox\/(\d+)\/\?.*&expire=(\d+)&.*)&signature=([0-9a-f]{64})$/.exec(target);
  const [, signed = '', taskId, expire, signature] = parts ?? [];
  if (sign(signed, secret) !== signature) return undefined;
  return Number(expire) * 1000 > nowMilliseconds ? taskId : undefined;
}
