/** Is every record that anybody closes seen at the next call, although the names are not read each time? */
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClosedFolder } from '../../src/tasks/closed-folder.ts';
import { readClosedName } from '../../src/tasks/closed-name.ts';

const FINE = 1_763_800_000.123456;
const COARSE = 1_763_800_000;
const [FIRST, SECOND, THIRD] = ['jv-mi9aaaaa-22222', 'jv-mi9bbbbb-22222', 'jv-mi9ccccc-22222'];

let folder: string;
let milliseconds = 0;
const clock = { now: () => 0, monotonic: () => milliseconds, sleep: async () => undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'closed-folder-'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function close(id: string | undefined): Promise<void> {
  await writeFile(join(folder, `${id}.done.140.mi9d0000.json`), '{}');
}

/** The folder's time is set, so that a change after it can be hidden behind it. */
async function closeAt(id: string | undefined, seconds: number): Promise<void> {
  await close(id);
  await utimes(folder, seconds, seconds);
}

async function idsOf(closed: ClosedFolder): Promise<string[]> {
  return (await closed.list()).entries.map(({ id }) => id);
}

function opened(platform?: NodeJS.Platform): ClosedFolder {
  return new ClosedFolder(folder, clock, platform ?? 'linux');
}

/** Of a new folder, in which one record was closed at this time. */
async function listedOnce(seconds: number): Promise<ClosedFolder> {
  await rm(folder, { recursive: true });
  await mkdir(folder);
  const closed = opened();
  await closeAt(FIRST, seconds);
  await closed.list();
  return closed;
}

describe('a record', () => {
  test('that is closed after a listing that is kept is in the next one', async () => {
    const closed = opened();
    // Long ago: before Linux 6.13 two changes within a tick of the kernel have the same time.
    await closeAt(FIRST, FINE);
    await closed.list();
    milliseconds += 10_000;
    expect(await idsOf(closed)).toEqual([FIRST]);
    await close(SECOND);
    expect(await idsOf(closed)).toEqual([FIRST, SECOND]);
    expect((await closed.list()).find(SECOND ?? '')?.status).toBe('done');
  });

  test('that is closed in the same tick as the one before it is in the next listing', async () => {
    for (const [time, short] of [
      [FINE, 99],
      [COARSE, 2_499],
    ] as const) {
      const closed = await listedOnce(time);
      milliseconds += short;
      await closed.list();
      await closeAt(SECOND, time);
      expect(await idsOf(closed)).toEqual([FIRST, SECOND]);
    }
  });

  test('whose name changes or goes is there under the new name only', async () => {
    const closed = opened();
    await close(FIRST);
    await close(SECOND);
    await closed.list();
    await rename(join(folder, `${FIRST}.done.140.mi9d0000.json`), join(folder, `${FIRST}.failed.0.mi9d0000.json`));
    await rm(join(folder, `${SECOND}.done.140.mi9d0000.json`));
    expect((await closed.list()).entries).toEqual([readClosedName(`${FIRST}.failed.0.mi9d0000.json`)]);
    expect((await closed.list()).find(SECOND ?? '')).toBeUndefined();
  });
});

test('a folder whose time has been the same for long enough is not read again', async () => {
  for (const [time, long] of [
    [FINE, 100],
    [COARSE, 2_500],
  ] as const) {
    const closed = await listedOnce(time);
    milliseconds += long;
    const kept = await closed.list();
    expect(await closed.list()).toBe(kept);
  }
});

test('on Windows, where a folder may not tell its changes, the names are read each time', async () => {
  const closed = opened('win32');
  await closeAt(FIRST, FINE);
  await closed.list();
  milliseconds += 10_000;
  await closed.list();
  await closeAt(SECOND, FINE);
  expect(await idsOf(closed)).toEqual([FIRST, SECOND]);
});

test('a folder that is not there has none, and is seen when it comes', async () => {
  await rm(folder, { recursive: true });
  const closed = opened();
  expect(await idsOf(closed)).toEqual([]);
  await mkdir(folder);
  await close(THIRD);
  await writeFile(join(folder, '.draft.tmp'), '');
  expect(await idsOf(closed)).toEqual([THIRD]);
});
