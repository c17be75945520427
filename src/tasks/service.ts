/** Makes, finds, lists and withdraws videos: what every surface calls. */
import { compact } from '../compact.ts';
import type { ModeName } from '../jimeng/modes.ts';
import type { Caller } from '../library/library.ts';
import type { Person, Store, TaskFilter } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import { admit, LEFT_ENTRY_MILLISECONDS, requireWithin, sameRequest } from './admission.ts';
import type {
  Call,
  CheckedView,
  ListOptions,
  ListView,
  MakeOptions,
  PageView,
  TaskView,
  VideoService,
} from './calls.ts';
import { findOrAdopt, findTask, lookUpTask, withMode } from './find-task.ts';
import { readList } from './list-tasks.ts';
import { cancelled } from './outcome.ts';
import { answerDeadline, confirmPrice, needsConfirmation, orProblem, preparedInTime } from './paid-call.ts';
import type { ServiceParts } from './parts.ts';
import { budgetOf, ownerShownTo, personOf, seenBy, warningFor } from './person.ts';
import type { UsualTimes } from './poll-timing.ts';
import { isPastLife } from './polling.ts';
import { type Prepared, type Preparer, queuedRecord } from './prepare.ts';
import { isWaitInVain, queueStateFor, unsentForLong } from './queue.ts';
import { errorOf, isAdopted, isOpen, newTaskId, type Task, type TaskRecord } from './record.ts';
import type { Recovery } from './recovery.ts';
import type { Refresher } from './refresher.ts';
import type { Submitter } from './submitter.ts';
import type { VideoRequest } from './video-request.ts';
import type { WaitingRequests } from './waiting.ts';
import type { Watcher } from './watcher.ts';

/** An upper bound for a requested query; most take much less. */
const ASKED_WAIT_MILLISECONDS = 1_000;
/** A waiting call reads its task again at least this often. */
const READ_AGAIN_MILLISECONDS = 1_000;

export interface ServiceOptions extends ServiceParts {
  readonly preparer: Preparer;
  readonly submitter: Submitter;
  readonly waiting: WaitingRequests;
  readonly watcher: Watcher;
  readonly refresher: Refresher;
  readonly recovery: Recovery;
  readonly usualTimes: UsualTimes;
  /** Shots of films that wait for one that is lost. @throws StoreFailure */
  readonly stuckShots: (person: Person) => Promise<ReadonlySet<string>>;
  readonly sandbox: boolean;
  readonly concurrency: number;
  /** The account's daily budget. */
  readonly budgetFen: number | undefined;
  /** A paid call above this estimate asks the person first. */
  readonly confirmAboveCny: number | undefined;
  /** False: what other processes left open is left to workers. */
  readonly isWorker: boolean;
}

export class TaskService implements VideoService {
  private readonly options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.options = options;
  }

  resume(): void {
    this.options.recovery.start();
  }

  async check(request: VideoRequest, options: MakeOptions, call: Call): Promise<CheckedView> {
    const { store, clock, sandbox, library } = this.options;
    const prepared = await this.prepare(request, options, call);
    const ledger = await orProblem(store.reservationLedger(this.reservationOf(prepared, call.caller)));
    const refused = store.whyNotPaid();
    if (refused !== undefined) throw refused;
    const admission = admit(ledger, this.limitsOf(prepared, options, call.caller));
    if (admission.kind === 'refuse') throw admission.problem;
    return {
      request,
      notes: prepared.shown.notes,
      estimatedFen: prepared.fen,
      billedSeconds: prepared.billedSeconds,
      place: prepared.place,
      path: prepared.place && (await library.preview(prepared.place)),
      ...(admission.kind === 'join' ? { same: admission.task } : {}),
      now: clock.now(),
      sandbox,
    };
  }

  async make(request: VideoRequest, options: MakeOptions, call: Call): Promise<TaskView> {
    const { store, submitter, waiting, watcher, ending } = this.options;
    this.resume();
    const prepared = await this.prepare(request, options, call);
    call.signal.throwIfAborted();
    const reservation = this.reservationOf(prepared, call.caller);
    await this.confirm(prepared, reservation, options, call);
    call.signal.throwIfAborted();
    ending.throwIfAborted();
    // Entries of dead processes come before this one: first come, first served.
    await this.sendLeft();
    const limits = this.limitsOf(prepared, options, call.caller);
    const admission = await orProblem(
      store.reserve({ ...reservation, body: prepared.body }, (ledger) => {
        // The database may have been busy for seconds.
        call.signal.throwIfAborted();
        return admit(ledger, limits);
      }),
    );
    if (admission.kind === 'refuse') throw admission.problem;
    if (admission.kind === 'join') {
      if (admission.task.status === 'generating') void watcher.watch(admission.task.id);
      return await this.view(admission.task, call.caller, { joined: true, output: options.output });
    }
    const task = admission.task ?? { ...reservation.record, ownerAlive: true };
    if (task.awaits === undefined) submitter.queue(task, call.deadline);
    else waiting.start();
    return await this.view(task, call.caller);
  }

  async waitUntilTaken(view: TaskView, call: Call): Promise<TaskView> {
    const isUnsentForLong = unsentForLong(this.options.clock, call);
    const isTaken = async (task: Task) => {
      if (task.status !== 'queued') return task.status !== 'submitting';
      const waitsFor = (await queueStateFor(this.options, task, call.caller))?.waitsFor;
      return isUnsentForLong(waitsFor === 'worker') || (waitsFor !== undefined && waitsFor !== 'worker');
    };
    return await this.waitFor(view, isTaken, { ...call, deadline: answerDeadline(call) });
  }

  async waitUntilOver(view: TaskView, call: Call): Promise<TaskView> {
    const { store, clock } = this.options;
    const taken = await this.waitUntilTaken(view, call);
    if (!isOpen(taken.task.status) || taken.queue?.waitsFor === 'worker') return taken;
    const isUnsentForLong = unsentForLong(clock, call);
    const isOver = async (task: Task) => !isOpen(task.status) || isUnsentForLong(await store.isUnsent(task));
    return await this.waitFor(taken, isOver, call);
  }

  async get(
    taskId: string | undefined,
    { mode, output }: { readonly mode?: ModeName | undefined; readonly output?: string | undefined },
    call: Call,
  ): Promise<TaskView> {
    const { library, refresher } = this.options;
    this.resume();
    const place = output === undefined ? undefined : await library.choose(output, call.caller);
    const named = { taskId, mode, place, caller: call.caller };
    const found = await orProblem(findOrAdopt(named, this.options));
    await this.pollNow(found, mode);
    const waited = await this.waitUntilOver(await this.view(found, call.caller, { output }), call);
    const updated = await refresher.bringUpToDate(waited.task, place, call);
    // Finished just after the wait was over: it still has to come to where this call wants it.
    const isNews = isOpen(waited.task.status) && updated.task.status === 'done';
    const { task, ...extra } = isNews ? await refresher.bringUpToDate(updated.task, place, call) : updated;
    return await this.view(task, call.caller, { output: isOpen(task.status) ? output : undefined, ...extra });
  }

  async list({ limit, status, waitFor }: ListOptions, call: Call): Promise<ListView> {
    const { store, recovery, clock, sandbox } = this.options;
    const { caller } = call;
    this.resume();
    const before = await orProblem(openIdsOf(store, seenBy(caller)));
    // What a dead process was sending is reported as what it is: nobody sends it any more.
    if (before.some((task) => task.status === 'submitting')) await this.forAMoment(recovery.sweep());
    const changed = waitFor === undefined ? undefined : await this.waitForTasks(before, waitFor, call);
    const queueState = (task: Task) => queueStateFor(this.options, task, caller);
    const stuck = await orProblem(this.options.stuckShots(seenBy(caller)));
    const source = { store, clock, sandbox, budgetFen: this.options.budgetFen, caller, queueState, stuck };
    return await orProblem(readList(source, { limit, status, changed }));
  }

  async cancel(
    taskId: string,
    caller: Caller,
  ): Promise<TaskView & { readonly withdrawn: boolean; readonly slotReleased: boolean }> {
    const { store } = this.options;
    this.resume();
    const found = await orProblem(findTask(store, taskId, caller));
    const task = await orProblem(store.cancel(found.id, cancelled));
    const withdrawn = task?.status === 'cancelled';
    const view = await this.view(task ?? (await orProblem(findTask(store, found.id, caller))), caller);
    return { ...view, withdrawn, slotReleased: task !== undefined && !withdrawn };
  }

  async read(taskId: string, caller: Caller): Promise<TaskView | undefined> {
    const task = await orProblem(lookUpTask(this.options.store, taskId, seenBy(caller)));
    return task && (await this.view(task, caller));
  }

  async page(filter: TaskFilter, after: string | undefined, limit: number, caller: Caller): Promise<PageView> {
    const { tasks, ...rest } = await orProblem(this.options.store.lists.page(filter, after, limit, seenBy(caller)));
    return { ...rest, views: await Promise.all(tasks.map((task) => this.view(task, caller))) };
  }

  async changed(signal: AbortSignal): Promise<void> {
    await this.options.store.changed(signal);
  }

  async openIds(caller: Caller): Promise<readonly string[]> {
    return (await orProblem(this.options.store.lists.openIds(seenBy(caller)))).map(({ id }) => id);
  }

  async workers(): Promise<number> {
    return await orProblem(this.options.store.workers());
  }

  async sendLeft(): Promise<void> {
    const { store, submitter, waiting, isWorker } = this.options;
    if (!isWorker) return;
    const left = await orProblem(store.resumeQueued(LEFT_ENTRY_MILLISECONDS));
    for (const reqKey of left) submitter.pump(reqKey);
    if (left.length > 0) waiting.start();
  }

  /** As a worker: what any process has queued. */
  async sendQueued(): Promise<void> {
    await this.sendLeft();
    for (const reqKey of await this.options.store.queuedKeys()) this.options.submitter.pump(reqKey);
  }

  async idsThatBegin(prefix: string, limit: number, caller: Caller): Promise<readonly string[]> {
    return await orProblem(this.options.store.lists.idsThatBegin(prefix, limit, seenBy(caller)));
  }

  /** The process ends: resolves when every submit that is out is recorded and every task released. */
  async ended(): Promise<void> {
    const { submitter, waiting, watcher, recovery, refresher } = this.options;
    const parts = [submitter.answered(), waiting.ended(), watcher.ended(), recovery.ended(), refresher.ended()];
    await Promise.all(parts);
  }

  /** The process ends before they have come: those tasks are recorded as what they are from now on. */
  async giveUpAnswers(): Promise<void> {
    await this.options.submitter.giveUpAnswers();
  }

  /** All that a report needs. What is recorded is never reported as refused: what cannot be read now is left out. */
  private async view(task: Task, caller: Caller, { joined = false, ...extra }: ViewExtras = {}): Promise<TaskView> {
    const { store, clock, usualTimes, watcher, library } = this.options;
    const file = extra.copy ?? (extra.missingFile === undefined ? task.video?.file : undefined);
    const link = file && (await library.link(file, task.id).catch(() => undefined));
    const queue = await queueStateFor(this.options, task, caller).catch(() => undefined);
    const usual = await usualTimes.of(task.request.mode);
    const stuck = task.status === 'generating' ? watcher.problemOf(task.id) : undefined;
    const warning = warningFor(caller, store.whyNotPaid()?.message);
    return compact({
      ...{ task, now: clock.now(), joined, isUnwritten: store.isUnwritten(task.id) },
      ...ownerShownTo(caller, task),
      ...{ queue, usual, link, warning },
      ...extra,
      problem: extra.problem ?? (stuck && errorOf(stuck)),
    });
  }

  private reservationOf(prepared: Prepared, caller: Caller) {
    const { clock, sandbox } = this.options;
    const now = clock.now();
    const record = queuedRecord(prepared, { id: newTaskId(now), person: personOf(caller), now, sandbox });
    const { awaiting } = prepared;
    return { record, awaiting, budgetFen: this.options.budgetFen, personBudgetFen: budgetOf(caller) };
  }

  private limitsOf(prepared: Prepared, { allowDuplicate = false }: MakeOptions, caller: Caller) {
    return { fen: prepared.fen, allowDuplicate, budgetFen: this.options.budgetFen, personBudgetFen: budgetOf(caller) };
  }

  private async confirm(
    prepared: Prepared,
    reservation: { readonly record: TaskRecord },
    { allowDuplicate }: MakeOptions,
    call: Call,
  ): Promise<void> {
    const { confirmAboveCny, store, clock } = this.options;
    const { mode, prompt, duration } = prepared.shown;
    const what = `${mode}, ${duration} s${prompt === undefined ? '' : `: ${prompt}`}`;
    const price = { fen: prepared.fen, videos: 1, what, confirmAboveCny };
    if (!needsConfirmation(price)) return;
    const ledger = await orProblem(store.reservationLedger(reservation));
    if (allowDuplicate || sameRequest(ledger) === undefined) await confirmPrice(price, call, clock);
  }

  private async prepare(request: VideoRequest, options: MakeOptions, call: Call): Promise<Prepared> {
    const { clock, preparer } = this.options;
    const prepare = (signal: AbortSignal) => preparer.prepare(request, options.output, call.caller, signal);
    const prepared = await preparedInTime(call, clock, prepare);
    requireWithin(options.maxCostCny, prepared.fen);
    return prepared;
  }

  /** What its process left is resumed; what is polled here is polled immediately. */
  private async pollNow(found: Task, mode: ModeName | undefined): Promise<void> {
    const { watcher, recovery, clock } = this.options;
    const { id, status, ownerAlive } = found;
    const lacksLink = status === 'done' && found.video === undefined && !isPastLife(found, clock.now());
    const isCorrected = mode !== undefined && found.request.mode !== mode && isAdopted(found);
    if (status === 'generating' || lacksLink || (isCorrected && status === 'not_found')) {
      // Even a call that does not want to wait asked: it gets the answer, when that comes soon.
      await watcher.watch(id, 'asked', isCorrected ? (record) => withMode(record, mode) : undefined);
      await this.forAMoment(watcher.whenPolled(id));
    }
    if (status === 'submitting' && !ownerAlive) await this.forAMoment(recovery.sweep());
    if (status === 'queued' && !ownerAlive) await this.sendLeftTask(found);
  }

  /** The step goes on when the moment is over. */
  private async forAMoment(step: Promise<unknown>): Promise<void> {
    const { clock, ending } = this.options;
    await pause(clock, { atMost: ASKED_WAIT_MILLISECONDS, signals: [ending], until: () => step });
  }

  private async waitFor(
    { task: first, joined, output }: TaskView,
    isReached: (task: Task) => Promise<boolean>,
    call: Call,
  ): Promise<TaskView> {
    let task = await this.readAgain(first);
    while (!(await isReached(task).catch(() => false))) {
      if (call.onWait !== undefined) call.onWait(await this.view(task, call.caller, { joined }));
      const isTimeLeft = await this.pauseOf(call, task.id);
      task = await this.readAgain(task);
      if (!isTimeLeft) break;
      // Its process died while this call waited for it.
      if (task.status === 'queued' && !task.ownerAlive) await this.sendLeftTask(task).catch(() => undefined);
    }
    return await this.view(task, call.caller, { joined, output });
  }

  /** @returns what was last known where the disk fails now */
  private async readAgain(known: Task): Promise<Task> {
    return (await this.options.store.find(known.id).catch(() => undefined)) ?? known;
  }

  private async sendLeftTask({ id, reqKey }: Task): Promise<void> {
    await orProblem(this.options.store.resumeQueued(LEFT_ENTRY_MILLISECONDS, id));
    this.options.submitter.pump(reqKey);
    this.options.waiting.start();
  }

  /** @returns false when the deadline has come or the caller has gone */
  private async pauseOf(call: Call, taskId?: string): Promise<boolean> {
    const { clock, store, ending } = this.options;
    const left = call.deadline - clock.monotonic();
    if (left <= 0 || call.signal.aborted || ending.aborted) return false;
    const atMost = Math.min(left, READ_AGAIN_MILLISECONDS);
    await pause(clock, { atMost, signals: [call.signal, ending], until: (over) => store.changed(over, taskId) });
    return true;
  }

  /** @returns the ids that ended while it waited */
  private async waitForTasks(
    before: readonly { readonly id: string; readonly status: string }[],
    waitFor: 'any_finished' | 'all_finished',
    call: Call,
  ): Promise<readonly string[]> {
    const { store, clock } = this.options;
    const person = seenBy(call.caller);
    const isUnsentForLong = unsentForLong(clock, call);
    for (;;) {
      const open = await orProblem(openIdsOf(store, person));
      const stillOpen = new Set(open.map(({ id }) => id));
      const ended = before.map(({ id }) => id).filter((id) => !stillOpen.has(id));
      if (open.length === 0 || (waitFor === 'any_finished' && ended.length > 0)) return ended;
      const inVain = await orProblem(isWaitInVain(store, open, () => this.options.stuckShots(person)));
      if (inVain === 'left' || isUnsentForLong(inVain === 'unsent')) return ended;
      const next = open.find(({ status }) => status === 'generating') ?? open[0];
      const task = next && (await store.find(next.id).catch(() => undefined));
      if (task !== undefined) call.onWait?.(await this.view(task, call.caller));
      if (!(await this.pauseOf(call))) return ended;
    }
  }
}

type ViewExtra = 'joined' | 'output' | 'problem' | 'copy' | 'missingFile';
type ViewExtras = { readonly [Name in ViewExtra]?: TaskView[Name] | undefined };

/** Of tasks, and of films, which are joined after their last task is over. */
async function openIdsOf(store: Store, person: Person): Promise<{ readonly id: string; readonly status: string }[]> {
  const films = (await store.films.openIds(person)).map((id) => ({ id, status: 'running' }));
  return [...(await store.lists.openIds(person)), ...films];
}
