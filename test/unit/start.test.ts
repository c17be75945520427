/** The folder that compiled code is loaded from: used only where nobody but this user can change what is in it. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePrivateFolder } from '../../src/start.ts';

const userId = process.getuid?.();

let place: string;
let folder: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'jimeng-private-')));
  folder = join(place, 'cache', 'compiled');
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test('a missing folder is created with mode 0700, its parents too, and used again', () => {
  expect(makePrivateFolder(folder, userId)).toBe(true);
  expect(makePrivateFolder(folder, userId)).toBe(true);
  if (userId === undefined) return;
  for (const path of [folder, join(place, 'cache')]) expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('a relative folder is refused and not created', () => {
  expect(makePrivateFolder('compiled', userId)).toBe(false);
  expect(existsSync('compiled')).toBe(false);
});

test('a file in its place is an error', () => {
  expect(() => makePrivateFolder(join(import.meta.filename, 'compiled'), userId)).toThrow();
});

test.runIf(userId === undefined)('where there are no user ids, the folder is trusted', () => {
  expect(makePrivateFolder(folder, undefined)).toBe(true);
});

describePosix('is refused', [
  ['a folder that others may write', () => chmodSync(folder, 0o702)],
  ['a folder that the group may write', () => chmodSync(folder, 0o720)],
  ['a folder that others may read', () => chmodSync(folder, 0o704)],
  ['a folder whose parent others may write', () => chmodSync(join(place, 'cache'), 0o777)],
  ['a folder whose grandparent others may write', () => chmodSync(place, 0o777)],
  [
    'a link to a private folder',
    () => {
      rmSync(folder, { recursive: true });
      mkdirSync(join(place, 'elsewhere'), { mode: 0o700 });
      symlinkSync(join(place, 'elsewhere'), folder);
    },
  ],
  [
    'a folder reached through a link, below one that others may write',
    () => {
      rmSync(join(place, 'cache'), { recursive: true });
      mkdirSync(join(place, 'open'));
      chmodSync(join(place, 'open'), 0o777);
      mkdirSync(join(place, 'open', 'cache'));
      mkdirSync(join(place, 'open', 'cache', 'compiled'), { mode: 0o700 });
      symlinkSync(join(place, 'open', 'cache'), join(place, 'cache'));
    },
  ],
]);

function describePosix(outcome: string, cases: [what: string, prepare: () => void][]): void {
  test.runIf(userId !== undefined).each(cases)(`%s ${outcome}`, (_what, prepare) => {
    expect(makePrivateFolder(folder, userId)).toBe(true);
    prepare();
    expect(makePrivateFolder(folder, userId)).toBe(false);
  });
}

test.runIf(userId !== undefined)('a folder of another user is refused', () => {
  expect(makePrivateFolder(folder, userId)).toBe(true);
  expect(makePrivateFolder(folder, Number(userId) + 1)).toBe(false);
});

test.runIf(userId !== undefined)('a sticky parent, as /tmp, and a link of this user on the way are no reason', () => {
  mkdirSync(join(place, 'real'));
  chmodSync(join(place, 'real'), 0o1777);
  symlinkSync(join(place, 'real'), join(place, 'cache'));
  expect(makePrivateFolder(folder, userId)).toBe(true);
});
