/** What only the embedded database has to bear: files that are damaged, removed, or written by a newer version. */

import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, it, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { StoreFailure } from '../../../src/store/engine.ts';
import { migrations } from '../../../src/store/schema.ts';
import { sqliteEngine } from '../../../src/store/sqlite.ts';
import { TaskStore } from '../../../src/store/task-store.ts';
import { FOREVER, newTaskId, type Task, type TaskRecord } from '../../../src/tasks/record.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-sqlite-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'state');
}

function open(folder: string, clock: Clock = systemClock): TaskStore {
  const engine = sqliteEngine({ file: join(folder, 'jimeng.db'), clock, log: silentLog });
  const store = new TaskStore({ engine, scope: 'sandbox test', clock, log: silentLog });
  cleanups.push(() => store.close());
  return store;
}

async function reserve(store: TaskStore, fingerprint: string) {
  const now = systemClock.now();
  const record: TaskRecord = {
    id: newTaskId(now),
    status: 'queued',
    request: { mode: 't2v_720p', notes: [] },
    fingerprint,
    reqKey: 'key',
    fen: 140,
    sandbox: true,
    reservedAt: now,
    attempts: 0,
    place: null,
  };
  return await store.reserve({ record, body: Buffer.from('{}') }, () => ({ kind: 'create' }));
}

async function accept(store: TaskStore): Promise<Task> {
  await reserve(store, 'accepted');
  const claim = await store.claimNext('key', () => ({ kind: 'send' }));
  if (typeof claim !== 'object' || !('token' in claim)) throw new Error('no claim');
  const accepted = ({ ownerAlive: _, ...task }: Task) => ({
    record: { ...task, status: 'generating' as const, providerTaskId: '42' },
    slotUntil: FOREVER,
  });
  return await store.settle(claim, accepted, true);
}

it('keeps its files for the user alone', async () => {
  const folder = await newFolder();
  await reserve(open(folder), 'a');
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const modes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).mode & 0o777),
  );
  expect(new Set(modes)).toEqual(new Set([0o600]));
});

it('sets a damaged file aside, deletes nothing of it, and refuses paid calls until it was moved away', async () => {
  const folder = await newFolder();
  const first = open(folder);
  const { task } = await reserve(first, 'a');
  await first.close();
  const file = join(folder, 'jimeng.db');
  const damaged = Buffer.from('this is no database'.repeat(1000));
  await writeFile(file, damaged);
  const store = open(folder);
  expect(await store.find(task?.id ?? '')).toBeUndefined();
  const aside = (await readdir(folder)).find(
    (name) => name.startsWith('jimeng.db.damaged-') && !/-(wal|shm)$/.test(name),
  );
  expect(await readFile(join(folder, aside ?? ''))).toEqual(damaged);
  const refused = await reserve(store, 'b');
  expect(refused).toMatchObject({ kind: 'refuse', problem: { code: 'state_damaged' } });
  expect(refused.kind === 'refuse' && refused.problem.message).toContain(join(folder, aside ?? ''));
  expect(await reserve(open(folder), 'c')).toMatchObject({ kind: 'refuse' });
  await rename(join(folder, aside ?? ''), join(folder, '..', 'looked-at.db'));
  expect(await reserve(store, 'd')).toMatchObject({ kind: 'create' });
});

it('notices damage while it runs', async () => {
  const folder = await newFolder();
  const store = open(folder);
  for (let index = 0; index < 50; index++) await reserve(store, `task ${index}`);
  await store.close();
  const file = join(folder, 'jimeng.db');
  const bytes = await readFile(file);
  bytes.fill(0xff, 4096);
  await writeFile(file, bytes);
  const other = open(folder);
  expect(await other.lists.tasks({ limit: 10 })).toEqual([]);
  expect(await reserve(other, 'after')).toMatchObject({ kind: 'refuse' });
});

it('writes what it is at work on into a new file where the folder was removed', async () => {
  const folder = await newFolder();
  const store = open(folder);
  const task = await accept(store);
  const hold = await store.hold(task.id);
  const { task: queued } = await reserve(store, 'queued');
  await rm(folder, { recursive: true });
  expect(await store.find(task.id)).toMatchObject({ status: 'generating', providerTaskId: '42' });
  expect(hold?.lost.aborted).toBe(true);
  await hold?.release();
  expect(await open(folder).find(queued?.id ?? '')).toMatchObject({
    status: 'failed',
    error: { code: 'state_not_writable' },
  });
  expect(await store.hold(task.id)).toBeDefined();
});

it('records an outcome although the folder was removed while its answer was awaited', async () => {
  const folder = await newFolder();
  const store = open(folder);
  const { task } = await reserve(store, 'a');
  const claim = await store.claimNext('key', () => ({ kind: 'send' }));
  if (typeof claim !== 'object' || !('token' in claim)) throw new Error('no claim');
  await rm(folder, { recursive: true });
  const accepted = ({ ownerAlive: _, ...record }: Task) => ({
    record: { ...record, status: 'generating' as const, providerTaskId: '43' },
    slotUntil: FOREVER,
  });
  await store.settle(claim, accepted, true);
  expect(await open(folder).findByProviderId('43')).toMatchObject({ id: task?.id, status: 'generating' });
});

it('touches nothing that a newer version wrote', async () => {
  const folder = await newFolder();
  await reserve(open(folder), 'a');
  const database = new DatabaseSync(join(folder, 'jimeng.db'));
  database.exec('UPDATE schema_version SET version = 99');
  database.close();
  await expect(reserve(open(folder), 'b')).rejects.toSatisfy(
    (error) => error instanceof StoreFailure && error.kind === 'newer',
  );
});

it('brings a database of the versions before up to date: what was queued belongs to nobody, and is sent in order', async () => {
  const folder = await newFolder();
  await mkdir(folder);
  const database = new DatabaseSync(join(folder, 'jimeng.db'));
  const before = migrations({ serial: 'INTEGER PRIMARY KEY AUTOINCREMENT', bytes: 'BLOB', id: 'TEXT' }).slice(0, 2);
  for (const statement of before.flat()) database.exec(statement);
  database.exec('CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (2)');
  const now = Date.now();
  for (const id of ['jv-00000000-first', 'jv-00000000-later']) {
    database.exec(`INSERT INTO task (id, scope, req_key, mode, fingerprint, status, fen, reserved_at, attempts, record)
      VALUES ('${id}', 'sandbox test', 'key', 't2v_720p', '${id}', 'queued', 140, ${now}, 0, '{"request":{"mode":"t2v_720p","notes":[]},"place":null}')`);
  }
  database.close();
  const store = open(folder);
  expect(await store.resumeQueued(3600_000)).toEqual(['key']);
  await reserve(store, 'newest');
  const first = await store.claimNext('key', () => ({ kind: 'send' }));
  expect(first).toMatchObject({ task: { id: 'jv-00000000-first' } });
  expect(await store.claimNext('key', () => ({ kind: 'send' }))).toMatchObject({ task: { id: 'jv-00000000-later' } });
  expect((await store.find('jv-00000000-first'))?.person).toBeUndefined();
});

it('opens and reads while a process that hangs keeps the lock', async () => {
  const folder = await newFolder();
  const { task } = await reserve(open(folder), 'a');
  const hanging = new DatabaseSync(join(folder, 'jimeng.db'));
  hanging.exec('BEGIN IMMEDIATE');
  cleanups.push(async () => hanging.close());
  expect(await open(folder).find(task?.id ?? '')).toMatchObject({ id: task?.id, status: 'queued' });
  expect(hanging.isTransaction).toBe(true);
});

it('makes its tables once, however many open a new file at the same time', async () => {
  const folder = await newFolder();
  const stores = Array.from({ length: 6 }, () => open(folder));
  await Promise.all(stores.map((store, index) => reserve(store, `task ${index}`)));
  expect(await stores[0]?.lists.tasks({ limit: 10 })).toHaveLength(6);
  const database = new DatabaseSync(join(folder, 'jimeng.db'));
  expect(database.prepare('SELECT version FROM schema_version').all()).toHaveLength(1);
  database.close();
});

it('says so when its folder cannot be made', async () => {
  const folder = await newFolder();
  await writeFile(folder, 'a file where the folder should be');
  await expect(reserve(open(folder), 'a')).rejects.toSatisfy(
    (error) => error instanceof StoreFailure && error.message.includes(folder),
  );
});

it('records an outcome although another process made the removed folder again first', async () => {
  const folder = await newFolder();
  const [store, other] = [open(folder), open(folder)];
  const { task } = await reserve(store, 'a');
  const claim = await store.claimNext('key', () => ({ kind: 'send' }));
  if (typeof claim !== 'object' || !('token' in claim)) throw new Error('no claim');
  await rm(folder, { recursive: true });
  expect(await other.lists.tasks({ limit: 1 })).toEqual([]);
  const accepted = ({ ownerAlive: _, ...record }: Task) => ({
    record: { ...record, status: 'generating' as const, providerTaskId: '44' },
    slotUntil: FOREVER,
  });
  await store.settle(claim, accepted, true);
  expect(await other.findByProviderId('44')).toMatchObject({ id: task?.id, status: 'generating' });
});

it('refuses paid calls when another process has set a damaged file aside', async () => {
  const folder = await newFolder();
  const [store, other] = [open(folder), open(folder)];
  await reserve(store, 'a');
  await rename(join(folder, 'jimeng.db'), join(folder, 'jimeng.db.damaged-by-another-process'));
  await other.lists.tasks({ limit: 1 });
  expect(await reserve(store, 'b')).toMatchObject({ kind: 'refuse', problem: { code: 'state_damaged' } });
});

it('sets one damaged file aside once, however many find it damaged at the same time', async () => {
  const folder = await newFolder();
  const store = open(folder);
  for (let index = 0; index < 50; index++) await reserve(store, `task ${index}`);
  await store.close();
  const file = join(folder, 'jimeng.db');
  const bytes = await readFile(file);
  bytes.fill(0xff, 4096);
  await writeFile(file, bytes);
  const other = open(folder);
  const found = await Promise.all(Array.from({ length: 6 }, () => other.lists.tasks({ limit: 10 })));
  expect(found.flat()).toEqual([]);
  const aside = (await readdir(folder)).filter((name) => /damaged-[^.]*$/.test(name) && !/-(wal|shm)$/.test(name));
  expect(aside).toHaveLength(1);
  expect(await readFile(join(folder, aside[0] ?? ''))).toEqual(bytes);
});

it.runIf(process.platform === 'linux')('keeps no damaged file open', async () => {
  const folder = await newFolder();
  await mkdir(folder);
  await writeFile(join(folder, 'jimeng.db'), 'this is no database'.repeat(1000));
  const store = open(folder);
  expect(await store.lists.tasks({ limit: 1 })).toEqual([]);
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  expect(links.filter((path) => path.includes(`${folder}/jimeng.db.damaged-`))).toEqual([]);
});

it('writes again when a disk that could only be read can be written', async () => {
  const folder = await newFolder();
  const first = open(folder);
  await reserve(first, 'a');
  await first.close();
  const inTheWay = join(folder, 'jimeng.db-wal');
  await mkdir(inTheWay);
  const store = open(folder);
  expect(await store.lists.tasks({ limit: 5 })).toHaveLength(1);
  await expect(reserve(store, 'b')).rejects.toBeInstanceOf(StoreFailure);
  // A dry run must not promise what the paid call is refused.
  const [record] = await store.lists.tasks({ limit: 1 });
  if (record === undefined) throw new Error('no record');
  await expect(store.reservationLedger({ record })).rejects.toBeInstanceOf(StoreFailure);
  await rm(inTheWay, { recursive: true });
  expect(await reserve(store, 'c')).toMatchObject({ kind: 'create' });
  expect(await store.lists.tasks({ limit: 5 })).toHaveLength(2);
});

async function claimed(store: TaskStore) {
  await reserve(store, 'claimed');
  const claim = await store.claimNext('key', () => ({ kind: 'send' }));
  if (typeof claim !== 'object' || !('token' in claim)) throw new Error('no claim');
  return claim;
}

/** Another program, or a person, works on the database. */
function change(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, 'jimeng.db'));
  database.exec(statement);
  database.close();
}

it('records an outcome although its row is gone', async () => {
  const folder = await newFolder();
  const store = open(folder);
  const claim = await claimed(store);
  change(folder, 'DELETE FROM task');
  const accepted = ({ ownerAlive: _, ...record }: Task) => ({
    record: { ...record, status: 'generating' as const, providerTaskId: '45' },
    slotUntil: FOREVER,
  });
  expect(await store.settle(claim, accepted, true)).toMatchObject({ status: 'generating' });
  expect(await store.findByProviderId('45')).toMatchObject({ id: claim.task.id, status: 'generating' });
});

it('returns what became of a claim that others settled, and keeps no lease for it', async () => {
  const folder = await newFolder();
  const quick: Clock = {
    ...systemClock,
    sleep: (milliseconds, signal) => systemClock.sleep(Math.min(milliseconds, 20), signal),
  };
  const store = open(folder, quick);
  const claim = await claimed(store);
  change(folder, "UPDATE task SET claim = 'another', status = 'cancelled', owner = NULL");
  const failed = ({ ownerAlive: _, ...record }: Task) => ({
    record: { ...record, status: 'failed' as const },
    slotUntil: undefined,
  });
  expect(await store.settle(claim, failed, false)).toMatchObject({ status: 'cancelled' });
  const database = new DatabaseSync(join(folder, 'jimeng.db'));
  cleanups.push(async () => database.close());
  await expect.poll(() => database.prepare('SELECT id FROM host').all()).toEqual([]);
});

it('reports the error that a transaction failed with where rolling it back fails, and works on', async () => {
  const folder = await newFolder();
  const store = open(folder);
  await reserve(store, 'a');
  const { exec } = DatabaseSync.prototype;
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql: string) {
    if (sql === 'ROLLBACK') throw new Error('disk I/O error');
    exec.call(this, sql);
  });
  cleanups.push(async () => spy.mockRestore());
  const reason = new Error('the rule failed');
  const failing = store.claimNext('key', () => {
    throw reason;
  });
  await expect(failing).rejects.toBe(reason);
  expect(await reserve(store, 'b')).toMatchObject({ kind: 'create' });
  expect(await store.lists.tasks({ limit: 5 })).toHaveLength(2);
});
