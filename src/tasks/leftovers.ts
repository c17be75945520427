/** What lies in the state folder that nobody will use any more? What processes left there that were killed. */
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DRAFT, idleFiles } from './durable-file.ts';
import { isTaskId } from './record.ts';

/** As the journal names the folder of a pair of service and account. */
const PAIR = /^[0-9a-f]{16}$/;
const DRAFTED = ['open', 'closed', 'bodies', 'provider', 'pacing', 'times'];
/** `ID.json` and `ID.ATTEMPT`. */
const OF_A_TASK = /^jv-[^.]+\.[^.]+$/;

/**
 * Removes the drafts, and the bodies and claims without an open record, that are older than 15 minutes. Of every pair: the
 * pictures sent with keys that were changed since would lie there for ever. Never throws.
 */
export async function sweepState(stateDir: string): Promise<void> {
  for (const folder of await pairFolders(stateDir).catch(() => [])) {
    // One that cannot be read must not keep the others from it.
    await sweepPair(folder).catch(() => undefined);
  }
}

async function sweepPair(folder: string): Promise<void> {
  for (const name of DRAFTED) await remove(await idleFiles(join(folder, name), DRAFT));
  const idle: string[] = [];
  for (const name of ['bodies', 'claims']) idle.push(...(await idleFiles(join(folder, name), OF_A_TASK)));
  if (idle.length === 0) return;
  // Read last: what is open by then keeps what it has, however old that is.
  const open = new Set(await openIdsIn(folder));
  await remove(idle.filter((path) => !open.has(taskOf(path))));
}

/** @returns the ids of every pair @throws what the file system threw: then it is not known what is open */
export async function openIdsOfAll(stateDir: string): Promise<ReadonlySet<string>> {
  const ids: string[] = [];
  for (const folder of await pairFolders(stateDir)) {
    ids.push(...(await openIdsIn(folder).catch(noneIfMissing)));
  }
  return new Set(ids);
}

/** Its process died, or its disk was full, when it made the folders. */
function noneIfMissing(error: NodeJS.ErrnoException): readonly string[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}

async function pairFolders(stateDir: string): Promise<string[]> {
  const names = await readdir(stateDir);
  return names.filter((name) => PAIR.test(name)).map((name) => join(stateDir, name));
}

/** Those whose records cannot be read, too. @throws what the file system threw: then it is not known what is open */
async function openIdsIn(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'open'))).map(taskOf).filter(isTaskId);
}

function taskOf(path: string): string {
  return basename(path).replace(/\..*$/, '');
}

async function remove(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true });
}
