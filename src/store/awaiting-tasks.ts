/** Queued tasks of this process that wait for other tasks' videos. */
import type { Task } from '../tasks/record.ts';
import type { StoreParts } from './lease.ts';
import { paramsOf, taskOf } from './rows.ts';
import { DELETE_BODY, REPLACE_BODY, UPDATE_TASK, WAITING_OF } from './statements.ts';
import type { Awaiting, AwaitingChange } from './store.ts';

export class AwaitingTasks implements Awaiting {
  private readonly parts: StoreParts;

  constructor(parts: StoreParts) {
    this.parts = parts;
  }

  async tasks(): Promise<readonly Task[]> {
    const { engine, scope, lease } = this.parts;
    const params = { scope, me: lease.id };
    return await engine.read(async (tx) => (await tx.all(WAITING_OF, params)).map((row) => taskOf(row, tx.now)));
  }

  async change(id: string, rule: (task: Task, now: number) => AwaitingChange | undefined): Promise<Task | undefined> {
    const { engine, scope, lease, own, notify } = this.parts;
    const changed = await engine.transaction(
      async (tx): Promise<Task | undefined> => {
        const mine = await tx.all(WAITING_OF, { scope, me: lease.id });
        const row = mine.find((waiting) => waiting.id === id);
        const change = row && rule(taskOf(row, tx.now), tx.now);
        if (change === undefined) return undefined;
        const { record, body } = change;
        const isQueued = record.status === 'queued';
        await tx.run(UPDATE_TASK, paramsOf(record, scope, { owner: isQueued ? lease.id : null }));
        if (body !== undefined) await tx.run(REPLACE_BODY, { id, bytes: body });
        else if (!isQueued) await tx.run(DELETE_BODY, { id });
        return { ...record, ownerAlive: isQueued };
      },
      { account: scope },
    );
    if (changed === undefined) return undefined;
    if (changed.status === 'queued') own.add(id, changed);
    else own.remove(id);
    notify(id);
    return changed;
  }
}
