/** Task ids and video links. Both carry all that is needed to answer for them, so a restarted sandbox still knows them. */
import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { ASPECT_RATIOS, type AspectRatio, FRAMES_OF_SECONDS, MODE_NAMES, type ModeName } from '../jimeng/modes.ts';

export interface SandboxTask {
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly mode: ModeName;
  readonly frames: number;
  readonly ratio: AspectRatio;
  /** An image URL that the provider could not reach: the query answers 50215. */
  readonly unreachableImage: boolean;
}

const FRAMES = Object.values(FRAMES_OF_SECONDS);
/** 24.8 days in milliseconds; the checksum covers the whole time, so an older id never becomes valid again. */
const TIME_BITS = 31n;
const SALT_BITS = 5n;
const FIELD_BITS = 8n;
const PAYLOAD_BITS = TIME_BITS + SALT_BITS + FIELD_BITS;
const CHECKSUM_BITS = 18n;
/** A task's time may lie a little ahead of a clock that was turned back. */
const CLOCK_SLACK_MILLISECONDS = 60_000;
/** Half of the ids have 19 digits, half 20, beyond 2^63 and within 2^64, as the provider's. */
const LOW_START = 10n ** 18n;
const HIGH_START = 10n ** 19n;

function mask(bits: bigint): bigint {
  return (1n << bits) - 1n;
}

function keyed(key: string, text: string, bits: bigint): bigint {
  const digest = createHmac('sha256', key).update(`jimeng sandbox task:${text}`).digest();
  return digest.readBigUInt64BE(0) & mask(bits);
}

function checksumOf(key: string, acceptedAt: number, salt: bigint, fields: bigint): bigint {
  return keyed(key, `${acceptedAt}:${salt}:${fields}`, CHECKSUM_BITS);
}

/** @returns 19 or 20 decimal digits: text, never a number */
export function makeTaskId(task: SandboxTask, key: string): string {
  const salt = BigInt(randomInt(1 << Number(SALT_BITS)));
  const fields =
    (BigInt(MODE_NAMES.indexOf(task.mode)) << 5n) |
    (BigInt(ASPECT_RATIOS.indexOf(task.ratio)) << 2n) |
    (BigInt(FRAMES.indexOf(task.frames as (typeof FRAMES)[number])) << 1n) |
    (task.unreachableImage ? 1n : 0n);
  const time = BigInt(task.acceptedAt) & mask(TIME_BITS);
  const checksum = checksumOf(key, task.acceptedAt, salt, fields);
  const payload = (((time << SALT_BITS) | salt) << FIELD_BITS) | fields;
  // Masked by the checksum, so that ids look random, as the provider's do.
  const value = (checksum << PAYLOAD_BITS) | (payload ^ keyed(key, `mask:${checksum}`, PAYLOAD_BITS));
  return String(value + ((salt & 1n) === 1n ? HIGH_START : LOW_START));
}

/**
 * @param now milliseconds since 1970
 * @returns undefined for an id that was not issued with this key
 */
export function readTaskId(id: string, key: string, now: number): SandboxTask | undefined {
  if (!/^[1-9]\d{18,19}$/.test(id)) return undefined;
  const number = BigInt(id);
  const high = number >= HIGH_START;
  const value = number - (high ? HIGH_START : LOW_START);
  const checksum = value >> PAYLOAD_BITS;
  if (checksum > mask(CHECKSUM_BITS)) return undefined;
  const payload = (value & mask(PAYLOAD_BITS)) ^ keyed(key, `mask:${checksum}`, PAYLOAD_BITS);
  const fields = payload & mask(FIELD_BITS);
  const salt = (payload >> FIELD_BITS) & mask(SALT_BITS);
  const time = payload >> (FIELD_BITS + SALT_BITS);
  const latest = BigInt(Math.floor(now) + CLOCK_SLACK_MILLISECONDS);
  const acceptedAt = Number(latest - ((latest - time) & mask(TIME_BITS)));
  const mode = MODE_NAMES[Number(fields >> 5n)];
  const ratio = ASPECT_RATIOS[Number((fields >> 2n) & 7n)];
  const frames = FRAMES[Number((fields >> 1n) & 1n)];
  if (high !== ((salt & 1n) === 1n) || checksumOf(key, acceptedAt, salt, fields) !== checksum) return undefined;
  if (mode === undefined || ratio === undefined || frames === undefined) return undefined;
  return { acceptedAt, mode, frames, ratio, unreachableImage: (fields & 1n) === 1n };
}

/** The file host's path. */
export const VIDEO_PATH = '/tos-cn-v-sandbox/';

function signLink(target: string, secret: string): string {
  return createHmac('sha256', secret).update(`jimeng sandbox link:${target}`).digest('hex');
}

export interface VideoLink {
  readonly taskId: string;
  /** The query's aigc_meta, which goes into the file. */
  readonly aigcMeta?: Readonly<Record<string, string>> | undefined;
}

/**
 * A link in the provider's form: no `.mp4`, and a query whose order and escapes are part of the signature (`+`, `%2F`
 * and `~` break clients that parse the query and build it again).
 * @param expiresAtMilliseconds rounded up to whole seconds
 */
export function mintLink(
  baseUrl: string,
  { taskId, aigcMeta }: VideoLink,
  expiresAtMilliseconds: number,
  secret: string,
): string {
  const expire = Math.ceil(expiresAtMilliseconds / 1000);
  const nonce = randomBytes(8).toString('hex');
  const label = aigcMeta === undefined ? '' : `&aigc=${Buffer.from(JSON.stringify(aigcMeta)).toString('base64url')}`;
  const query = `lk3s=8e244e95&a=0&br=2048&name=moving+bar%2F~1${label}&expire=${expire}&x-nonce=${nonce}`;
  const target = `${VIDEO_PATH}${taskId}/?${query}`;
  return `${baseUrl}${target}&signature=${signLink(target, secret)}`;
}

/** @returns undefined for a forged, changed or expired link (403) */
export function readLink(target: string, nowMilliseconds: number, secret: string): VideoLink | undefined {
  const parts =
    /^(\/tos-cn-v-sandbox\/(\d+)\/\?[^&]*&a=0&br=2048&name=[^&]*(?:&aigc=([\w-]+))?&expire=(\d+)&.*)&signature=([0-9a-f]{64})$/.exec(
      target,
    );
  const [, signed = '', taskId, label, expire, signature] = parts ?? [];
  if (taskId === undefined || signLink(signed, secret) !== signature) return undefined;
  if (Number(expire) * 1000 <= nowMilliseconds) return undefined;
  return { taskId, aigcMeta: label === undefined ? undefined : JSON.parse(Buffer.from(label, 'base64url').toString()) };
}
