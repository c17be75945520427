/** A task: one paid request and what became of it, as the store keeps it and the reports read it. */
import { randomInt } from 'node:crypto';
import { compact } from '../compact.ts';
import type { Place, SavedFile } from '../library/library.ts';
import type { Problem, Who } from '../problems.ts';
import type { FileContent } from '../system/files.ts';

export const TASK_STATUSES = [
  'queued',
  'submitting',
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

/** Something went wrong, as a record keeps it. */
export interface TaskError {
  readonly code: string;
  readonly message: string;
  /** What to do: an imperative without a full stop. */
  readonly hint: string;
  readonly who: Who;
  readonly retryable: boolean;
  readonly providerCode?: string;
  /** The provider's own words, at most 1,000 characters; data. */
  readonly providerText?: string;
}

/** The same problem several times in a row. */
export interface RepeatedError extends TaskError {
  readonly count: number;
}

/** What a file really is. */
export interface ClipFacts {
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number;
  readonly fps: number;
}

export interface SavedVideo extends SavedFile {
  /** Absent when the file could not be read as a clip. */
  readonly facts?: ClipFacts;
}

export interface TaskVideo {
  /** The provider's link. */
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly urlValidUntil: number;
  readonly file?: SavedVideo;
  /** The finished file just before it got its name: a process that takes over finds it by this. */
  readonly publishing?: FileContent & { readonly name: string; readonly facts?: ClipFacts };
  /** What the provider delivered, where the file was trimmed or converted. */
  readonly delivered?: ClipFacts;
  /** Whether the provider wrote the content label (GB 45438) that was sent; absent: none was sent, or it did not say. */
  readonly isLabelled?: boolean;
}

/** Stands for a picture that was given in the text itself: it has megabytes. */
export const NOT_KEPT = 'data URL';

/** The request, as it is kept and shown. */
export interface TaskRequest {
  readonly mode: string;
  readonly prompt?: string;
  /** Requested seconds; absent for a task made elsewhere. */
  readonly duration?: number;
  readonly fps?: number;
  readonly seed?: number;
  readonly aspectRatio?: string;
  readonly templateId?: string;
  readonly cameraStrength?: string;
  /** As it was given; of a data URL only that it was one. */
  readonly image?: string;
  readonly tailImage?: string;
  /** What was done to the input, to be reported with the result. */
  readonly notes: readonly string[];
}

/** A frame of another task's video, which a picture of this request is made from once that is saved. */
export interface AwaitedFrame {
  readonly taskId: string;
  readonly which: 'first' | 'last';
}

/** Times are milliseconds since 1970, money is integer fen (0.01 CNY). */
export interface TaskRecord {
  readonly id: string;
  readonly status: TaskStatus;
  readonly request: TaskRequest;
  /** SHA-256 of the body, the duration and the rate: equal for the same request. */
  readonly fingerprint: string;
  readonly reqKey: string;
  /** Queued until these are there: its body has a mark in the place of each. */
  readonly awaits?: readonly AwaitedFrame[];
  /** Whose it is; absent: nobody's, it was made by the account's holder on the command line or over stdio. */
  readonly person?: string;
  /** The film that it is a shot of. */
  readonly filmId?: string;
  /** Absent for a task made elsewhere, until its file is read. */
  readonly billedSeconds?: number;
  readonly fen?: number;
  readonly sandbox: boolean;
  /** When it was recorded: the queue's order and the budget's time. */
  readonly reservedAt: number;
  /** When the last attempt was claimed; absent: nothing has left this machine. */
  readonly sentAt?: number;
  /** When the provider accepted it. */
  readonly acceptedAt?: number;
  readonly finishedAt?: number;
  /** Attempts to send; each has a claim of its own. */
  readonly attempts: number;
  readonly providerTaskId?: string;
  /** The provider's word for a running task. */
  readonly providerStatus?: 'in_queue' | 'generating';
  readonly requestId?: string;
  /** The provider's last answer, without our keys. */
  readonly raw?: string;
  /** Null: links only. */
  readonly place: Place | null;
  readonly video?: TaskVideo;
  readonly error?: TaskError;
  /** Why it could not be sent so far; nothing has left this machine. */
  readonly sendingProblem?: RepeatedError;
  /** Why polling gets no answer; the task itself is unaffected. */
  readonly pollingProblem?: RepeatedError;
  readonly firstNotFoundAt?: number;
  /** `done` without a link, this many times in a row. */
  readonly withoutLink?: number;
  /** Failed attempts to save the finished video. */
  readonly savingFailures?: number;
  /** When saving is tried again; absent: not automatically. */
  readonly saveAgainAt?: number;
  /** Between these two ages (milliseconds since acceptance) generation finished: a sample of the usual time. */
  readonly finishedBetween?: readonly [number, number];
}

/** A record as the store returns it. */
export interface Task extends TaskRecord {
  /** The process that is to send it (queued), or that sent it (submitting), is alive: its lease is good. */
  readonly ownerAlive: boolean;
}

/** Without what the store adds when it is read. */
export function recordOf({ ownerAlive: _, ...record }: Task): TaskRecord {
  return record;
}

/** Something is still to be sent, awaited, polled or saved. */
export function isOpen(status: TaskStatus): boolean {
  return status === 'queued' || status === 'submitting' || status === 'generating';
}

/** What becomes of its video. `open`: it is to be made or saved. `lost`: there is none, and none will come. */
export type VideoState = 'saved' | 'open' | 'lost';

export function videoStateOf(task: TaskRecord | undefined): VideoState {
  if (task === undefined) return 'lost';
  const { status, video, saveAgainAt } = task;
  if (video?.file !== undefined) return 'saved';
  return isOpen(status) || (status === 'done' && saveAgainAt !== undefined) ? 'open' : 'lost';
}

/** Made elsewhere: the provider's id and the mode are all that its user gave. */
export function isAdopted({ attempts, providerTaskId }: TaskRecord): boolean {
  return attempts === 0 && providerTaskId !== undefined;
}

/** An expired task that was never sent cost nothing; one that the provider let expire may have. */
export function chargeOf(task: Pick<TaskRecord, 'status' | 'sentAt' | 'error'>): Charge {
  switch (task.status) {
    case 'done':
      return task.error?.code === 'no_video' ? 'possible' : 'made';
    case 'queued':
    case 'failed':
    case 'cancelled':
      return 'none';
    case 'expired':
      return task.sentAt === undefined ? 'none' : 'possible';
    default:
      return 'possible';
  }
}

/** Later than any time. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

/** What the provider runs, or may run, takes a slot; a video that is only being saved does not. */
export function slotOfRunning({ status, video }: TaskRecord): number | undefined {
  return status === 'submitting' || (status === 'generating' && video === undefined) ? FOREVER : undefined;
}

export function errorOf(problem: Problem): TaskError {
  const { code, message, hint, who, retryable, providerCode, providerText } = problem;
  const words = providerText?.slice(0, 1000) || undefined;
  return compact({ code, message, hint, who, retryable, providerCode, providerText: words });
}

/** No letters that are read as digits or as each other. */
const ALPHABET = '23456789abcdefghjkmnpqrstvwxyz';
const RANDOM_CHARACTERS = 5;
/** Base 36 milliseconds have this many digits until 2059, so that ids sort by time. */
const TIME_CHARACTERS = 8;

/** `jv-`, the time, and five random characters: short enough for a model to carry. */
export function newTaskId(now: number): string {
  const time = Math.max(0, Math.floor(now)).toString(36).padStart(TIME_CHARACTERS, '0');
  const random = Array.from({ length: RANDOM_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `jv-${time}-${random}`;
}

export function isTaskId(text: string): boolean {
  return /^jv-[0-9a-z]{8}-[0-9a-z]{5}$/.test(text);
}

/** `jf-`: a film's. */
const OWN_ID = /\bj[vf]-[0-9a-z]{8}-[0-9a-z]{5}\b/g;
const AROUND_IDS = '[\\s`\'"<>(\\[{*“”„‘’«»「」]*';

/** The id in what people and models write around it: quotes of any kind, `task:ID`, jimeng://tasks/ID, a sentence or a link. */
export function taskIdIn(text: string): string {
  const [own, ...others] = new Set(text.toLowerCase().match(OWN_ID));
  if (own !== undefined && others.length === 0) return own;
  const bare = text.replace(new RegExp(`^${AROUND_IDS}(?:task:|jimeng://tasks/)?${AROUND_IDS}`, 'i'), '');
  return bare.replace(/[\s`'"<>)\]}*“”„‘’«»「」/.,;。，]+$/, '');
}
