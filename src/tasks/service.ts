/** What can be done with videos: make one, ask for one, list them, withdraw one. The tools and the command line use this. */
import type { ModeName } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import { admit, checkAdmission } from './admit.ts';
import { findOrAdopt, findTask } from './adopt.ts';
import { iso, type TaskContext, withLock } from './context.ts';
import { Delivery, readAgain } from './delivery.ts';
import { type Listed, listTasks } from './list.ts';
import { callerOf, type Prepared, prepare } from './prepare.ts';
import { placeInQueue, takeOverLeft } from './queue.ts';
import { isOpen, isWatched, type TaskRecord, type TaskStatus } from './record.ts';
import { Resumer } from './resume.ts';
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
/** Other processes' changes are seen on disk. */
const LOOK_MILLISECONDS = 250;

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

export class VideoService {
  readonly context: TaskContext;
  private readonly sandbox: boolean;
  private readonly watcher: Watcher;
  private readonly sender: Sender;
  private readonly resumer: Resumer;
  private readonly delivery: Delivery;

  constructor(context: TaskContext, sandbox: boolean) {
    this.context = context;
    this.sandbox = sandbox;
    this.watcher = new Watcher(context);
    this.sender = new Sender(context, (id) => void this.watcher.watch(id, 'accepted'));
    this.resumer = new Resumer(context, this.watcher, this.sender);
    this.delivery = new Delivery(context);
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
    }).finally(() => this.sender.pumpAll(prepared.reqKey));
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
      output === undefined ? undefined : await this.context.library.choose(output, callerOf(call.unrestricted));
    const found = await findOrAdopt(this.context, { taskId, mode, destination, sandbox: this.sandbox });
    await this.takeUp(found);
    const record = await this.waitUntilOver(found, call);
    const told = await this.asItIs(await this.delivery.bringUpToDate(record, destination, call));
    // Finished just after the wait was over: it still has to come to where this call wants it.
    const isNews = isOpen(record.status) && told.status === 'done';
    return isNews ? await this.asItIs(await this.delivery.bringUpToDate(told, destination, call)) : told;
  }

  /** Newest first. */
  async list(limit: number, status: TaskStatus | undefined): Promise<Listed> {
    this.resume();
    const listed = await listTasks(this.context, limit, status);
    // What a dead process was sending is told as what it is: nobody sends it any more.
    const left = listed.records.filter((record) => record.status === 'submitting' && this.resumer.isLeft(record));
    if (left.length === 0) return listed;
    await this.forAMoment(this.resumer.takeUpLeft(left));
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
    const record = isSaved ? known : await readAgain(this.context, known);
    const unwatched = this.watcher.standstillOf(record.id);
    if (isWatched(record.status) && unwatched) return { ...record, hindrance: { ...errorOf(unwatched), count: 1 } };
    return record.status === 'done' ? await this.delivery.asItLies(record) : record;
  }

  async placeInQueue(record: TaskRecord): Promise<number | undefined> {
    if (record.status !== 'queued') return undefined;
    // What is recorded must never be told as refused.
    return await placeInQueue(this.context, record).catch(() => undefined);
  }

  /** The process ends before they have come: those tasks are told as what they are from now on. */
  async giveUpAnswers(): Promise<void> {
    await this.sender.giveUpAnswers();
  }

  /** The context's `ending` was aborted: resolves when every submit that is out is recorded and every lease let go. */
  async ended(): Promise<void> {
    await Promise.all([this.sender.answered(), this.watcher.ended(), this.resumer.ended(), this.delivery.ended()]);
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
      const { output } = options;
      const prepared = prepare(this.context, request, { output, unrestricted: call.unrestricted, signal });
      // A drive that hangs is not awaited: nothing is recorded yet.
      return await orAborted(prepared, signal);
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
    void this.watcher.watch(id);
    await this.forAMoment(this.watcher.whenLooked(id));
  }

  /** It goes on when the moment is over. */
  private async forAMoment(step: Promise<void>): Promise<void> {
    const { clock, ending } = this.context;
    const over = new AbortController();
    const timer = clock.sleep(ASKED_WAIT_MILLISECONDS, AbortSignal.any([over.signal, ending])).catch(() => undefined);
    await Promise.race([step, timer]);
    over.abort();
  }

  private async waitFor(
    known: TaskRecord,
    isReached: (record: TaskRecord) => boolean,
    call: Call,
  ): Promise<TaskRecord> {
    let record = await readAgain(this.context, known);
    while (!isReached(record)) {
      call.onWait?.(record, await this.context.pastTimes.usualTime(record.request.mode));
      const isTimeLeft = await this.pause(call);
      record = await readAgain(this.context, record);
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

async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return await Promise.race([promise, aborted]);
}
