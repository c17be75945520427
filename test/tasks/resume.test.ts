/** Is what another process left taken up, or cleared away, and is what somebody else is still at left alone? */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Journal } from '../../src/tasks/journal.ts';
import { newTaskId } from '../../src/tasks/record.ts';
import { Resumer } from '../../src/tasks/resume.ts';
import { Sender } from '../../src/tasks/sender.ts';
import { sampleRecord } from './sample-record.ts';
import { openWorld } from './watch-world.ts';

test('the half of a video that another account goes on with stays, however long it lay; nobody’s goes', async () => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const { context, watcher, clock } = world;
  const { stateDir } = context.settings;
  const others = new Journal(stateDir, { ...context.journal.scope, account: 'another' }, context.log);
  const theirs = sampleRecord({ status: 'generating' });
  await others.create(theirs, Buffer.from('{}'));
  // An account whose process died before it had made its folders.
  mkdirSync(join(stateDir, '0123456789abcdef'));
  const folder = context.settings.outputDir ?? '';
  mkdirSync(folder, { recursive: true });
  const parts = [theirs.id, newTaskId(clock.now())].map((id) => `.jimeng-video-${id}.part`);
  const old = new Date(clock.now() - 16 * 60_000);
  for (const part of parts) {
    writeFileSync(join(folder, part), 'half');
    utimesSync(join(folder, part), old, old);
  }
  const resumer = new Resumer(context, watcher, new Sender(context, () => undefined));
  resumer.start();
  world.stop();
  await resumer.ended();
  expect(readdirSync(folder)).toEqual(parts.slice(0, 1));
});
