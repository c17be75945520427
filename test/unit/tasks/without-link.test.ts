/** A finished video that could not be saved is tried again automatically, by this process and by every later one. */
import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import type { Task } from '../../../src/tasks/record.ts';
import { Recovery } from '../../../src/tasks/recovery.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

/** One look for what is to be saved again, as the running server does every 1.5 s. */
async function sweep(): Promise<void> {
  const { store, watcher, clock } = world;
  const ending = new AbortController().signal;
  const [sweepFolders, followFilms] = [async () => undefined, () => undefined];
  await new Recovery({
    store,
    watcher,
    clock,
    log: silentLog,
    ending,
    sweepFolders,
    followFilms,
    mayPoll: true,
    runsUntilEnd: false,
  }).sweep();
  await watcher.ended();
}

async function expectSaved({ id }: Task): Promise<void> {
  const task = await world.read(id);
  expect([task.status, task.error, task.saveAgainAt]).toEqual(['done', undefined, undefined]);
  expect((await stat(task.video?.file?.path ?? '')).size).toBe(task.video?.file?.bytes);
}

const until = (task: Task) => (task.saveAgainAt ?? Number.NaN) - world.clock.now();

describe('the provider reports the task as done without a link', () => {
  test('and gives one later: the video is saved', async () => {
    world.sandbox.faults.add({ on: 'query', times: 7, skip: 1, fault: { kind: 'done-without-url' } });
    const { id } = await world.submit();
    let task = await world.watch(id);
    expect(task).toMatchObject({ status: 'done', error: { code: 'no_video' } });
    for (let tries = 0; task.saveAgainAt !== undefined && tries < 20; tries++) {
      world.clock.suspend(until(task) + 1);
      await sweep();
      task = await world.read(id);
    }
    await expectSaved(task);
    expect(world.submits()).toBe(1);
  });
});
