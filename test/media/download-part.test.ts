/** What becomes of the bytes when the disk, or whoever waits, gives up? */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { download, partPathFor, sweepParts } from '../../src/media/download.ts';
import { ETAG, FileHost, HALF, serve, stall, VIDEO } from './download-host.ts';

let host: FileHost;
beforeEach(async () => {
  host = await FileHost.open();
});
afterEach(async () => {
  await host.close();
});

describe('giving up from outside', () => {
  test('throws its reason at once, and what arrived is adopted by the next download', async () => {
    const controller = new AbortController();
    const reason = new Error('the client went away');
    host.last = stall(HALF);
    const onProgress = (bytes: number) => void (bytes >= HALF && controller.abort(reason));
    await expect(download(host.requestOf({ signal: controller.signal, onProgress }))).rejects.toBe(reason);
    host.last = serve();
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined, `bytes=${HALF}-`]);
  });

  test('a .part without a note, as a crash leaves it, is not built upon', async () => {
    await writeFile(host.partPath, Buffer.from(VIDEO.subarray(0, HALF)).fill(0, 1000));
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined]);
  });

  test('a .part whose length is not the noted one is not built upon', async () => {
    await writeFile(host.partPath, 'short');
    const note = { bytes: HALF, totalBytes: VIDEO.length, validator: ETAG };
    await writeFile(`${host.partPath}.resume`, JSON.stringify(note));
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined]);
  });
});

describe('the disk', () => {
  test('folder removed meanwhile: told with the path', async () => {
    const partPath = partPathFor(path.join(host.folder, 'sub'), 'task1');
    await mkdir(path.dirname(partPath));
    host.last = (request, response) => {
      void rm(path.dirname(partPath), { recursive: true }).then(() => serve()(request, response));
    };
    const sentence = await host.sentenceOf({ partPath });
    expect(sentence).toContain(partPath);
    expect(sentence).toContain('not there any more');
    expect(await host.sentenceOf({ partPath })).toContain(partPath);
  });

  test('a symbolic link in the place of the .part is not followed', async () => {
    await writeFile(path.join(host.folder, 'mine'), 'precious');
    await symlink(path.join(host.folder, 'mine'), host.partPath);
    expect(await host.sentenceOf()).toContain('symbolic link');
    expect(await readFile(path.join(host.folder, 'mine'), 'utf8')).toBe('precious');
  });

  test('full: told with the path, at once, and nothing left behind', async ({ skip }) => {
    const tiny = path.join(host.folder, 'tiny');
    await mkdir(tiny);
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', tiny]).status === 0;
    skip(!isMounted, 'this user may not mount a tiny disk');
    try {
      const partPath = partPathFor(tiny, 'task1');
      // Noticed at the end of a small file, and in the middle of one of many batches.
      for (const body of [VIDEO, Buffer.concat([VIDEO, Buffer.alloc(8_000_000)])]) {
        host.last = serve({ body });
        const sentence = await host.sentenceOf({ partPath });
        expect(sentence).toContain(partPath);
        expect(sentence).toContain('the disk is full (ENOSPC)');
        expect(await readdir(tiny)).toEqual([]);
      }
      expect(host.requests).toHaveLength(2);
    } finally {
      execFileSync('umount', [tiny]);
    }
  });
});

describe('leftover .part files', () => {
  const age = async (name: string, milliseconds: number) => {
    const at = new Date(Date.now() - milliseconds);
    await writeFile(path.join(host.folder, name), 'x');
    await utimes(path.join(host.folder, name), at, at);
  };

  test('of dead tasks are removed; living, fresh and foreign ones stay', async () => {
    const dead = path.basename(partPathFor(host.folder, 'dead'));
    const alive = path.basename(partPathFor(host.folder, 'alive'));
    const fresh = path.basename(partPathFor(host.folder, 'fresh'));
    for (const name of [dead, `${dead}.resume`, alive, '.other.part', 'film.mp4']) await age(name, 3_600_000);
    await age(fresh, 1000);
    const removed = await sweepParts(host.folder, (taskId) => taskId === 'alive', Date.now());
    expect(removed.sort()).toEqual([dead, `${dead}.resume`]);
    expect((await readdir(host.folder)).sort()).toEqual(['.other.part', alive, fresh, 'film.mp4'].sort());
  });

  test('of a folder that is not there are none', async () => {
    expect(await sweepParts(path.join(host.folder, 'gone'), () => false, Date.now())).toEqual([]);
  });

  test('cannot be named outside their folder', () => {
    expect(path.dirname(partPathFor(host.folder, '../../x'))).toBe(host.folder);
  });
});
