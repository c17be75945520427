/** The seam between the rules and the database. Each method is one transaction. */
import type { Film } from '../films/film.ts';
import type { Problem } from '../problems.ts';
import type { Task, TaskRecord, TaskStatus } from '../tasks/record.ts';

/** What of a daily budget is used: the account's, or a person's. */
export interface UsedBudget {
  /** Counted against it in the last 24 hours. */
  readonly reservedFen: number;
  /** When room for this request comes back, where a budget is set and it does not fit; undefined: never. */
  readonly roomAt: number | undefined;
}

/** What admission is decided on. Read in the transaction that records the request. */
export interface ReservationLedger extends UsedBudget {
  readonly now: number;
  /** Of the same person, with the same fingerprint, newest first, whatever became of them. */
  readonly same: readonly Task[];
  /** What the person has used, where the record names one. */
  readonly own?: UsedBudget;
}

export type Admission =
  | { readonly kind: 'create' }
  /** The same request exists: nothing new is paid. */
  | { readonly kind: 'join'; readonly task: Task }
  | { readonly kind: 'refuse'; readonly problem: Problem };

/** What was decided, with the task that was created. */
export type Reserved = Admission & { readonly task?: Task };

export interface Reservation {
  readonly record: TaskRecord;
  /** Absent for a task that was made elsewhere: there is nothing to send. */
  readonly body?: Uint8Array;
  /** The fingerprint of the same request while a picture of it is not there yet. */
  readonly awaiting?: string | undefined;
  /** The account's. */
  readonly budgetFen?: number | undefined;
  /** The person's own. */
  readonly personBudgetFen?: number | undefined;
}

/** What was learned of the provider's pace for one capability. Times are milliseconds since 1970. */
export interface Pacing {
  /** The concurrency limit that was learned from 50430. */
  readonly limit: number | undefined;
  readonly limitUntil: number;
  readonly pausedUntil: number;
  /** Definite "not now" answers in a row. */
  readonly refusals: number;
  /** When a request was last sent to find out whether unknown tasks really hold slots. */
  readonly probedAt: number;
}

/** A task that holds a slot although its submit's answer was lost. */
export interface UnknownSlot {
  readonly id: string;
  readonly person?: string;
  readonly since: number;
  readonly until: number;
}

/** `own`: what it has queued itself. `all`: also what other processes have queued. */
export type Sends = 'own' | 'all' | 'none';

/**
 * What the queue's rules are decided on, for one capability. Its order: first come, first served, and the people take
 * turns. Next is whose last claim lies longest ago, so that one person's hundred requests do not keep another's first
 * one waiting; within a person by order.
 */
export interface QueueLedger {
  readonly now: number;
  /** The next entry by that order whose process is alive. */
  readonly head: Task | undefined;
  readonly headIsOurs: boolean;
  /** Entries of this process. */
  readonly ours: number;
  /** Tasks that the provider has, or may receive. */
  readonly inFlight: number;
  readonly unknowns: readonly UnknownSlot[];
  readonly pacing: Pacing;
}

export type Turn =
  | { readonly kind: 'send'; readonly pacing?: Pacing }
  | { readonly kind: 'wait'; readonly waitsFor: 'turn' | 'slot' | 'unknown' | 'pause'; readonly until?: number };

/** The right to send one task, once. Its token was made here, and is never handed on. */
export interface Claim {
  readonly task: Task;
  readonly token: string;
}

/** `empty`: this process has nothing to send. */
export type Claimed = Claim | (Turn & { readonly kind: 'wait' }) | 'empty';

/** What a submit's outcome makes of its task. */
export interface Settlement {
  readonly record: TaskRecord;
  /** Until when it holds a slot; undefined: it holds none. */
  readonly slotUntil: number | undefined;
  readonly pacing?: Pacing;
}

/** The right to poll, save and write one task: a lease with a token, renewed while this process lives. */
export interface Hold {
  readonly task: Task;
  /** Aborted when another process has taken the task over. */
  readonly lost: AbortSignal;
  /** Fenced by the token. What the disk does not take is kept, reported, and written later. @throws LeaseLost */
  save(record: TaskRecord): Promise<void>;
  /** @throws LeaseLost: checked before anything visible to others (a file's name) */
  verify(): Promise<void>;
  release(): Promise<void>;
}

/** Only this person's are read, and nothing else exists; undefined: everybody's. */
export type Person = string | undefined;

export interface ListQuery {
  readonly limit: number;
  readonly status?: TaskStatus | undefined;
  /** Only what is still to be sent, awaited, polled or saved. */
  readonly open?: boolean;
  readonly person?: Person;
}

/** What a page of the gallery shows; what is left out is not asked for. */
export interface TaskFilter {
  readonly mode?: string | undefined;
  readonly statuses?: readonly TaskStatus[] | undefined;
  readonly ids?: readonly string[] | undefined;
  /** Each word occurs in the prompt, the id or the file's name; letters of either case. */
  readonly text?: string | undefined;
}

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly Task[];
  /** All that the filter lets through; undefined where that is not known before all are read (with a text). */
  readonly total: number | undefined;
  /** The id that the next page comes after; undefined: this is the last. */
  readonly next: string | undefined;
}

export interface StatusSum {
  readonly count: number;
  readonly fen: number;
}

export interface Sums {
  readonly byStatus: ReadonlyMap<TaskStatus, StatusSum>;
  readonly doneLast24hFen: number;
  readonly reservedFen: number;
}

/** What a recovery found to do. */
export interface Orphans {
  /** Films that run: somebody has to notice when their shots are saved. */
  readonly films: readonly string[];
  /** Held by this process, which does not poll them: the disk failed when they were accepted, or let go. */
  readonly ids: readonly string[];
  /** Something is to be polled or saved, and no process holds it: `holdOrphans`. */
  readonly isAnyUnheld: boolean;
  /** Something is open, here or elsewhere: recovery goes on. */
  readonly isAnythingOpen: boolean;
}

export interface RecoveryRules {
  /** A claim without an outcome whose process is gone. */
  interrupted(task: Task, now: number): Settlement;
  /** A queue entry that its process left unsent. @returns undefined: it stays */
  leftInQueue(task: Task, now: number): TaskRecord | undefined;
}

export interface AwaitingChange {
  readonly record: TaskRecord;
  readonly body?: Uint8Array;
}

/** Queued tasks of this process that wait for other tasks' videos. @throws StoreFailure, each method */
export interface Awaiting {
  /** Oldest first. */
  tasks(): Promise<readonly Task[]>;
  /**
   * Gives one what it waited for, or ends it.
   * @param rule undefined: it stays
   * @returns undefined where it stays, is no longer this process's, or waits no longer
   */
  change(id: string, rule: (task: Task, now: number) => AwaitingChange | undefined): Promise<Task | undefined>;
}

/** What the admission of a film is decided on. */
export interface FilmLedger extends Omit<ReservationLedger, 'same'> {
  /** Of the same person, with the same fingerprint, newest first. */
  readonly same: readonly Film[];
}

export type FilmAdmission =
  | { readonly kind: 'create' }
  /** The same film, or the same take, exists: nothing new is paid. */
  | { readonly kind: 'join'; readonly film: Film }
  | { readonly kind: 'refuse'; readonly problem: Problem };

export type FilmReserved =
  | Exclude<FilmAdmission, { readonly kind: 'create' }>
  | { readonly kind: 'create'; readonly film: Film };

export interface FilmWish {
  readonly film: Film;
  /** One a shot, each with its body. */
  readonly tasks: readonly Reservation[];
  readonly budgetFen: number | undefined;
  readonly personBudgetFen?: number | undefined;
}

export interface Retake {
  readonly filmId: string;
  readonly tasks: readonly Reservation[];
  /** @param tasks of the current takes */
  rule(film: Film, tasks: readonly (Task | undefined)[], ledger: Omit<FilmLedger, 'same'>): RetakeAdmission;
}

export type RetakeAdmission =
  | Exclude<FilmAdmission, { readonly kind: 'create' }>
  /** `changed`: queued tasks that are withdrawn, or wait for another task. */
  | { readonly kind: 'create'; readonly film: Film; readonly changed: readonly TaskRecord[] };

/** The right to join a film and to write its record: as a task's. */
export interface FilmHold {
  readonly film: Film;
  readonly lost: AbortSignal;
  /** Reads and writes in one transaction: a retake may have come meanwhile. @throws LeaseLost, StoreFailure */
  update(change: (film: Film) => Film): Promise<Film>;
  /** @throws LeaseLost */
  verify(): Promise<void>;
  release(): Promise<void>;
}

/** @throws StoreFailure, each method */
export interface Films {
  /** The film and all its shots, or nothing, in one transaction. */
  reserve(wish: FilmWish, rule: (ledger: FilmLedger) => FilmAdmission): Promise<FilmReserved>;
  ledger(wish: FilmWish): Promise<FilmLedger>;
  retake(retake: Retake): Promise<FilmReserved>;
  find(id: string, person?: Person): Promise<Film | undefined>;
  newest(limit: number, person?: Person): Promise<readonly Film[]>;
  /** Those that run. */
  openIds(person?: Person): Promise<readonly string[]>;
  /** In the order of the ids. */
  tasks(ids: readonly string[]): Promise<readonly (Task | undefined)[]>;
  /** Records what became of it, decided on its tasks in the same transaction. @param rule undefined: it stays */
  settle(id: string, rule: (film: Film, tasks: readonly (Task | undefined)[]) => Film | undefined): Promise<void>;
  hold(id: string): Promise<FilmHold | undefined>;
}

/** Reads only. @throws StoreFailure, each method */
export interface Lists {
  /** Newest first. */
  tasks(query: ListQuery): Promise<readonly Task[]>;
  /** @param after the last id of the page before; undefined: the newest */
  page(filter: TaskFilter, after: string | undefined, limit: number, person?: Person): Promise<TaskPage>;
  openIds(person?: Person): Promise<readonly { readonly id: string; readonly status: TaskStatus }[]>;
  /** Ids of every account's tasks that may still save a file. */
  unsavedIds(): Promise<ReadonlySet<string>>;
  idsThatBegin(prefix: string, limit: number, person?: Person): Promise<readonly string[]>;
  sums(person?: Person): Promise<Sums>;
}

/**
 * Who may write a record: the store itself inside `reserve`, `claimNext`, `cancel`, `resumeQueued` and `recover`; then
 * the owner of the claim, through `settle`; then the holder of the lease, through `Hold.save`. Nobody else.
 * @throws StoreFailure, each method
 */
export interface Store {
  /** Duplicate check, budget and intent in one transaction. */
  reserve(wanted: Reservation, rule: (ledger: ReservationLedger) => Admission): Promise<Reserved>;
  /** @returns what a paid call is refused with as long as nobody has looked at a damaged database */
  whyNotPaid(): Problem | undefined;
  /** The same ledger, and nothing is recorded: for a dry run. @throws StoreFailure also where nothing could be written */
  reservationLedger(wanted: Reservation): Promise<ReservationLedger>;
  /** Head of the queue, slot and attempt in one transaction; the person whose request it is has had a turn. */
  claimNext(reqKey: string, rule: (ledger: QueueLedger) => Turn): Promise<Claimed>;
  queueLedger(reqKey: string): Promise<QueueLedger>;
  /** How many living entries are sent before it, as the queue is now. */
  queuedBefore(task: Task): Promise<number>;
  body(id: string): Promise<Uint8Array | undefined>;
  /** The last check before the bytes leave. @param margin milliseconds for which the lease must still be good */
  stillHolds(claim: Claim, margin: number): Promise<boolean>;
  /**
   * Repeatable until it is written. What the disk does not take is kept, reported with the provider's ids, and written
   * later: never throws for that. @param isAccepted this process is to poll it
   */
  settle(claim: Claim, rule: (task: Task, ledger: QueueLedger) => Settlement, isAccepted: boolean): Promise<Task>;
  /** @returns undefined where another process holds it, or there is nothing to hold */
  hold(id: string): Promise<Hold | undefined>;
  /** Holds what is to be polled or saved and no process holds, the oldest first. @returns fewer than `limit`: no more is left */
  holdOrphans(limit: number): Promise<readonly Hold[]>;
  find(id: string, person?: Person): Promise<Task | undefined>;
  findByProviderId(providerTaskId: string, person?: Person): Promise<Task | undefined>;
  readonly lists: Lists;
  readonly films: Films;
  readonly awaiting: Awaiting;
  /** Withdraws a queued task, or gives an unknown one's slot back; otherwise undefined. */
  cancel(id: string, rule: (task: Task, now: number) => Settlement | undefined): Promise<Task | undefined>;
  /**
   * Takes over queue entries whose process is gone.
   * @param maxAge milliseconds since they were recorded: older ones are left to expire
   * @param id only this one
   * @returns their capabilities
   */
  resumeQueued(maxAge: number, id?: string): Promise<readonly string[]>;
  /** Queued, and no living process is going to send it: its own does not send, and no worker runs. Also not this process. */
  isUnsent(task: Task): Promise<boolean>;
  /** Living processes that send what any process has queued. */
  workers(): Promise<number>;
  /** Capabilities that have queued requests, of any process. */
  queuedKeys(): Promise<readonly string[]>;
  recover(rules: RecoveryRules): Promise<Orphans>;
  /** Ages between which past videos of a mode were finished, newest first, milliseconds. */
  durations(mode: string, limit: number): Promise<readonly (readonly [number, number])[]>;
  /** The record's newest state could not be written yet. */
  isUnwritten(id: string): boolean;
  whenWritten(id: string): Promise<void>;
  /**
   * Resolves when a record may have changed, here or elsewhere, or when the signal is aborted. Never rejects.
   * @param id changes of other tasks in this process do not count
   */
  changed(signal: AbortSignal, id?: string): Promise<void>;
  /** @returns why what is listed may not be all that was paid for: a damaged or removed database; a sentence or two */
  warning(): string | undefined;
  /** Writes what is kept, gives the leases back. */
  close(): Promise<void>;
}
