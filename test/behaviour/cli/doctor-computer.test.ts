/** `doctor` names a database that cannot be written, and never shows a default as what was set. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { examine } from '../../../src/cli/doctor-examine.ts';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { makeWorkspace } from '../../support/workspace.ts';

/** @param changes settings, given the folder of this test */
async function look({ onTestFinished }: TestContext, changes: (folder: string) => Record<string, string>) {
  const workspace = makeWorkspace(undefined, {
    JIMENG_VIDEO_API_URL: 'sandbox',
    JIMENG_VIDEO_FFMPEG: '/nowhere/ffmpeg',
  });
  onTestFinished(() => workspace.remove());
  const { env, folder: homeDir, workingDir } = workspace;
  const environment = { ...env, ...changes(homeDir) };
  const signal = new AbortController().signal;
  const from = { environment, homeDir, workingDir, platform: process.platform };
  return await examine(from, { clock: systemClock, log: silentLog, signal });
}

it('names a database that cannot be written, in a folder that can', async (context) => {
  let file = '';
  let isMounted = false;
  const { checks, verdict } = await look(context, (folder) => {
    const stateDir = join(folder, 'locked');
    mkdirSync(stateDir);
    file = join(stateDir, 'jimeng.db');
    writeFileSync(file, '');
    // Root may write every file, but not on a file system that is read-only.
    isMounted = spawnSync('mount', ['--bind', '-o', 'ro', file, file]).status === 0;
    if (isMounted) context.onTestFinished(() => void execFileSync('umount', ['-l', file]));
    return { JIMENG_VIDEO_STATE_DIR: stateDir };
  });
  context.skip(!isMounted, 'this user may mount nothing');
  expect(checks.find(({ name }) => name === 'database')).toMatchObject({
    message: `${file} cannot be written (EROFS).`,
    hint: 'make that file writable',
  });
  expect(verdict).toBe(`No video can be made yet: ${file} cannot be written (EROFS).`);
});

it('shows the default that is in force beside a value that is not valid', async (context) => {
  const { settings } = await look(context, () => ({
    ...{ JIMENG_VIDEO_WAIT_SECONDS: '5m', JIMENG_VIDEO_CONCURRENCY: '3', LOG_LEVEL: 'loud', VOLC_SECRETKEY: 'ü' },
  }));
  const shown = (name: string) => settings.find((setting) => setting.name === name);
  expect(shown('JIMENG_VIDEO_WAIT_SECONDS')).toMatchObject({ value: '45 s', source: 'invalid' });
  expect(shown('LOG_LEVEL')).toMatchObject({ value: 'info', source: 'invalid' });
  expect(shown('JIMENG_VIDEO_CONCURRENCY')).toMatchObject({ value: '3', source: 'set' });
  expect(shown('VOLC_SECRETKEY')).toMatchObject({ value: 'set (not shown), but not valid', source: 'invalid' });
});
