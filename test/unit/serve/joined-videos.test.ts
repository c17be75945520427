/** Where joins are saved: found by their ids while their links work, and never outside the folder. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { JoinedVideos } from '../../../src/serve/joined-videos.ts';

const DAY = 24 * 3600_000;
const ID = 'join-0123abcd';

async function folderOf({ onTestFinished }: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'joined-videos-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, host: (passed = 0) => new JoinedVideos(folder, { ...systemClock, now: () => Date.now() + passed }) };
}

it('a host that did not make a join finds it; an id that is taken keeps its file', async (context) => {
  const { folder, host } = await folderOf(context);
  await host().keep(ID, join(folder, 'mei', 'both.mp4'));
  expect(await host().pathOf(ID)).toBe(join(folder, 'mei', 'both.mp4'));
  expect(await host().pathOf('join-00000000')).toBeUndefined();
  await expect(host().keep(ID, join(folder, 'yu', 'other.mp4'))).rejects.toThrow('EEXIST');
  expect(await host().pathOf(ID)).toBe(join(folder, 'mei', 'both.mp4'));
});

it('nothing outside the folder is kept, or found by a note that somebody wrote', async (context) => {
  const { folder, host } = await folderOf(context);
  for (const path of [join(folder, '..', 'other.mp4'), '/etc/other.mp4', folder]) {
    await expect(host().keep(ID, path)).rejects.toThrow('is not in the output folder');
  }
  await mkdir(join(folder, '.jimeng-video-joins'));
  for (const note of ['../other.mp4', 'mei/../../other.mp4', '/etc/other.mp4', '']) {
    await writeFile(join(folder, '.jimeng-video-joins', ID), note);
    expect(await host().pathOf(ID)).toBeUndefined();
  }
});

it('what no link leads to any more is forgotten', async (context) => {
  const { folder, host } = await folderOf(context);
  await host().keep(ID, join(folder, 'one.mp4'));
  await host(6.9 * DAY).keep('join-00000002', join(folder, 'two.mp4'));
  expect(await readdir(join(folder, '.jimeng-video-joins'))).toHaveLength(2);
  await host(7.1 * DAY).keep('join-00000003', join(folder, 'three.mp4'));
  expect(await readdir(join(folder, '.jimeng-video-joins'))).toEqual(['join-00000003']);
});
