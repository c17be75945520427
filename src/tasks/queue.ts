/** Whose turn is it to be sent, and is a slot free? First come, first served per req_key, across processes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { iso, type TaskContext, withLock } from './context.ts';
import { makePrivateFolder, writeDurably } from './durable-file.ts';
import { isGone, isOwn } from './process-identity.ts';
import type { TaskRecord } from './record.ts';
import { type Delays, delayBefore } from './retry.ts';

/** The provider may be making it: its answer was lost. */
const UNKNOWN_HOLDS_SLOT_MILLISECONDS = 10 * 60_000;
/** An entry that its process left behind is no longer what its user expects to pay for. */
const LEFT_ENTRY_MILLISECONDS = 3600_000;
/** How long a limit that the provider taught is believed before one more task is tried. */
const TAUGHT_LIMIT_MILLISECONDS = 5 * 60_000;
/** After a definite "not now" nothing was made, so the queue sends again, ever more slowly. */
const BUSY_DELAYS: Delays = { firstMilliseconds: 500, maxMilliseconds: 30_000 };

const pacingSchema = z.object({
  /** What 50430 taught. */
  limit: z.int().optional(),
  limitUntil: z.number().optional(),
  pausedUntil: z.number(),
  refusals: z.int(),
});
type Pacing = z.infer<typeof pacingSchema>;

function pacingPath({ journal }: TaskContext, reqKey: string): string {
  return join(journal.folder, 'pacing', `${reqKey}.json`);
}

async function readPacing(context: TaskContext, reqKey: string): Promise<Pacing> {
  try {
    return pacingSchema.parse(JSON.parse(await readFile(pacingPath(context, reqKey), 'utf8')));
  } catch {
    return { pausedUntil: 0, refusals: 0 };
  }
}

async function writePacing(context: TaskContext, reqKey: string, pacing: Pacing): Promise<void> {
  await makePrivateFolder(join(context.journal.folder, 'pacing'));
  await writeDurably(pacingPath(context, reqKey), JSON.stringify(pacing));
}

function limitNow(context: TaskContext, pacing: Pacing): number {
  const { concurrency } = context.settings;
  if (pacing.limit === undefined) return concurrency;
  const left = (pacing.limitUntil ?? 0) - context.clock.now();
  const probing = left <= 0 || left > TAUGHT_LIMIT_MILLISECONDS;
  return Math.min(concurrency, pacing.limit + (probing ? 1 : 0));
}

/** Tasks that hold a slot: sent, in flight, or lost less than ten minutes ago. One that is only being saved runs nowhere. */
async function countInFlight(context: TaskContext, reqKey: string): Promise<number> {
  const { journal, clock } = context;
  const { open, closed } = await journal.snapshot();
  const isInFlight = ({ status, video }: TaskRecord) => status !== 'queued' && video === undefined;
  let count = open.filter((record) => record.req_key === reqKey && isInFlight(record)).length;
  for (const entry of closed) {
    if (entry.status !== 'unknown' || clock.now() - entry.closedAt > UNKNOWN_HOLDS_SLOT_MILLISECONDS) continue;
    if ((await journal.readClosed(entry))?.req_key === reqKey) count++;
  }
  return count;
}

/**
 * Takes the next entry for sending, if it is this process's and a slot is free. Call it under the lock.
 * The record says `submitting` on disk when it returns.
 */
export async function takeNext(context: TaskContext, reqKey: string): Promise<TaskRecord | undefined> {
  const open = await context.journal.openRecords();
  const queued = open.filter((record) => record.status === 'queued' && record.req_key === reqKey);
  const now = context.clock.now();
  const head = queued.sort(byId).find((record) => !isLeft(record, now));
  if (head === undefined || !isOwn(head.owner)) return undefined;
  const pacing = await readPacing(context, reqKey);
  // A clock that was set back must not stretch a pause of seconds into hours.
  const pause = pacing.pausedUntil - now;
  if (pause > 0 && pause <= BUSY_DELAYS.maxMilliseconds) return undefined;
  if ((await countInFlight(context, reqKey)) >= limitNow(context, pacing)) return undefined;
  const taken: TaskRecord = {
    ...head,
    status: 'submitting',
    attempts: head.attempts + 1,
    owner: context.identity,
    sent_at: iso(now),
  };
  try {
    await context.journal.write(taken);
  } catch (error) {
    // It may say so on disk all the same, and nobody would send it. Not kept for later: somebody may withdraw it until then.
    await context.journal.write(head).catch(() => undefined);
    throw error;
  }
  context.changes.notify();
  return taken;
}

/** How many are before it; 0 is next. */
export async function placeInQueue(context: TaskContext, record: TaskRecord): Promise<number> {
  const open = await context.journal.openRecords();
  return open.filter((r) => r.status === 'queued' && r.req_key === record.req_key && r.id < record.id).length;
}

/** Taken, but neither claimed nor sent: it is queued again. */
export async function returnUnsent(context: TaskContext, record: TaskRecord): Promise<TaskRecord> {
  const { sent_at: _s, hindrance: _h, ...rest } = record;
  const queued: TaskRecord = { ...rest, status: 'queued' };
  await context.journal.write(queued);
  return queued;
}

/** The provider said "not now": the entry goes back to its place, and the pace follows what was learned. */
export async function putBack(context: TaskContext, record: TaskRecord, code: string): Promise<void> {
  const { sent_at: _s, hindrance: _h, ...rest } = record;
  await withLock(context, async () => {
    await context.journal.write({ ...rest, status: 'queued' });
    const pacing = await readPacing(context, record.req_key);
    const inFlight = await countInFlight(context, record.req_key);
    const refusals = pacing.refusals + 1;
    const now = context.clock.now();
    const learned: Pacing =
      code === '50430'
        ? { ...pacing, limit: Math.max(1, inFlight), limitUntil: now + TAUGHT_LIMIT_MILLISECONDS }
        : { ...pacing };
    // With nothing of ours in flight no slot of ours will come free: somebody else uses the account.
    const pause = code === '50430' && inFlight > 0 ? 0 : delayBefore(refusals, BUSY_DELAYS, Math.random());
    await writePacing(context, record.req_key, { ...learned, refusals, pausedUntil: now + pause });
  });
  context.changes.notify();
}

/** Accepted: the pace is right, and a probe that passed raises the limit. */
export async function noteAccepted(context: TaskContext, reqKey: string): Promise<void> {
  const before = await readPacing(context, reqKey);
  if (before.refusals === 0 && before.limit === undefined) return;
  await withLock(context, async () => {
    const pacing = await readPacing(context, reqKey);
    const inFlight = await countInFlight(context, reqKey);
    const passed = pacing.limit !== undefined && inFlight > pacing.limit;
    const raised: Pacing = { pausedUntil: 0, refusals: 0 };
    const kept: Pacing = { ...pacing, pausedUntil: 0, refusals: 0 };
    const next =
      passed && inFlight < context.settings.concurrency ? { ...kept, limit: inFlight } : passed ? raised : kept;
    await writePacing(context, reqKey, next);
  });
}

/**
 * Entries of dead processes: taken over by a paid call, or by their own `get`; expired unsent after an hour.
 * Call it under the lock.
 * @param which the entries to take over; all others are only looked at for their age
 */
export async function takeOverLeft(context: TaskContext, which: (record: TaskRecord) => boolean): Promise<void> {
  for (const found of await context.journal.openRecords()) {
    const now = context.clock.now();
    const record = await leftUnsent(context, found, now);
    if (record === undefined) continue;
    if (isTooOld(record, now)) {
      await context.journal.write({ ...record, status: 'expired', finished_at: iso(now) });
    } else if (which(record)) {
      await context.journal.write({ ...record, owner: context.identity });
    }
  }
  context.changes.notify();
}

/** It is about to expire unsent: nobody is to wait for it. */
export function isLeftForTooLong(record: TaskRecord, now: number): boolean {
  return record.status === 'queued' && isLeft(record, now) && isTooOld(record, now);
}

function isTooOld(record: TaskRecord, now: number): boolean {
  return now - Date.parse(record.created_at) > LEFT_ENTRY_MILLISECONDS;
}

/** @returns the queued record that a dead process left, or left taken for sending but unclaimed */
async function leftUnsent(context: TaskContext, record: TaskRecord, now: number): Promise<TaskRecord | undefined> {
  const isUnsent = record.status === 'queued' || record.status === 'submitting';
  if (!isUnsent || !isLeft(record, now)) return undefined;
  if (record.status === 'queued') return record;
  const isWithdrawn = await context.journal.withdrawClaim(record.id, record.attempts);
  return isWithdrawn ? await returnUnsent(context, record) : undefined;
}

/** Its process is gone. */
function isLeft(record: TaskRecord, now: number): boolean {
  return isGone(record.owner, Date.parse(record.sent_at ?? record.created_at), now);
}

function byId(a: TaskRecord, b: TaskRecord): number {
  return a.id < b.id ? -1 : 1;
}
