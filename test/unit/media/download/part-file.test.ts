/** What becomes of the bytes when the disk, or the caller, gives up. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { download, retryAdvice } from '../../../../src/media/download/download.ts';
import { nodeFiles } from '../../../../src/system/files.ts';
import { failing, failingFirst, withHandle } from '../../../support/failing-files.ts';
import { until } from '../../../support/mcp-client.ts';
import { FileHost, HALF, type Step, serve, stall, VIDEO } from './download-host.ts';

let host: FileHost;
beforeEach(async () => {
  host = await FileHost.open();
});
afterEach(async () => {
  await host.close();
});

test('giving up from outside throws its reason immediately, and leaves nothing', async () => {
  const controller = new AbortController();
  const reason = new Error('the client went away');
  host.last = (request, response) => {
    stall(HALF)(request, response);
    setTimeout(() => controller.abort(reason), 20);
  };
  await expect(download(host.requestOf({ signal: controller.signal }))).rejects.toBe(reason);
  expect(await readdir(host.folder)).toEqual([]);
});

test('a part that a crash left is not built upon', async () => {
  await writeFile(host.partPath, Buffer.concat([VIDEO, VIDEO]));
  await host.expectWhole();
  expect(host.ranges).toEqual([undefined]);
});

describe('the disk', () => {
  /** Runs before the response: the part file is open by then. */
  const servedAfter =
    (change: () => Promise<unknown>): Step =>
    (request, response) =>
      void change().then(() => serve()(request, response));
  const inSub = async () => {
    const folder = path.join(host.folder, 'sub');
    await mkdir(folder);
    return { folder, partPath: path.join(folder, '.jimeng-video-task1.part') };
  };

  test('folder removed during the download: reported with the folder', async () => {
    const { folder, partPath } = await inSub();
    host.last = servedAfter(() => rm(folder, { recursive: true }));
    const sentence = await host.sentenceOf({ partPath });
    expect(sentence).toContain(`saved to "${folder}": the folder no longer exists`);
    expect(await host.sentenceOf({ partPath })).toContain(`saved to "${folder}"`);
  });

  test('folder replaced by a link to another one during the download: nothing is left there', async () => {
    const { folder, partPath } = await inSub();
    const other = path.join(host.folder, 'other');
    await mkdir(other);
    host.last = servedAfter(async () => {
      await rm(folder, { recursive: true });
      await symlink(other, folder);
    });
    await host.problemOf({ partPath });
    expect(await readdir(other)).toEqual([]);
  });

  test('folder moved and linked during the download: nothing is left there', async () => {
    const { folder, partPath } = await inSub();
    const other = path.join(host.folder, 'other');
    host.last = servedAfter(async () => {
      await rename(folder, other);
      await symlink(other, folder);
    });
    const problem = await host.problemOf({ partPath });
    expect(problem.message).toContain('has become a symbolic link');
    expect(retryAdvice(problem)).toBe('never');
    expect(await readdir(other)).toEqual([]);
  });

  test("another file in the part's place is not removed", async () => {
    host.last = servedAfter(async () => {
      await rm(host.partPath);
      await writeFile(host.partPath, 'precious');
    });
    await host.problemOf();
    expect(await readFile(host.partPath, 'utf8')).toBe('precious');
  });

  test('a symbolic link in the place of the part is not followed', async () => {
    await writeFile(path.join(host.folder, 'mine'), 'precious');
    await symlink(path.join(host.folder, 'mine'), host.partPath);
    await download(host.requestOf());
    expect(VIDEO.equals(await readFile(host.partPath))).toBe(true);
    expect(await readFile(path.join(host.folder, 'mine'), 'utf8')).toBe('precious');
  });

  test('a process that was suspended and wakes does not touch the file of the one that took over', async () => {
    const asleep = new AbortController();
    host.steps.push(stall(HALF));
    const first = download(host.requestOf({ signal: asleep.signal }));
    await until('the first half is there', async () => {
      const bytes = await readFile(host.partPath).catch(() => Buffer.alloc(0));
      return bytes.length > 0;
    });
    await host.expectWhole();
    asleep.abort(new Error('its lease is lost'));
    await expect(first).rejects.toThrow('its lease is lost');
    expect(VIDEO.equals(await readFile(host.partPath))).toBe(true);
  });

  test.each(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EPERM'])(
    'that answers fsync with %s gets the whole file',
    async (code) => {
      await host.expectWhole({ fs: withHandle({ sync: failing(code) }) });
    },
  );

  test.each(['EBUSY', 'EPERM', 'EACCES'])('that answers open with %s three times gets the whole file', async (code) => {
    await host.expectWhole({ fs: { ...nodeFiles, open: failingFirst(code, 3, nodeFiles.open) } });
  });

  test('that reports an error of its own for fsync is reported', async () => {
    expect(await host.sentenceOf({ fs: withHandle({ sync: failing('EIO') }) })).toContain('EIO');
  });

  test('full: reported with the folder, immediately, and nothing left behind', async ({ skip }) => {
    const tiny = path.join(host.folder, 'tiny');
    await mkdir(tiny);
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', tiny]).status === 0;
    skip(!isMounted, 'this user may not mount a tiny disk');
    try {
      const partPath = path.join(tiny, '.jimeng-video-task1.part');
      // Noticed at the end of a small file, and in the middle of a large one.
      for (const body of [VIDEO, Buffer.concat([VIDEO, Buffer.alloc(8_000_000)])]) {
        host.last = serve({ body });
        const sentence = await host.sentenceOf({ partPath });
        expect(sentence).toContain(`saved to "${tiny}": the disk is full (ENOSPC)`);
        expect(await readdir(tiny)).toEqual([]);
      }
      expect(host.requests).toHaveLength(2);
    } finally {
      // Lazily: a program that another thread is starting may still have one of its files open.
      execFileSync('umount', ['-l', tiny]);
    }
  });
});
