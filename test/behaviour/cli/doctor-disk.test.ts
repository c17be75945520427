/** `doctor` finds a disk that takes folders and no bytes. */
import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { PROGRAM, startCommand } from '../../support/run-command.ts';
import { setStage } from './stage.ts';

const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0;

it.skipIf(!canMount)('doctor reports a state folder on a full disk', async (context) => {
  const { env, stateDir, workingDir } = await setStage(context);
  const fill = 'mount -t tmpfs -o size=64k tmpfs "$0" && dd if=/dev/zero of="$0/fill" 2>/dev/null; exec "$@"';
  const program = [process.execPath, PROGRAM, 'doctor'];
  await mkdir(stateDir);
  const { stdout, code } = await startCommand(
    ['-rm', 'sh', '-c', fill, stateDir, ...program],
    { env, workingDir },
    'unshare',
  ).result;
  expect(stdout).toContain(`${stateDir} cannot be written (ENOSPC).`);
  expect(code).toBe(1);
});
