/** What is known of one video's life, and which states are there? */
import { randomInt } from 'node:crypto';
import * as z from 'zod';
import { processIdentitySchema } from './process-identity.ts';

export const TASK_STATUSES = [
  'queued',
  'submitting',
  'in_queue',
  'generating',
  'done',
  'failed',
  'unknown',
  'not_found',
  'expired',
  'cancelled',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** `made`: paid. `possible`: paid if it succeeds, or perhaps. */
export type Charge = 'none' | 'possible' | 'made';

/** Something is still to be sent, awaited, asked or saved. */
export function isOpen(status: TaskStatus): boolean {
  return status === 'queued' || status === 'submitting' || isWatched(status);
}

/** The provider has it, and is to be asked. */
export function isWatched(status: TaskStatus): boolean {
  return status === 'in_queue' || status === 'generating';
}

/** Made elsewhere: the provider's id and the mode are all that its user gave. */
export function isAdopted({ attempts, provider_task_id }: TaskRecord): boolean {
  return attempts === 0 && provider_task_id !== undefined;
}

/** An expired task that was never sent cost nothing; one that the provider let expire may have. */
export function chargeOf(record: Pick<TaskRecord, 'status' | 'sent_at'>): Charge {
  switch (record.status) {
    case 'done':
      return 'made';
    case 'queued':
    case 'failed':
    case 'cancelled':
      return 'none';
    case 'expired':
      return record.sent_at === undefined ? 'none' : 'possible';
    default:
      return 'possible';
  }
}

const errorSchema = z.object({
  code: z.string(),
  provider_code: z.string().optional(),
  message: z.string(),
  mend: z.string(),
  who: z.enum(['you', 'operator', 'provider', 'unknown']),
  retryable: z.boolean(),
  provider_text: z.string().optional(),
});
export type ClipNumbers = z.infer<typeof factsSchema>;
export type TaskError = z.infer<typeof errorSchema>;

const factsSchema = z.object({
  width: z.number(),
  height: z.number(),
  duration_seconds: z.number(),
  fps: z.number(),
});

const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  /** What the file really is; absent when it could not be read. */
  facts: factsSchema.optional(),
});

/** As it lies on disk: readable JSON that a person can open. Times are ISO 8601 in UTC. */
export const recordSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  status: z.enum(TASK_STATUSES),
  /** The API's origin and a hash of the access key: other pairs do not see the task. */
  origin: z.string(),
  account: z.string(),
  sandbox: z.boolean(),
  /** When it was reserved: the queue's order and the budget's time. */
  created_at: z.string(),
  /** When the claim to send it was made; absent: never sent. */
  sent_at: z.string().optional(),
  /** When the provider accepted it. */
  submitted_at: z.string().optional(),
  finished_at: z.string().optional(),
  request: z.object({
    mode: z.string(),
    prompt: z.string().optional(),
    /** As asked for; absent for a task that was made elsewhere. */
    duration: z.number().optional(),
    fps: z.number().optional(),
    seed: z.number().optional(),
    aspect_ratio: z.string().optional(),
    template_id: z.string().optional(),
    camera_strength: z.string().optional(),
    image: z.string().optional(),
    tail_image: z.string().optional(),
    /** What was done to the input, to be told with the result. */
    notes: z.array(z.string()),
  }),
  /** SHA-256 of the body, the duration and the rate: the same for the same request. */
  fingerprint: z.string(),
  req_key: z.string(),
  /** Absent for a task that was made elsewhere, until its file is read. */
  billed_seconds: z.number().optional(),
  estimated_cny: z.number().optional(),
  /** Null: links only. */
  destination: z.object({ folder: z.string(), file_name: z.string().optional() }).nullable(),
  owner: processIdentitySchema,
  /** Sendings so far; each has a claim of its own. */
  attempts: z.int(),
  provider_task_id: z.string().optional(),
  request_id: z.string().optional(),
  /** The provider's last answer, without our keys. */
  raw: z.string().optional(),
  video: z
    .object({
      url: z.string(),
      url_valid_until: z.string(),
      file: fileSchema.optional(),
      /** The finished file just before it got its name: a process that died there finds it again by this. */
      finishing: z.object({ file_name: z.string(), bytes: z.number(), sha256: z.string() }).optional(),
      /** What the provider made, where the file was trimmed or converted. */
      made: factsSchema.optional(),
    })
    .optional(),
  error: errorSchema.optional(),
  /** What stands in the way of asking; the task itself is unaffected. */
  hindrance: errorSchema.extend({ count: z.int() }).optional(),
  first_not_found_at: z.string().optional(),
});
export type TaskRecord = z.infer<typeof recordSchema>;

/** No letters that are read as digits or as each other. */
const ALPHABET = '23456789abcdefghjkmnpqrstvwxyz';
const RANDOM_CHARACTERS = 5;
/** Base 36 milliseconds have this many digits until 2059, so that ids sort by time. */
const TIME_CHARACTERS = 8;
const ID = /^jv-([0-9a-z]{8})-[0-9a-z]{5}$/;

/** `jv-`, the time, and five random characters: short enough for a model to carry. */
export function newTaskId(now: number): string {
  const time = Math.max(0, Math.floor(now)).toString(36).padStart(TIME_CHARACTERS, '0');
  const random = Array.from({ length: RANDOM_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `jv-${time}-${random}`;
}

export function isTaskId(text: string): boolean {
  return ID.test(text);
}

/** @returns milliseconds since 1970; NaN for what is no id */
export function timeOfId(id: string): number {
  return Number.parseInt(ID.exec(id)?.[1] ?? '', 36);
}
