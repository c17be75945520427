/** When does a request leave this process? As soon as it is its turn; in the background, whoever waits or not. */
import { Problem } from '../problems.ts';
import { iso, type TaskContext, withLock } from './context.ts';
import { noteAccepted, putBack, takeNext } from './queue.ts';
import type { TaskRecord } from './record.ts';
import { type Delays, delayBefore } from './retry.ts';
import { recordNotSent, sendOnce } from './submit.ts';

/** While nothing leaves this machine nothing can be paid: tried again until the caller's wait is over. */
const NOT_SENT_DELAYS: Delays = { firstMilliseconds: 500, maxMilliseconds: 10_000 };
/** For an entry that was sent from the queue, with no caller waiting for it. */
const NOT_SENT_WINDOW_MILLISECONDS = 45_000;
/** Slots come free in other processes, too, and these do not tell. */
const QUEUE_LOOK_MILLISECONDS = 500;

export class Sender {
  private readonly context: TaskContext;
  private readonly onAccepted: (id: string) => void;
  private readonly sending = new Map<string, Promise<void>>();
  private readonly pumps = new Map<string, Promise<void>>();

  constructor(context: TaskContext, onAccepted: (id: string) => void) {
    this.context = context;
    this.onAccepted = onAccepted;
  }

  isSending(id: string): boolean {
    return this.sending.has(id);
  }

  /** @param tryUntil on the monotonic clock: how long an unreachable provider is tried */
  send(record: TaskRecord, tryUntil?: number): void {
    const until = tryUntil ?? this.context.clock.monotonic() + NOT_SENT_WINDOW_MILLISECONDS;
    const sending = this.sendUntilAnswered(record, until)
      .catch((error: unknown) => this.context.log.error('sending failed', { task: record.id, reason: String(error) }))
      .finally(() => {
        this.sending.delete(record.id);
        this.context.changes.notify();
        this.pump(record.req_key);
      });
    this.sending.set(record.id, sending);
  }

  /** Sends this process's queued entries of a req_key, each when it is its turn. */
  pump(reqKey: string): void {
    if (this.pumps.has(reqKey) || this.context.ending.aborted) return;
    const pump = this.pumpUntilEmpty(reqKey)
      .catch((error: unknown) => {
        if (!this.context.ending.aborted) this.context.log.error('queue failed', { reason: String(error) });
      })
      .finally(() => this.pumps.delete(reqKey));
    this.pumps.set(reqKey, pump);
  }

  /** Every submit that is out is answered and recorded. */
  async answered(): Promise<void> {
    await Promise.allSettled([...this.sending.values()]);
  }

  private async pumpUntilEmpty(reqKey: string): Promise<void> {
    const { ending, journal, identity } = this.context;
    while (!ending.aborted) {
      const open = await journal.openRecords();
      const mine = open.some((r) => r.status === 'queued' && r.req_key === reqKey && r.owner.pid === identity.pid);
      if (!mine) return;
      const next = await withLock(this.context, () => takeNext(this.context, reqKey));
      if (next !== undefined) this.send(next);
      else await this.pause();
    }
  }

  private async pause(): Promise<void> {
    const { clock, changes, ending } = this.context;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, ending]);
    const timer = clock.sleep(QUEUE_LOOK_MILLISECONDS, signal).catch(() => undefined);
    await Promise.race([timer, changes.next(signal)]);
    over.abort();
  }

  private async sendUntilAnswered(first: TaskRecord, until: number): Promise<void> {
    const { clock, journal, ending } = this.context;
    let record = first;
    for (let attempt = 1; ; attempt++) {
      const sent = await sendOnce(this.context, record).catch(async (error: unknown) => {
        await this.withdraw(record, error);
        throw error;
      });
      if (sent.kind === 'claimed_elsewhere') return;
      if (sent.kind === 'busy') return await putBack(this.context, sent.record, sent.code);
      if (sent.kind === 'recorded') {
        if (sent.record.status !== 'in_queue') return;
        this.onAccepted(record.id);
        return await noteAccepted(this.context, record.req_key);
      }
      const delay = delayBefore(attempt, NOT_SENT_DELAYS, Math.random());
      if (ending.aborted || clock.monotonic() + delay > until) {
        return await recordNotSent(this.context, sent.record, sent.problem);
      }
      await clock.sleep(delay, ending).catch(() => undefined);
      if (ending.aborted) return await recordNotSent(this.context, sent.record, sent.problem);
      record = { ...sent.record, attempts: sent.record.attempts + 1, sent_at: iso(clock.now()) };
      await journal.write(record);
    }
  }

  /** The claim or the body failed: the disk would not have it, and nothing was sent. */
  private async withdraw(record: TaskRecord, error: unknown): Promise<void> {
    const problem = error instanceof Problem ? error : new Problem('state_not_writable', { cause: error });
    await recordNotSent(this.context, record, problem);
  }
}
