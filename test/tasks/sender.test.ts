/** Does a process send what is its own, and wait for nothing else? */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Sender } from '../../src/tasks/sender.ts';
import { sampleRecord } from './sample-record.ts';
import { openWorld } from './watch-world.ts';

test('an entry of a dead process that had the same pid is none of this one’s: its turn is not waited for', async () => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const { context, clock } = world;
  const owner = { ...context.identity, started: 'before' };
  await context.journal.create(sampleRecord({ owner }), Buffer.from('{}'));
  new Sender(context, () => undefined).pumpAll('jimeng_t2v_v30');
  // A pump that waits sleeps half a second between its looks, which this clock lets pass at once.
  await delay(100);
  expect(clock.sleeps).toEqual([]);
});
