/** When does a request leave this process? As soon as it is its turn; in the background, whoever waits or not. */
import { Problem } from '../problems.ts';
import { iso, type TaskContext, withLock } from './context.ts';
import { isOwn } from './process-identity.ts';
import { noteAccepted, putBack, returnUnsent, takeNext } from './queue.ts';
import type { TaskRecord } from './record.ts';
import { type Delays, delayBefore } from './retry.ts';
import { isTakenElsewhere, noteNotSent, recordInterrupted, recordNotSent, sendOnce } from './submit.ts';

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
  /** Submits that are out, or about to be. */
  private readonly unanswered = new Map<string, TaskRecord>();
  /** The req_keys that are pumped; true: look once more before you stop, something was added meanwhile. */
  private readonly pumps = new Map<string, boolean>();

  constructor(context: TaskContext, onAccepted: (id: string) => void) {
    this.context = context;
    this.onAccepted = onAccepted;
  }

  isSending(id: string): boolean {
    return this.sending.has(id);
  }

  /**
   * @param tryUntil on the monotonic clock: how long an unreachable provider is tried
   * @param body what was just recorded for it; else read from the disk
   */
  send(record: TaskRecord, tryUntil?: number, body?: Uint8Array): void {
    const until = tryUntil ?? this.context.clock.monotonic() + NOT_SENT_WINDOW_MILLISECONDS;
    const sending = this.sendUntilAnswered(record, until, body)
      .catch((error: unknown) => this.context.log.error('sending failed', { task: record.id, reason: String(error) }))
      .finally(() => {
        this.sending.delete(record.id);
        this.unanswered.delete(record.id);
        this.context.changes.notify();
        this.pump(record.req_key);
      });
    this.sending.set(record.id, sending);
  }

  /** Sends this process's queued entries of a req_key, each when it is its turn. */
  pump(reqKey: string): void {
    const isRunning = this.pumps.has(reqKey);
    this.pumps.set(reqKey, true);
    if (!isRunning) void this.pumpUntilEmpty(reqKey);
  }

  /** Of every req_key that this process has entries of. @param reqKey of the one that is there at any rate */
  pumpAll(reqKey: string): void {
    this.queuedHere().then(
      (mine) => mine.forEach(({ req_key }) => void this.pump(req_key)),
      (error: unknown) => {
        this.context.log.warn('queue cannot be read', { reason: String(error) });
        // It looks again until it can: else nobody would send what was just queued.
        this.pump(reqKey);
      },
    );
  }

  /** Nobody will hear the answers that are still out. */
  async giveUpAnswers(): Promise<void> {
    // Should one come all the same while this is written, its own record comes after it.
    await Promise.allSettled([...this.unanswered.values()].map((record) => recordInterrupted(this.context, record)));
  }

  /** Every submit that is out is answered and recorded. */
  async answered(): Promise<void> {
    await Promise.allSettled([...this.sending.values()]);
  }

  /** Never throws: a disk that is full for a while must not strand what is queued. */
  private async pumpUntilEmpty(reqKey: string): Promise<void> {
    const { ending, log } = this.context;
    while (!ending.aborted) {
      this.pumps.set(reqKey, false);
      try {
        const mine = (await this.queuedHere()).some((record) => record.req_key === reqKey);
        if (!mine && this.pumps.get(reqKey) === false) break;
        const next = mine ? await withLock(this.context, () => takeNext(this.context, reqKey)) : undefined;
        if (next !== undefined) this.send(next);
        else await this.pause();
      } catch (error) {
        log.warn('queue is held up', { reason: String(error) });
        await this.pause();
      }
    }
    this.pumps.delete(reqKey);
  }

  private async queuedHere(): Promise<TaskRecord[]> {
    const open = await this.context.journal.openRecords();
    return open.filter(({ status, owner }) => status === 'queued' && isOwn(owner));
  }

  private async pause(): Promise<void> {
    const { clock, changes, ending } = this.context;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, ending]);
    const timer = clock.sleep(QUEUE_LOOK_MILLISECONDS, signal).catch(() => undefined);
    await Promise.race([timer, changes.next(signal)]);
    over.abort();
  }

  private async sendUntilAnswered(first: TaskRecord, until: number, body?: Uint8Array): Promise<void> {
    const { clock, ending } = this.context;
    // Taken while the process began to end: nobody would await the answer.
    if (ending.aborted) return void (await returnUnsent(this.context, first));
    let record = first;
    for (let attempt = 1; ; attempt++) {
      this.unanswered.set(record.id, record);
      const sent = await sendOnce(this.context, record, body, () => this.unanswered.delete(record.id)).catch(
        async (error: unknown) => {
          await this.withdraw(record, error);
          throw error;
        },
      );
      if (sent.kind === 'claimed_elsewhere') return;
      if (sent.kind === 'busy') return await this.putBackUntilRecorded(sent.record, sent.code);
      if (sent.kind === 'recorded') {
        if (sent.record.status !== 'in_queue') return;
        this.onAccepted(record.id);
        return await noteAccepted(this.context, record.req_key);
      }
      const delay = delayBefore(attempt, NOT_SENT_DELAYS, Math.random());
      if (ending.aborted || !sent.problem.retryable || clock.monotonic() + delay > until) {
        return await recordNotSent(this.context, sent.record, sent.problem);
      }
      const noted = await noteNotSent(this.context, sent.record, sent.problem);
      await clock.sleep(delay, ending).catch(() => undefined);
      if (ending.aborted) return await recordNotSent(this.context, noted, sent.problem);
      const again = await this.takeAgain(noted);
      if (again === undefined) return;
      record = again;
    }
  }

  /** @returns undefined when it is no longer this process's to send */
  private async takeAgain(record: TaskRecord): Promise<TaskRecord | undefined> {
    const { journal, clock } = this.context;
    // Its writing may fail when it says so on disk already.
    let newest = record;
    try {
      return await withLock(this.context, async () => {
        if (await isTakenElsewhere(this.context, record)) return undefined;
        newest = { ...record, attempts: record.attempts + 1, sent_at: iso(clock.now()) };
        await journal.write(newest);
        return newest;
      });
    } catch (error) {
      await this.withdraw(newest, error);
      throw error;
    }
  }

  /** Left as it is, the record would say that something may have been paid. */
  private async putBackUntilRecorded(record: TaskRecord, code: string): Promise<void> {
    for (;;) {
      try {
        return await putBack(this.context, record, code);
      } catch (error) {
        if (this.context.ending.aborted) throw error;
        this.context.log.warn('queue entry cannot be written', { task: record.id, reason: String(error) });
        await this.pause();
      }
    }
  }

  /** The claim or the body failed: the disk would not have it, and nothing was sent. */
  private async withdraw(record: TaskRecord, error: unknown): Promise<void> {
    const problem = error instanceof Problem ? error : new Problem('state_not_writable', { cause: error });
    await recordNotSent(this.context, record, problem);
  }
}
