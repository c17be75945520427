/** Reads the records as they lie in the database, and makes them older, without the program. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Film } from '../../src/films/film.ts';
import type { Row } from '../../src/store/engine.ts';
import { taskOf } from '../../src/store/rows.ts';
import type { Task } from '../../src/tasks/record.ts';
import { statements } from './postgres.ts';

const TASKS = `SELECT task.*, (SELECT host.lease_until FROM host WHERE host.id = task.owner) AS owner_until
  FROM task ORDER BY seq`;

const FILMS = 'SELECT * FROM film ORDER BY seq';

export function databaseIn(stateDir: string): string {
  return join(stateDir, 'jimeng.db');
}

/** Oldest first; none where there is no database yet. @throws what SQLite says of a damaged file */
export function readRecords(stateDir: string): Task[] {
  return readRows(stateDir).map((row) => taskOf(row, Date.now()));
}

/** All columns, the ties to processes included. */
export function readRows(stateDir: string): Row[] {
  return rowsOf(stateDir, 'task', TASKS);
}

/** Oldest first. @throws what SQLite says of a damaged file */
export function readFilms(stateDir: string): Film[] {
  return rowsOf(stateDir, 'film', FILMS).map(filmOf);
}

function filmOf(row: Row): Film {
  return { ...JSON.parse(String(row.record)), id: String(row.id), status: String(row.status) };
}

/** The same of a PostgreSQL database; nothing where it has no tables yet. */
export async function readShared(address: string): Promise<{ records: Task[]; films: Film[] }> {
  const [found] = await statements(address, ["SELECT to_regclass('film') AS film"]);
  if (found?.film === null) return { records: [], films: [] };
  const records = (await statements(address, [TASKS])).map((row) => taskOf(row as Row, Date.now()));
  return { records, films: (await statements(address, [FILMS])).map((row) => filmOf(row as Row)) };
}

function rowsOf(stateDir: string, table: string, statement: string): Row[] {
  const file = databaseIn(stateDir);
  if (!existsSync(file)) return [];
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    const { count } = database.prepare('SELECT COUNT(*) AS count FROM sqlite_master WHERE name = ?').get(table) as {
      count: number;
    };
    return count === 0 ? [] : (database.prepare(statement).all() as Row[]);
  } finally {
    database.close();
  }
}

/** Makes a task older by so many hours: when it was recorded, and when it was finished. */
export function ageTask(stateDir: string, id: string, hours: number): void {
  const database = new DatabaseSync(databaseIn(stateDir), { timeout: 5_000 });
  try {
    database
      .prepare('UPDATE task SET reserved_at = reserved_at - :by, closed_at = closed_at - :by WHERE id = :id')
      .run({ by: Math.round(hours * 3600_000), id });
  } finally {
    database.close();
  }
}

/** Changes the part of a task's record that is no column of its own. */
// biome-ignore lint/suspicious/noExplicitAny: a test writes any record.
export function rewriteRecord(stateDir: string, id: string, change: (record: any) => void): void {
  const database = new DatabaseSync(databaseIn(stateDir), { timeout: 5_000 });
  try {
    const row = database.prepare('SELECT record FROM task WHERE id = ?').get(id);
    if (row === undefined) throw new Error(`no record of ${id}`);
    const record = JSON.parse(String(row.record));
    change(record);
    database.prepare('UPDATE task SET record = ? WHERE id = ?').run(JSON.stringify(record), id);
  } finally {
    database.close();
  }
}

/** No process can write until the returned function is called. */
export function lockDatabase(stateDir: string): () => void {
  const database = new DatabaseSync(databaseIn(stateDir), { timeout: 5_000 });
  database.exec('BEGIN IMMEDIATE');
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
}
