/** What does a closed record's file name say, so that sums and searches need not open it? */
import { chargeOf, type TaskRecord, type TaskStatus, timeOfId } from './record.ts';

export interface ClosedEntry {
  readonly id: string;
  readonly status: TaskStatus;
  /** CNY × 100 that was, or may have been, charged. */
  readonly fen: number;
  readonly createdAt: number;
  readonly closedAt: number;
  readonly fileName: string;
}

const CLOSED_NAME = /^(jv-[0-9a-z]{8}-[0-9a-z]{5})\.([a-z_]+)\.(\d+)\.([0-9a-z]+)\.json$/;

function fenOf(record: TaskRecord): number {
  return chargeOf(record) === 'none' ? 0 : Math.round((record.estimated_cny ?? 0) * 100);
}

export function entryOf(record: TaskRecord): ClosedEntry {
  const fileName = closedFileName(record, undefined);
  const closedAt = Date.parse(record.finished_at ?? record.created_at);
  return {
    id: record.id,
    status: record.status,
    fen: fenOf(record),
    createdAt: timeOfId(record.id),
    closedAt,
    fileName,
  };
}

/** @returns undefined for a name that is none of ours */
export function readClosedName(fileName: string): ClosedEntry | undefined {
  const [, id, status, fen, closedAt] = CLOSED_NAME.exec(fileName) ?? [];
  if (id === undefined) return undefined;
  return {
    id,
    status: status as TaskStatus,
    fen: Number(fen),
    createdAt: timeOfId(id),
    closedAt: Number.parseInt(closedAt ?? '', 36),
    fileName,
  };
}

/** The time of closing stays the first one: a link that is fetched again does not make a task young. */
export function closedFileName(record: TaskRecord, previous: string | undefined): string {
  const before = previous === undefined ? undefined : readClosedName(previous);
  const first = before?.status === record.status ? before.closedAt : undefined;
  const closedAt = first ?? Date.parse(record.finished_at ?? record.created_at);
  return `${record.id}.${record.status}.${fenOf(record)}.${closedAt.toString(36)}.json`;
}
