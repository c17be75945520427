/** Whether a waiting list waits for something that can come. */
import { expect, test } from 'vitest';
import { isWaitInVain } from '../../../src/tasks/queue.ts';
import { openWorld } from '../../support/world.ts';

test('a queue entry of a living process is waited for, and one of a process that is gone is not', async ({
  onTestFinished,
}) => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const running = await world.submit('running');
  const { id } = await world.reserve();
  const { store } = world.anotherProcess();
  onTestFinished(() => store.close());
  const queued = { id, status: 'queued' };
  expect(await isWaitInVain(store, [queued], async () => new Set())).toBe(false);
  // Its process ends, and gives its lease back.
  await world.store.close();
  expect(await isWaitInVain(store, [queued], async () => new Set())).toBe('left');
  expect(await isWaitInVain(store, [queued, { id: running.id, status: 'generating' }], async () => new Set())).toBe(
    false,
  );
});
