/** The tables, and how they come to this version. Times are integer milliseconds since 1970, money is integer fen. */
import { StoreFailure, type Tx } from './engine.ts';

/** What the engines call differently. */
export interface Dialect {
  /** A growing number that the engine gives each row, and the primary key. */
  readonly serial: string;
  readonly bytes: string;
  /** Text in the order of its bytes. */
  readonly id: string;
  /** Finds the table `schema_version`. */
  readonly findVersions: string;
}

/**
 * One entry a version, each a list of statements; `schema_version` holds how many were run. Never change one that was
 * published: add another.
 *
 * `owner` is the process that is to send a queued task, or sent a submitting one; `holder` the one that polls and saves
 * a generating one. Both are leases in `host`, so that no task can name a process that was declared dead.
 * `fen` is the money that counts: 0 for what is known to have cost nothing, whatever its estimate was.
 */
export function migrations({ serial, bytes, id }: Omit<Dialect, 'findVersions'>): readonly (readonly string[])[] {
  return [
    [
      `CREATE TABLE host (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        lease_until BIGINT NOT NULL
      )`,
      `CREATE TABLE task (
        seq ${serial},
        id ${id} NOT NULL UNIQUE,
        scope TEXT NOT NULL,
        req_key TEXT NOT NULL,
        mode TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        status TEXT NOT NULL,
        fen BIGINT NOT NULL,
        reserved_at BIGINT NOT NULL,
        closed_at BIGINT,
        attempts BIGINT NOT NULL,
        claim TEXT,
        owner TEXT REFERENCES host (id) ON DELETE SET NULL,
        holder TEXT REFERENCES host (id) ON DELETE SET NULL,
        slot_until BIGINT,
        save_again_at BIGINT,
        provider_task_id TEXT,
        finished_from BIGINT,
        finished_to BIGINT,
        record TEXT NOT NULL,
        CHECK (status <> 'submitting' OR (claim IS NOT NULL AND owner IS NOT NULL))
      )`,
      `CREATE TABLE body (
        task_id TEXT PRIMARY KEY,
        written_at BIGINT NOT NULL,
        bytes ${bytes} NOT NULL
      )`,
      `CREATE TABLE pacing (
        scope TEXT NOT NULL,
        req_key TEXT NOT NULL,
        limit_now BIGINT,
        limit_until BIGINT NOT NULL,
        paused_until BIGINT NOT NULL,
        refusals BIGINT NOT NULL,
        probed_at BIGINT NOT NULL,
        PRIMARY KEY (scope, req_key)
      )`,
      'CREATE INDEX task_newest ON task (scope, seq)',
      'CREATE INDEX task_status ON task (scope, status, seq, fen)',
      "CREATE INDEX task_queue ON task (scope, req_key, seq) WHERE status = 'queued'",
      'CREATE INDEX task_slot ON task (scope, req_key, slot_until) WHERE slot_until IS NOT NULL',
      'CREATE INDEX task_fingerprint ON task (scope, fingerprint, seq)',
      'CREATE INDEX task_reserved ON task (scope, reserved_at, status, fen)',
      'CREATE INDEX task_provider ON task (scope, provider_task_id) WHERE provider_task_id IS NOT NULL',
      'CREATE INDEX task_finished ON task (scope, mode, closed_at) WHERE finished_to IS NOT NULL',
      'CREATE INDEX task_owner ON task (owner) WHERE owner IS NOT NULL',
      'CREATE INDEX task_holder ON task (holder) WHERE holder IS NOT NULL',
      'CREATE INDEX task_unsaved ON task (scope, save_again_at) WHERE save_again_at IS NOT NULL',
    ],
    [
      // The task whose video a picture of this one is made from: not in the queue before it is saved.
      'ALTER TABLE task ADD COLUMN waits_for TEXT',
      'DROP INDEX task_queue',
      "CREATE INDEX task_queue ON task (scope, req_key, seq) WHERE status = 'queued' AND waits_for IS NULL",
      `CREATE TABLE film (
        seq ${serial},
        id TEXT NOT NULL UNIQUE,
        scope TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        status TEXT NOT NULL,
        reserved_at BIGINT NOT NULL,
        holder TEXT REFERENCES host (id) ON DELETE SET NULL,
        record TEXT NOT NULL
      )`,
      'CREATE INDEX film_newest ON film (scope, seq)',
      'CREATE INDEX film_fingerprint ON film (scope, fingerprint, seq)',
      "CREATE INDEX film_open ON film (scope, status) WHERE status = 'running'",
      'CREATE INDEX film_holder ON film (holder) WHERE holder IS NOT NULL',
    ],
    [
      // Whose it is; '': nobody's, it was made on the command line or over stdio.
      "ALTER TABLE task ADD COLUMN person TEXT NOT NULL DEFAULT ''",
      "ALTER TABLE film ADD COLUMN person TEXT NOT NULL DEFAULT ''",
      "CREATE INDEX task_person ON task (scope, person, seq) WHERE person <> ''",
      "CREATE INDEX task_person_status ON task (scope, person, status, seq, fen) WHERE person <> ''",
      "CREATE INDEX task_person_reserved ON task (scope, person, reserved_at, status, fen) WHERE person <> ''",
      "CREATE INDEX film_person ON film (scope, person, seq) WHERE person <> ''",
      'DROP INDEX task_fingerprint',
      'CREATE INDEX task_fingerprint ON task (scope, person, fingerprint, seq)',
      'DROP INDEX film_fingerprint',
      'CREATE INDEX film_fingerprint ON film (scope, person, fingerprint, seq)',
      'DROP INDEX task_queue',
      "CREATE INDEX task_queue ON task (scope, req_key, person, seq, owner) WHERE status = 'queued' AND waits_for IS NULL",
      // Numbers that grow with each claim: of the people who wait, the one with the smallest is next.
      `CREATE TABLE turn (
        scope TEXT NOT NULL,
        req_key TEXT NOT NULL,
        person TEXT NOT NULL,
        taken BIGINT NOT NULL,
        PRIMARY KEY (scope, req_key, person)
      )`,
    ],
    [
      // Which requests in the queue of which account a process sends: 'own', 'all' or 'none'.
      "ALTER TABLE host ADD COLUMN scope TEXT NOT NULL DEFAULT ''",
      "ALTER TABLE host ADD COLUMN sends TEXT NOT NULL DEFAULT 'own'",
    ],
  ];
}

/** @returns 0 where there are no tables yet */
async function versionOf(tx: Tx, { findVersions }: Dialect): Promise<number> {
  if ((await tx.get(findVersions)) === undefined) return 0;
  return Number((await tx.get('SELECT version FROM schema_version'))?.version ?? 0);
}

export async function isMigrated(tx: Tx, dialect: Dialect): Promise<boolean> {
  return (await versionOf(tx, dialect)) === migrations(dialect).length;
}

/**
 * Within the caller's transaction, by one process at a time: another one may have made the tables meanwhile.
 * @returns whether the database is new @throws StoreFailure newer
 */
export async function migrate(tx: Tx, dialect: Dialect, place: string): Promise<boolean> {
  const all = migrations(dialect);
  const version = await versionOf(tx, dialect);
  if (version > all.length) throw new StoreFailure('newer', `${place} was written by a newer version of this program`);
  for (const sql of all.slice(version).flat()) await tx.run(sql);
  const params = { version: all.length };
  if (version === 0) {
    await tx.run('CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)');
    await tx.run('INSERT INTO schema_version (version) VALUES (:version)', params);
  } else if (version < all.length) await tx.run('UPDATE schema_version SET version = :version', params);
  return version === 0;
}
