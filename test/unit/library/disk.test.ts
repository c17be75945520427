/** A finished file gets its name on every kind of file system, and is never lost or overwritten on the way. */
import { link, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { DiskLibrary } from '../../../src/library/disk.ts';
import { contentOf, type FileSystem, nodeFiles } from '../../../src/system/files.ts';
import { failing, failingFirst, systemError, withHandle } from '../../support/failing-files.ts';

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'disk-')));
  for (const folder of ['videos', 'elsewhere']) await mkdir(join(root, folder));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const inside = (...names: string[]) => join(root, ...names);
const place = () => ({ folder: inside('videos') });
const names = async (folder = 'videos') => (await readdir(inside(folder))).sort();

function library(fs: FileSystem = nodeFiles): DiskLibrary {
  const rules = { outputDir: inside('videos'), allowedDirs: [], workingDir: root, homeDir: root };
  return new DiskLibrary({ ...rules, clock: systemClock, fs });
}

async function staged(text = 'video', id = 'one'): Promise<string> {
  const file = await library().staging(place(), id);
  await writeFile(file, text);
  return file;
}

describe('publish', () => {
  test('does not follow a symbolic link that has the name', async () => {
    await symlink(inside('elsewhere', 'x'), inside('videos', 'dog.mp4'));
    expect((await library().publish(await staged(), place(), 'dog.mp4')).path).toBe(inside('videos', 'dog (2).mp4'));
    expect(await names('elsewhere')).toEqual([]);
  });

  test('into a folder that was removed is reported with the path', async () => {
    const file = await staged();
    await rm(inside('videos'), { recursive: true });
    const publishing = library().publish(file, place(), 'dog.mp4');
    const message = expect.stringContaining(inside('videos', 'dog.mp4'));
    await expect(publishing).rejects.toMatchObject({ code: 'save_failed', message });
  });

  test('into a folder that became a link names nothing there, and leaves nothing there', async () => {
    const file = await staged();
    await rm(inside('videos'), { recursive: true });
    await symlink(inside('elsewhere'), inside('videos'));
    await writeFile(file, 'written through the link');
    await expect(library().publish(file, place(), 'dog.mp4')).rejects.toMatchObject({ retryable: false });
    expect(await names('elsewhere')).toEqual([]);
    await expect(library().staging(place(), 'two')).rejects.toMatchObject({ code: 'save_failed', retryable: false });
  });

  const WITHOUT_LINKS = ['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EINVAL', 'EMLINK', 'EISDIR', 'UNKNOWN'];
  describe.each(WITHOUT_LINKS)('where link answers %s', (code) => {
    const fs = { ...nodeFiles, link: failing(code) };

    test('the file gets its name, and another file keeps its own', async () => {
      expect((await library(fs).publish(await staged(), place(), 'dog.mp4')).path).toBe(inside('videos', 'dog.mp4'));
      const second = await library(fs).publish(await staged('two'), place(), 'dog.mp4');
      expect(second.path).toBe(inside('videos', 'dog (2).mp4'));
      expect(await readFile(inside('videos', 'dog.mp4'), 'utf8')).toBe('video');
      expect(await names()).toEqual(['dog (2).mp4', 'dog.mp4']);
    });

    test('and rename fails for good: the whole file is kept, and no empty one is left', async () => {
      const file = await staged();
      const broken = { ...fs, rename: failing('EPERM') };
      await expect(library(broken).publish(file, place(), 'dog.mp4')).rejects.toMatchObject({
        code: 'save_failed',
        retryable: true,
      });
      expect(await readFile(file, 'utf8')).toBe('video');
      expect(await names()).toHaveLength(1);
      expect((await library().publish(file, place(), 'dog.mp4')).path).toBe(inside('videos', 'dog.mp4'));
    });
  });

  test('where rename works and reports a failure, the file is not removed', async () => {
    const rename: FileSystem['rename'] = async (from, to) => {
      await nodeFiles.rename(from, to);
      throw systemError('EIO');
    };
    const fs = { ...nodeFiles, link: failing('ENOTSUP'), rename };
    const saved = await library(fs).publish(await staged(), place(), 'dog.mp4');
    expect(await readFile(saved.path, 'utf8')).toBe('video');
  });

  describe.each(['EBUSY', 'EPERM', 'EACCES'])('while a scanner makes calls answer %s', (code) => {
    test.each([1, 2, 3])('%d times for open, rename and unlink, the file gets its name', async (times) => {
      const fs: FileSystem = {
        ...nodeFiles,
        link: failing('ENOTSUP'),
        open: failingFirst(code, times, nodeFiles.open),
        rename: failingFirst(code, times, nodeFiles.rename),
        unlink: failingFirst(code, times, nodeFiles.unlink),
      };
      const saved = await library(fs).publish(await staged(), place(), 'dog.mp4');
      expect(await readFile(saved.path, 'utf8')).toBe('video');
      expect(await names()).toEqual(['dog.mp4']);
    });

    test('for the end of the old name after a hard link, it goes in the end', async () => {
      const fs = { ...nodeFiles, unlink: failingFirst(code, 3, nodeFiles.unlink) };
      await library(fs).publish(await staged(), place(), 'dog.mp4');
      expect(await names()).toEqual(['dog.mp4']);
    });
  });

  test.each(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EPERM'])(
    'where fsync answers %s, the file gets its name',
    async (code) => {
      const saved = await library(withHandle({ sync: failing(code) })).publish(await staged(), place(), 'dog.mp4');
      expect(await readFile(saved.path, 'utf8')).toBe('video');
    },
  );

  test('where the disk reports an error at fsync, the file is kept and nothing has its name', async () => {
    const file = await staged();
    const publishing = library(withHandle({ sync: failing('EIO') })).publish(file, place(), 'dog.mp4');
    await expect(publishing).rejects.toMatchObject({ code: 'save_failed' });
    expect(await names()).toHaveLength(1);
    expect(await readFile(file, 'utf8')).toBe('video');
  });
});

describe('staging', () => {
  test('makes a folder again that was removed', async () => {
    await rm(inside('videos'), { recursive: true });
    await staged();
    expect(await names()).toHaveLength(1);
  });

  test('gives up a second name of a file that its user has moved away: that one stays as it is', async () => {
    const file = await staged('precious');
    await link(file, inside('elsewhere', 'mine.mp4'));
    await writeFile(await library().staging(place(), 'one'), 'another');
    expect(await readFile(inside('elsewhere', 'mine.mp4'), 'utf8')).toBe('precious');
  });
});

test("the user's own file that has the name and a freed inode is not taken for the video", async () => {
  const file = await staged();
  const content = await contentOf(file);
  const { path } = await library().publish(file, place(), 'dog.mp4');
  const { ino } = await stat(path);
  await writeFile(path, 'other');
  expect((await stat(path)).ino).toBe(ino);
  expect(await library().find(content, place(), 'dog.mp4')).toBeUndefined();
});
