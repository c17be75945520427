/** What a database engine offers to the store: transactions over one set of statements, and news of other processes. */

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
  readonly account?: string;
  /** Runs before the account is locked: for what is large and concerns nobody else. */
  readonly before?: (tx: Tx) => Promise<void>;
}

export interface Engine {
  /** Where it is, for sentences: a path or an address without a password. */
  readonly place: string;
  /** Commits when `work` returns, rolls back when it throws. @throws StoreFailure */
  transaction<Value>(work: (tx: Tx) => Promise<Value>, options?: TransactionOptions): Promise<Value>;
  /** Reads only. @throws StoreFailure */
  read<Value>(work: (tx: Tx) => Promise<Value>): Promise<Value>;
  /** Changes with every write, of whatever process; undefined where the engine has no such number. */
  version(): Promise<number | string | undefined>;
  /** Resolves when another process may have written something, or when the signal is aborted. Never rejects. */
  changedElsewhere(signal: AbortSignal): Promise<void>;
  /** @returns why no paid call may be made now (a damaged or replaced database that nobody has looked at) */
  whyNotPaid(): string | undefined;
  /** @returns a sentence where this process saw the database being removed or replaced: what only the former one recorded is gone */
  notice?(): string | undefined;
  /** Called in the first transaction on a database that replaces a removed or damaged one. */
  onRecreated(restore: (tx: Tx) => Promise<void>): void;
  close(): Promise<void>;
}

/** `busy`: another process keeps it locked. `unavailable`: it cannot be read or written now. `newer`: a later version wrote it. */
export type StoreFailureKind = 'busy' | 'unavailable' | 'newer';

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly kind: StoreFailureKind;

  constructor(kind: StoreFailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
