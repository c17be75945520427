/** The tasks that this process is at work on: they need its lease, and survive a database that is removed under it. */
import { randomUUID } from 'node:crypto';
import { Problem } from '../problems.ts';
import { errorOf, slotOfRunning, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Tx } from './engine.ts';
import type { Lease } from './lease.ts';
import { paramsOf } from './rows.ts';
import { INSERT_TASK } from './statements.ts';

interface OwnTask {
  readonly record: TaskRecord | undefined;
  readonly claim: string | undefined;
  readonly endLeaseUse: () => void;
}

export class OwnTasks {
  private readonly lease: Lease;
  private readonly tasks = new Map<string, OwnTask>();

  constructor(lease: Lease) {
    this.lease = lease;
  }

  /** @param task undefined: only its id is known yet */
  add(id: string, task?: Task, claim?: string): void {
    const endLeaseUse = this.tasks.get(id)?.endLeaseUse ?? this.lease.use(id);
    const { ownerAlive: _, ...record } = task ?? { ownerAlive: true };
    this.tasks.set(id, { record: task && (record as TaskRecord), claim, endLeaseUse });
  }

  remove(id: string): void {
    this.tasks.get(id)?.endLeaseUse();
    this.tasks.delete(id);
  }

  /** What it still is to send, as far as it knows. */
  queued(reqKey: string): string[] {
    const queued = [...this.tasks].filter(([, { record }]) => record?.status === 'queued' && record.reqKey === reqKey);
    return queued.map(([id]) => id);
  }

  /** Writes them into a database that took the place of a removed one. @param place of the database, for sentences */
  async restore(tx: Tx, scope: string, place: string): Promise<void> {
    const { id: owner } = await this.lease.ensure(tx);
    for (const { record, claim = randomUUID() } of this.tasks.values()) {
      if (record === undefined) continue;
      const restored = record.status === 'queued' ? unsendable(record, tx.now, place) : record;
      const ties = record.status === 'submitting' ? { claim, owner } : {};
      await tx.run(INSERT_TASK, paramsOf(restored, scope, { ...ties, slotUntil: slotOfRunning(restored) }));
    }
  }
}

/** Its body is gone with the database. */
function unsendable(record: TaskRecord, now: number, place: string): TaskRecord {
  const problem = new Problem('state_not_writable', {
    what: `The database ${place} was removed before the request was sent.`,
    hint: 'make the request again',
  });
  return { ...record, status: 'failed', finishedAt: now, error: errorOf(problem) };
}
