/** A finished video gets its name only from the process that still holds its task. */
import { readdir } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { LeaseLost } from '../../../src/store/lease.ts';
import type { Hold } from '../../../src/store/store.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
afterEach(() => world.close());

test('a process that finds its hold gone names no file, and records nothing', async () => {
  world = await openWorld();
  const { id } = await world.submit();
  const done = await world.watch(id);
  const hold = await world.store.hold(id);
  if (hold === undefined || done.video === undefined) throw new Error('not held');
  const lost: Hold = Object.create(hold, { verify: { value: () => Promise.reject(new LeaseLost()) } });
  const { file, ...video } = done.video;
  const { ownerAlive: _, ...task } = done;
  await lost.save({ ...task, status: 'generating', video });
  const saves: unknown[] = [];
  Object.defineProperty(lost, 'save', {
    value: async (record: { status: string }) => {
      if (record.status === 'done') saves.push(record);
      await hold.save(record as never);
    },
  });
  const before = await readdir(done.place?.folder ?? '');
  await world.collector.collect(lost, new AbortController().signal).catch(() => undefined);
  const named = (await readdir(done.place?.folder ?? '')).filter((name) => name.endsWith('.mp4'));
  expect(named).toEqual(before.filter((name) => name.endsWith('.mp4')));
  expect(file?.path).toContain(named[0]);
  expect(saves).toEqual([]);
  await hold.release();
});
