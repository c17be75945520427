/** What the log says while the store is away for long. */
import { expect, test } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { Recovery } from '../../../src/tasks/recovery.ts';
import { openWorld } from '../../support/world.ts';

test('a store that is away is reported once, and once more when it is back', async () => {
  const world = await openWorld();
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  let isAway = true;
  const store = Object.create(world.store) as typeof world.store;
  store.recover = async (...given: Parameters<typeof store.recover>) => {
    if (isAway) throw new Error('connect ECONNREFUSED');
    return await world.store.recover(...given);
  };
  const recovery = new Recovery({
    ...{ store, watcher: world.watcher, clock: world.clock, mayPoll: true, runsUntilEnd: false },
    ...{ ending: new AbortController().signal, log: { ...silentLog, warn: note, info: note } },
    ...{ sweepFolders: async () => undefined, followFilms: () => undefined },
  });
  for (let sweeps = 0; sweeps < 5; sweeps++) await recovery.sweep();
  isAway = false;
  await recovery.sweep();
  expect(lines).toEqual(['recovery failed', 'recovery works again']);
  await world.close();
});
