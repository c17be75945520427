/** Is a small file on disk whole, or not at all, also when the disk is full? */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createExclusively, makePrivateFolder, writeDurably } from '../../src/tasks/durable-file.ts';
import { bundleEntry, startLines } from '../support/bundle-entry.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'durable-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const onPosix = test.skipIf(process.platform === 'win32');

describe('a file', () => {
  test('is replaced whole, and nothing else is left in the folder', async () => {
    const path = join(folder, 'record.json');
    await writeDurably(path, 'a longer first version');
    await writeDurably(path, Buffer.from('second'));
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(folder)).toEqual(['record.json']);
  });

  test('that cannot take its place leaves the old one, and no draft', async () => {
    const path = join(folder, 'in-the-way');
    mkdirSync(join(path, 'full'), { recursive: true });
    await expect(writeDurably(path, 'new')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(readdirSync(folder)).toEqual(['in-the-way']);
  });

  test('is always one of the whole versions to whoever reads it meanwhile', async () => {
    const path = join(folder, 'record.json');
    const versions = [...'abcdefgh'].map((letter) => letter.repeat(10_000));
    await writeDurably(path, versions[0] ?? '');
    let writing = true;
    const written = (async () => {
      for (const version of versions) await writeDurably(path, version);
      writing = false;
    })();
    while (writing) {
      expect(versions).toContain(readFileSync(path, 'utf8'));
      await new Promise(setImmediate);
    }
    await written;
  });

  onPosix('and its folder are the user’s alone', async () => {
    const inner = join(folder, 'state', 'inner');
    await makePrivateFolder(inner);
    await writeDurably(join(inner, 'a'), '');
    await createExclusively(join(inner, 'b'), '');
    expect([modeOf(join(folder, 'state')), modeOf(inner)]).toEqual(['700', '700']);
    expect([modeOf(join(inner, 'a')), modeOf(join(inner, 'b'))]).toEqual(['600', '600']);
  });
});

test('of many who create a file at once one does, and its words stay', async () => {
  const path = join(folder, 'claim');
  const created = await Promise.all(Array.from({ length: 20 }, (_, i) => createExclusively(path, String(i))));
  expect(created.filter(Boolean)).toHaveLength(1);
  expect(readFileSync(path, 'utf8')).toBe(String(created.indexOf(true)));
});

/** A process that may write no byte to any file fails where a full disk does: at the write, with the file created. */
onPosix('a full disk leaves the old version, and no file that holds less than it should', async () => {
  const bundle = await bundleEntry(new URL('./lease-process.ts', import.meta.url), folder);
  const kept = join(folder, 'kept');
  writeFileSync(kept, 'old');
  const child = startLines('sh', ['-c', 'ulimit -f 0; exec "$0" "$1"', process.execPath, bundle]);
  try {
    expect(await child.ask(`write ${kept}`)).toBe('EFBIG');
    expect(await child.ask(`create ${join(folder, 'claim')}`)).toBe('EFBIG');
  } finally {
    await child.kill();
  }
  expect(readFileSync(kept, 'utf8')).toBe('old');
  expect(existsSync(join(folder, 'claim'))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(['entry.mjs', 'kept']);
});
