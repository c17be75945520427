/** Is a folder made with all that leads to it, by several at once, and is it said why it cannot be? */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolders } from '../src/make-folders.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jimeng-folders-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('is made with all that leads to it, by several at once, and what is there stays', async () => {
  const deep = join(folder, 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 8 }, () => makeFolders(deep, 0o700)));
  await makeFolders(folder);
  expect((await stat(deep)).isDirectory()).toBe(true);
  if (process.platform !== 'win32') expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
});

test('a file in the way is said', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(makeFolders(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolders(join(file, 'below', 'it'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.runIf(process.platform === 'linux')('where nothing can be made it ends, and says so', async () => {
  await expect(makeFolders('/proc/none/below')).rejects.toMatchObject({ code: 'ENOENT' });
});
