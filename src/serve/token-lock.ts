/** One command at a time changes the list of tokens: of two that run together, the second would overwrite what the first has written. */
import { open, stat, unlink } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { errorCode } from '../system/files.ts';

const AGAIN_MILLISECONDS = 20;
/** About 2 s. Not by a clock: on a computer that stood still, the command that has the lock did, too. */
const MOST_TRIES = 100;
/** A change takes milliseconds: the command that made an older lock was killed. */
const LEFT_MILLISECONDS = 30_000;

/** @returns undefined where another command keeps the lock @throws what the system reports */
export async function whileLocked<Value>(
  lock: string,
  clock: Clock,
  work: () => Promise<Value>,
): Promise<Value | undefined> {
  for (let tries = 1; !(await isTaken(lock)); tries++) {
    if (tries === MOST_TRIES) return undefined;
    const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: clock.now() }));
    if (clock.now() - mtimeMs > LEFT_MILLISECONDS) await unlink(lock).catch(() => undefined);
    else await clock.sleep(AGAIN_MILLISECONDS);
  }
  try {
    return await work();
  } finally {
    await unlink(lock).catch(() => undefined);
  }
}

async function isTaken(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
