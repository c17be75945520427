/** Is the one lock waited for as long as it says, and no longer? */
import { utimes, writeFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { withLock } from '../../src/tasks/context.ts';
import { identityOf } from '../../src/tasks/process-identity.ts';
import { openWorld, type World } from './watch-world.ts';

let world: World;
afterEach(() => world.close());

test('calls in line behind one that waited in vain do not wait as long again', async () => {
  world = await openWorld();
  const { context, clock } = world;
  await writeFile(context.journal.leasePath('lock'), JSON.stringify({ ...identityOf(process.ppid), token: 'another' }));
  const steps = [1, 2, 3, 4].map(() => withLock(context, async () => undefined));
  const outcomes = await Promise.allSettled(steps);
  expect(outcomes.map(({ status }) => status)).toEqual(steps.map(() => 'rejected'));
  expect(clock.monotonic()).toBeLessThan(22_000);
});

test('a lock that a killed container left is taken over within one wait', async () => {
  world = await openWorld();
  const { context, clock } = world;
  const path = context.journal.leasePath('lock');
  await writeFile(path, JSON.stringify({ ...context.identity, place: 'elsewhere pid:[1] boot x', token: 'left' }));
  const yesterday = new Date(Date.now() - 24 * 3600_000);
  await utimes(path, yesterday, yesterday);
  expect(await withLock(context, async () => 'done')).toBe('done');
  expect(clock.monotonic()).toBeLessThan(15_000);
});
