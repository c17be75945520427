/** The right to write one task, fenced by the lease under which it was taken. */
import type { Log } from '../log.ts';
import { slotOfRunning, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Engine } from './engine.ts';
import type { KeptWrites } from './kept-writes.ts';
import { LeaseLost, type Registration } from './lease.ts';
import type { OwnTasks } from './own-tasks.ts';
import { paramsOf } from './rows.ts';
import { IS_HELD, RELEASE_TASK, SAVE_TASK } from './statements.ts';
import type { Hold } from './store.ts';

export interface HoldOptions {
  readonly engine: Engine;
  readonly scope: string;
  readonly kept: KeptWrites;
  readonly own: OwnTasks;
  readonly log: Log;
  readonly onSaved: () => void;
  readonly onReleased: () => void;
}

export class TaskHold implements Hold {
  task: Task;
  readonly lost: AbortSignal;
  private readonly me: string;
  private readonly options: HoldOptions;
  private isReleased = false;

  constructor(task: Task, { id, lost }: Registration, options: HoldOptions) {
    this.task = task;
    this.me = id;
    this.lost = lost;
    this.options = options;
    options.own.add(task.id, task);
  }

  async save(record: TaskRecord): Promise<void> {
    const { kept, own, onSaved } = this.options;
    this.lost.throwIfAborted();
    this.task = { ...record, ownerAlive: false };
    own.add(record.id, this.task);
    try {
      await this.write(record);
      kept.drop(record.id);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      kept.keep(record, () => this.write(record), error);
    }
    onSaved();
  }

  async verify(): Promise<void> {
    const { engine } = this.options;
    this.lost.throwIfAborted();
    const params = { id: this.task.id, me: this.me };
    // Where nothing can be read, nobody else can have taken it.
    const held = await engine.read((tx) => tx.get(IS_HELD, params)).catch(() => ({}));
    if (held === undefined) throw new LeaseLost();
  }

  async release(): Promise<void> {
    const { kept, log } = this.options;
    const { id } = this.task;
    if (this.isReleased) return;
    this.isReleased = true;
    const released = kept.has(id) ? kept.whenWritten(id).then(() => this.letGo()) : this.letGo();
    const logged = released.catch((error) => log.warn('not released', { task: id, reason: String(error) }));
    if (!kept.has(id)) await logged;
  }

  private async letGo(): Promise<void> {
    const { engine, own, onReleased } = this.options;
    const { id } = this.task;
    try {
      await engine.transaction((tx) => tx.run(RELEASE_TASK, { id, me: this.me }));
    } finally {
      own.remove(id);
      onReleased();
    }
  }

  private async write(record: TaskRecord): Promise<void> {
    const { engine, scope } = this.options;
    const params = paramsOf(record, scope, { holder: this.me, slotUntil: slotOfRunning(record) });
    const saved = await engine.transaction((tx) => tx.run(SAVE_TASK, { ...params, holder_was: this.me }));
    if (saved === 0) throw new LeaseLost();
  }
}
