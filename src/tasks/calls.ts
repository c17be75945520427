/** What a surface (tools, command line, gallery) may call, and all that a report needs of the result. */
import type { ModeName } from '../jimeng/modes.ts';
import type { Caller, FileLink, Place } from '../library/library.ts';
import type { TaskFilter } from '../store/store.ts';
import type { UsualTime } from './poll-timing.ts';
import type { Task, TaskError, TaskStatus } from './record.ts';
import type { VideoRequest } from './video-request.ts';

/** What a queued request waits for. */
export interface QueueState {
  /** Requests of the same capability before it; 0 is next. */
  readonly before: number;
  /**
   * Absent: nothing, it is about to be sent. `turn`: those before it. `slot`: running tasks. `unknown`: submits whose answers were lost hold the slots.
   * `pause`: the provider accepts no more requests for now. `process`: the process that recorded it is gone. `worker`: no process works on the queue. `task`: another task's video.
   */
  readonly waitsFor?: 'turn' | 'slot' | 'unknown' | 'pause' | 'process' | 'worker' | 'task';
  /** With `task`: that task. */
  readonly task?: string;
  /** With `unknown`: those tasks. */
  readonly unknowns: readonly string[];
  /** With `unknown` and `pause`: until when at the most, milliseconds since 1970. */
  readonly until?: number;
}

export interface TaskView {
  readonly task: Task;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The same request existed already: nothing new is paid. */
  readonly joined: boolean;
  readonly queue?: QueueState;
  /** How long videos of its mode usually take, where enough is known. */
  readonly usual?: UsualTime;
  /** The record's newest state could not be written yet. */
  readonly isUnwritten: boolean;
  /** What went wrong for this call, where it is not the record's own error (a link that could not be refreshed, a copy that failed). */
  readonly problem?: TaskError;
  /** The record names a file that is no longer there. */
  readonly missingFile?: string;
  /** The copy that this call requested at another place; `task.video.file` is the first file. */
  readonly copy?: { readonly path: string };
  /** The library's own link to the file (or the copy), made for this call; the provider's is in `task.video`. */
  readonly link?: FileLink;
  /** Whose it is, for an admin: @see ownerShownTo */
  readonly person?: string;
  /** Where this call wants the video, while that is not done yet: for the next call. */
  readonly output?: string;
  /** A damaged database was set aside: other videos are not known here, and nothing is paid. */
  readonly warning?: string;
}

export interface Spending {
  /** Finished videos reserved in the last 24 hours, fen. */
  readonly last24hFen: number;
  readonly allTimeFen: number;
  /** In flight, or with an unknown outcome: may be charged. */
  readonly pendingFen: number;
  /** Of one day: the account's, or to a person the person's own. `leftFen`: what all budgets have room for. */
  readonly budget?: { readonly fen: number; readonly leftFen: number };
}

export interface ListView {
  readonly now: number;
  /** Newest first. */
  readonly tasks: readonly Task[];
  /** By task id, for queued ones. */
  readonly queue: ReadonlyMap<string, QueueState>;
  /** By task id: whose it is, as `TaskView.person`. */
  readonly persons: ReadonlyMap<string, string>;
  /** All tasks that match the query, of which `tasks` are the newest. */
  readonly total: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Ids that changed their status while the call waited; undefined when it did not wait. */
  readonly changed?: readonly string[];
  /** Open shots that wait for one that is lost: nothing happens to them before it is made again. */
  readonly stuck: number;
  readonly spending: Spending;
  readonly sandbox: boolean;
  /** Why these may not be all: @see Store.warning */
  readonly warning?: string;
}

/** A `dry_run`: everything is valid, and nothing was recorded or sent. */
export interface CheckedView {
  readonly request: VideoRequest;
  readonly notes: readonly string[];
  readonly estimatedFen: number;
  readonly billedSeconds: number;
  /** Undefined: links only. */
  readonly place: Place | undefined;
  /** The path that it would get now, or the folder in which it would be named when it is saved. */
  readonly path: string | undefined;
  /** The existing task that the same call without `dry_run` would join, for nothing. */
  readonly same?: Task;
  readonly now: number;
  readonly sandbox: boolean;
}

/** One call of a tool or command, the same for all of them. */
export interface Call {
  /** The caller went away: ends the waiting only. */
  readonly signal: AbortSignal;
  /** When it came in, on the monotonic clock. */
  readonly arrivedAt: number;
  /** When it must be answered, on the same clock. */
  readonly deadline: number;
  readonly caller: Caller;
  /** Called now and then while it waits. */
  readonly onWait?: (view: TaskView) => void;
  /** Asks the person whether to pay for exactly this. `unavailable`: this client cannot ask. */
  readonly confirm?: (question: {
    readonly fen: number;
    readonly videos: number;
    /** What is paid for: the mode, the length and the prompt. */
    readonly what: string;
    /** Aborted when the call may wait no longer. */
    readonly over: AbortSignal;
  }) => Promise<'yes' | 'no' | 'no_answer' | 'unavailable'>;
}

export interface MakeOptions {
  readonly output?: string | undefined;
  readonly allowDuplicate?: boolean | undefined;
  /** Refused above this estimate. */
  readonly maxCostCny?: number | undefined;
}

export interface ListOptions {
  readonly limit: number;
  readonly status?: TaskStatus | undefined;
  /** What the call waits for until its deadline; undefined: it does not wait. */
  readonly waitFor?: 'any_finished' | 'all_finished' | undefined;
}

export interface PageView {
  /** Newest first. */
  readonly views: readonly TaskView[];
  /** All that the filter lets through; undefined where that is not known (with a text). */
  readonly total: number | undefined;
  /** The id that the next page comes after; undefined: this is the last. */
  readonly next: string | undefined;
}

/**
 * Who may see what: `seenBy` in person.ts. Anything else is answered as what does not exist.
 * @throws Problem, each method; what was recorded is never reported as refused
 */
export interface VideoService {
  check(request: VideoRequest, options: MakeOptions, call: Call): Promise<CheckedView>;
  /** Records the request and begins to send it, or joins the existing one; returns once that is durable. */
  make(request: VideoRequest, options: MakeOptions, call: Call): Promise<TaskView>;
  /** Until the provider or the queue has the request, or its outcome is known. */
  waitUntilTaken(view: TaskView, call: Call): Promise<TaskView>;
  /** Until the task is over or the deadline has come; only a submit's answer is awaited for longer. */
  waitUntilOver(view: TaskView, call: Call): Promise<TaskView>;
  /** Polls, waits, refreshes the link, saves. @param taskId ours or the provider's; undefined: the caller's newest task */
  get(
    taskId: string | undefined,
    options: { readonly mode?: ModeName | undefined; readonly output?: string | undefined },
    call: Call,
  ): Promise<TaskView>;
  list(options: ListOptions, call: Call): Promise<ListView>;
  /** Withdraws what is still queued, gives back the slot of an unknown; anything else is returned as it is. */
  cancel(
    taskId: string,
    caller: Caller,
  ): Promise<TaskView & { readonly withdrawn: boolean; readonly slotReleased: boolean }>;
  /** What is recorded, without polling and without waiting. */
  read(taskId: string, caller: Caller): Promise<TaskView | undefined>;
  /** What is recorded, page by page, without polling. @param after the last id of the page before */
  page(filter: TaskFilter, after: string | undefined, limit: number, caller: Caller): Promise<PageView>;
  /** Resolves when a record may have changed, in whatever process, or when the signal is aborted. Never rejects. */
  changed(signal: AbortSignal): Promise<void>;
  /** Ids of all that is still to be sent, polled or saved. */
  openIds(caller: Caller): Promise<readonly string[]>;
  /** Our ids that begin so, newest first. */
  idsThatBegin(prefix: string, limit: number, caller: Caller): Promise<readonly string[]>;
  /** Living processes that work on the queue of a shared store: they send what any process has queued. */
  workers(): Promise<number>;
  /** Sends what dead processes left in the queue: on the command line's `collect` only. */
  sendLeft(): Promise<void>;
  /** Resumes what earlier processes left open: queries and downloads only, never a submit. */
  resume(): void;
}
