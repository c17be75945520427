/** Is an entry taken for sending as soon as a slot is free, and still in the queue when it could not be taken? */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Problem } from '../../src/problems.ts';
import { Journal } from '../../src/tasks/journal.ts';
import { takeNext } from '../../src/tasks/queue.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';
import { sampleRecord } from './sample-record.ts';
import { openWorld, type World } from './watch-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** Its next write gets onto the disk, and fails then: the folder could not be synced. */
class FailingJournal extends Journal {
  failing = 0;
  override async write(record: TaskRecord): Promise<void> {
    await super.write(record);
    if (this.failing-- > 0) throw new Problem('state_not_writable');
  }
}

test('it is queued, and taken the next time', async () => {
  const { context, submit } = world;
  const journal = new FailingJournal(context.settings.stateDir, context.journal.scope, context.log);
  const there = { ...context, journal };
  const sent = await submit();
  const { submitted_at: _s, sent_at: _t, provider_task_id: _p, ...rest } = sent;
  await journal.write({ ...rest, status: 'queued', req_key: 'some_key', attempts: 0 });
  journal.failing = 1;
  await expect(takeNext(there, 'some_key')).rejects.toMatchObject({ code: 'state_not_writable' });
  expect((await context.journal.read(sent.id))?.status).toBe('queued');
  expect(await takeNext(there, 'some_key')).toMatchObject({ id: sent.id, status: 'submitting', attempts: 1 });
});

test('a video that is only being saved holds no slot: the provider runs it no more', async () => {
  const { context, submit } = world;
  const one = { ...context, settings: { ...context.settings, concurrency: 1 } };
  const running: TaskRecord = { ...(await submit()), status: 'generating', req_key: 'one_slot' };
  await context.journal.write(running);
  const queued = sampleRecord({ req_key: 'one_slot' });
  await context.journal.create(queued, Buffer.from('{}'));
  expect(await takeNext(one, 'one_slot')).toBeUndefined();
  const video = { url: 'http://127.0.0.1/', url_valid_until: running.created_at };
  await context.journal.write({ ...running, video });
  expect(await takeNext(one, 'one_slot')).toMatchObject({ id: queued.id, status: 'submitting' });
});
