/** How does a finished video come to where a call wants it, saved, and with a link that is good? */
import { basename, dirname } from 'node:path';
import type { Place } from '../library/library.ts';
import { Problem } from '../problems.ts';
import { findTask } from './adopt.ts';
import { notLeased, type TaskContext } from './context.ts';
import { finish, freshLink } from './finish.ts';
import { type Lease, LeaseLost, renewedWhile, tryLease } from './lease.ts';
import type { TaskRecord } from './record.ts';
import { copySaved, isThere, keptDestination } from './save.ts';
import { errorOf } from './submit.ts';

/** The save before this one may be letting go of its lease this moment. */
const LEASE_WAIT_MILLISECONDS = 1_000;
/** Other processes' leases are looked at so often. */
const LOOK_MILLISECONDS = 250;
/** A link that is about to die is no use to who gets it. */
const LINK_MARGIN_MILLISECONDS = 60_000;

/** A caller that does not wait for ever. */
interface Waiting {
  readonly signal: AbortSignal;
  /** On the monotonic clock. */
  readonly deadline: number;
}

type KeptPlace = NonNullable<TaskRecord['destination']>;
type Video = NonNullable<TaskRecord['video']>;
type SavedRecord = TaskRecord & { readonly video: Video & { readonly file: NonNullable<Video['file']> } };

export class Delivery {
  private readonly context: TaskContext;
  /** Finished ones that are being saved, or given a fresh link, once more. */
  private readonly saving = new Map<string, Promise<void>>();
  /** What kept the last call from that, where it is not the record's. */
  private readonly standstills = new Map<string, Problem>();

  constructor(context: TaskContext) {
    this.context = context;
  }

  /** A finished one: put where this call wants it, saved if it is not, its link made fresh. */
  async bringUpToDate(known: TaskRecord, destination: Place | undefined, call: Waiting): Promise<TaskRecord> {
    let record = known;
    let asCopied = (told: TaskRecord) => told;
    let isCopied = false;
    this.standstills.delete(record.id);
    for (let isTried = false; ; ) {
      if (record.status !== 'done' || record.video === undefined) return record;
      const saved = await savedOrUndefined(record);
      if (!isCopied && saved !== undefined && isElsewhere(saved, destination)) {
        asCopied = await this.copyTo(destination, saved);
        isCopied = true;
      }
      const isStale = Date.parse(record.video.url_valid_until) - this.context.clock.now() < LINK_MARGIN_MILLISECONDS;
      const place = destination === undefined ? record.destination : keptDestination(destination);
      const isUnsaved = saved === undefined && place !== null;
      if (isTried || (!isStale && !isUnsaved)) return asCopied(record);
      // What another call began may do less than this one wants: then this one has its turn afterwards.
      const others = this.saving.get(record.id);
      const isOver = await this.awaitSaving(others ?? this.beginSaving(record, isUnsaved ? place : null, call), call);
      isTried = others === undefined || !isOver;
      record = await readAgain(this.context, record);
    }
  }

  /** It goes on when the call's time is over. @returns false when that was first */
  private async awaitSaving(job: Promise<void>, call: Waiting): Promise<boolean> {
    const { clock } = this.context;
    const over = new AbortController();
    const left = Math.max(call.deadline - clock.monotonic(), 0);
    const timer = clock.sleep(left, AbortSignal.any([over.signal, call.signal])).catch(() => undefined);
    const isOver = await Promise.race([job.then(() => true), timer.then(() => false)]);
    over.abort();
    return isOver;
  }

  /** It is saved and paid for, whatever becomes of the copy. @returns what makes of a record what this call is told */
  private async copyTo(destination: Place, saved: SavedRecord): Promise<(told: TaskRecord) => TaskRecord> {
    try {
      const path = await copySaved(this.context, saved, saved.video.file.path, destination);
      const file = { ...saved.video.file, path };
      const asCopied = (told: TaskRecord): TaskRecord => {
        const video = { ...(told.video ?? saved.video), file };
        return { ...told, destination: keptDestination(destination), video };
      };
      // Its link may have been made fresh meanwhile.
      await this.context.journal.writeOrKeep(asCopied(await readAgain(this.context, saved)));
      return asCopied;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return (told) => ({ ...told, error: errorOf(error) });
    }
  }

  /** @param place where to save it; null: only a fresh link is wanted */
  private beginSaving(record: TaskRecord, place: TaskRecord['destination'], call: Waiting): Promise<void> {
    const job = this.saveAgain(record, place, call);
    this.saving.set(record.id, job);
    const forget = () => this.saving.delete(record.id);
    job.then(forget, forget);
    return job;
  }

  /** Never throws: why it could not be saved stands in the record, or is remembered here where not even that can be written. */
  private async saveAgain(record: TaskRecord, place: TaskRecord['destination'], call: Waiting): Promise<void> {
    const { journal, ending, log } = this.context;
    let lease: Lease | undefined;
    try {
      lease = await this.leaseFor(record, call);
    } catch (error) {
      if (!ending.aborted) this.standstills.set(record.id, notLeased(this.context, error));
      return;
    }
    if (lease === undefined) return void this.standstills.set(record.id, savedElsewhere());
    try {
      await renewedWhile(lease, async (lost) => {
        const signal = AbortSignal.any([ending, lost]);
        // Another process may have saved it before this one had the lease.
        const now = await findTask(this.context, record.id);
        if (place === null) await this.renewLink(now, signal);
        else if ((await savedOrUndefined(now)) === undefined) await this.saveTo(place, now, signal);
      });
    } catch (error) {
      if (ending.aborted) return;
      log.warn('not saved', { task: record.id, reason: String(error) });
      const isGone = error instanceof LeaseLost && (await journal.read(record.id).catch(() => record)) === undefined;
      if (isGone) journal.keep(record, 'the record is gone');
      if (error instanceof Problem) this.standstills.set(record.id, error);
    } finally {
      await lease.release();
    }
  }

  /** Another process, or the save before this one, may be at it: waited for as long as the call does. */
  private async leaseFor(record: TaskRecord, call: Waiting): Promise<Lease | undefined> {
    const { journal, identity, clock, ending } = this.context;
    const until = Math.max(call.deadline, clock.monotonic() + LEASE_WAIT_MILLISECONDS);
    for (let pause = 10; ; pause = Math.min(pause * 2, LOOK_MILLISECONDS)) {
      const lease = await tryLease(journal.leasePath(record.id), identity);
      if (lease !== undefined || call.signal.aborted || clock.monotonic() > until) return lease;
      await clock.sleep(pause, ending);
    }
  }

  private async saveTo(place: KeptPlace, record: TaskRecord, signal: AbortSignal): Promise<void> {
    await finish(this.context, { ...record, destination: place }, signal);
  }

  /** @throws Problem why there is no fresh link */
  private async renewLink(record: TaskRecord, signal: AbortSignal): Promise<void> {
    let link: Awaited<ReturnType<typeof freshLink>>;
    try {
      link = await freshLink(this.context, record, signal);
    } catch (error) {
      // That the provider has forgotten what is saved is no news.
      if (error instanceof Problem && error.code === 'not_found' && (await savedOrUndefined(record))) return;
      throw error;
    }
    // Somebody may have copied it meanwhile.
    const now = await readAgain(this.context, record);
    await this.context.journal.writeOrKeep({ ...now, video: { ...now.video, ...link } });
  }

  /** A file that was moved away or deleted is not told as the place of the video. */
  async asItLies(record: TaskRecord): Promise<TaskRecord> {
    const unsaved = this.standstills.get(record.id);
    const problem = unsaved === undefined ? record.error : errorOf(unsaved);
    const told: TaskRecord = problem === undefined ? record : { ...record, error: problem };
    if (record.video?.file === undefined || (await isThere(record.video.file.path))) return told;
    const { file, made: _, ...link } = record.video;
    const gone = `The file ${file.path} is not there any more.`;
    // Of a file that is gone it does not matter how it was converted.
    const isOld = problem === undefined || problem.code === 'conversion_failed';
    const error = isOld
      ? errorOf(new Problem('save_failed', { what: gone }))
      : { ...problem, message: `${gone} ${problem.message}` };
    return { ...told, video: link, error };
  }

  /** Resolves when nothing is being saved here any more. */
  async ended(): Promise<void> {
    await Promise.all(this.saving.values());
  }
}

/** @returns what was last known where the disk fails now */
export async function readAgain({ journal }: TaskContext, known: TaskRecord): Promise<TaskRecord> {
  return (await journal.read(known.id).catch(() => undefined)) ?? known;
}

function savedElsewhere(): Problem {
  return new Problem('save_failed', {
    what: 'Another process is saving it at this moment.',
    mend: 'call get_video_task to wait for it',
  });
}

async function savedOrUndefined(record: TaskRecord): Promise<SavedRecord | undefined> {
  const { video } = record;
  if (video?.file === undefined || !(await isThere(video.file.path))) return undefined;
  return { ...record, video: { ...video, file: video.file } };
}

/** It was saved for another place than this one, where the name may have got a number. */
function isElsewhere({ video, destination }: SavedRecord, place: Place | undefined): place is Place {
  if (place === undefined) return false;
  if (dirname(video.file.path) !== place.folder) return true;
  const { name } = place;
  return name !== undefined && basename(video.file.path) !== name && destination?.file_name !== name;
}
