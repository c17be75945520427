/** What did other processes leave open, and who goes on with it? */
import { type TaskContext, withLock } from './context.ts';
import { isHeld, sweepLeases } from './lease.ts';
import { openIdsOfAll, sweepState } from './leftovers.ts';
import { isGone } from './process-identity.ts';
import { takeOverLeft } from './queue.ts';
import { isOpen, isWatched, type TaskRecord } from './record.ts';
import type { Sender } from './sender.ts';
import { recordInterrupted } from './submit.ts';
import type { Watcher } from './watch.ts';

/** A dead process's tasks are watched again within 10 s. */
const SWEEP_MILLISECONDS = 3_000;
/** An hour: what a kill left is mostly too young for the first sweep of the process that comes after. */
const STATE_SWEEP_ROUNDS = 1200;

/** Asks and saves; never sends: a request that was left in the queue waits for a paid call, or its own `get`. */
export class Resumer {
  private readonly context: TaskContext;
  private readonly watcher: Watcher;
  private readonly sender: Sender;
  private loop: Promise<void> | undefined;

  constructor(context: TaskContext, watcher: Watcher, sender: Sender) {
    this.context = context;
    this.watcher = watcher;
    this.sender = sender;
  }

  start(): void {
    this.loop ??= this.run();
  }

  async ended(): Promise<void> {
    await this.loop;
  }

  /** What dead processes were sending. Never throws. */
  async takeUpLeft(records: readonly TaskRecord[]): Promise<void> {
    for (const { id } of records) await this.takeUpOrWarn(id);
  }

  /** One look at everything that is open. Never throws. */
  async sweep(): Promise<void> {
    const { journal, ending, log } = this.context;
    try {
      await journal.writeAgain();
      for (const id of await journal.openIds()) {
        if (ending.aborted) return;
        // A thousand that are watched here anyway are not read every time.
        if (this.watcher.isWatching(id)) continue;
        await this.takeUpOrWarn(id);
      }
    } catch (error) {
      log.warn('sweep failed', { reason: String(error) });
    }
  }

  private async run(): Promise<void> {
    const { clock, ending, settings } = this.context;
    await this.tidy();
    // Meanwhile: a folder on a disk that is slow to wake must not keep a paid video waiting.
    const swept = this.sweepFolders();
    for (let round = 1; !ending.aborted; round++) {
      await this.sweep();
      await clock.sleep(SWEEP_MILLISECONDS, ending).catch(() => undefined);
      // Not before the first call is answered: it reads every name, and ten thousand of them take their time.
      if (round % STATE_SWEEP_ROUNDS === 1 && !ending.aborted) await sweepState(settings.stateDir);
    }
    await swept;
  }

  /** One that cannot be taken up must not keep the others from it. */
  private async takeUpOrWarn(id: string): Promise<void> {
    await this.takeUp(id).catch((error: unknown) =>
      this.context.log.warn('task not taken up', { task: id, reason: String(error) }),
    );
  }

  private async takeUp(id: string): Promise<void> {
    const { journal } = this.context;
    const record = await journal.read(id);
    if (record === undefined) return;
    if (!isOpen(record.status)) {
      // Its process died between writing the record and moving it.
      if (!journal.isUnwritten(record.id)) await journal.settle(record);
    } else if (isWatched(record.status)) {
      if (!(await isHeld(journal.leasePath(record.id)))) await this.watcher.watch(record.id, 'left');
    } else if (this.isLeft(record) && !this.sender.isSending(record.id)) {
      await withLock(this.context, () => this.takeUpUnsent(record.id));
    }
  }

  /** Its process is gone. */
  isLeft(record: TaskRecord): boolean {
    return isGone(record.owner, Date.parse(record.sent_at ?? record.created_at), this.context.clock.now());
  }

  /** Under the lock, and read again: its owner is dead, and two processes may look at the same time. */
  private async takeUpUnsent(id: string): Promise<void> {
    const { journal } = this.context;
    const record = await journal.read(id);
    if (record === undefined || !this.isLeft(record)) return;
    const isSubmitting = record.status === 'submitting';
    // Unclaimed: no byte has left that process, and none will.
    if (isSubmitting && !(await journal.withdrawClaim(id, record.attempts))) {
      return await recordInterrupted(this.context, record);
    }
    await takeOverLeft(this.context, () => false);
  }

  /** What dead processes left in the state folder. */
  private async tidy(): Promise<void> {
    const { journal } = this.context;
    try {
      await sweepLeases(journal.leasePath('.'));
    } catch {
      // The folders are not there yet: nothing was left.
    }
  }

  /** And where videos are saved. Never throws. */
  private async sweepFolders(): Promise<void> {
    const { journal, settings, library } = this.context;
    try {
      // Of every account: what another one saves is alive, too.
      const open = await openIdsOfAll(settings.stateDir);
      const asked = (await journal.openRecords()).map(({ destination }) => destination?.folder);
      const places = asked.flatMap((folder) => (folder === undefined ? [] : [{ folder }]));
      await library.sweep(places, (id) => open.has(id.replace(/-(cut|copy-[0-9a-f]+)$/, '')));
    } catch {
      // The state folder cannot be read now: nothing is known to be left.
    }
  }
}
