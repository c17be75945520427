/** Which videos were made from this computer, and what was spent on them? Newest first. */
import { type Spending, spendingOf } from './budget.ts';
import type { TaskContext } from './context.ts';
import type { TaskRecord, TaskStatus } from './record.ts';
import type { UsualTime } from './usual-time.ts';

export interface Listed {
  readonly records: readonly TaskRecord[];
  readonly total: number;
  readonly spending: Spending;
  /** By mode, where enough is known. */
  readonly usualTimes: ReadonlyMap<string, UsualTime>;
}

/** @param limit at most so many records are read and returned; `total` and the spending count all */
export async function listTasks(context: TaskContext, limit: number, status: TaskStatus | undefined): Promise<Listed> {
  const { journal, clock } = context;
  const snapshot = await journal.snapshot();
  const isAsked = (entry: { readonly status: TaskStatus }) => status === undefined || entry.status === status;
  const open = snapshot.open.filter(isAsked);
  const closed = snapshot.closed.filter(isAsked);
  const newest = [
    ...open.map((record) => ({ id: record.id, read: async () => record })),
    ...closed.slice(-limit).map((entry) => ({ id: entry.id, read: () => journal.readClosed(entry) })),
  ]
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit);
  const records = await Promise.all(newest.map((entry) => entry.read()));
  const found = records.filter((record) => record !== undefined);
  return {
    records: found,
    total: open.length + closed.length,
    spending: spendingOf(snapshot, clock.now()),
    usualTimes: await context.pastTimes.usualTimes(found.map((record) => record.request.mode)),
  };
}
