/** The right to write one task, fenced by the lease it was taken under; and outcomes that the disk does not take yet. */
import type { Clock } from '../clock.ts';
import { type Log, reasonOf } from '../log.ts';
import { slotOfRunning, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Engine } from './engine.ts';
import { LeaseLost, type OwnTasks, type Registration } from './lease.ts';
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

interface Kept {
  readonly record: TaskRecord;
  readonly write: () => Promise<void>;
  readonly written: Promise<void>;
  readonly resolve: () => void;
}

const RETRY_MILLISECONDS = 1_000;

export class KeptWrites {
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly kept = new Map<string, Kept>();
  private retrying: Promise<void> | undefined;
  private readonly stop = new AbortController();

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  get(id: string): TaskRecord | undefined {
    return this.kept.get(id)?.record;
  }

  has(id: string): boolean {
    return this.kept.has(id);
  }

  async whenWritten(id: string): Promise<void> {
    await this.kept.get(id)?.written;
  }

  /** The newest state of a task replaces an older one that is kept. @param write repeatable */
  keep(record: TaskRecord, write: () => Promise<void>, reason: unknown): void {
    const before = this.kept.get(record.id);
    const { promise, resolve } = before
      ? { promise: before.written, resolve: before.resolve }
      : Promise.withResolvers<void>();
    this.kept.set(record.id, { record, write, written: promise, resolve });
    this.log.error('record cannot be written', {
      task: record.id,
      status: record.status,
      provider_task_id: record.providerTaskId,
      req_key: record.reqKey,
      reason: reasonOf(reason),
    });
    this.retrying ??= this.retry();
  }

  /** The newest state was written otherwise. */
  drop(id: string): void {
    this.kept.get(id)?.resolve();
    this.kept.delete(id);
  }

  async writeAll(): Promise<void> {
    for (const [id, kept] of [...this.kept]) {
      try {
        await kept.write();
        if (this.kept.get(id) === kept) this.drop(id);
      } catch (error) {
        this.log.debug('still not written', { task: id, reason: String(error) });
        // The task went on in another process, which wrote what is newer.
        if (error instanceof LeaseLost && this.kept.get(id) === kept) this.drop(id);
      }
    }
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.retrying;
    await this.writeAll();
  }

  private async retry(): Promise<void> {
    while (this.kept.size > 0 && !this.stop.signal.aborted) {
      await this.clock.sleep(RETRY_MILLISECONDS, this.stop.signal).catch(() => undefined);
      if (!this.stop.signal.aborted) await this.writeAll();
    }
    // Without an await since the last check: what is kept later starts a new loop.
    this.retrying = undefined;
  }
}
