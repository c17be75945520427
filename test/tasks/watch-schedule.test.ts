/** Does a watch ask when it is worth it, learn from what it saw, and let nobody wait who asks? */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { TaskRecord } from '../../src/tasks/record.ts';
import { openWorld, type World } from './watch-world.ts';

let world: World;
afterEach(() => world.close());

/** As the provider has just taken it. */
async function watchAccepted(): Promise<TaskRecord> {
  const { id } = await world.submit();
  await world.watcher.watch(id, 'accepted');
  await world.watcher.ended();
  return await world.read(id);
}

const learnedLines = async () =>
  await readFile(join(world.context.journal.folder, 'times', 't2v_720p'), 'utf8').catch(() => '');

test('what was accepted this moment is asked for after five seconds, not at once', async () => {
  world = await openWorld({}, { generationSeconds: 12 });
  expect((await watchAccepted()).status).toBe('done');
  expect(world.clock.sleeps).toEqual([5000, 5000, 5000]);
  expect(world.queries()).toBe(3);
  expect(await learnedLines()).toBe('10.0 15.0\n');
});

test('whoever asks for what was accepted this moment has it asked for at once', async () => {
  world = await openWorld({}, { generationSeconds: 3600 });
  const { id } = await world.submit();
  world.clock.holdFrom = 5000;
  void world.watcher.watch(id, 'accepted');
  void world.watcher.watch(id, 'asked');
  await world.watcher.whenLooked(id);
  expect(world.queries()).toBe(1);
});

test('past videos spare questions, and the estimate is told', async () => {
  world = await openWorld({}, { generationSeconds: 61 });
  for (let video = 0; video < 8; video++) await watchAccepted();
  const before = world.queries();
  expect(before).toBeGreaterThan(5 * 12);
  const record = await watchAccepted();
  expect(record.status).toBe('done');
  expect(world.queries() - before).toBeLessThan(10);
  expect(Math.max(...world.clock.sleeps)).toBeLessThanOrEqual(30_000);
  const usual = await world.context.pastTimes.usualTime('t2v_720p');
  expect(usual?.medianSeconds).toBeGreaterThan(57);
  expect(usual?.medianSeconds).toBeLessThan(69);
});

test('what the user set is kept, whatever was learned', async () => {
  world = await openWorld({ JIMENG_VIDEO_POLL_INTERVAL: '4' }, { generationSeconds: 30 });
  for (let video = 0; video < 7; video++) await watchAccepted();
  expect(new Set(world.clock.sleeps)).toEqual(new Set([4000]));
  expect((await learnedLines()).trim().split('\n')).toHaveLength(7);
});

test('nothing is learned while the computer sleeps, from a slow watch, or from what another process left', async () => {
  world = await openWorld({ JIMENG_VIDEO_MAX_POLL_ATTEMPTS: '3' }, { generationSeconds: 100 });
  expect((await watchAccepted()).status).toBe('done');
  let count = 0;
  world.clock.onSleep = () => {
    if (++count === 2) world.clock.suspend(600_000);
  };
  expect((await watchAccepted()).status).toBe('done');
  const { id } = await world.submit();
  world.clock.suspend(200_000);
  await world.watcher.watch(id, 'left');
  await world.watcher.ended();
  expect((await world.read(id)).status).toBe('done');
  expect(await learnedLines()).toBe('');
});

test('every question goes through the budget; only what somebody waits for is urgent', async () => {
  world = await openWorld({}, { generationSeconds: 7 });
  const { queryBudget } = world.context;
  const taken: boolean[] = [];
  const take = queryBudget.take.bind(queryBudget);
  queryBudget.take = (isUrgent, signal) => {
    taken.push(isUrgent);
    return take(isUrgent, signal);
  };
  const [left, asked] = [await world.submit('left'), await world.submit('asked')];
  world.sandbox.faults.add({ on: 'video', fault: { kind: 'status', status: 403 } });
  await world.watcher.watch(left.id, 'left');
  await world.watcher.ended();
  // The last one is for a fresh link, which a download waits for.
  expect(taken).toEqual([false, false, false, true]);
  expect(world.queries()).toBe(4);
  await world.watcher.watch(asked.id, 'asked');
  await world.watcher.ended();
  expect(taken.slice(4)).toEqual([true]);
});
