/** Resumes what other processes left open: polls and saves; sends only as a worker on a shared store. */
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import { interrupted, leftInQueue } from './outcome.ts';
import type { Watcher } from './watcher.ts';

/** With the lease's 6 s: a dead process's tasks are polled again within 10 s. */
const SWEEP_MILLISECONDS = 1_500;
/** A worker that has nothing to do looks so often, where no news of other processes arrives. */
const IDLE_MILLISECONDS = 30_000;

export interface RecoveryOptions {
  readonly store: Store;
  readonly watcher: Watcher;
  readonly clock: Clock;
  readonly log: Log;
  readonly ending: AbortSignal;
  /** Without keys nothing is polled, and no task is held that another process could poll. */
  readonly mayPoll: boolean;
  /** Sends what any process has queued: of a worker on a shared store. Such a process looks for work until it ends. */
  readonly sendQueued?: (() => Promise<void>) | undefined;
  /** Joins films when their shots are all saved. */
  readonly followFilms: (ids: readonly string[]) => void;
  /** Removes what dead processes left where videos are saved; called once. */
  readonly sweepFolders: () => Promise<unknown>;
}

/** Runs while anything is open, here or elsewhere; an idle server reads and writes nothing. */
export class Recovery {
  private readonly options: RecoveryOptions;
  private loop: Promise<void> | undefined;
  private sweeping: Promise<boolean> | undefined;
  /** Logged when it changes: a store may be away for hours, and is looked for every few seconds. */
  private failure: string | undefined;
  private foldersSwept: Promise<unknown> | undefined;
  /** Something may have been left open since the last sweep. */
  private isWanted = false;
  /** Ends the pause of an idle worker. */
  private wake: AbortController | undefined;

  constructor(options: RecoveryOptions) {
    this.options = options;
  }

  start(): void {
    if (!this.options.mayPoll) return;
    this.isWanted = true;
    this.wake?.abort();
    this.loop ??= this.run().finally(() => {
      this.loop = undefined;
    });
  }

  /** One sweep, shared by all who want one now. @returns whether anything is open. Never throws. */
  sweep(): Promise<boolean> {
    this.sweeping ??= this.sweepNow().finally(() => {
      this.sweeping = undefined;
    });
    return this.sweeping;
  }

  async ended(): Promise<void> {
    await this.loop;
    await this.foldersSwept;
  }

  private async run(): Promise<void> {
    const { clock, ending, sendQueued } = this.options;
    while (this.isWanted && !ending.aborted) {
      this.isWanted = false;
      const isAnythingOpen = await this.sweep();
      // Once, and beside the rest: a folder on a disk that is slow to wake must not keep a paid video waiting.
      this.foldersSwept ??= this.options.sweepFolders().catch(() => undefined);
      this.isWanted ||= isAnythingOpen || sendQueued !== undefined;
      if (!isAnythingOpen && sendQueued !== undefined) await this.idle();
      else if (this.isWanted) await clock.sleep(SWEEP_MILLISECONDS, ending).catch(() => undefined);
    }
  }

  /** Until there is news. What was written before the pause began is none: `start` ends it, too. */
  private async idle(): Promise<void> {
    const { store, clock, ending } = this.options;
    const since = clock.monotonic();
    this.wake = new AbortController();
    const signals = [ending, this.wake.signal];
    await pause(clock, { atMost: IDLE_MILLISECONDS, signals, until: (over) => store.changed(over) });
    const left = SWEEP_MILLISECONDS - (clock.monotonic() - since);
    if (left > 0) await clock.sleep(left, ending).catch(() => undefined);
  }

  private async sweepNow(): Promise<boolean> {
    const { store, watcher, log, ending, mayPoll } = this.options;
    try {
      const { ids, films, isAnythingOpen } = await store.recover({ interrupted, leftInQueue });
      for (const id of mayPoll ? ids : []) {
        if (ending.aborted) break;
        if (!watcher.isWatching(id)) await watcher.watch(id, 'orphaned');
      }
      if (mayPoll) this.options.followFilms(films);
      if (!ending.aborted) await this.options.sendQueued?.();
      if (this.failure !== undefined) log.info('recovery works again');
      this.failure = undefined;
      return isAnythingOpen;
    } catch (error) {
      const reason = String(error);
      if (reason !== this.failure) log.warn('recovery failed', { reason });
      this.failure = reason;
      return true;
    }
  }
}
