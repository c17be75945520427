/** The embedded engine: one SQLite file in the state folder, through node:sqlite. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../clock.ts';
import { type Log, reasonOf } from '../log.ts';
import { Problem } from '../problems.ts';
import { type Engine, type Params, type Row, StoreFailure, type TransactionOptions, type Tx } from './engine.ts';
import { isMigrated, migrate } from './schema.ts';

const DIALECT = {
  ...{ serial: 'INTEGER PRIMARY KEY AUTOINCREMENT', bytes: 'BLOB', id: 'TEXT' },
  findVersions: "SELECT name FROM sqlite_schema WHERE name = 'schema_version'",
};
/** Transactions last a millisecond or two; after so long a process that holds the lock hangs. */
const BUSY_LIMIT_MILLISECONDS = 20_000;
/** How often another process's writes are checked for while a caller waits. */
const CHANGE_POLL_MILLISECONDS = 150;
/** A WAL that a large body has grown is cut back to this. */
const WAL_LIMIT_BYTES = 1024 * 1024;
/** SQLite's primary result codes (sqlite.org/rescode.html). */
const BUSY_CODES: ReadonlySet<number> = new Set([5, 6]);
const DAMAGED_CODES: ReadonlySet<number> = new Set([11, 26]);

interface SqliteOptions {
  /** Absolute; made with its folder when it is first needed, for the user alone. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Prepared {
  readonly statement: StatementSync;
  /** The parameters that it names; SQLite refuses others. */
  readonly names: readonly string[];
}

interface Connection {
  readonly database: DatabaseSync;
  readonly statements: Map<string, Prepared>;
}

interface Opened {
  /** Undefined: the disk can only be read. */
  readonly writer: Connection | undefined;
  /** A connection of its own, so that reads never wait for a writer. */
  readonly reader: Connection;
  /** Which file this is: another one may take its place. */
  readonly identity: string;
}

/** @returns an engine that opens the file at its first use */
export function sqliteEngine(options: SqliteOptions): Engine {
  return new SqliteEngine(options);
}

class SqliteEngine implements Engine {
  readonly place: string;
  readonly skipLocked = '';
  private readonly clock: Clock;
  private readonly log: Log;
  private opening: Promise<Opened> | undefined;
  /** Transactions of this process take turns; between processes SQLite decides. */
  private last: Promise<unknown> = Promise.resolve();
  private restore: ((tx: Tx) => Promise<void>) | undefined;
  private hasBeenOpen = false;
  private setAside: string[] | undefined;
  private isReplaced = false;

  constructor({ file, clock, log }: SqliteOptions) {
    this.place = file;
    this.clock = clock;
    this.log = log;
  }

  onRecreated(restore: (tx: Tx) => Promise<void>): void {
    this.restore = restore;
  }

  now(): number {
    return this.clock.now();
  }

  whyNotPaid(): Problem | undefined {
    this.setAside ??= filesSetAside(this.place);
    const [file] = this.setAside.filter((path) => existsSync(path));
    return file === undefined ? undefined : new Problem('state_damaged', { what: setAsideSentence(file) });
  }

  notice(): string | undefined {
    if (!this.isReplaced) return undefined;
    return `The database ${this.place} was removed or replaced while this process was running: videos that only the former one recorded are not listed here, and their cost is not counted.`;
  }

  async transaction<Value>(work: (tx: Tx) => Promise<Value>, { before }: TransactionOptions = {}): Promise<Value> {
    // Transactions queued behind one that times out must not wait as long again.
    const startedAt = this.clock.monotonic();
    const turn = this.last.then(() =>
      this.withOpened((opened) => this.transact(opened, work, before, startedAt), true),
    );
    this.last = turn.catch(() => undefined);
    return await turn;
  }

  async read<Value>(work: (tx: Tx) => Promise<Value>): Promise<Value> {
    return await this.withOpened(async ({ reader }) => {
      return await this.whenFree(async () => await work(this.txOn(reader)));
    });
  }

  /** Another file may have the same number. */
  async version(): Promise<string> {
    return await this.withOpened(async ({ reader, identity }) => `${identity} ${await this.dataVersion(reader)}`);
  }

  async changedElsewhere(signal: AbortSignal): Promise<void> {
    // Of the writer: its number stands still when this process writes.
    const version = () =>
      this.withOpened(({ writer, reader }) => this.dataVersion(writer ?? reader)).catch(() => undefined);
    const before = await version();
    while (!signal.aborted) {
      await this.clock.sleep(CHANGE_POLL_MILLISECONDS, signal).catch(() => undefined);
      if (!signal.aborted && (await version()) !== before) return;
    }
  }

  async close(): Promise<void> {
    await this.last;
    const opened = await this.opening?.catch(() => undefined);
    this.opening = undefined;
    if (opened !== undefined) closeAll([opened.reader, opened.writer]);
  }

  private async dataVersion(connection: Connection): Promise<number> {
    return Number((await this.txOn(connection).get('PRAGMA data_version'))?.data_version);
  }

  private async transact<Value>(
    opened: Opened,
    work: (tx: Tx) => Promise<Value>,
    before?: (tx: Tx) => Promise<void>,
    startedAt = this.clock.monotonic(),
  ): Promise<Value> {
    const { writer } = opened;
    if (writer === undefined) throw new StoreFailure('unavailable', `${this.place} can only be read`);
    const { database } = writer;
    await this.whenFree(async () => database.exec('BEGIN IMMEDIATE'), startedAt);
    try {
      const tx = this.txOn(writer);
      await before?.(tx);
      const value = await work(tx);
      await this.whenFree(async () => database.exec('COMMIT'));
      return value;
    } catch (error) {
      this.rollBack(opened, database);
      throw error;
    }
  }

  /** A connection that cannot roll back is given up: closing it does. The error that led here is the one to report. */
  private rollBack(opened: Opened, database: DatabaseSync): void {
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch (error) {
      this.log.warn('the database is opened again: rolling back failed', { reason: reasonOf(error) });
      this.leave(this.opening);
      closeAll([opened.reader, opened.writer]);
    }
  }

  /** Short tries with pauses in between: a lock of another process never blocks this one's event loop. */
  private async whenFree<Value>(step: () => Promise<Value>, startedAt = this.clock.monotonic()): Promise<Value> {
    for (let longest = 2; ; longest = Math.min(longest * 1.5, 25)) {
      try {
        return await step();
      } catch (error) {
        if (!BUSY_CODES.has(resultCode(error))) throw error;
        const waited = this.clock.monotonic() - startedAt;
        if (waited > BUSY_LIMIT_MILLISECONDS) {
          const seconds = Math.round(waited / 1000);
          throw new StoreFailure('busy', `${this.place} has been locked by another process for ${seconds} s`, error);
        }
        await this.clock.sleep(1 + Math.random() * longest);
      }
    }
  }

  /** Opens the file, or opens it again after it was removed or damaged. */
  private async withOpened<Value>(use: (opened: Opened) => Promise<Value>, isToWrite = false): Promise<Value> {
    let identity = identityOf(this.place);
    try {
      const opening = this.open();
      let opened = await opening;
      const isReplaced = opened.identity !== identityOf(this.place);
      if (isReplaced) {
        this.isReplaced = true;
        this.log.warn('the database was removed or replaced; it is opened again', { file: this.place });
      }
      // A disk that could only be read may have been full, or its permissions were corrected.
      if (isReplaced || (isToWrite && opened.writer === undefined)) {
        this.leave(opening);
        // What still reads or writes there ends first: it would fail on a closed connection.
        const old = opened;
        void this.last.then(() => closeAll([old.reader, old.writer]));
        opened = await this.open();
      }
      identity = opened.identity;
      return await use(opened);
    } catch (error) {
      if (error instanceof StoreFailure || resultCode(error) === 0) throw error;
      if (DAMAGED_CODES.has(resultCode(error))) {
        await this.moveDamagedAside(error, identity);
        return await use(await this.open());
      }
      throw new StoreFailure('unavailable', `${this.place} cannot be used (${reasonOf(error)})`, error);
    }
  }

  /** The next use opens the database again, unless another one has done so already. */
  private leave(opening: Promise<Opened> | undefined): void {
    if (this.opening === opening) this.opening = undefined;
    // Another process may have set a damaged file aside.
    this.setAside = undefined;
  }

  private open(): Promise<Opened> {
    this.opening ??= this.openNow().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async openNow(): Promise<Opened> {
    const { DatabaseSync } = await import('node:sqlite');
    const isNew = !existsSync(this.place);
    const connected: Connection[] = [];
    const connect = (options = {}, path = this.place): Connection => {
      const connection = { database: new DatabaseSync(path, { timeout: 0, ...options }), statements: new Map() };
      connected.push(connection);
      return connection;
    };
    try {
      makePrivateFile(this.place);
      const writer = connect();
      const pragmas = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`;
      // Several processes may make the file at the same time.
      await this.whenFree(async () => writer.database.exec(pragmas));
      const opened = { writer, reader: connect(), identity: identityOf(this.place) };
      await this.migrate(opened);
      this.hasBeenOpen = true;
      return opened;
    } catch (error) {
      // Windows renames no file that is open, and this one may have to be set aside.
      closeAll(connected);
      if (isNew || DAMAGED_CODES.has(resultCode(error)) || error instanceof StoreFailure) {
        throw resultCode(error) === 0 && !(error instanceof StoreFailure)
          ? new StoreFailure('unavailable', `${this.place} cannot be made (${reasonOf(error)})`, error)
          : error;
      }
      // A disk that can only be read: what is recorded can be listed all the same.
      const reader = connect({ readOnly: true }, `file:${encodeURI(this.place)}?immutable=1`);
      this.log.warn('the database can only be read', { file: this.place, reason: reasonOf(error) });
      return { writer: undefined, reader, identity: identityOf(this.place) };
    }
  }

  private async migrate(opened: Opened): Promise<void> {
    const isCurrent = await this.whenFree(() => isMigrated(this.txOn(opened.reader), DIALECT));
    // No lock is taken where nothing is to be written: a process that hangs with it keeps nobody from reading.
    if (isCurrent && !this.hasBeenOpen) return;
    await this.transact(opened, async (tx) => {
      await migrate(tx, DIALECT, this.place);
      // Opened again: the file was replaced, perhaps by one that another process made.
      if (this.hasBeenOpen) await this.restore?.(tx);
    });
  }

  /** Renamed with what belongs to it, never deleted. */
  private async moveDamagedAside(cause: unknown, identity: string): Promise<void> {
    const { opening } = this;
    const opened = await opening?.catch(() => undefined);
    // Another call or process found the same damage first: the present file is sound.
    if (identity !== identityOf(this.place)) return;
    this.leave(opening);
    if (opened !== undefined) closeAll([opened.reader, opened.writer]);
    const stamp = new Date(this.clock.now()).toISOString().replace(/[:.]/g, '-');
    const aside = `${this.place}.damaged-${stamp}`;
    try {
      for (const suffix of ['', '-wal', '-shm']) {
        if (existsSync(this.place + suffix)) renameSync(this.place + suffix, aside + suffix);
      }
    } catch (error) {
      throw new StoreFailure('unavailable', `${this.place} is damaged and cannot be set aside (${reasonOf(error)})`);
    }
    this.log.error('the database is damaged and was set aside', { file: aside, reason: reasonOf(cause) });
  }

  private txOn({ database, statements }: Connection): Tx {
    const prepared = (sql: string, params: Params = {}) => {
      const known = statements.get(sql) ?? { statement: database.prepare(sql), names: parameterNames(sql) };
      statements.set(sql, known);
      const given = Object.fromEntries(known.names.map((name) => [name, params[name] ?? null]));
      return { statement: known.statement, given };
    };
    return {
      now: this.clock.now(),
      get: async (sql, params) => {
        const { statement, given } = prepared(sql, params);
        return statement.get(given) as Row | undefined;
      },
      all: async (sql, params) => {
        const { statement, given } = prepared(sql, params);
        return statement.all(given) as Row[];
      },
      run: async (sql, params) => {
        const { statement, given } = prepared(sql, params);
        return Number(statement.run(given).changes);
      },
    };
  }
}

/** @returns the damaged files of this database that nobody has moved away yet */
export function filesSetAside(place: string): string[] {
  const prefix = `${basename(place)}.damaged-`;
  try {
    const names = readdirSync(dirname(place)).filter((name) => name.startsWith(prefix) && !/-(wal|shm)$/.test(name));
    return names.map((name) => join(dirname(place), name));
  } catch {
    return [];
  }
}

export function setAsideSentence(file: string): string {
  return `The database was damaged and set aside as ${file}. Videos recorded in it are not listed here; inspect it before you pay again.`;
}

function parameterNames(sql: string): string[] {
  return [...new Set(Array.from(sql.matchAll(/:([a-z_]+)/g), ([, name]) => name ?? ''))];
}

function closeAll(connections: readonly (Connection | undefined)[]): void {
  for (const connection of connections) {
    try {
      connection?.database.close();
    } catch {
      // A damaged or removed file has nothing left to be written.
    }
  }
}

/** The file and its folder are for the user alone; SQLite gives its WAL the file's mode. */
function makePrivateFile(path: string): void {
  // A WAL whose database was removed must not be replayed into the new one. Looked for before the database is: one that
  // another process makes right now is never among them.
  const leftOver = ['-wal', '-shm'].map((suffix) => path + suffix).filter((file) => existsSync(file));
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (const file of leftOver) rmSync(file, { force: true });
  closeSync(openSync(path, 'a', 0o600));
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return 'missing';
  }
}

/** SQLite's primary result code; 0 for any other error. */
function resultCode(error: unknown): number {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : 0;
}
