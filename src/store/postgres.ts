/** The shared engine: one PostgreSQL database for any number of computers, through `pg`. */
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg';
import type { Clock } from '../clock.ts';
import { type Log, reasonOf } from '../log.ts';
import type { Problem } from '../problems.ts';
import { type Engine, type Row, StoreFailure, type TransactionOptions, type Tx } from './engine.ts';
import { connectionTo, failureOf, isDefinite, placeOf, QueryFailed, Statements } from './postgres-connect.ts';
import { News } from './postgres-news.ts';
import {
  IS_SYSTEM_SHOWN,
  migratePostgres,
  NOW,
  requireDurable,
  serverStatements,
  warnOfReplicas,
  whyReplaced,
  writeIdentity,
} from './postgres-server.ts';

/** One writes, the others read: transactions of this process take turns. */
const MAX_CONNECTIONS = 4;
const MAX_RUNS = 3;
/** A transaction that has waited so long for its turn is refused. */
const TURN_LIMIT_MILLISECONDS = 10_000;
/** Reads are retried for so long after the database was first found away. */
const READ_AGAIN_MILLISECONDS = 2_500;
const UNDO_AGAIN_MILLISECONDS = 1_000;

/**
 * The isolation level is stated: the database's default may be another one, in which the account's lock protects
 * nothing. `SET LOCAL`, because a pooler gives the connection to others afterwards.
 */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL idle_in_transaction_session_timeout = '2s';
  SET LOCAL lock_timeout = '4s'; SET LOCAL statement_timeout = '5s'; SELECT ${NOW} AS now`;
/** An index over a million tasks takes longer than anything else may; other processes wait for it at their start. */
const MIGRATION_MILLISECONDS = 15 * 60_000;
const BEGIN_MIGRATION = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = ${MIGRATION_MILLISECONDS};
  SET LOCAL lock_timeout = ${MIGRATION_MILLISECONDS}; SELECT ${NOW} AS now`;
/** Locking any account reads the server's settings. */
const ANY_ACCOUNT = 'none';
const READ_TIME = `SELECT ${NOW} AS now`;
const SNAPSHOT = `SELECT pg_current_snapshot()::text AS snapshot`;

interface PostgresOptions {
  /** `postgres://…`, with its password. */
  readonly address: string;
  /** Where notifications are received; undefined: the same. */
  readonly listenAddress?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the server may take for one statement; tests shorten it. */
  readonly answerMilliseconds?: number;
  /** Tests set the database's clock. @param databaseTime milliseconds since 1970 */
  readonly timeOf?: (databaseTime: number) => number;
}

interface PostgresTx extends Tx {
  /** Whether others may wait for what it wrote. */
  isNews(): boolean;
}

interface Undo extends Pick<TransactionOptions, 'account'> {
  readonly undo: NonNullable<TransactionOptions['undo']>;
}

/** @returns an engine that connects at its first use */
export function postgresEngine(options: PostgresOptions): PostgresEngine {
  return new PostgresEngine(options);
}

class PostgresEngine implements Engine {
  readonly place: string;
  readonly skipLocked = 'FOR UPDATE SKIP LOCKED';
  private readonly options: PostgresOptions;
  private readonly statements = new Statements();
  private readonly news: News;
  private opening: Promise<Pool> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private replaced: Problem | undefined;
  /** How much later it is by the database's clock than by this computer's, which may be wrong. */
  private clockDifference = 0;
  /** Known from the first connection on. */
  private lockAccount = '';
  /** As the newest lock of an account found it. */
  private server: Row | undefined;
  /** Of COMMITs whose answers were lost. */
  private readonly undos: Undo[] = [];
  private undoing: Promise<void> | undefined;
  private awaySince: number | undefined;
  private readonly stop = new AbortController();

  constructor(options: PostgresOptions) {
    this.options = options;
    this.place = placeOf(options.address);
    const { address, listenAddress = address, clock, log } = options;
    this.news = new News({
      ...{ address: listenAddress, clock, log },
      run: async (sql) => void (await this.withClient((client) => query(client, sql))),
      snapshot: () => this.read(async (tx) => String((await tx.get(SNAPSHOT))?.snapshot)).catch(() => undefined),
    });
  }

  now(): number {
    return this.options.clock.now() + this.clockDifference;
  }

  whyNotPaid(): Problem | undefined {
    return this.replaced;
  }

  /** @returns why no paid call may be made @throws StoreFailure */
  async whyReplaced(): Promise<Problem | undefined> {
    await this.transaction(async () => undefined, { account: ANY_ACCOUNT });
    return this.replaced;
  }

  /** @returns why no notification of other processes' writes arrives, if so */
  whyNoNotifications(): Promise<string | undefined> {
    return this.news.whyNone();
  }

  /** From here on this is the right database. @throws StoreFailure */
  async accept(): Promise<void> {
    await this.transaction(async (tx) => this.server && (await writeIdentity(tx, this.server)), {
      account: ANY_ACCOUNT,
    });
    this.replaced = undefined;
  }

  async transaction<Value>(work: (tx: Tx) => Promise<Value>, options: TransactionOptions = {}): Promise<Value> {
    const { clock } = this.options;
    const startedAt = clock.monotonic();
    const turn = this.last.then(async () => {
      if (clock.monotonic() - startedAt > TURN_LIMIT_MILLISECONDS) {
        throw new StoreFailure('busy', `${this.place} has been too slow for ${TURN_LIMIT_MILLISECONDS / 1000} s`);
      }
      await this.undoLost();
      return await this.transact(work, options);
    });
    this.last = turn.catch(() => undefined);
    return await turn;
  }

  async read<Value>(work: (tx: Tx) => Promise<Value>): Promise<Value> {
    const { clock } = this.options;
    for (let pause = 100; ; pause *= 2) {
      try {
        return await this.withClient(async (client) => await work(this.txOn(client, await query(client, READ_TIME))));
      } catch (error) {
        // Without a cause: its settings are refused.
        const isAway = error instanceof StoreFailure && error.kind === 'unreachable' && error.cause !== undefined;
        const passed = clock.monotonic() - (this.awaySince ?? clock.monotonic());
        if (!isAway || passed + pause > READ_AGAIN_MILLISECONDS || this.stop.signal.aborted) throw error;
        await clock.sleep(pause, this.stop.signal).catch(() => undefined);
      }
    }
  }

  /** The next transaction id, while nobody writes. */
  async version(): Promise<number | undefined> {
    const [from, to] = (await this.read(async (tx) => String((await tx.get(SNAPSHOT))?.snapshot))).split(':');
    return from === to ? Number(from) : undefined;
  }

  async changedElsewhere(signal: AbortSignal): Promise<void> {
    await this.news.next(signal);
  }

  async close(): Promise<void> {
    await this.last;
    await this.undoLost().catch(() => undefined);
    this.stop.abort();
    await this.news.close();
    await this.undoing;
    const pool = await this.opening?.catch(() => undefined);
    this.opening = undefined;
    await pool?.end();
  }

  private async transact<Value>(work: (tx: Tx) => Promise<Value>, options: TransactionOptions): Promise<Value> {
    for (let run = 1; ; run++) {
      try {
        return await this.withClient((client) => this.transactOn(client, work, options));
      } catch (error) {
        const cause = error instanceof StoreFailure ? error.cause : undefined;
        if (run === MAX_RUNS || !(cause instanceof QueryFailed && cause.isToRunAgain)) throw error;
      }
    }
  }

  private async transactOn<Value>(
    client: PoolClient,
    work: (tx: Tx) => Promise<Value>,
    { account, before, undo }: TransactionOptions,
  ): Promise<Value> {
    const begun = await query(client, BEGIN, 'begin');
    try {
      let tx = this.txOn(client, begun);
      await before?.(tx);
      if (account !== undefined) tx = await this.lock(client, account);
      const value = await work(tx);
      await this.commit(client, tx.isNews(), undo && { undo, account });
      return value;
    } catch (error) {
      // A client whose server does not answer is closed instead.
      if (!(error instanceof QueryFailed) || isDefinite(error.cause)) await query(client, 'ROLLBACK');
      throw error;
    }
  }

  private async lock(client: PoolClient, account: string): Promise<PostgresTx> {
    const locked = await query(client, this.statements.query(this.lockAccount, { account }));
    const server = locked.rows[0] as Row | undefined;
    if (server === undefined) throw new StoreFailure('unreachable', `${this.place} has lost its table store_identity`);
    requireDurable(server, this.place);
    this.server = server;
    const tx = this.txOn(client, locked);
    const replaced = await whyReplaced(tx, server, this.place, this.options.log);
    if (replaced !== undefined && this.replaced === undefined) {
      this.options.log.warn('store replaced', { reason: replaced.message, advice: replaced.hint });
    }
    this.replaced = replaced;
    return tx;
  }

  private async commit(client: PoolClient, isNews: boolean, undo: Undo | undefined): Promise<void> {
    const statement = isNews ? `${this.news.notify}; COMMIT` : 'COMMIT';
    try {
      const { command } = await query(client, statement, 'commit');
      if (command !== 'COMMIT') throw new StoreFailure('unreachable', `${this.place} rolled a transaction back`);
    } catch (error) {
      if (!(error instanceof QueryFailed)) throw error;
      if (isDefinite(error.cause)) throw new QueryFailed(error.cause);
      if (undo !== undefined) this.undos.push(undo);
      this.undoing ??= this.undoUntilDone();
      throw error;
    }
  }

  /** Under the account's lock, which the lost transaction has until it is over. @throws StoreFailure */
  private async undoLost(): Promise<void> {
    for (let [lost] = this.undos; lost !== undefined; [lost] = this.undos) {
      const { undo, account } = lost;
      await this.transact(undo, { account });
      this.undos.splice(this.undos.indexOf(lost), 1);
    }
  }

  private async undoUntilDone(): Promise<void> {
    const { clock } = this.options;
    while (this.undos.length > 0 && !this.stop.signal.aborted) {
      await clock.sleep(UNDO_AGAIN_MILLISECONDS, this.stop.signal).catch(() => undefined);
      if (!this.stop.signal.aborted) await this.transaction(async () => undefined).catch(() => undefined);
    }
    // Without an await since the last check: what is lost later starts a new loop.
    this.undoing = undefined;
  }

  /** @throws StoreFailure for every failure of the database; what `use` throws otherwise as it is */
  private async withClient<Value>(use: (client: PoolClient) => Promise<Value>): Promise<Value> {
    let client: PoolClient | undefined;
    let broken: Error | undefined;
    try {
      client = await (await this.open()).connect();
      const value = await use(client);
      this.awaySince = undefined;
      return value;
    } catch (error) {
      // Thrown by the work itself, or by the check of the server.
      if (error instanceof StoreFailure || (client !== undefined && !(error instanceof QueryFailed))) throw error;
      if (error instanceof QueryFailed && !isDefinite(error.cause)) broken = error;
      const failure = failureOf(error, this.place);
      if (failure.kind === 'unreachable') this.awaySince ??= this.options.clock.monotonic();
      throw failure;
    } finally {
      client?.release(broken);
    }
  }

  private open(): Promise<Pool> {
    this.opening ??= this.openNow().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async openNow(): Promise<Pool> {
    const { address, answerMilliseconds, log } = this.options;
    const { Client, Pool } = await import('pg');
    /** From before it connects until it is closed: an error that nobody listens to would end the process. */
    class QuietClient extends Client {
      constructor(config?: ConstructorParameters<typeof Client>[0]) {
        super(config);
        this.on('error', (error) => log.debug('connection to the database lost', { reason: reasonOf(error) }));
      }
    }
    const pool = new Pool({
      ...connectionTo(address, answerMilliseconds),
      max: MAX_CONNECTIONS,
      Client: QuietClient,
      allowExitOnIdle: true,
    });
    pool.on('error', () => undefined);
    try {
      const client = await pool.connect();
      try {
        const isSystemShown = (await query(client, IS_SYSTEM_SHOWN)).rows[0]?.is_shown === true;
        const { server: serverStatement, lockAccount } = serverStatements(isSystemShown);
        this.lockAccount = lockAccount;
        const server = (await query(client, serverStatement)).rows[0] as Row;
        requireDurable(server, this.place);
        warnOfReplicas(server, this.place, log);
        const begun = await query(client, BEGIN_MIGRATION);
        const tx = this.txOn(client, begun, MIGRATION_MILLISECONDS);
        await migratePostgres(tx, server, this.place);
        await query(client, 'COMMIT');
      } finally {
        // An unfinished transaction ends with its connection.
        client.release(true);
      }
      return pool;
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  private txOn(client: PoolClient, time: QueryResult, answerMilliseconds?: number): PostgresTx {
    const { clock, timeOf = (databaseTime) => databaseTime } = this.options;
    const now = timeOf(Number(time.rows[0]?.now));
    this.clockDifference = now - clock.now();
    let isNews = false;
    const execute = async (sql: string, params?: Parameters<Tx['run']>[1]) => {
      const limit = answerMilliseconds === undefined ? {} : { query_timeout: answerMilliseconds };
      const result = await query(client, { ...this.statements.query(sql, params), ...limit });
      // Leases and bodies: nobody waits for them.
      if ((result.rowCount ?? 0) > 0 && /^(INSERT INTO|UPDATE|DELETE FROM) (?!host|body)/.test(sql)) isNews = true;
      return result;
    };
    return {
      now,
      get: async (sql, params) => (await execute(sql, params)).rows[0] as Row | undefined,
      all: async (sql, params) => (await execute(sql, params)).rows as Row[],
      run: async (sql, params) => (await execute(sql, params)).rowCount ?? 0,
      isNews: () => isNews,
    };
  }
}

/** @throws QueryFailed */
async function query(
  client: PoolClient,
  statement: string | QueryConfig,
  at?: QueryFailed['at'],
): Promise<QueryResult> {
  try {
    const results: QueryResult | QueryResult[] = await client.query(statement);
    return lastOf(results);
  } catch (error) {
    throw new QueryFailed(error, at);
  }
}

/** A text of several statements has a result for each. */
function lastOf(results: QueryResult | QueryResult[]): QueryResult {
  const last = Array.isArray(results) ? results.at(-1) : results;
  if (last === undefined) throw new Error('no result');
  return last;
}
