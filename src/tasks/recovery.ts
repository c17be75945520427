/** Resumes what other processes left open: polls and saves; sends only as a worker on a shared store. */
import { RepeatedProblem } from '../log.ts';
import { pause } from '../system/wait.ts';
import { interrupted, leftInQueue } from './outcome.ts';
import type { ServiceParts } from './parts.ts';
import type { Watcher } from './watcher.ts';

/** With the lease's 6 s: a dead process's tasks are polled again within 10 s. */
const SWEEP_MILLISECONDS = 1_500;
/** A worker that has nothing to do looks so often, where no news of other processes arrives. */
const IDLE_MILLISECONDS = 30_000;
/** Tasks of a dead process that are taken over in one transaction: few enough that others, and the event loop, hardly wait. */
const HELD_TOGETHER = 200;

export interface RecoveryOptions extends Pick<ServiceParts, 'store' | 'clock' | 'log' | 'ending'> {
  readonly watcher: Watcher;
  /** Without keys nothing is polled, and no task is held that another process could poll. */
  readonly mayPoll: boolean;
  /** Once started, it goes on until the process ends, whether anything is open or not. */
  readonly runsUntilEnd: boolean;
  /** Sends what any process has queued: of a worker on a shared store. */
  readonly sendQueued?: (() => Promise<void>) | undefined;
  /** Joins films when their shots are all saved. */
  readonly followFilms: (ids: readonly string[]) => void;
  /** Removes what dead processes left where videos are saved; called once. */
  readonly sweepFolders: () => Promise<unknown>;
}

/** Runs while anything is open, here or elsewhere: but for workers, an idle process reads and writes nothing. */
export class Recovery {
  private readonly options: RecoveryOptions;
  private loop: Promise<void> | undefined;
  private sweeping: Promise<boolean> | undefined;
  private readonly sweeps: RepeatedProblem;
  private foldersSwept: Promise<unknown> | undefined;
  /** Something may have been left open since the last sweep. */
  private isWanted = false;

  constructor(options: RecoveryOptions) {
    this.options = options;
    this.sweeps = new RepeatedProblem(options.log, 'recovery failed', 'recovery works again');
  }

  start(): void {
    if (!this.options.mayPoll) return;
    this.isWanted = true;
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
    const { store, clock, ending, runsUntilEnd } = this.options;
    while (this.isWanted && !ending.aborted) {
      this.isWanted = false;
      const over = new AbortController();
      // From before the sweep on: what is written during it is news, too.
      const news = runsUntilEnd ? store.changed(over.signal) : undefined;
      const isAnythingOpen = await this.sweep();
      // Once, and beside the rest: a folder on a disk that is slow to wake must not keep a paid video waiting.
      this.foldersSwept ??= this.options.sweepFolders().catch(() => undefined);
      this.isWanted ||= isAnythingOpen || runsUntilEnd;
      if (this.isWanted) await clock.sleep(SWEEP_MILLISECONDS, ending).catch(() => undefined);
      if (news !== undefined && !isAnythingOpen) {
        await pause(clock, { atMost: IDLE_MILLISECONDS, signals: [ending], until: () => news });
      }
      over.abort();
    }
  }

  private async sweepNow(): Promise<boolean> {
    const { store, watcher, ending, mayPoll } = this.options;
    try {
      const { ids, isAnyUnheld, films, isAnythingOpen } = await store.recover({ interrupted, leftInQueue });
      for (const id of mayPoll ? ids : []) {
        if (ending.aborted) break;
        if (!watcher.isWatching(id)) await watcher.watch(id, 'resumed');
      }
      if (mayPoll && isAnyUnheld) await this.holdOrphans();
      if (mayPoll) this.options.followFilms(films);
      if (isAnythingOpen && !ending.aborted) await this.options.sendQueued?.();
      this.sweeps.succeeded();
      return isAnythingOpen;
    } catch (error) {
      this.sweeps.failed(String(error));
      return true;
    }
  }

  private async holdOrphans(): Promise<void> {
    const { store, watcher, ending } = this.options;
    for (let isAnyLeft = true; isAnyLeft && !ending.aborted; ) {
      const held = await store.holdOrphans(HELD_TOGETHER);
      for (const hold of held) watcher.takeOver(hold);
      isAnyLeft = held.length === HELD_TOGETHER;
    }
  }
}
