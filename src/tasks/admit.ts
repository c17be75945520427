/** May this request be paid for, or is it there already? Duplicate, budget, intent and slot in one step under one lock. */
import { requireRoom } from './budget.ts';
import { iso, type TaskContext, withLock } from './context.ts';
import { findSameRequest } from './duplicates.ts';
import type { Prepared } from './prepare.ts';
import { takeNext, takeOverLeft } from './queue.ts';
import { newTaskId, type TaskRecord } from './record.ts';
import { keptDestination } from './save.ts';

export interface Admitted {
  readonly record: TaskRecord;
  /** The same request was there: nothing new is paid. */
  readonly joined: boolean;
  /** The entry whose turn it is, taken for sending: mostly this one. */
  readonly toSend: TaskRecord | undefined;
}

export interface AdmitOptions {
  readonly allowDuplicate: boolean;
  /** What was asked for, as it is kept and shown. */
  readonly shown: TaskRecord['request'];
  readonly sandbox: boolean;
  readonly signal: AbortSignal;
}

/**
 * The intent is on disk when it returns.
 * @throws Problem budget_exceeded, state_not_writable; the signal's reason, with nothing recorded
 */
export async function admit(context: TaskContext, prepared: Prepared, options: AdmitOptions): Promise<Admitted> {
  return await withLock(context, async () => {
    // First, since one that was left for too long expires now and is not to be joined.
    await takeOverLeft(context, () => true);
    const same = await checkAdmission(context, prepared, options);
    if (same !== undefined) return { record: same, joined: true, toSend: undefined };
    options.signal.throwIfAborted();
    context.ending.throwIfAborted();
    const record = newRecord(context, prepared, options);
    await context.journal.create(record, prepared.body);
    // It is recorded, so it must not be told as refused: what cannot be taken now is queued, and sent later.
    const toSend = await takeNext(context, prepared.reqKey).catch((error: unknown) => {
      context.log.warn('not taken for sending yet', { task: record.id, reason: String(error) });
      return undefined;
    });
    return { record: toSend?.id === record.id ? toSend : record, joined: false, toSend };
  });
}

/** Nothing is changed by it. @returns the one to join @throws Problem budget_exceeded, when there is none and it would cost too much */
export async function checkAdmission(
  context: TaskContext,
  prepared: Prepared,
  { allowDuplicate }: Pick<AdmitOptions, 'allowDuplicate'>,
): Promise<TaskRecord | undefined> {
  const same = allowDuplicate ? undefined : await findSameRequest(context, prepared.fingerprint);
  if (same === undefined) await requireRoom(context, prepared.estimatedCny);
  return same;
}

function newRecord(context: TaskContext, prepared: Prepared, options: AdmitOptions): TaskRecord {
  const now = context.clock.now();
  const { destination } = prepared;
  return {
    version: 1,
    id: newTaskId(now),
    status: 'queued',
    ...context.journal.scope,
    sandbox: options.sandbox,
    created_at: iso(now),
    request: options.shown,
    fingerprint: prepared.fingerprint,
    req_key: prepared.reqKey,
    billed_seconds: prepared.billedSeconds,
    estimated_cny: prepared.estimatedCny,
    destination: keptDestination(destination),
    owner: context.identity,
    attempts: 0,
  };
}
