/** Converts a task's record to a row and back: columns for what the rules query, JSON for the rest. */
import { chargeOf, type Task, type TaskRecord, type TaskStatus } from '../tasks/record.ts';
import type { Params, Row } from './engine.ts';

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
