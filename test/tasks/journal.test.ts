/** Is what was written there to be read, whatever else happened to the disk or the process? */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Journal } from '../../src/tasks/journal.ts';
import { newTaskId, type TaskRecord, type TaskStatus } from '../../src/tasks/record.ts';
import { accountOf } from '../../src/tasks/scope.ts';
import { keepingLog, type LoggedLine, NOW, newJournal, SCOPE, sampleRecord } from './sample-record.ts';

let journal: Journal;
let stateDir = '';
let lines: LoggedLine[] = [];
beforeEach(() => {
  ({ journal, stateDir, lines } = newJournal());
});

const BODY = Buffer.from('{"req_key":"jimeng_t2v_v30"}');
const folder = (name: string) => join(journal.folder, name);
/** The same folder as another process sees it: nothing remembered. */
const another = () => new Journal(stateDir, SCOPE, keepingLog().log);
const done = (record: TaskRecord): TaskRecord => ({
  ...record,
  status: 'done',
  finished_at: new Date(NOW + 60_000).toISOString(),
});

async function created(fields: Partial<TaskRecord> = {}): Promise<TaskRecord> {
  const record = sampleRecord(fields);
  await journal.create(record, BODY);
  return record;
}

describe('a record', () => {
  test('that was created is read by everybody, with its body, and a person can open it', async () => {
    const record = await created();
    for (const reader of [journal, another()]) {
      expect(await reader.read(record.id)).toEqual(record);
      expect(await reader.openRecords()).toEqual([record]);
      expect(await reader.body(record.id)).toEqual(BODY);
    }
    expect(readFileSync(join(folder('open'), `${record.id}.json`), 'utf8')).toContain('\n  "status": "queued",\n');
  });

  test('moves to the closed ones when it ends, and its file’s name says how, for how much and when', async () => {
    const record = await created();
    await journal.write({ ...record, status: 'generating', sent_at: record.created_at });
    expect(await journal.openIds()).toEqual([record.id]);
    await journal.write(done(record));
    expect(readdirSync(folder('open'))).toEqual([]);
    const closedAt = (NOW + 60_000).toString(36);
    expect(readdirSync(folder('closed'))).toEqual([`${record.id}.done.140.${closedAt}.json`]);
    const reader = another();
    const [entry] = await reader.closedEntries();
    expect(entry).toMatchObject({ id: record.id, status: 'done', fen: 140, createdAt: NOW, closedAt: NOW + 60_000 });
    expect(entry && (await reader.readClosed(entry))).toEqual(done(record));
    expect(await reader.read(record.id)).toEqual(done(record));
  });

  test('that costs nothing says so in its name', async () => {
    for (const status of ['failed', 'cancelled', 'expired'] as const) {
      const record = await created();
      await journal.write({ ...record, status });
    }
    expect((await journal.closedEntries()).map((entry) => entry.fen)).toEqual([0, 0, 0]);
  });

  test('says what it cost when that is learned later, and since when it is closed as before', async () => {
    const { estimated_cny: cny, ...unpriced } = await created();
    await journal.write(done(unpriced as TaskRecord));
    await journal.write({
      ...done(unpriced as TaskRecord),
      estimated_cny: cny,
      finished_at: new Date(NOW + 1e6).toISOString(),
    });
    expect(await another().closedEntries()).toMatchObject([{ fen: 140, closedAt: NOW + 60_000 }]);
  });

  test('moves back when it is open again, and another process that knew it as closed finds it', async () => {
    const record = await created();
    const reader = another();
    await journal.write({ ...record, status: 'not_found' });
    expect((await reader.read(record.id))?.status).toBe('not_found');
    await journal.write({ ...record, status: 'generating' });
    expect(readdirSync(folder('closed'))).toEqual([]);
    expect((await reader.read(record.id))?.status).toBe('generating');
    await journal.write(done(record));
    expect((await reader.read(record.id))?.status).toBe('done');
  });

  test('that is written again when closed stays as old as it was', async () => {
    const record = await created();
    await journal.write(done(record));
    const before = readdirSync(folder('closed'));
    await another().write({ ...done(record), finished_at: new Date(NOW + 9_000_000).toISOString() });
    expect(readdirSync(folder('closed'))).toEqual(before);
    await journal.write({ ...done(record), status: 'expired', sent_at: record.created_at });
    expect(readdirSync(folder('closed'))).toEqual([expect.stringContaining('.expired.140.')]);
  });

  test('that is closed leaves no body and no claim behind', async () => {
    const record = await created({ attempts: 2 });
    await journal.claim(record.id, 1, '');
    await journal.claim(record.id, 2, '');
    await journal.write(done(record));
    expect([readdirSync(folder('bodies')), readdirSync(folder('claims'))]).toEqual([[], []]);
  });

  test('without a file is none, and neither is a name that leads elsewhere', async () => {
    expect(await journal.read(newTaskId(NOW))).toBeUndefined();
    expect(await journal.read('../account')).toBeUndefined();
    expect(await journal.snapshot()).toEqual({ open: [], closed: [] });
  });
});

describe('two versions of one record', () => {
  test('that are written at once end as the later one', async () => {
    const record = await created();
    for (let round = 0; round < 5; round++) {
      const versions = Array.from({ length: 12 }, (_, i) => ({ ...record, attempts: i }));
      await Promise.all(versions.map((version) => journal.writeOrKeep(version)));
      expect((await another().read(record.id))?.attempts).toBe(11);
    }
    await Promise.all([journal.write({ ...record, status: 'generating' }), journal.write(done(record))]);
    expect(await another().read(record.id)).toEqual(done(record));
    expect(readdirSync(folder('open'))).toEqual([]);
  });

  test('one open and one closed, are one task, and that one is closed', async () => {
    const record = await created();
    await journal.write(done(record));
    writeFileSync(join(folder('open'), `${record.id}.json`), JSON.stringify(record));
    const { open, closed } = await another().snapshot();
    expect([open.length, closed.map((entry) => entry.status)]).toEqual([0, ['done']]);
  });
});

describe('what cannot be read', () => {
  test('is skipped and told with its path, and all the others are there', async () => {
    const good = await created({ id: newTaskId(NOW) });
    const half = newTaskId(NOW + 1);
    const wrong = newTaskId(NOW + 2);
    writeFileSync(join(folder('open'), `${half}.json`), '{"version":1,"id":');
    writeFileSync(join(folder('open'), `${wrong}.json`), JSON.stringify({ ...good, id: wrong, version: 9 }));
    writeFileSync(join(folder('open'), '.hidden.tmp'), '');
    writeFileSync(join(folder('closed'), 'notes.txt'), '');
    expect(await journal.openRecords()).toEqual([good]);
    expect(await journal.closedEntries()).toEqual([]);
    expect(await journal.read(half)).toBeUndefined();
    expect(lines.map(({ fields }) => String(fields?.path)).filter((path) => path.includes(wrong))).toHaveLength(1);
  });
});

/** The record says `done`, and its file still lies among the open ones. */
async function diedBeforeMoving(status: TaskStatus = 'done'): Promise<TaskRecord> {
  const record = await created();
  await journal.write({ ...done(record), status });
  const [name = ''] = readdirSync(folder('closed')).filter((file) => file.startsWith(record.id));
  renameSync(join(folder('closed'), name), join(folder('open'), `${record.id}.json`));
  return { ...done(record), status };
}

describe('a process that died between writing a closed record and moving it', () => {
  test('leaves a task that counts as closed, once', async () => {
    const record = await diedBeforeMoving();
    const reader = another();
    expect(await reader.read(record.id)).toEqual(record);
    const { open, closed } = await reader.snapshot();
    expect(open).toEqual([]);
    expect(closed).toMatchObject([{ id: record.id, status: 'done', fen: 140, closedAt: NOW + 60_000 }]);
    expect(closed[0] && (await reader.readClosed(closed[0]))).toEqual(record);
  });

  test('leaves one that two others may settle at once', async () => {
    const record = await diedBeforeMoving('unknown');
    await Promise.all([journal.settle(record), another().settle(record)]);
    expect(readdirSync(folder('open'))).toEqual([]);
    expect((await another().closedEntries()).map((entry) => [entry.id, entry.status])).toEqual([
      [record.id, 'unknown'],
    ]);
  });
});

describe('a folder that cannot be written', () => {
  /** A file in the folder's place: stops root, too. */
  function block(name: string): () => void {
    renameSync(folder(name), folder(`${name}-aside`));
    writeFileSync(folder(name), '');
    return () => {
      rmSync(folder(name));
      renameSync(folder(`${name}-aside`), folder(name));
    };
  }

  test('refuses a new task with the folder, before anything is sent', async () => {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(journal.folder, '');
    const refused = journal.create(sampleRecord(), BODY);
    await expect(refused).rejects.toMatchObject({ name: 'Problem', code: 'state_not_writable' });
    await expect(refused).rejects.toThrow(journal.folder);
  });

  test('does not lose an answer: it is told with the provider’s ids, kept, and written when there is room', async () => {
    const record = await created();
    const accepted: TaskRecord = { ...record, status: 'in_queue', provider_task_id: '7392616336519610409' };
    const unblock = block('open');
    await journal.writeOrKeep(accepted);
    expect(lines.at(-1)?.fields).toMatchObject({
      task: record.id,
      status: 'in_queue',
      provider_task_id: '7392616336519610409',
      req_key: 'jimeng_t2v_v30',
    });
    expect(journal.isUnwritten(record.id)).toBe(true);
    expect(await journal.read(record.id)).toEqual(accepted);
    await journal.writeAgain();
    expect(journal.isUnwritten(record.id)).toBe(true);
    unblock();
    expect(await journal.openRecords()).toEqual([accepted]);
    await journal.writeAgain();
    expect(journal.isUnwritten(record.id)).toBe(false);
    expect(await another().findByProviderId('7392616336519610409')).toEqual(accepted);
  });

  test('never brings back the version it would not take once a newer one is written', async () => {
    const record = await created();
    const unblock = block('open');
    await journal.writeOrKeep({ ...record, status: 'in_queue' });
    unblock();
    await journal.write({ ...record, status: 'generating' });
    await journal.writeAgain();
    expect((await journal.read(record.id))?.status).toBe('generating');
    expect((await another().read(record.id))?.status).toBe('generating');
  });

  test('keeps an outcome that is written but not moved, and counts it as closed', async () => {
    const record = await created();
    const unblock = block('closed');
    await journal.writeOrKeep({ ...done(record), status: 'unknown', sent_at: record.created_at });
    unblock();
    expect((await journal.snapshot()).closed).toMatchObject([{ id: record.id, status: 'unknown', fen: 140 }]);
    await journal.writeAgain();
    expect((await another().closedEntries()).map((entry) => entry.status)).toEqual(['unknown']);
  });
});

describe('a claim', () => {
  test('is given once for each sending, whoever asks', async () => {
    const record = await created();
    const askers = Array.from({ length: 8 }, another);
    const given = await Promise.all(askers.map((asker, i) => asker.claim(record.id, 1, String(i))));
    expect(given.filter(Boolean)).toHaveLength(1);
    expect(await journal.withdrawClaim(record.id, 1)).toBe(false);
    expect(await journal.withdrawClaim(record.id, 2)).toBe(true);
    expect(await journal.claim(record.id, 2, '')).toBe(false);
  });
});

describe('the provider’s id', () => {
  test('leads to the task, open or closed, for every process', async () => {
    const record = await created();
    await journal.write({ ...record, status: 'in_queue', provider_task_id: '18446744073709551999' });
    expect((await another().findByProviderId('18446744073709551999'))?.id).toBe(record.id);
    await journal.write({ ...done(record), provider_task_id: '18446744073709551999' });
    expect((await another().findByProviderId('18446744073709551999'))?.status).toBe('done');
  });

  test('of a task that was made elsewhere leads to it', async () => {
    const record = sampleRecord({ status: 'generating', provider_task_id: '77' });
    await journal.adopt(record);
    expect(await another().findByProviderId('77')).toEqual(record);
  });

  test.each(['', '../open', 'a/b', 'x'.repeat(65), '123'])('%j leads nowhere', async (id) => {
    await created();
    expect(await journal.findByProviderId(id)).toBeUndefined();
  });

  test('that is no file name is kept in the record, and makes no file', async () => {
    const record = await created();
    await journal.write({ ...record, status: 'in_queue', provider_task_id: '../../x' });
    expect(readdirSync(folder('provider'))).toEqual([]);
    expect((await journal.read(record.id))?.provider_task_id).toBe('../../x');
  });
});

test('another service or another account in the same state folder sees nothing', async () => {
  const record = await created({ provider_task_id: '77', status: 'in_queue' });
  await journal.write(record);
  const { log } = keepingLog();
  for (const scope of [
    { ...SCOPE, origin: 'sandbox' },
    { ...SCOPE, account: accountOf('AKLT-other') },
  ]) {
    const other = new Journal(stateDir, scope, log);
    expect(await other.read(record.id)).toBeUndefined();
    expect(await other.findByProviderId('77')).toBeUndefined();
    await other.create(sampleRecord({ id: newTaskId(NOW + 1), ...scope }), BODY);
    expect(await other.openIds()).not.toContain(record.id);
  }
  expect(await journal.openIds()).toEqual([record.id]);
  expect(readdirSync(stateDir)).toHaveLength(3);
});

test('an account is known by a hash that does not hold the key', () => {
  expect(accountOf('AKLTEXAMPLE')).toMatch(/^[0-9a-f]{16}$/);
  expect(accountOf('AKLTEXAMPLE')).not.toBe(accountOf('AKLTEXAMPLF'));
});

test.skipIf(process.platform === 'win32')('every folder is 0700 and every file 0600', async () => {
  const record = await created({ provider_task_id: '77' });
  await journal.claim(record.id, 1, '');
  await journal.write({ ...record, status: 'in_queue' });
  const closing = await created({ id: newTaskId(NOW + 1) });
  await journal.write(done(closing));
  const modes = (readdirSync(stateDir, { recursive: true }) as string[]).map((name) => {
    const stat = statSync(join(stateDir, name));
    return `${stat.isDirectory() ? 'folder' : 'file'} ${(stat.mode & 0o777).toString(8)}`;
  });
  expect(modes.length).toBeGreaterThan(10);
  expect([...new Set(modes)].sort()).toEqual(['file 600', 'folder 700']);
  expect((statSync(stateDir).mode & 0o777).toString(8)).toBe('700');
});

test('a thousand tasks are listed in their order, newest last, none missing', async () => {
  await journal.prepare();
  const ids = Array.from({ length: 1000 }, (_, i) => newTaskId(NOW + i));
  ids.forEach((id, i) => {
    const name = i % 2 === 0 ? `open/${id}.json` : `closed/${id}.done.140.${NOW.toString(36)}.json`;
    const record = i % 2 === 0 ? sampleRecord({ id }) : done(sampleRecord({ id }));
    writeFileSync(join(journal.folder, name), JSON.stringify(record));
  });
  const { open, closed } = await journal.snapshot();
  expect(open.map((record) => record.id)).toEqual(ids.filter((_, i) => i % 2 === 0));
  expect(closed.map((entry) => entry.id)).toEqual(ids.filter((_, i) => i % 2 === 1));
  expect((await journal.read(ids[999] ?? ''))?.status).toBe('done');
});
