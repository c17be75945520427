/** How often does a worker sweep? */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import type { Store } from '../../../src/store/store.ts';
import { Recovery } from '../../../src/tasks/recovery.ts';
import { newRecord } from '../../contract/store.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
const ending = new AbortController();
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

test('a worker with nothing to do rests until another process writes, also where that was during its last sweep', async () => {
  const { clock, watcher } = world;
  // A pause of an idle worker ends for news only.
  clock.holdFrom = 30_000;
  const other = world.anotherProcess().store;
  const write = () => other.reserve({ record: newRecord(clock, { status: 'cancelled' }) }, () => ({ kind: 'create' }));
  let sweeps = 0;
  const store: Store = Object.create(world.store);
  store.recover = async (rules) => {
    const found = await world.store.recover(rules);
    sweeps++;
    if (sweeps === 1) await write();
    return found;
  };
  const recovery = new Recovery({
    ...{ store, watcher, clock, log: silentLog, ending: ending.signal, mayPoll: true, runsUntilEnd: true },
    ...{ followFilms: () => undefined, sweepFolders: async () => undefined },
  });
  recovery.start();
  const rests = () => clock.sleeps.filter((milliseconds) => milliseconds === 30_000).length;
  await expect.poll(() => [sweeps, rests()]).toEqual([2, 2]);
  // News would end the pause within 150 ms.
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(sweeps).toBe(2);
  await write();
  await expect.poll(() => sweeps).toBe(3);
  ending.abort();
  await recovery.ended();
  await other.close();
});
