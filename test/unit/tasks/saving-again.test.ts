/** A finished video that could not be saved is tried again automatically, ever more slowly, by this and later processes. */
import { stat } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import type { Task } from '../../../src/tasks/record.ts';
import { openWorld, type World } from '../../support/world.ts';

const HOUR = 3600_000;

let world: World;
afterEach(() => world.close());

const downloads = () => world.sandbox.requests.filter(({ operation }) => operation === 'video').length;

/** What a running process does every 1.5 s. */
async function sweep({ recovery, watcher }: Pick<World, 'recovery' | 'watcher'> = world): Promise<void> {
  await recovery.sweep();
  await watcher.ended();
}

/** Finished, and the file host answers 404. */
async function unsaved(): Promise<Task> {
  world = await openWorld({ generationSeconds: 0 });
  world.sandbox.faults.add({ on: 'video', fault: { kind: 'status', status: 404 }, times: 'always' });
  const { id } = await world.submit();
  return await world.watch(id);
}

/** Milliseconds until the next attempt. */
function pauseOf({ saveAgainAt = Number.NaN }: Task): number {
  return saveAgainAt - world.clock.now();
}

test('it is done, and says why and when it is saved again', async () => {
  const task = await unsaved();
  expect(task).toMatchObject({ status: 'done', error: { code: 'save_failed' }, savingFailures: 1 });
  expect(task.video?.file).toBeUndefined();
  expect(pauseOf(task)).toBeGreaterThan(3_000);
  expect(pauseOf(task)).toBeLessThanOrEqual(5_000);
});

test('each pause is longer, up to half an hour, and nothing is fetched before it is over', async () => {
  let task = await unsaved();
  const pauses: number[] = [];
  for (let attempt = 2; attempt <= 13; attempt++) {
    pauses.push(pauseOf(task));
    const before = downloads();
    await sweep();
    expect(downloads()).toBe(before);
    world.clock.suspend(pauseOf(task));
    await sweep();
    expect(downloads()).toBeGreaterThan(before);
    task = await world.read(task.id);
    expect(task.savingFailures).toBe(attempt);
  }
  for (const [index, pause] of pauses.slice(1, 9).entries()) expect(pause).toBeGreaterThan(pauses[index] ?? 0);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(HOUR / 2);
  expect(pauses.at(-1)).toBeGreaterThan(HOUR / 3);
});

test('once the file is there it is saved, and nothing is left to do', async () => {
  const { id, ...failed } = await unsaved();
  world.sandbox.faults.clear();
  world.clock.suspend(pauseOf({ id, ...failed }));
  await sweep();
  const task = await world.read(id);
  expect((await stat(task.video?.file?.path ?? '')).size).toBe(task.video?.file?.bytes);
  expect([task.error, task.saveAgainAt]).toEqual([undefined, undefined]);
  const before = downloads();
  world.clock.suspend(HOUR);
  await sweep();
  expect(downloads()).toBe(before);
});

test('a later process saves it', async () => {
  const task = await unsaved();
  world.sandbox.faults.clear();
  world.clock.suspend(pauseOf(task));
  const later = world.anotherProcess();
  try {
    await sweep(later);
    expect((await later.store.find(task.id))?.video?.file?.path).toContain(world.folder);
  } finally {
    await later.store.close();
  }
});

test('twelve hours after acceptance it is given up: the provider no longer has it', async () => {
  const task = await unsaved();
  world.clock.suspend(12 * HOUR + 60_000);
  await sweep();
  expect((await world.read(task.id)).saveAgainAt).toBeUndefined();
});
