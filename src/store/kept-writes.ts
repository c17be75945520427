/** Outcomes that the disk does not take: kept, reported from here, and written as soon as that works. */
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { TaskRecord } from '../tasks/record.ts';
import { LeaseLost } from './lease.ts';

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
      reason: reason instanceof Error ? reason.message : String(reason),
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
    // In the same breath as the last look: what is kept from now on begins again.
    this.retrying = undefined;
  }
}
