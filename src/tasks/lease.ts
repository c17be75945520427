/** Who of several processes may do this now? A file that one creates, and that outlives nobody it belongs to. */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Clock, systemClock } from '../clock.ts';
import { createExclusively } from './durable-file.ts';
import { isAlive, isOwn, isProven, type ProcessIdentity, processIdentitySchema } from './process-identity.ts';

const leaseSchema = processIdentitySchema.extend({ token: z.string() });
type Holder = z.infer<typeof leaseSchema>;
/** Nobody's: half a lease names none. */
const TORN_PID = 0;

export interface Lease {
  /** Says to those who cannot see its process that it is still held. @returns false when somebody else has it */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** Where nothing is certain of the holder, a lease so old is over. Those that are held for longer are renewed. */
const UNSEEN_LEASE_MILLISECONDS = 15 * 60_000;
/** After a sleep every lease looks old: a holder that lives renews it within this time. */
const SEEN_UNCHANGED_MILLISECONDS = 60_000;
/** What is waited for is held for milliseconds. */
const LOCK_UNCHANGED_MILLISECONDS = 10_000;
const RENEW_MILLISECONDS = 20_000;
/** Who wrote half a lease is gone, or has written the other half by then. */
const TORN_LEASE_MILLISECONDS = 10_000;

/** Since when, on the monotonic clock, a lease of an uncertain holder has been seen as it is. */
const unchanged = new Map<string, { readonly mtimeMs: number; readonly since: number }>();

/** Tokens of what this process holds: what only says so is a lease whose removal failed. */
const held = new Set<string>();

/**
 * Takes the lease, or finds that somebody living has it.
 *
 * A dead one's lease is removed by whoever first creates `NAME.over-TOKEN.1`, TOKEN being the dead lease's own: of any
 * number of processes that see the same dead lease exactly one removes it, and none can remove the next one's.
 *
 * @param seenUnchanged milliseconds for which an old lease of an uncertain holder has to be seen as it is
 */
export async function tryLease(
  path: string,
  owner: ProcessIdentity,
  clock: Clock = systemClock,
  seenUnchanged: number = SEEN_UNCHANGED_MILLISECONDS,
): Promise<Lease | undefined> {
  for (let round = 0; round < 3; round++) {
    // Looked at first: who waits must not cost whoever holds it a write each time.
    const holder = await readLease(path);
    if (holder !== undefined && !(await isOver(path, holder, clock, seenUnchanged))) return undefined;
    if (holder !== undefined && !(await takeOver(path, holder.token, owner))) return undefined;
    const token = await create(path, owner);
    if (token !== undefined) return { renew: () => renew(path, token), release: () => release(path, token) };
  }
  return undefined;
}

/** @returns the token of what is now held; undefined when it was there already */
async function create(path: string, owner: ProcessIdentity): Promise<string | undefined> {
  const token = randomUUID();
  held.add(token);
  let isOurs = false;
  try {
    isOurs = await createWhole(path, JSON.stringify({ ...owner, token }));
  } finally {
    if (!isOurs) held.delete(token);
  }
  return isOurs ? token : undefined;
}

async function renew(path: string, token: string): Promise<boolean> {
  try {
    if ((await readLease(path))?.token !== token) return false;
    const now = systemClock.now() / 1000;
    await utimes(path, now, now);
  } catch {
    // It cannot be read or touched for the moment: that takes it from nobody.
  }
  return true;
}

/** Never throws: the step is done, and a lease that cannot be removed is over. */
async function release(path: string, token: string): Promise<void> {
  try {
    if ((await readLease(path))?.token === token) await removeBusy(path);
  } catch {
    // The next one takes it over.
  } finally {
    held.delete(token);
  }
}

/** Windows refuses to remove a file that another process has open for a moment. Retries need `recursive`, for a file, too. */
async function removeBusy(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 });
}

/**
 * Renews the lease for as long as the step takes.
 * @param step its signal is aborted when the lease is not there any more
 * @throws LeaseLost in that case, whatever the step threw
 */
export async function renewedWhile<Value>(
  lease: Pick<Lease, 'renew'>,
  step: (lost: AbortSignal) => Promise<Value>,
  clock: Clock = systemClock,
): Promise<Value> {
  const over = new AbortController();
  const lost = new AbortController();
  const renewing = async () => {
    do await clock.sleep(RENEW_MILLISECONDS, over.signal);
    while (await lease.renew());
    lost.abort(new LeaseLost());
  };
  renewing().catch(() => undefined);
  try {
    return await step(lost.signal);
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    over.abort();
  }
}

/** This process slept for so long that another took its work over, or somebody removed the state folder. */
export class LeaseLost extends Error {
  constructor() {
    super('another process has taken it over');
  }
}

/** Its holder lives and does not let go. */
export class LeaseHeld extends Error {
  constructor(path: string, pid: number | undefined) {
    super(`process ${pid ?? '?'} holds ${path}`);
  }
}

/** @throws LeaseHeld when it cannot be had within `waitMilliseconds`: its holder lives and does not let go; the signal's reason */
export async function waitForLease(
  path: string,
  owner: ProcessIdentity,
  clock: Clock,
  waitMilliseconds: number,
  signal?: AbortSignal,
): Promise<Lease> {
  const began = clock.monotonic();
  for (let pause = 2; ; pause *= 1.5) {
    const lease = await tryLease(path, owner, clock, LOCK_UNCHANGED_MILLISECONDS);
    if (lease !== undefined) return lease;
    const waited = clock.monotonic() - began;
    // Who has waited for long looks oftener than who has just come: twenty busy processes starved two of a thousand requests.
    pause = Math.min(pause, waited > waitMilliseconds / 4 ? 8 : 50);
    if (waited > waitMilliseconds) {
      const holder = await readLease(path);
      throw new LeaseHeld(path, holder?.pid);
    }
    await clock.sleep(pause * (0.5 + Math.random()), signal);
  }
}

/** Does a living process hold it? */
export async function isHeld(path: string): Promise<boolean> {
  const holder = await readLease(path);
  return holder !== undefined && !(await isOver(path, holder));
}

/**
 * Written whole under another name and linked into place, so that nobody reads half a lease. Not synced: no lease
 * outlives a power cut, and a torn one is soon taken for dead.
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

async function readLease(path: string): Promise<Holder | undefined> {
  try {
    return leaseSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Torn by a power cut on a file system without hard links: nobody of this boot wrote it.
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      const torn = await stat(path).catch(() => undefined);
      return torn && { pid: TORN_PID, place: '', started: '', token: `torn-${torn.ino}-${torn.mtimeMs}` };
    }
    throw error;
  }
}

async function isOver(
  path: string,
  holder: Holder,
  clock: Clock = systemClock,
  seenUnchanged: number = SEEN_UNCHANGED_MILLISECONDS,
): Promise<boolean> {
  if (isOwn(holder)) return !held.has(holder.token);
  const alive = isAlive(holder);
  if (alive === false) return true;
  if (alive === true && isProven(holder)) return false;
  const believed = holder.pid === TORN_PID ? TORN_LEASE_MILLISECONDS : UNSEEN_LEASE_MILLISECONDS;
  try {
    const { mtimeMs } = await stat(path);
    // The system's clock, whatever clock is injected: it is compared with the file system's.
    const isOld = systemClock.now() - mtimeMs > believed;
    return isOld && (holder.pid === TORN_PID || isUnchanged(holder.token, mtimeMs, clock, seenUnchanged));
  } catch {
    return false;
  }
}

function isUnchanged(token: string, mtimeMs: number, clock: Clock, seenUnchanged: number): boolean {
  const now = clock.monotonic();
  const seen = unchanged.get(token);
  if (seen?.mtimeMs === mtimeMs) return now - seen.since > seenUnchanged;
  unchanged.set(token, { mtimeMs, since: now });
  return false;
}

/** @returns true when the dead lease is gone, by whomever */
async function takeOver(path: string, token: string, owner: ProcessIdentity): Promise<boolean> {
  for (let attempt = 1; attempt <= 100; attempt++) {
    const marker = `${path}.over-${token}.${attempt}`;
    const own = await create(marker, owner);
    if (own !== undefined) {
      try {
        const holder = await readLease(path);
        if (holder?.token === token) await removeBusy(path);
        return true;
      } finally {
        await release(marker, own);
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
