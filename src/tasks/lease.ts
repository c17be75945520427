/** Who of several processes may do this now? A file that one creates, and that outlives nobody it belongs to. */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Clock, systemClock } from '../clock.ts';
import { createExclusively } from './durable-file.ts';
import { isAlive, type ProcessIdentity, processIdentitySchema } from './process-identity.ts';

const leaseSchema = processIdentitySchema.extend({ token: z.string() });

export interface Lease {
  /** Says to those who cannot see its process that it is still held. @returns false when somebody else has it */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** Of another host or container nothing can be told; a lease so old there is over. Those that are held for longer are renewed. */
const FOREIGN_LEASE_MILLISECONDS = 15 * 60_000;

/**
 * Takes the lease, or finds that somebody living has it.
 *
 * A dead one's lease is removed by whoever first creates `NAME.over-TOKEN.1`, TOKEN being the dead lease's own: of any
 * number of processes that see the same dead lease exactly one removes it, and none can remove the next one's.
 */
export async function tryLease(path: string, owner: ProcessIdentity): Promise<Lease | undefined> {
  for (let round = 0; round < 3; round++) {
    // Looked at first: who waits must not cost whoever holds it a write each time.
    const holder = await readLease(path);
    if (holder !== undefined && !(await isOver(path, holder))) return undefined;
    if (holder !== undefined && !(await takeOver(path, holder.token, owner))) return undefined;
    const token = randomUUID();
    if (await createWhole(path, JSON.stringify({ ...owner, token }))) {
      return { renew: () => renew(path, token), release: () => release(path, token) };
    }
  }
  return undefined;
}

async function renew(path: string, token: string): Promise<boolean> {
  if ((await readLease(path))?.token !== token) return false;
  const now = systemClock.now() / 1000;
  await utimes(path, now, now).catch(() => undefined);
  return true;
}

async function release(path: string, token: string): Promise<void> {
  if ((await readLease(path))?.token === token) await rm(path, { force: true });
}

/** Its holder lives and does not let go. */
export class LeaseHeld extends Error {
  constructor(path: string, pid: number | undefined) {
    super(`process ${pid ?? '?'} holds ${path}`);
  }
}

/** @throws LeaseHeld when it cannot be had within `waitMilliseconds`: its holder lives and does not let go */
export async function waitForLease(
  path: string,
  owner: ProcessIdentity,
  clock: Clock,
  waitMilliseconds: number,
): Promise<Lease> {
  const began = clock.monotonic();
  for (let pause = 2; ; pause *= 1.5) {
    const lease = await tryLease(path, owner);
    if (lease !== undefined) return lease;
    const waited = clock.monotonic() - began;
    // Who has waited for long looks oftener than who has just come: twenty busy processes starved two of a thousand requests.
    pause = Math.min(pause, waited > waitMilliseconds / 4 ? 8 : 50);
    if (waited > waitMilliseconds) {
      const holder = await readLease(path);
      throw new LeaseHeld(path, holder?.pid);
    }
    await clock.sleep(pause * (0.5 + Math.random()));
  }
}

/** Does a living process hold it? */
export async function isHeld(path: string): Promise<boolean> {
  const holder = await readLease(path);
  return holder !== undefined && !(await isOver(path, holder));
}

/**
 * Written whole under another name and linked into place, so that nobody reads half a lease. Not synced: no lease
 * outlives a power cut, and a torn one is taken for dead.
 */
async function createWhole(path: string, data: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.new`;
  try {
    await writeFile(draft, data, { flag: 'wx', mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    // A file system without hard links: the exclusive creation itself decides there.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return await createExclusively(path, data);
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readLease(path: string): Promise<z.infer<typeof leaseSchema> | undefined> {
  try {
    return leaseSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Torn by a power cut on a file system without hard links: nobody of this boot wrote it.
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      const torn = await stat(path).catch(() => undefined);
      return torn && { pid: 0, place: '', started: '', token: `torn-${torn.ino}-${torn.mtimeMs}` };
    }
    throw error;
  }
}

async function isOver(path: string, holder: ProcessIdentity): Promise<boolean> {
  const alive = isAlive(holder);
  if (alive !== undefined) return !alive;
  try {
    // The system's clock, whatever clock is injected: it is compared with the file system's.
    return systemClock.now() - (await stat(path)).mtimeMs > FOREIGN_LEASE_MILLISECONDS;
  } catch {
    return false;
  }
}

/** @returns true when the dead lease is gone, by whomever */
async function takeOver(path: string, token: string, owner: ProcessIdentity): Promise<boolean> {
  for (let attempt = 1; attempt <= 100; attempt++) {
    const marker = `${path}.over-${token}.${attempt}`;
    if (await createWhole(marker, JSON.stringify({ ...owner, token: randomUUID() }))) {
      try {
        const holder = await readLease(path);
        if (holder?.token === token) await rm(path, { force: true });
        return true;
      } finally {
        await rm(marker, { force: true });
      }
    }
    const other = await readLease(marker);
    if (other === undefined) return true;
    // Its owner died while taking over: it will never remove anything, so the next number is free to.
    if (!(await isOver(marker, other))) return false;
  }
  return false;
}

/** Removes what dead processes left of leases that are gone. A marker of a lease that is still there must stay. */
export async function sweepLeases(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, lease, kind, token] = /^(.*)\.(over-([^.]+)\.\d+|[^.]+\.new)$/.exec(name) ?? [];
    if (lease === undefined || kind === undefined) continue;
    const stillThere = token !== undefined && (await readLease(join(folder, lease)))?.token === token;
    if (!stillThere && !(await isHeld(join(folder, name)))) await rm(join(folder, name), { force: true });
  }
}
