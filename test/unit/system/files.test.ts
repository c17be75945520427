/** Folders and files are made whole, by several at the same time, and a refusal is reported as it is. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import {
  contentOf,
  freeBytes,
  isWindowsDevice,
  makeFolders,
  nodeFiles,
  writeDurably,
} from '../../../src/system/files.ts';
import { failing, failingFirst, withHandle } from '../../support/failing-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jimeng-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a folder', () => {
  test('is made with its parents, by several at the same time, and an existing one stays', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 8 }, () => makeFolders(deep, 0o700)));
    await makeFolders(folder);
    expect((await stat(deep)).isDirectory()).toBe(true);
    if (process.platform !== 'win32') expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
  });

  test('is not made where a file is in the way', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(makeFolders(file)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(file, 'below', 'it'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test.runIf(process.platform === 'linux')('that cannot be made is reported, without an endless loop', async () => {
    await expect(makeFolders('/proc/none/below')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a durable write', () => {
  const write = (text: string, fs = nodeFiles) => writeDurably(join(folder, 'it'), text, { clock: systemClock, fs });

  test('replaces the whole content, for its owner only', async () => {
    await write('one, which is longer');
    await write('two');
    expect(await readFile(join(folder, 'it'), 'utf8')).toBe('two');
    if (process.platform !== 'win32') expect((await stat(join(folder, 'it'))).mode & 0o777).toBe(0o600);
  });

  test.each(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EPERM'])('is done where fsync answers %s', async (code) => {
    await write('one', withHandle({ sync: failing(code) }));
    expect(await readFile(join(folder, 'it'), 'utf8')).toBe('one');
  });

  test.each(['EBUSY', 'EPERM', 'EACCES'])('is done where rename answers %s three times', async (code) => {
    await write('one', { ...nodeFiles, rename: failingFirst(code, 3, nodeFiles.rename) });
    expect(await readFile(join(folder, 'it'), 'utf8')).toBe('one');
  });

  test('that fails leaves the old content and no draft', async () => {
    await write('one');
    await expect(write('two', { ...nodeFiles, rename: failing('EIO') })).rejects.toMatchObject({ code: 'EIO' });
    expect(await readFile(join(folder, 'it'), 'utf8')).toBe('one');
    expect(await readdir(folder)).toEqual(['it']);
  });
});

test('a content is known by its bytes, not by its name', async () => {
  for (const [name, text] of Object.entries({ a: 'one', b: 'one', c: 'two' }))
    await writeFile(join(folder, name), text);
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => contentOf(join(folder, name))));
  expect(a).toEqual(b);
  expect(a?.bytes).toBe(c?.bytes);
  expect(a?.sha256).not.toBe(c?.sha256);
});

test('free space is a number of bytes, and unknown for a folder that does not exist', async () => {
  expect(await freeBytes(folder)).toBeGreaterThan(0);
  expect(await freeBytes(join(folder, 'none'))).toBeUndefined();
});

test('names that Windows keeps for devices are known, with any extension', () => {
  for (const name of ['con', 'NUL.mp4', 'com1.mp4', 'LPT9', 'aux .', 'prn.x.y']) {
    expect(isWindowsDevice(name)).toBe(true);
  }
  for (const name of ['console.mp4', 'com10.mp4', 'anul.mp4']) expect(isWindowsDevice(name)).toBe(false);
});
