/** Makes and changes the tables of a PostgreSQL database, by one process at a time. */
import { StoreFailure, type Tx } from './engine.ts';
import { IDENTITY_TABLE } from './postgres-server.ts';
import { migrations } from './schema.ts';

const DIALECT = { serial: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY', bytes: 'BYTEA', id: 'TEXT COLLATE "C"' };

/**
 * Within the caller's transaction.
 * @param onNew writes down which server a new database is on
 * @throws StoreFailure newer
 */
export async function migratePostgres(tx: Tx, place: string, onNew: () => Promise<void>): Promise<void> {
  const all = migrations(DIALECT);
  if ((await schemaVersion(tx)) === all.length) return;
  await tx.get('SELECT pg_advisory_xact_lock(77, 1)');
  // Another process may have made the tables meanwhile.
  const version = await schemaVersion(tx);
  if (version > all.length) throw new StoreFailure('newer', `${place} was written by a newer version of this program`);
  for (const sql of all.slice(version).flat()) await tx.run(sql);
  if (version === 0) {
    await tx.run(IDENTITY_TABLE);
    await onNew();
    await tx.run('CREATE TABLE schema_version (version BIGINT NOT NULL)');
    await tx.run('INSERT INTO schema_version (version) VALUES (:version)', { version: all.length });
  } else if (version < all.length) {
    await tx.run('UPDATE schema_version SET version = :version', { version: all.length });
  }
}

/** `to_regclass` would answer from a cache that does not know yet what another process has just made. */
const FIND_TABLE = `SELECT tablename FROM pg_tables
  WHERE tablename = 'schema_version' AND schemaname = ANY (current_schemas(false))`;

/** @returns 0 where there are no tables yet */
async function schemaVersion(tx: Tx): Promise<number> {
  const found = await tx.get(FIND_TABLE);
  return found === undefined ? 0 : Number((await tx.get('SELECT version FROM schema_version'))?.version ?? 0);
}
