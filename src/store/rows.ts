/** Rows as records (columns for what is queried, JSON for the rest), and what the rules decide on in one transaction. */
import { chargeOf, type Task, type TaskRecord, type TaskStatus } from '../tasks/record.ts';
import type { Params, Row, SqlValue, Tx } from './engine.ts';
import * as sql from './statements.ts';
import type { Pacing, QueueLedger, Reservation, ReservationLedger } from './store.ts';

/** Who has to do with a task, beside its record. */
export interface Ties {
  readonly claim?: string | null;
  readonly owner?: string | null;
  readonly holder?: string | null;
  readonly slotUntil?: number | undefined;
}

type Columns = Pick<
  TaskRecord,
  | 'id'
  | 'status'
  | 'fingerprint'
  | 'reqKey'
  | 'reservedAt'
  | 'finishedAt'
  | 'attempts'
  | 'providerTaskId'
  | 'saveAgainAt'
  | 'finishedBetween'
>;

export function paramsOf(record: TaskRecord, scope: string, ties: Ties): Params {
  const {
    id,
    status,
    fingerprint,
    reqKey,
    reservedAt,
    finishedAt,
    attempts,
    providerTaskId,
    saveAgainAt,
    finishedBetween,
    ...rest
  } = record;
  return {
    id,
    scope,
    req_key: reqKey,
    mode: record.request.mode,
    fingerprint,
    status,
    fen: status === 'queued' || chargeOf(record) !== 'none' ? (record.fen ?? 0) : 0,
    reserved_at: reservedAt,
    closed_at: finishedAt ?? null,
    attempts,
    claim: ties.claim ?? null,
    owner: ties.owner ?? null,
    holder: ties.holder ?? null,
    slot_until: ties.slotUntil ?? null,
    save_again_at: saveAgainAt ?? null,
    provider_task_id: providerTaskId ?? null,
    finished_from: finishedBetween?.[0] ?? null,
    finished_to: finishedBetween?.[1] ?? null,
    waits_for: record.awaits?.[0]?.taskId ?? null,
    record: JSON.stringify(rest),
  };
}

/** @param now decides whether the owner's lease is good */
export function taskOf(row: Row, now: number): Task {
  const rest = JSON.parse(String(row.record)) as Omit<TaskRecord, keyof Columns>;
  const [closed, again, provider] = [row.closed_at, row.save_again_at, row.provider_task_id];
  return {
    ...rest,
    id: String(row.id),
    status: String(row.status) as TaskStatus,
    fingerprint: String(row.fingerprint),
    reqKey: String(row.req_key),
    reservedAt: Number(row.reserved_at),
    attempts: Number(row.attempts),
    ...(closed == null ? {} : { finishedAt: Number(closed) }),
    ...(again == null ? {} : { saveAgainAt: Number(again) }),
    ...(provider == null ? {} : { providerTaskId: String(provider) }),
    ...(row.finished_to == null
      ? {}
      : { finishedBetween: [Number(row.finished_from), Number(row.finished_to)] as const }),
    ownerAlive: row.owner_until != null && Number(row.owner_until) > now,
  };
}

const DAY_MILLISECONDS = 24 * 3600_000;

export async function readReservationLedger(
  tx: Tx,
  scope: string,
  { record, awaiting, budgetFen, fen = record.fen ?? 0 }: Reservation & { readonly fen?: number },
): Promise<ReservationLedger> {
  const same = await tx.all(sql.SAME_REQUESTS, {
    ...{ scope, fingerprint: record.fingerprint, awaiting: awaiting ?? record.fingerprint },
  });
  const since = tx.now - DAY_MILLISECONDS;
  const reservedFen = await readReservedFen(tx, scope);
  const needed = budgetFen === undefined ? 0 : reservedFen + fen - budgetFen;
  const at = needed > 0 ? (await tx.get(sql.ROOM_AT, { scope, since, needed }))?.at : undefined;
  return {
    now: tx.now,
    same: same.map((row) => taskOf(row, tx.now)),
    reservedFen,
    roomAt: at == null ? undefined : Number(at) + DAY_MILLISECONDS,
  };
}

/** Counted against the daily budget. */
export async function readReservedFen(tx: Tx, scope: string): Promise<number> {
  return numberOf((await tx.get(sql.RESERVED_SUM, { scope, since: tx.now - DAY_MILLISECONDS }))?.fen);
}

export async function readDoneFen(tx: Tx, scope: string): Promise<number> {
  return numberOf((await tx.get(sql.DONE_SINCE, { scope, since: tx.now - DAY_MILLISECONDS }))?.fen);
}

/** @param sender this process's lease; `any`: it sends every process's entries */
export async function readQueueLedger(
  tx: Tx,
  scope: string,
  reqKey: string,
  { me, any }: { readonly me: string; readonly any: boolean },
): Promise<QueueLedger> {
  const of = { scope, req_key: reqKey, me, any: any ? 1 : 0, now: tx.now };
  const head = await tx.get(sql.QUEUE_HEAD, of);
  const slots = await tx.all(sql.SLOTS, of);
  const unknowns = slots.filter(({ status }) => status === 'unknown');
  return {
    now: tx.now,
    head: head && taskOf(head, tx.now),
    headIsOurs: head !== undefined && (any || head.owner === me),
    ours: numberOf((await tx.get(sql.QUEUED_OF, of))?.count),
    inFlight: slots.length - unknowns.length,
    unknowns: unknowns.map((row) => ({
      id: String(row.id),
      since: numberOf(row.closed_at),
      until: numberOf(row.slot_until),
    })),
    pacing: await readPacing(tx, scope, reqKey),
  };
}

/** For an outcome that cannot be written: its task is shown with it; the pace is not changed. */
export function unreadLedger(now: number): QueueLedger {
  const pacing = { limit: undefined, limitUntil: 0, pausedUntil: 0, refusals: 0, probedAt: 0 };
  return { now, head: undefined, headIsOurs: false, ours: 0, inFlight: 1, unknowns: [], pacing };
}

async function readPacing(tx: Tx, scope: string, reqKey: string): Promise<Pacing> {
  const row = await tx.get(sql.PACING, { scope, req_key: reqKey });
  return {
    limit: row?.limit_now == null ? undefined : numberOf(row.limit_now),
    limitUntil: numberOf(row?.limit_until),
    pausedUntil: numberOf(row?.paused_until),
    refusals: numberOf(row?.refusals),
    probedAt: numberOf(row?.probed_at),
  };
}

export async function writePacing(tx: Tx, scope: string, reqKey: string, pacing: Pacing): Promise<void> {
  await tx.run(sql.WRITE_PACING, {
    scope,
    req_key: reqKey,
    limit_now: pacing.limit ?? null,
    limit_until: pacing.limitUntil,
    paused_until: pacing.pausedUntil,
    refusals: pacing.refusals,
    probed_at: pacing.probedAt,
  });
}

function numberOf(value: SqlValue | undefined): number {
  return Number(value ?? 0);
}
