/** Rows as records (columns for what is queried, JSON for the rest), and what the rules decide on in one transaction. */
import { compact } from '../compact.ts';
import { chargeOf, type Task, type TaskRecord, type TaskStatus } from '../tasks/record.ts';
import type { Params, Row, SqlValue, Tx } from './engine.ts';
import * as sql from './statements.ts';
import type { Pacing, QueueLedger, Reservation, ReservationLedger, UsedBudget } from './store.ts';

/** Who has to do with a task, beside its record. */
export interface Ties {
  readonly claim?: string | null;
  readonly owner?: string | null;
  readonly holder?: string | null;
  readonly slotUntil?: number | undefined;
}

export function paramsOf(record: TaskRecord, scope: string, ties: Ties): Params {
  const {
    id,
    person,
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
    person: person ?? '',
    req_key: reqKey,
    mode: record.request.mode,
    fingerprint,
    status,
    fen: status === 'queued' || chargeOf(record) !== 'none' ? (record.fen ?? 0) : 0,
    reserved_at: reservedAt,
    closed_at: whole(finishedAt),
    attempts,
    claim: ties.claim ?? null,
    owner: ties.owner ?? null,
    holder: ties.holder ?? null,
    slot_until: whole(ties.slotUntil),
    save_again_at: whole(saveAgainAt),
    provider_task_id: providerTaskId ?? null,
    finished_from: whole(finishedBetween?.[0]),
    finished_to: whole(finishedBetween?.[1]),
    waits_for: record.awaits?.[0]?.taskId ?? null,
    record: JSON.stringify(rest),
  };
}

/** @param now decides whether the owner's lease is good */
export function taskOf(row: Row, now: number): Task {
  // Without what has columns of its own.
  const rest = JSON.parse(String(row.record)) as TaskRecord;
  return {
    ...rest,
    id: String(row.id),
    status: String(row.status) as TaskStatus,
    fingerprint: String(row.fingerprint),
    reqKey: String(row.req_key),
    reservedAt: Number(row.reserved_at),
    attempts: Number(row.attempts),
    ...personOf(row),
    ...compact({
      finishedAt: numberOrNone(row.closed_at),
      saveAgainAt: numberOrNone(row.save_again_at),
      providerTaskId: row.provider_task_id == null ? undefined : String(row.provider_task_id),
      finishedBetween:
        row.finished_to == null ? undefined : ([Number(row.finished_from), Number(row.finished_to)] as const),
    }),
    ownerAlive: row.owner_until != null && Number(row.owner_until) > now,
  };
}

/** Of a row of tasks or films. */
export function personOf(row: Row): { readonly person?: string } {
  return row.person === '' || row.person == null ? {} : { person: String(row.person) };
}

const DAY_MILLISECONDS = 24 * 3600_000;

export async function readReservationLedger(
  tx: Tx,
  scope: string,
  { record, awaiting, budgetFen, personBudgetFen, fen = record.fen ?? 0 }: Reservation & { readonly fen?: number },
): Promise<ReservationLedger> {
  const { person, fingerprint } = record;
  const same = await tx.all(sql.SAME_REQUESTS, {
    ...{ scope, person: person ?? '', fingerprint, awaiting: awaiting ?? fingerprint },
  });
  const account = await readUsedBudget(tx, { scope }, fen, budgetFen);
  return {
    now: tx.now,
    same: same.map((row) => taskOf(row, tx.now)),
    ...account,
    ...(person === undefined ? {} : { own: await readUsedBudget(tx, { scope, person }, fen, personBudgetFen) }),
  };
}

/** Whose rows; without a person all of the account. */
export interface Whose {
  readonly scope: string;
  readonly person?: string | undefined;
}

async function readUsedBudget(tx: Tx, whose: Whose, fen: number, budgetFen: number | undefined): Promise<UsedBudget> {
  const reservedFen = await readReservedFen(tx, whose);
  const needed = budgetFen === undefined ? 0 : reservedFen + fen - budgetFen;
  if (needed <= 0) return { reservedFen, roomAt: undefined };
  const row = await tx.get(sql.ofPerson(sql.ROOM_AT, whose.person), { ...paramsFor(tx, whose), needed });
  return { reservedFen, roomAt: row?.at == null ? undefined : Number(row.at) + DAY_MILLISECONDS };
}

/** Counted against the daily budget. */
export async function readReservedFen(tx: Tx, whose: Whose): Promise<number> {
  return numberOf((await tx.get(sql.ofPerson(sql.RESERVED_SUM, whose.person), paramsFor(tx, whose)))?.fen);
}

export async function readDoneFen(tx: Tx, whose: Whose): Promise<number> {
  return numberOf((await tx.get(sql.ofPerson(sql.DONE_SINCE, whose.person), paramsFor(tx, whose)))?.fen);
}

function paramsFor({ now }: Tx, { scope, person }: Whose): Params {
  return { scope, since: now - DAY_MILLISECONDS, ...(person === undefined ? {} : { person }) };
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
      ...personOf(row),
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
    limit: numberOrNone(row?.limit_now),
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
    limit_until: whole(pacing.limitUntil),
    paused_until: whole(pacing.pausedUntil),
    refusals: pacing.refusals,
    probed_at: whole(pacing.probedAt),
  });
}

/** Nothing was sent: the person of this request is next again. */
export async function giveTurnBack(tx: Tx, scope: string, { reqKey, person = '' }: TaskRecord): Promise<void> {
  await tx.run(sql.GIVE_TURN_BACK, { scope, req_key: reqKey, person });
}

/** Pauses have fractions; the columns are integers, and PostgreSQL takes nothing else. */
function whole(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : Math.round(milliseconds);
}

function numberOf(value: SqlValue | undefined): number {
  return Number(value ?? 0);
}

function numberOrNone(value: SqlValue | undefined): number | undefined {
  return value == null ? undefined : Number(value);
}
