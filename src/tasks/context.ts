/** What does everything in a video's life share? */
import type { Clock } from '../clock.ts';
import { type Api, describeFailure } from '../jimeng/api.ts';
import type { Log } from '../log.ts';
import type { Ffmpeg } from '../media/clip/ffmpeg.ts';
import type { Network } from '../network.ts';
import { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import type { Changes } from './changes.ts';
import type { Journal } from './journal.ts';
import { type Lease, LeaseHeld, waitForLease } from './lease.ts';
import type { PastTimes } from './past-times.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { QueryBudget } from './query-budget.ts';

export interface TaskContext {
  readonly settings: Settings;
  readonly api: Api;
  /** The API's own host is loopback or private: then its links may be, too. */
  readonly apiIsPrivate: boolean;
  readonly journal: Journal;
  readonly network: Network;
  /** Looked up, and its version read, until there is one; undefined when there is none. @throws Problem ffmpeg_missing for a wrong setting */
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: ProcessIdentity;
  readonly changes: Changes;
  /** All questions of this process leave through it. */
  readonly queryBudget: QueryBudget;
  readonly pastTimes: PastTimes;
  /** Aborted when the process is about to end: loops stop, nothing new begins. */
  readonly ending: AbortSignal;
}

/** Locked steps last milliseconds; one that is not over by then is held by a process that hangs. */
const LOCK_WAIT_MILLISECONDS = 20_000;

/** Duplicate check, budget, slot, intent and claim are steps under this one lock, across processes. */
export async function withLock<Value>(context: TaskContext, step: () => Promise<Value>): Promise<Value> {
  const { journal, clock } = context;
  const until = clock.monotonic() + LOCK_WAIT_MILLISECONDS;
  await journal.prepare();
  return await journal.lockTurns.take(async () => {
    // Whoever stood in line behind a call that waited in vain must not wait as long again.
    const wait = journal.isLockStuck ? Math.max(until - clock.monotonic(), 0) : LOCK_WAIT_MILLISECONDS;
    const lease = await takeLock(context, wait).catch((error) => {
      journal.isLockStuck = error instanceof LeaseHeld;
      throw error instanceof LeaseHeld ? stateBusy(error) : journal.notWritable(error);
    });
    journal.isLockStuck = false;
    try {
      return await step();
    } finally {
      await lease.release();
    }
  });
}

async function takeLock({ journal, identity, clock }: TaskContext, waitMilliseconds: number): Promise<Lease> {
  const take = () => waitForLease(journal.leasePath('lock'), identity, clock, waitMilliseconds);
  return await take().catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Somebody removed the folder under this process: it is made anew.
    await journal.prepareAnew();
    return await take();
  });
}

function stateBusy(held: LeaseHeld): Problem {
  return new Problem('state_busy', {
    what: `The state folder has been locked by another process for ${LOCK_WAIT_MILLISECONDS / 1000} s (${held.message}), so nothing was sent.`,
    cause: held,
  });
}

/** For what the provider has: nothing is asked or saved without the note of who does it. */
export function notLeased({ journal }: TaskContext, cause: unknown): Problem {
  return new Problem('state_not_writable', {
    what: `The state folder ${journal.folder} cannot be used (${describeFailure(cause)}), so the provider is not asked.`,
    mend: 'make room in that folder, or make it writable',
    cause,
  });
}

export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
