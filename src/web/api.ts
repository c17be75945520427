/** What the page and its server exchange: JSON over loopback. Money is integer fen, times are milliseconds since 1970. */
import type { FilmStatus, ShotState } from '../films/film.ts';
import type { NextStep } from '../report/next-step.ts';
import type { QueueState, Spending } from '../tasks/calls.ts';
import type { UsualTime } from '../tasks/poll-timing.ts';
import type { Charge, ClipFacts, TaskError, TaskRequest, TaskStatus } from '../tasks/record.ts';

/** What the page's filter offers, and the statuses behind each. */
export const STATES = {
  running: ['queued', 'submitting', 'generating'],
  done: ['done'],
  failed: ['failed', 'unknown', 'not_found', 'expired'],
  cancelled: ['cancelled'],
} as const satisfies Readonly<Record<string, readonly TaskStatus[]>>;
export type StateName = keyof typeof STATES;

export interface VideoFile {
  readonly path: string;
  readonly bytes: number;
  readonly facts?: ClipFacts;
  /** Moved, removed, or nothing that may be served. Of one in a storage known only after it was opened. */
  readonly isMissing: boolean;
  /** In a storage, not in a folder. */
  readonly isStored: boolean;
  /** The path at which this server serves it. */
  readonly source: string;
}

/** Arguments that make the same request again. */
export interface RepeatedCall {
  readonly arguments: object;
  /** Inputs that were given as data and are not kept. */
  readonly lacks: readonly string[];
}

export interface VideoItem {
  readonly id: string;
  readonly status: TaskStatus;
  /** Whose it is, where the page is an admin's and it is another's. */
  readonly person?: string;
  readonly request: TaskRequest;
  readonly sandbox: boolean;
  readonly reservedAt: number;
  readonly acceptedAt?: number;
  readonly finishedAt?: number;
  readonly fen?: number;
  readonly billedSeconds?: number;
  readonly charge: Charge;
  readonly providerTaskId?: string;
  readonly providerStatus?: 'in_queue' | 'generating';
  /** The provider has finished it; it is being saved, or was. */
  readonly isGenerated: boolean;
  readonly file?: VideoFile;
  /** The provider's link, while it works. */
  readonly link?: { readonly url: string; readonly validUntil: number };
  readonly error?: TaskError;
  readonly queue?: QueueState;
  readonly usual?: UsualTime;
  readonly next: NextStep;
  readonly call: RepeatedCall;
}

export interface VideoPage {
  readonly now: number;
  readonly items: readonly VideoItem[];
  /** Undefined with a text: not known before all are read. */
  readonly total?: number;
  /** Absent: this is the last page. */
  readonly next?: string;
}

/** One video, opened. */
export interface VideoDetail {
  readonly now: number;
  readonly item: VideoItem;
  /** Others of the same prompt, mode and pictures, newest first. */
  readonly takes: readonly VideoItem[];
}

export interface FilmItem {
  readonly id: string;
  readonly title?: string;
  /** As a video's. */
  readonly person?: string;
  readonly status: FilmStatus;
  readonly sandbox: boolean;
  readonly reservedAt: number;
  readonly shots: number;
  readonly savedShots: number;
  /** Of all takes, what was or may have been charged. */
  readonly fen: number;
  readonly file?: VideoFile;
  /** The first shot that is saved: seen until the film is joined. */
  readonly still?: VideoFile;
  /** Why it could not be joined. */
  readonly error?: TaskError;
}

export interface FilmShotItem {
  /** From 1. */
  readonly shot: number;
  readonly state: ShotState;
  readonly continues: boolean;
  /** The current take. */
  readonly item: VideoItem;
  /** Newest first. */
  readonly otherTakes: readonly VideoItem[];
}

export interface FilmList {
  /** Newest first. */
  readonly items: readonly FilmItem[];
}

export interface FilmDetail {
  readonly now: number;
  readonly item: FilmItem;
  readonly shots: readonly FilmShotItem[];
  /** What was changed or left out when it was joined. */
  readonly notes: readonly string[];
  /** Shots that can still be withdrawn. */
  readonly hasUnsent: boolean;
  readonly call: RepeatedCall;
}

/** A problem, and how to fix it. */
export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface Overview {
  readonly now: number;
  /** By status. */
  readonly counts: Readonly<Record<string, number>>;
  readonly spending: Spending;
  readonly sandbox: boolean;
  /** Sent back with each POST: another site's page cannot read it. */
  readonly token: string;
  /** Starts this program in the reader's shell; absent where the reader has none. */
  readonly command?: string;
  /** The page is shown on the computer that has the files. */
  readonly isHere: boolean;
  /** Nothing is polled here, and without an account nothing is listed. */
  readonly notice?: Notice;
  readonly isAccountKnown: boolean;
}

/** The answer with any status that is not 200. */
export interface ApiError {
  readonly error: Notice;
}
