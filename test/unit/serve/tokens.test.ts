/** A list of tokens that changes while it is being read: what was removed is denied all the same. */
import { execFile } from 'node:child_process';
import { mkdtemp, open, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { People, tokenAccess } from '../../../src/serve/people.ts';
import { hashOf } from '../../../src/serve/token-file.ts';
import { whileLocked } from '../../../src/serve/token-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jimeng-tokens-'));
});
afterEach(() => rm(folder, { recursive: true }));

const listOf = (...names: string[]) =>
  JSON.stringify(names.map((name) => ({ name, sha256: hashOf(name).toString('hex') })));

it.skipIf(process.platform === 'win32').each([
  ['rewritten', 401],
  ['removed', 503],
])('a token that was taken off the list while the list was being read is denied (%s)', async (how, status) => {
  const [path, pipe] = [join(folder, 'people.json'), join(folder, 'pipe')];
  // Reading a pipe ends when it has been written.
  await promisify(execFile)('mkfifo', [pipe]);
  await symlink(pipe, path);
  const access = tokenAccess(new People(path, silentLog));
  const before = access.identify('mei');
  const writer = await open(pipe, 'w');
  await writeFile(join(folder, 'new.json'), listOf('yu'));
  await (how === 'removed' ? rm(path) : rename(join(folder, 'new.json'), path));
  const during = access.identify('mei');
  // It has begun: only what it waits for keeps it.
  await stat(folder);
  await writer.writeFile(listOf('mei', 'yu'));
  await writer.close();
  await before;
  expect(await during).toMatchObject({ status });
  expect(await access.identify('mei')).toMatchObject({ status });
});

it('a command that waits for another one waits on when the computer stood still meanwhile: neither could work', async () => {
  const lock = join(folder, 'people.json.lock');
  await writeFile(lock, '');
  let [passed, sleeps] = [0, 0];
  const clock = {
    now: () => Date.now(),
    monotonic: () => passed,
    async sleep() {
      passed += 10_000;
      // The other one is done only now.
      if (++sleeps === 2) await unlink(lock);
    },
  };
  expect(await whileLocked(lock, clock, async () => 'changed')).toBe('changed');
});
