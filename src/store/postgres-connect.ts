/** Connections to PostgreSQL: what every one is made with, and what their errors mean. */
import type { ClientConfig, QueryConfig } from 'pg';
import { reasonOf } from '../log.ts';
import { type Params, StoreFailure } from './engine.ts';

/** A server that is away is reported within 3 s. */
const CONNECT_MILLISECONDS = 2_000;
/** Longer than the server's own limit (`statement_timeout`): it is for a server that no longer answers. */
const ANSWER_MILLISECONDS = 6_000;

/**
 * No setting of the server is given when connecting: PgBouncer refuses those.
 * @param address `postgres://…`
 */
export function connectionTo(address: string, answerMilliseconds = ANSWER_MILLISECONDS): ClientConfig {
  return {
    connectionString: asPgReads(address),
    connectionTimeoutMillis: CONNECT_MILLISECONDS,
    query_timeout: answerMilliseconds,
    keepAlive: true,
    application_name: 'jimeng-video-mcp',
  };
}

/**
 * `sslmode` means what it means to PostgreSQL's own programs (postgresql.org/docs/current/libpq-ssl.html): `require`
 * encrypts, the `verify-` modes verify. By itself pg verifies in every mode, and warns of that on stderr. Nothing falls
 * back to a plain connection: with `prefer` and `allow`, too, TLS is needed.
 */
function asPgReads(address: string): string {
  const url = new URL(address);
  const { searchParams } = url;
  const mode = searchParams.get('sslmode');
  if (mode === null) return address;
  if (mode === 'allow') searchParams.set('sslmode', 'prefer');
  // The authorities that Node knows, which pg would take for a file.
  if (searchParams.get('sslrootcert') === 'system') searchParams.delete('sslrootcert');
  searchParams.set('uselibpqcompat', 'true');
  return url.href;
}

/** @returns the address without user, password and options */
export function placeOf(address: string): string {
  const { host, pathname, searchParams } = new URL(address);
  return `postgres://${host || (searchParams.get('host') ?? 'localhost')}${pathname}`;
}

interface Compiled {
  readonly text: string;
  readonly names: readonly string[];
}

/** Type numbers of PostgreSQL (its table pg_type). */
const BYTEA = 17;
const INT8 = 20;
const NUMERIC = 1700;
/** Sums and milliseconds are far below 2^53. */
const types = {
  getTypeParser: (oid: number) => (oid === INT8 || oid === NUMERIC ? Number : oid === BYTEA ? bytesOf : String),
} as unknown as NonNullable<QueryConfig['types']>;

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text.slice(2), 'hex');
}

/** Statements are written with `:name`; PostgreSQL takes `$1`. Never named on the server: PgBouncer loses those. */
export class Statements {
  private readonly compiled = new Map<string, Compiled>();

  query(sql: string, params: Params = {}): QueryConfig {
    const { text, names } = this.compiled.get(sql) ?? this.compile(sql);
    return { text, values: names.map((name) => params[name] ?? null), types };
  }

  private compile(sql: string): Compiled {
    const names: string[] = [];
    const text = sql.replace(/(?<!:):([a-z_]+)/g, (_, name: string) => {
      if (!names.includes(name)) names.push(name);
      return `$${names.indexOf(name) + 1}`;
    });
    this.compiled.set(sql, { text, names });
    return { text, names };
  }
}

/** SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html); undefined: the server did not answer. */
function stateOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

/** The server rolled the transaction back, and said so. */
export function isDefinite(error: unknown): boolean {
  const state = stateOf(error);
  // Connection lost, shutdown and crash leave it open what became of a COMMIT.
  return state !== undefined && !/^(08|57P|58|XX)/.test(state);
}

/** A statement that failed, by the server's answer or for want of one; errors of the work in between are others. */
export class QueryFailed extends Error {
  /** `begin`: nothing has happened. `commit`: it may have been made. */
  readonly at: 'begin' | 'work' | 'commit';

  constructor(cause: unknown, at: 'begin' | 'work' | 'commit' = 'work') {
    super(at === 'commit' ? `no answer to COMMIT: ${reasonOf(cause)}` : reasonOf(cause), { cause });
    this.at = at;
  }

  /**
   * Nothing was written, and the next try may succeed: a deadlock, a connection that ended before the COMMIT. The server
   * ends it, too, where this process stood still in the middle of a transaction (SQLSTATE 25P03).
   */
  get isToRunAgain(): boolean {
    if (this.at !== 'work') return this.at === 'begin';
    const state = stateOf(this.cause);
    return state === undefined ? !isWithoutAnswer(this.cause) : /^(40001|40P01|25P03|08|57P)/.test(state);
  }
}

/** The server, or the way to it, is silent: pg has no code for this. */
function isWithoutAnswer(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Lock and statement limits, deadlocks. */
const BUSY_STATES: ReadonlySet<string | undefined> = new Set(['55P03', '57014', '40P01', '40001']);

export function failureOf(error: unknown, place: string): StoreFailure {
  const cause = error instanceof QueryFailed ? error.cause : error;
  return BUSY_STATES.has(stateOf(cause))
    ? new StoreFailure('busy', `${place} has been locked by another process for some seconds`, error)
    : new StoreFailure('unreachable', `${place} cannot be used (${reasonOf(error)})`, error);
}
