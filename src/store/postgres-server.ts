/** Which PostgreSQL server this is, whether it keeps what it has committed, and whether it has this version's tables. */
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { type Row, StoreFailure, type Tx } from './engine.ts';
import { isMigrated, migrate } from './schema.ts';

const OLDEST_VERSION = 14;

/** Milliseconds since 1970, by the database's clock. */
export const NOW = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** Some hosted servers do not show who they are: there a restore is noticed by the timeline alone. */
const SYSTEM = 'SELECT system_identifier::text FROM pg_control_system()';
export const IS_SYSTEM_SHOWN = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS is_shown";

/**
 * The timeline is the one that is written now: `pg_control_checkpoint()` still has the old one for a while after a
 * promotion.
 */
const FACTS = `CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
  current_setting('server_version_num')::bigint AS version, current_setting('fsync') AS fsync,
  current_setting('synchronous_commit') AS commits, current_setting('synchronous_standby_names') AS standbys`;

/** @param isSystemShown as IS_SYSTEM_SHOWN found it */
export function serverStatements(isSystemShown: boolean) {
  const facts = `${isSystemShown ? `(${SYSTEM})` : "'not shown'"} AS system, ${FACTS}`;
  return {
    server: `SELECT ${facts}, (SELECT COUNT(*) FROM pg_stat_replication) AS replicas`,
    /** Statement of its own: what follows sees what was committed before the lock was got. The time is read after it. */
    lockAccount: `SELECT pg_advisory_xact_lock(hashtextextended(:account, 77)), ${NOW} AS now, ${facts},
      known.tableoid::bigint AS tables, known.system AS known_system, known.timeline AS known_timeline,
      known.is_synchronous AS known_synchronous
      FROM store_identity AS known`,
  };
}

/**
 * One row: the server that this database was last used on. `system` ends with the number of this table, which no server
 * gives twice: a dump that is restored, also on the same server, makes the table again.
 */
const IDENTITY_TABLE = `CREATE TABLE store_identity (
  id BIGINT PRIMARY KEY CHECK (id = 1), system TEXT NOT NULL, timeline TEXT NOT NULL, is_synchronous BIGINT NOT NULL
)`;
const WRITE_IDENTITY = `INSERT INTO store_identity (id, system, timeline, is_synchronous)
  VALUES (1, CAST(:system AS TEXT) || ' ' || 'store_identity'::regclass::oid, :timeline, :synchronous) ON CONFLICT (id) DO UPDATE
  SET system = excluded.system, timeline = excluded.timeline, is_synchronous = excluded.is_synchronous`;

/** @throws StoreFailure for a server that may forget what it has committed, or that cannot be written */
export function requireDurable(server: Row, place: string): void {
  const refuse = (why: string) => {
    throw new StoreFailure('unreachable', `${place} ${why}`);
  };
  const version = Math.floor(Number(server.version) / 10_000);
  if (version < OLDEST_VERSION) refuse(`is PostgreSQL ${version}, and ${OLDEST_VERSION} or newer is needed`);
  if (server.timeline === '') refuse('is a standby, which can only be read: name the primary');
  if (server.fsync === 'off') refuse('has fsync=off, which forgets paid requests in a crash: set fsync=on');
  if (server.commits === 'off') {
    refuse('has synchronous_commit=off, which forgets paid requests in a crash: set synchronous_commit=on');
  }
}

const DIALECT = {
  ...{ serial: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY', bytes: 'BYTEA', id: 'TEXT COLLATE "C"' },
  // `to_regclass` would answer from a cache that does not know yet what another process has just made.
  findVersions: `SELECT tablename FROM pg_tables
  WHERE tablename = 'schema_version' AND schemaname = ANY (current_schemas(false))`,
};

/** Within the caller's transaction. @throws StoreFailure newer */
export async function migratePostgres(tx: Tx, server: Row, place: string): Promise<void> {
  if (await isMigrated(tx, DIALECT)) return;
  await tx.get('SELECT pg_advisory_xact_lock(77, 1)');
  if (!(await migrate(tx, DIALECT, place))) return;
  await tx.run(IDENTITY_TABLE);
  await writeIdentity(tx, server);
}

/** Whether another server has every commit before it is answered. */
function isSynchronous({ standbys, commits }: Row): boolean {
  return standbys !== '' && commits !== 'local';
}

export async function writeIdentity(tx: Tx, server: Row): Promise<void> {
  const { system = null, timeline = null } = server;
  await tx.run(WRITE_IDENTITY, { system, timeline, synchronous: isSynchronous(server) ? 1 : 0 });
}

/**
 * Compares the server with the one that the database was last used on: after a failover to a replica that lagged, or a
 * restored backup, claims may be missing, and their requests would be paid for again.
 * @param server the row of the statement `lockAccount`
 * @returns why no paid call may be made
 */
export async function whyReplaced(tx: Tx, server: Row, place: string, log: Log): Promise<Problem | undefined> {
  // An earlier version wrote no number.
  const isNumbered = server.known_system !== server.system;
  const isSameSystem = !isNumbered || `${server.system} ${server.tables}` === server.known_system;
  const wasSynchronous = Number(server.known_synchronous) === 1;
  if (isSameSystem && server.timeline === server.known_timeline) {
    if (!isNumbered || isSynchronous(server) !== wasSynchronous) await writeIdentity(tx, server);
    return undefined;
  }
  if (isSameSystem && wasSynchronous) {
    log.warn('the database failed over to a synchronous standby; nothing is lost', { store: place });
    await writeIdentity(tx, server);
    return undefined;
  }
  const how = isSameSystem
    ? 'failed over to a replica that may lack the last requests, or was restored to an earlier time'
    : 'was moved to another server or restored from a backup';
  return new Problem('store_replaced', {
    what: `The database ${place} ${how}; requests that were paid for may be missing.`,
  });
}

/** @param server the row of the statement `server` */
export function warnOfReplicas(server: Row, place: string, log: Log): void {
  if (Number(server.replicas) === 0 || isSynchronous(server)) return;
  const advice = 'set synchronous_standby_names; after a failover paid calls are refused until doctor --accept-store';
  log.warn('the replicas of the database are asynchronous: a failover may forget paid requests', {
    store: place,
    advice,
  });
}
