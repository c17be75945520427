/** The demonstration saves its video in a folder of its own, whatever lies in the temporary folder. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const DEMO = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('follows no link that another user has put into the temporary folder', async () => {
  const [temporary, planted] = [join(folder, 'tmp'), join(folder, 'planted')];
  await mkdir(temporary);
  await mkdir(planted);
  await symlink(planted, join(temporary, 'jimeng-demo'));
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  const { stdout } = await promisify(execFile)(process.execPath, [DEMO], { env });
  expect(stdout).toContain('**Generated Video:**');
  expect(stdout).toContain(`Save Path: ${temporary}`);
  expect(await readdir(planted)).toEqual([]);
  // What a person does next; the link has died with the sandbox.
  const [, next = ''] = stdout.split('\n---\n');
  expect(next).toContain('The link above worked only while the sandbox was running');
  for (const step of ['console.volcengine.com/iam/keymanage', 'node dist/main.js doctor', 'node dist/main.js init'])
    expect(next).toContain(step);
});
