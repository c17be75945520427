/** Does what killed processes left go away, the users' pictures first of all, and does all that is still needed stay? */
import { existsSync, readdirSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Journal } from '../../src/tasks/journal.ts';
import { sweepState } from '../../src/tasks/leftovers.ts';
import { newTaskId } from '../../src/tasks/record.ts';
import { Resumer } from '../../src/tasks/resume.ts';
import { Sender } from '../../src/tasks/sender.ts';
import { until } from '../support/mcp-client.ts';
import { keepingLog, NOW, newJournal, SCOPE, sampleRecord } from './sample-record.ts';
import { openWorld } from './watch-world.ts';

const BODY = Buffer.from('{"binary_data_base64":["…"]}');
const OLD = new Date(Date.now() - 16 * 60_000);
const YOUNG = new Date(Date.now() - 13 * 60_000);

async function recorded(journal: Journal): Promise<string> {
  const record = sampleRecord({ attempts: 1 });
  await journal.create(record, BODY);
  await journal.claim(record.id, 1, '');
  return record.id;
}

/** Its process died after the body, or after the record was moved: both leave no open record. */
async function left(journal: Journal): Promise<string> {
  const id = await recorded(journal);
  unlinkSync(join(journal.folder, 'open', `${id}.json`));
  return id;
}

function filesOf(journal: Journal, id: string): string[] {
  return [join(journal.folder, 'bodies', `${id}.json`), join(journal.folder, 'claims', `${id}.1`)];
}

function age(paths: readonly string[], at: Date): void {
  for (const path of paths) utimesSync(path, at, at);
}

test('bodies and claims without an open record go once they are old, and not before', async () => {
  const { journal, stateDir } = newJournal();
  const [old, young] = [filesOf(journal, await left(journal)), filesOf(journal, await left(journal))];
  age(old, OLD);
  age(young, YOUNG);
  await sweepState(stateDir);
  expect(old.filter(existsSync)).toEqual([]);
  expect(young.filter(existsSync)).toEqual(young);
});

test('those of an open record stay, however old, even where the record cannot be read', async () => {
  const { journal, stateDir } = newJournal();
  const [open, unreadable] = [await recorded(journal), await recorded(journal)];
  writeFileSync(join(journal.folder, 'open', `${unreadable}.json`), '{"version":9');
  const kept = [...filesOf(journal, open), ...filesOf(journal, unreadable)];
  age(kept, OLD);
  await sweepState(stateDir);
  expect(kept.filter(existsSync)).toEqual(kept);
});

test('nothing goes where it cannot be told what is open', async () => {
  const { journal, stateDir } = newJournal();
  const kept = filesOf(journal, await left(journal));
  age(kept, OLD);
  rmSync(join(journal.folder, 'open'), { recursive: true });
  await sweepState(stateDir);
  expect(kept.filter(existsSync)).toEqual(kept);
});

test('what another account left goes, and its drafts; a file of another name stays', async () => {
  const { journal, stateDir } = newJournal();
  await journal.prepare();
  const other = new Journal(stateDir, { ...SCOPE, account: 'another' }, keepingLog().log);
  const old = filesOf(other, await left(other));
  const draft = join(other.folder, 'bodies', `.${newTaskId(NOW)}.json.0123456789ab.tmp`);
  const notes = join(other.folder, 'bodies', 'notes.txt');
  for (const path of [draft, notes]) writeFileSync(path, '');
  age([...old, draft, notes], OLD);
  await sweepState(stateDir);
  expect(readdirSync(join(other.folder, 'bodies'))).toEqual(['notes.txt']);
  expect(readdirSync(join(other.folder, 'claims'))).toEqual([]);
});

test('a process sweeps when it begins, and again an hour later', async () => {
  const world = await openWorld();
  const { context, watcher, clock } = world;
  const resumer = new Resumer(context, watcher, new Sender(context, () => undefined));
  const leave = async () => {
    const files = filesOf(context.journal, await left(context.journal));
    age(files, OLD);
    return files;
  };
  try {
    const first = await leave();
    resumer.start();
    await until('the first sweep', () => !first.some(existsSync), 50_000);
    const second = await leave();
    await until('the second sweep', () => !second.some(existsSync), 50_000);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(3600_000);
  } finally {
    world.stop();
    await resumer.ended();
    await world.close();
  }
});
