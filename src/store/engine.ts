/** What a database engine offers to the store: transactions over one set of statements, and news of other processes. */
import type { Problem } from '../problems.ts';

export type SqlValue = string | number | Uint8Array | null;
export type Params = Readonly<Record<string, SqlValue>>;
export type Row = Readonly<Record<string, SqlValue>>;

/** Statements of one transaction. Parameters are written `:name`. */
export interface Tx {
  /** Read once when the transaction began: milliseconds since 1970, by the engine's clock. */
  readonly now: number;
  get(sql: string, params?: Params): Promise<Row | undefined>;
  all(sql: string, params?: Params): Promise<readonly Row[]>;
  /** @returns the number of changed rows */
  run(sql: string, params?: Params): Promise<number>;
}

export interface TransactionOptions {
  /** One transaction at a time for this account. SQLite has one writer anyway. */
  readonly account?: string | undefined;
  /** Runs before the account is locked: for what is large and concerns nobody else. */
  readonly before?: ((tx: Tx) => Promise<void>) | undefined;
  /**
   * For an engine whose answer to a COMMIT may be lost: takes back what `work` may have written. Runs in the next
   * transaction of this process, before anything else; must change nothing where there is nothing to take back.
   */
  readonly undo?: ((tx: Tx) => Promise<void>) | undefined;
}

export interface Engine {
  /** Where it is, for sentences: a path or an address without a password. */
  readonly place: string;
  /** Ends a SELECT inside a statement that writes: leaves out what another transaction is writing. Empty where they take turns. */
  readonly skipLocked: '' | 'FOR UPDATE SKIP LOCKED';
  /** By its own clock, as far as that is known without asking: milliseconds since 1970. For all times in records. */
  now(): number;
  /** Commits when `work` returns, rolls back when it throws. @throws StoreFailure */
  transaction<Value>(work: (tx: Tx) => Promise<Value>, options?: TransactionOptions): Promise<Value>;
  /** Reads only. @throws StoreFailure */
  read<Value>(work: (tx: Tx) => Promise<Value>): Promise<Value>;
  /** Changes with every write, of whatever process; undefined where the engine has no such number. */
  version(): Promise<number | string | undefined>;
  /** Resolves when another process may have written something, or when the signal is aborted. Never rejects. */
  changedElsewhere(signal: AbortSignal): Promise<void>;
  /** @returns why no paid call may be made now (a damaged or replaced database that nobody has looked at) */
  whyNotPaid(): Problem | undefined;
  /** @returns a sentence where this process saw the database being removed or replaced: what only the former one recorded is gone */
  notice?(): string | undefined;
  /** Called in the first transaction on a database that replaces a removed or damaged one; absent where paid calls are refused then. */
  onRecreated?(restore: (tx: Tx) => Promise<void>): void;
  close(): Promise<void>;
}

/**
 * `busy`: another process keeps it locked. `unavailable`: the file cannot be read or written now. `unreachable`: the shared
 * database cannot be used now. `newer`: a later version wrote it.
 */
export type StoreFailureKind = 'busy' | 'unavailable' | 'unreachable' | 'newer';

const PROBLEM_CODES = {
  busy: 'state_busy',
  unavailable: 'state_not_writable',
  unreachable: 'store_unavailable',
  newer: 'state_not_writable',
} as const satisfies Record<StoreFailureKind, string>;

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly kind: StoreFailureKind;

  constructor(kind: StoreFailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }

  /** Where that problem's own hint is wrong. */
  get hint(): string | undefined {
    return this.kind === 'newer' ? 'install the newest version of this program' : undefined;
  }

  /** The problem that a caller gets. */
  get problemCode() {
    return PROBLEM_CODES[this.kind];
  }
}
