/** The watcher polls when it is worth it, learns from what it saw, and keeps no caller waiting. */
import { afterEach, expect, test } from 'vitest';
import { UsualTimes } from '../../../src/tasks/poll-timing.ts';
import type { Task } from '../../../src/tasks/record.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
afterEach(() => world.close());

/** As the provider has just taken it. */
async function watchAccepted(): Promise<Task> {
  const { id } = await world.submit();
  await world.watcher.watch(id, 'accepted');
  await world.watcher.ended();
  return await world.read(id);
}

const learned = () => world.store.durations('t2v_720p', 200);

test('a task that was just accepted is polled after five seconds, not immediately', async () => {
  world = await openWorld({ generationSeconds: 12 });
  expect((await watchAccepted()).status).toBe('done');
  expect(world.clock.sleeps).toEqual([5000, 5000, 5000]);
  expect(world.queries()).toBe(3);
  const [[from = 0, to = 0] = []] = await learned();
  expect(from).toBeGreaterThanOrEqual(10_000);
  expect(from).toBeLessThan(11_000);
  expect(to - from).toBeGreaterThanOrEqual(5_000);
});

test('a call polls a task that was just accepted immediately', async () => {
  world = await openWorld({ generationSeconds: 3600 });
  const { id } = await world.submit();
  world.clock.holdFrom = 5000;
  void world.watcher.watch(id, 'accepted');
  void world.watcher.watch(id, 'asked');
  await world.watcher.whenPolled(id);
  expect(world.queries()).toBe(1);
});

test('past videos save queries and give an estimate', async () => {
  world = await openWorld({ generationSeconds: 61 });
  for (let video = 0; video < 8; video++) await watchAccepted();
  const before = world.queries();
  expect(before).toBeGreaterThan(5 * 12);
  const record = await watchAccepted();
  expect(record.status).toBe('done');
  expect(world.queries() - before).toBeLessThan(10);
  expect(Math.max(...world.clock.sleeps)).toBeLessThanOrEqual(30_000);
  world.clock.suspend(0);
  const usual = await new UsualTimes((mode, limit) => world.store.durations(mode, limit), world.clock).of('t2v_720p');
  expect(usual?.medianSeconds).toBeGreaterThan(57);
  expect(usual?.medianSeconds).toBeLessThan(69);
});

test('what the user set is kept, whatever was learned', async () => {
  world = await openWorld({ pollIntervalSeconds: 4, generationSeconds: 30 });
  for (let video = 0; video < 7; video++) await watchAccepted();
  expect(new Set(world.clock.sleeps)).toEqual(new Set([4000]));
  expect(await learned()).toHaveLength(7);
});

test('nothing is learned while the computer sleeps, from slow polling, or from what another process left', async () => {
  world = await openWorld({ maxPollAttempts: 3, generationSeconds: 100 });
  expect((await watchAccepted()).status).toBe('done');
  let count = 0;
  world.clock.onSleep = () => {
    if (++count === 2) world.clock.suspend(600_000);
  };
  expect((await watchAccepted()).status).toBe('done');
  const { id } = await world.submit();
  world.clock.suspend(200_000);
  await world.watcher.watch(id, 'resumed');
  await world.watcher.ended();
  expect((await world.read(id)).status).toBe('done');
  expect(await learned()).toEqual([]);
});

test('every query goes through the budget; only one that a caller waits for is urgent', async () => {
  world = await openWorld({ generationSeconds: 7 });
  const { queryBudget } = world;
  const taken: boolean[] = [];
  const take = queryBudget.take.bind(queryBudget);
  queryBudget.take = (isUrgent, signal) => {
    taken.push(isUrgent);
    return take(isUrgent, signal);
  };
  const [left, asked] = [await world.submit('left'), await world.submit('asked')];
  world.sandbox.faults.add({ on: 'video', fault: { kind: 'status', status: 403 } });
  await world.watcher.watch(left.id, 'resumed');
  await world.watcher.ended();
  // The last one is for a fresh link, which a download waits for.
  expect(taken).toEqual([false, false, false, true]);
  expect(world.queries()).toBe(4);
  await world.watcher.watch(asked.id, 'asked');
  await world.watcher.ended();
  expect(taken.slice(4)).toEqual([true]);
});
