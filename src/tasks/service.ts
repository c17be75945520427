/** What can be done with videos: make one, ask for one, list them, withdraw one. The tools and the command line use this. */
import { basename, dirname } from 'node:path';
import type { ModeName } from '../jimeng/modes.ts';
import { makeFolders } from '../make-folders.ts';
import { chooseDestination, type Destination } from '../media/output.ts';
import { Problem } from '../problems.ts';
import { admit, checkAdmission } from './admit.ts';
import { findOrAdopt, findTask } from './adopt.ts';
import { iso, notLeased, type TaskContext, withLock } from './context.ts';
import { finish, refreshLink } from './finish.ts';
import { type Lease, LeaseHeld, renewedWhile, waitForLease } from './lease.ts';
import { type Listed, listTasks } from './list.ts';
import { outputRules, type Prepared, prepare } from './prepare.ts';
import { placeInQueue, takeOverLeft } from './queue.ts';
import { isOpen, isWatched, type TaskRecord, type TaskStatus } from './record.ts';
import { Resumer } from './resume.ts';
import { copySaved, isThere, keptDestination } from './save.ts';
import { Sender } from './sender.ts';
import { shownRequest } from './shown-request.ts';
import { errorOf } from './submit.ts';
import type { UsualTime } from './usual-time.ts';
import type { VideoRequest } from './video-request.ts';
import { Watcher } from './watch.ts';

/** From the call's arrival, a submit's answer is awaited so long even by a caller that does not want to wait: without it there is no id to give. */
const ANSWER_WAIT_MILLISECONDS = 45_000;
/** What a query that is asked for takes, mostly much less. */
const ASKED_WAIT_MILLISECONDS = 1_000;
const LEASE_WAIT_MILLISECONDS = 1_000;
/** Other processes' changes are seen on disk. */
const LOOK_MILLISECONDS = 250;
/** A link that is about to die is no use to who gets it. */
const LINK_MARGIN_MILLISECONDS = 60_000;

export interface Call {
  /** The caller went away: ends the waiting only. */
  readonly signal: AbortSignal;
  /** When the call must be answered, on the monotonic clock. */
  readonly deadline: number;
  /** When it came in, on the same clock. */
  readonly arrivedAt: number;
  /** A person gave the paths, on the command line. */
  readonly unrestricted: boolean;
  /** Told now and then while it waits. */
  readonly onWait?: (record: TaskRecord, usual?: UsualTime) => void;
}

export interface MakeOptions {
  readonly output: string | undefined;
  readonly allowDuplicate: boolean;
}

export interface Told {
  readonly record: TaskRecord;
  /** The same request was there, and nothing new is paid. */
  readonly joined: boolean;
}

export interface Checked {
  readonly prepared: Prepared;
  /** A call without `dry_run` would join this one. */
  readonly same: TaskRecord | undefined;
}

type Video = NonNullable<TaskRecord['video']>;
type SavedRecord = TaskRecord & { readonly video: Video & { readonly file: NonNullable<Video['file']> } };

export class VideoService {
  readonly context: TaskContext;
  private readonly sandbox: boolean;
  private readonly watcher: Watcher;
  private readonly sender: Sender;
  private readonly resumer: Resumer;
  /** Finished ones that are being saved, or given a fresh link, once more. */
  private readonly saving = new Map<string, Promise<void>>();
  /** What kept the last call from that, where it is not the record's. */
  private readonly standstills = new Map<string, Problem>();

  constructor(context: TaskContext, sandbox: boolean) {
    this.context = context;
    this.sandbox = sandbox;
    this.watcher = new Watcher(context);
    this.sender = new Sender(context, (id) => void this.watcher.watch(id, 'accepted'));
    this.resumer = new Resumer(context, this.watcher, this.sender);
  }

  /** Takes up what earlier processes left open, now and from now on; queries and downloads only, never a submit. */
  resume(): void {
    this.resumer.start();
  }

  /** Checks everything; nothing is recorded or sent. @throws Problem */
  async check(request: VideoRequest, options: MakeOptions, call: Call): Promise<Checked> {
    const prepared = await this.prepare(request, options, call);
    return { prepared, same: await checkAdmission(this.context, prepared, options) };
  }

  /**
   * Records the request and begins to send it, or joins the same one that is there.
   * @returns once it is on disk; sending, watching and saving go on by themselves
   * @throws Problem with nothing recorded or sent
   */
  async make(request: VideoRequest, options: MakeOptions, call: Call): Promise<Told> {
    this.resume();
    const prepared = await this.prepare(request, options, call);
    call.signal.throwIfAborted();
    const admitted = await admit(this.context, prepared, {
      allowDuplicate: options.allowDuplicate,
      shown: shownRequest(request, prepared),
      sandbox: this.sandbox,
      signal: call.signal,
      // Refused or not, entries of dead processes are this one's now, of any req_key.
    }).finally(() => this.sender.pumpAll());
    const { toSend } = admitted;
    if (toSend !== undefined && toSend.id !== admitted.record.id) this.sender.send(toSend);
    else if (toSend !== undefined) this.sender.send(toSend, call.deadline, prepared.body);
    if (admitted.joined && isWatched(admitted.record.status)) void this.watcher.watch(admitted.record.id);
    return { record: admitted.record, joined: admitted.joined };
  }

  /** Until the provider or the queue has the request, or the outcome is known. */
  async waitUntilTaken(record: TaskRecord, call: Call): Promise<TaskRecord> {
    const deadline = Math.max(call.deadline, call.arrivedAt + ANSWER_WAIT_MILLISECONDS);
    return await this.waitFor(record, ({ status }) => status !== 'submitting', { ...call, deadline });
  }

  /** Until the task is over or the deadline has come; only a submit's answer is awaited for longer. */
  async waitUntilOver(record: TaskRecord, call: Call): Promise<TaskRecord> {
    const taken = await this.waitUntilTaken(record, call);
    return isOpen(taken.status) ? await this.waitFor(taken, ({ status }) => !isOpen(status), call) : taken;
  }

  /**
   * Asks at once, waits, fetches a fresh link, saves.
   * @throws Problem no_record, output_not_allowed, output_not_writable
   */
  async get(taskId: string, mode: ModeName | undefined, output: string | undefined, call: Call): Promise<TaskRecord> {
    this.resume();
    const destination =
      output === undefined ? undefined : await chooseDestination(output, outputRules(this.context, call.unrestricted));
    const found = await findOrAdopt(this.context, { taskId, mode, destination, sandbox: this.sandbox });
    await this.takeUp(found);
    const record = await this.waitUntilOver(found, call);
    return await this.asItIs(await this.bringUpToDate(record, destination, call));
  }

  /** Newest first. */
  async list(limit: number, status: TaskStatus | undefined): Promise<Listed> {
    this.resume();
    return await listTasks(this.context, limit, status);
  }

  /** Returns when any open task's status changes, when none is open, or at the deadline. */
  async waitForAnyChange(call: Call): Promise<void> {
    const look = async () => {
      const open = (await this.context.journal.openRecords()).filter((record) => isOpen(record.status));
      const states = open.map((record) => `${record.id} ${record.status}`);
      return { oldest: open[0], states: states.sort().join('\n') };
    };
    const before = await look();
    for (let now = before; now.oldest !== undefined && now.states === before.states; now = await look()) {
      // Who waits for several is told of the one that is mostly the next.
      call.onWait?.(now.oldest, await this.context.pastTimes.usualTime(now.oldest.request.mode));
      if (!(await this.pause(call))) break;
    }
  }

  /** @returns the ids of all that is open */
  async openIds(): Promise<string[]> {
    this.resume();
    return (await this.context.journal.openRecords()).filter((r) => isOpen(r.status)).map((r) => r.id);
  }

  /** Withdraws what is still queued; anything else is returned as it is. @throws Problem no_record */
  async cancel(taskId: string): Promise<{ record: TaskRecord; withdrawn: boolean }> {
    this.resume();
    const { id } = await findTask(this.context, taskId);
    return await withLock(this.context, async () => {
      const record = await findTask(this.context, id);
      if (record.status !== 'queued') return { record, withdrawn: false };
      const cancelled: TaskRecord = { ...record, status: 'cancelled', finished_at: iso(this.context.clock.now()) };
      await this.context.journal.write(cancelled);
      this.context.changes.notify();
      return { record: cancelled, withdrawn: true };
    });
  }

  /**
   * As its record is now, with what keeps this process from going on with it. What was sent must never be told as refused:
   * if the disk fails now, what was last known is told.
   */
  async asItIs(known: TaskRecord): Promise<TaskRecord> {
    // Another call may have put a copy elsewhere since: each is told the place that it asked for.
    const isSaved = known.status === 'done' && known.video?.file !== undefined;
    const record = isSaved ? known : await this.readAgain(known);
    const unwatched = this.watcher.standstillOf(record.id);
    if (isWatched(record.status) && unwatched) return { ...record, hindrance: { ...errorOf(unwatched), count: 1 } };
    return record.status === 'done' ? await this.asItLies(record) : record;
  }

  private async readAgain(known: TaskRecord): Promise<TaskRecord> {
    return (await this.context.journal.read(known.id).catch(() => undefined)) ?? known;
  }

  /** A file that was moved away or deleted is not told as the place of the video. */
  private async asItLies(record: TaskRecord): Promise<TaskRecord> {
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

  async placeInQueue(record: TaskRecord): Promise<number | undefined> {
    return record.status === 'queued' ? await placeInQueue(this.context, record) : undefined;
  }

  /** The context's `ending` was aborted: resolves when every submit that is out is recorded and every lease let go. */
  async ended(): Promise<void> {
    await Promise.all([this.sender.answered(), this.watcher.ended(), this.resumer.ended(), ...this.saving.values()]);
    await this.context.journal.writeAgain();
  }

  /** Bounded, too: a picture is made smaller before there is an id to give. */
  private async prepare(request: VideoRequest, options: MakeOptions, call: Call): Promise<Prepared> {
    const { clock } = this.context;
    const limit = new AbortController();
    const left = Math.max(call.deadline, call.arrivedAt + ANSWER_WAIT_MILLISECONDS) - clock.monotonic();
    const over = new AbortController();
    clock.sleep(left, over.signal).then(
      () => limit.abort(new Problem('preparation_too_long')),
      () => undefined,
    );
    const signal = AbortSignal.any([call.signal, limit.signal]);
    try {
      return await prepare(this.context, request, { output: options.output, unrestricted: call.unrestricted, signal });
    } finally {
      over.abort();
    }
  }

  /** What its process left is taken up; what is watched here is asked at once. */
  private async takeUp(record: TaskRecord): Promise<void> {
    if (isWatched(record.status)) await this.lookAtOnce(record.id);
    if (record.status === 'submitting') await this.resumer.sweep();
    if (record.status !== 'queued' && record.status !== 'submitting') return;
    await withLock(this.context, () => takeOverLeft(this.context, (left) => left.id === record.id));
    this.sender.pump(record.req_key);
  }

  /** Even a call that does not want to wait asked: it gets the answer, when that comes soon. */
  private async lookAtOnce(id: string): Promise<void> {
    const { clock, ending } = this.context;
    void this.watcher.watch(id);
    const over = new AbortController();
    const timer = clock.sleep(ASKED_WAIT_MILLISECONDS, AbortSignal.any([over.signal, ending])).catch(() => undefined);
    await Promise.race([this.watcher.whenLooked(id), timer]);
    over.abort();
  }

  /** A finished one: saved if it is not, put where this call wants it, its link made fresh. */
  private async bringUpToDate(
    record: TaskRecord,
    destination: Destination | undefined,
    call: Call,
  ): Promise<TaskRecord> {
    if (record.status !== 'done' || record.video === undefined) return record;
    const { video } = record;
    this.standstills.delete(record.id);
    const saved = await savedOrUndefined(record);
    if (saved !== undefined && isElsewhere(saved, destination)) return await this.copyTo(destination, saved);
    const stale = Date.parse(video.url_valid_until) - this.context.clock.now() < LINK_MARGIN_MILLISECONDS;
    const place = destination === undefined ? record.destination : keptDestination(destination);
    const unsaved = saved === undefined && place !== null;
    if (!stale && !unsaved) return record;
    const job = this.saving.get(record.id) ?? this.saveAgain(record, stale, unsaved ? place : null);
    this.saving.set(record.id, job);
    const forget = () => this.saving.delete(record.id);
    job.then(forget, forget);
    // It goes on when this call's time is over.
    const over = new AbortController();
    const left = call.deadline - this.context.clock.monotonic();
    const timer = this.context.clock.sleep(Math.max(left, 0), AbortSignal.any([over.signal, call.signal]));
    await Promise.race([job, timer]).catch(() => undefined);
    over.abort();
    const now = await this.readAgain(record);
    // The save may have been another call's, which put it where that one wanted it.
    const savedNow = await savedOrUndefined(now);
    return savedNow !== undefined && isElsewhere(savedNow, destination)
      ? await this.copyTo(destination, savedNow)
      : now;
  }

  /** It is saved and paid for, whatever becomes of the copy. */
  private async copyTo(destination: Destination, record: SavedRecord): Promise<TaskRecord> {
    const { video } = record;
    try {
      const path = await copySaved(record, video.file.path, destination);
      const copied = { ...record, destination: keptDestination(destination) };
      return await this.rewrite({ ...copied, video: { ...video, file: { ...video.file, path } } });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { ...record, error: errorOf(error) };
    }
  }

  /** Never throws: why it could not be saved stands in the record, or is remembered here where not even that can be written. */
  private async saveAgain(record: TaskRecord, stale: boolean, place: TaskRecord['destination']): Promise<void> {
    const { journal, identity, clock, ending, log } = this.context;
    let lease: Lease;
    try {
      // The save before this one may be letting go of it this moment.
      lease = await waitForLease(journal.leasePath(record.id), identity, clock, LEASE_WAIT_MILLISECONDS, ending);
    } catch (error) {
      if (!(error instanceof LeaseHeld) && !ending.aborted)
        this.standstills.set(record.id, notLeased(this.context, error));
      return;
    }
    const save = async () => {
      // Another process may have saved it before this one had the lease.
      const now = await findTask(this.context, record.id);
      if (place !== null && now.video?.file?.path !== record.video?.file?.path) return;
      const fresh = stale ? await refreshLink(this.context, now, ending) : now;
      if (place !== null) {
        // A folder that was removed since; if it cannot be made, the saving says why.
        await makeFolders(place.folder).catch(() => undefined);
        await finish(this.context, { ...fresh, destination: place }, ending);
      } else if (fresh !== now) await this.rewrite(fresh);
    };
    try {
      await renewedWhile(lease, save());
    } catch (error) {
      if (!ending.aborted) log.warn('not saved', { task: record.id, reason: String(error) });
    } finally {
      await lease.release();
    }
  }

  private async rewrite(record: TaskRecord): Promise<TaskRecord> {
    await this.context.journal.writeOrKeep(record);
    return record;
  }

  private async waitFor(
    known: TaskRecord,
    isReached: (record: TaskRecord) => boolean,
    call: Call,
  ): Promise<TaskRecord> {
    let record = await this.readAgain(known);
    while (!isReached(record)) {
      call.onWait?.(record, await this.context.pastTimes.usualTime(record.request.mode));
      const isTimeLeft = await this.pause(call);
      record = await this.readAgain(record);
      if (!isTimeLeft) break;
    }
    return record;
  }

  /** @returns false when the deadline has come or the caller has gone */
  private async pause(call: Call): Promise<boolean> {
    const { clock, changes, ending } = this.context;
    const left = call.deadline - clock.monotonic();
    if (left <= 0 || call.signal.aborted || ending.aborted) return false;
    // By hand: each AbortSignal.any on `ending`, which lives as long as the process, leaves something behind (Node 20).
    const over = new AbortController();
    const end = () => over.abort();
    for (const signal of [call.signal, ending]) signal.addEventListener('abort', end);
    const timer = clock.sleep(Math.min(left, LOOK_MILLISECONDS), over.signal).catch(() => undefined);
    await Promise.race([timer, changes.next(over.signal)]);
    for (const signal of [call.signal, ending]) signal.removeEventListener('abort', end);
    over.abort();
    return true;
  }
}

async function savedOrUndefined(record: TaskRecord): Promise<SavedRecord | undefined> {
  const { video } = record;
  if (video?.file === undefined || !(await isThere(video.file.path))) return undefined;
  return { ...record, video: { ...video, file: video.file } };
}

/** It was saved for another place than this one, where the name may have got a number. */
function isElsewhere({ video, destination }: SavedRecord, place: Destination | undefined): place is Destination {
  if (place === undefined) return false;
  if (dirname(video.file.path) !== place.folder) return true;
  const { fileName } = place;
  return fileName !== undefined && basename(video.file.path) !== fileName && destination?.file_name !== fileName;
}
