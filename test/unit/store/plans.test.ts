/** SQLite's plans do not depend on how many tasks there are: none of these walks the tasks of an account. */
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrations } from '../../../src/store/schema.ts';
import * as sql from '../../../src/store/statements.ts';

let database: DatabaseSync;
beforeAll(() => {
  database = new DatabaseSync(':memory:');
  const dialect = { serial: 'INTEGER PRIMARY KEY AUTOINCREMENT', bytes: 'BLOB', id: 'TEXT' };
  for (const statement of migrations(dialect).flat()) database.exec(statement);
});
afterAll(() => database.close());

function indexesOf(statement: string): string[] {
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${statement}`).all() as { detail: string }[];
  return plan.flatMap(({ detail }) => {
    const [, table, index] = /^(?:SEARCH|SCAN) (task|film)(?:.* INDEX (\S+))?/.exec(detail) ?? [];
    return table === undefined ? [] : [detail.startsWith('SCAN') ? 'a walk' : (index ?? 'the primary key')];
  });
}

test.each([
  ['NEWEST', sql.NEWEST, 'task_person'],
  ['NEWEST_OF_STATUS', sql.NEWEST_OF_STATUS, 'task_person_status'],
  ['OPEN_TASKS', sql.OPEN_TASKS, 'task_person_status'],
  ['STATUS_SUMS', sql.STATUS_SUMS, 'task_person_status'],
  ['FILTERED_TASKS', sql.FILTERED_TASKS, 'task_person'],
  ['RESERVED_SUM', sql.RESERVED_SUM, 'task_person_reserved'],
  ['DONE_SINCE', sql.DONE_SINCE, 'task_person_reserved'],
  ['ROOM_AT', sql.ROOM_AT, 'task_person_reserved'],
  ['NEWEST_FILMS', sql.NEWEST_FILMS, 'film_person'],
])('%s of one person reads only the person’s own', (_, statement, index) => {
  expect(indexesOf(sql.ofPerson(statement, 'mei'))).toEqual([index]);
});

test.each([
  // The queue, and then the one row.
  ['QUEUE_HEAD', sql.QUEUE_HEAD, ['the primary key', 'task_queue']],
  ['WAITING_PEOPLE', sql.WAITING_PEOPLE, ['task_queue']],
  ['QUEUED_OF', sql.QUEUED_OF, ['task_queue']],
  ['SAME_REQUESTS', sql.SAME_REQUESTS, ['task_fingerprint']],
  ['OPEN_TASKS', sql.OPEN_TASKS, ['task_status']],
  ['RESERVED_SUM', sql.RESERVED_SUM, ['task_reserved']],
  ['IS_ANY_ORPHAN', sql.IS_ANY_ORPHAN, ['task_status', 'task_unsaved']],
  ['holdUnpolled', sql.holdUnpolled(''), ['the primary key', 'task_status']],
  ['holdUnsaved', sql.holdUnsaved(''), ['the primary key', 'task_unsaved']],
])('%s walks no task that is over', (_, statement, indexes) => {
  expect(indexesOf(statement)).toEqual(indexes);
});
