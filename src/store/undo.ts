/** Undoes transactions whose COMMIT got no answer: they were reported as failed. */
import { Problem } from '../problems.ts';
import { errorOf, recordOf, type TaskRecord } from '../tasks/record.ts';
import type { Tx } from './engine.ts';
import { giveTurnBack, paramsOf, taskOf } from './rows.ts';
import * as sql from './statements.ts';

/** The request was refused, so it must not be sent after all. It stays visible: another call may have joined it. */
export async function undoReservation(tx: Tx, scope: string, id: string): Promise<void> {
  await tx.run(sql.DELETE_BODY, { id });
  const row = await tx.get(sql.FIND_TASK, { scope, id });
  const task = row && taskOf(row, tx.now);
  if (task?.status !== 'queued') return;
  const error = errorOf(new Problem('store_unavailable'));
  const record: TaskRecord = { ...recordOf(task), status: 'failed', finishedAt: tx.now, error };
  await tx.run(sql.UPDATE_TASK, paramsOf(record, scope, {}));
}

/**
 * Nothing was sent with this claim, and nobody else can free it under a living process's lease.
 * @param owner this process, which is to send it
 */
export async function undoClaim(tx: Tx, scope: string, token: string, owner: string): Promise<void> {
  const row = await tx.get(sql.TASK_OF_CLAIM, { scope, claim: token });
  if (row === undefined) return;
  const { error: _e, finishedAt: _f, ...claimed } = recordOf(taskOf(row, tx.now));
  const record: TaskRecord = { ...claimed, status: 'queued', attempts: claimed.attempts - 1 };
  await tx.run(sql.UPDATE_TASK, paramsOf(record, scope, { owner }));
  await giveTurnBack(tx, scope, record);
}
