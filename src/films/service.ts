/** Makes films, finds them, makes shots again, and withdraws what was not sent: what every surface calls. */
import { compact } from '../compact.ts';
import type { Caller } from '../library/library.ts';
import { Problem } from '../problems.ts';
import type { FilmLedger, Reservation } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import { beyondBudget, LEFT_SHOT_MILLISECONDS } from '../tasks/admission.ts';
import type { Call, MakeOptions } from '../tasks/calls.ts';
import { cancelled } from '../tasks/outcome.ts';
import { confirmPrice, needsConfirmation, orProblem } from '../tasks/paid-call.ts';
import type { ServiceParts } from '../tasks/parts.ts';
import { budgetOf, ownerShownTo, personOf, seenBy, warningFor } from '../tasks/person.ts';
import { unsentForLong } from '../tasks/queue.ts';
import { chargeOf, isOpen, type Task } from '../tasks/record.ts';
import type { Recovery } from '../tasks/recovery.ts';
import type { Submitter } from '../tasks/submitter.ts';
import type { WaitingRequests } from '../tasks/waiting.ts';
import type { Watcher } from '../tasks/watcher.ts';
import type { CheckedFilm, FilmCall, FilmService, FilmView, RetakeOptions } from './calls.ts';
import type { Director } from './director.ts';
import { currentJoin, currentTakes, type Film, nextOf, sameFilm, statusOf } from './film.ts';
import { type FilmPreparer, fenOfAll, type PreparedShot } from './prepare-film.ts';
import type { FilmInput } from './storyboard.ts';
import { admitTake } from './take.ts';

/** A waiting call reads the film again at least this often. */
const READ_AGAIN_MILLISECONDS = 1_000;

export interface FilmServiceOptions extends Pick<ServiceParts, 'store' | 'library' | 'clock' | 'ending'> {
  readonly preparer: FilmPreparer;
  readonly submitter: Submitter;
  readonly waiting: WaitingRequests;
  readonly watcher: Watcher;
  readonly recovery: Recovery;
  readonly director: Director;
  readonly sandbox: boolean;
  /** The account's daily budget. */
  readonly budgetFen: number | undefined;
  readonly confirmAboveCny: number | undefined;
  /** Sends what dead processes left: those entries come before a film's. */
  readonly sendLeft: () => Promise<void>;
  /** Saves the video of a task that is finished. */
  readonly save: (taskId: string, call: Call) => Promise<void>;
}

export class FilmMaker implements FilmService {
  private readonly options: FilmServiceOptions;

  constructor(options: FilmServiceOptions) {
    this.options = options;
  }

  async check(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<CheckedFilm> {
    const { store, library, sandbox } = this.options;
    const { film, shots, fen } = await this.options.preparer.prepare(input, options, call);
    const ledger = await orProblem(store.films.ledger(this.wishOf(film, shots, call)));
    const refused = store.whyNotPaid();
    if (refused !== undefined) throw refused;
    const same = options.allowDuplicate ? undefined : sameFilm(ledger.same, ledger.now);
    const problem = same === undefined ? this.beyondBudget(ledger, fen, shots.length, film, call) : undefined;
    if (problem !== undefined) throw problem;
    return compact({
      shots: shots.map(({ shot }) => shot),
      estimatedFen: fen,
      billedSeconds: shots.reduce((sum, { prepared }) => sum + prepared.billedSeconds, 0),
      notes: shots.flatMap(({ prepared }, index) => prepared.shown.notes.map((note) => `shot ${index + 1}: ${note}`)),
      path: await library.preview({ ...film.place, name: `${film.baseName}.mp4` }),
      same: same?.id,
      sandbox,
    });
  }

  async make(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<FilmView> {
    const { store, clock, confirmAboveCny, director } = this.options;
    this.options.recovery.start();
    const { film, shots, fen } = await this.options.preparer.prepare(input, options, call);
    const wish = this.wishOf(film, shots, call);
    const same = (films: readonly Film[], now: number) => (options.allowDuplicate ? undefined : sameFilm(films, now));
    const price = { fen, videos: shots.length, what: titleOf(input, shots.length), confirmAboveCny };
    if (needsConfirmation(price)) {
      const ledger = await orProblem(store.films.ledger(wish));
      if (same(ledger.same, ledger.now) === undefined) await confirmPrice(price, call, clock);
    }
    this.throwIfOver(call);
    await this.options.sendLeft();
    const reserved = await orProblem(
      store.films.reserve(wish, (ledger) => {
        call.signal.throwIfAborted();
        const existing = same(ledger.same, ledger.now);
        if (existing !== undefined) return { kind: 'join', film: existing };
        const problem = this.beyondBudget(ledger, fen, shots.length, film, call);
        return problem === undefined ? { kind: 'create' } : { kind: 'refuse', problem };
      }),
    );
    if (reserved.kind === 'refuse') throw reserved.problem;
    if (reserved.kind === 'join') return await this.joined(reserved.film, call.caller);
    this.send(shots, call);
    director.follow(film.id);
    return await this.view(reserved.film, call.caller);
  }

  async retake(filmId: string, number: number, options: RetakeOptions, call: FilmCall): Promise<FilmView> {
    const { store, clock, preparer, confirmAboveCny, director } = this.options;
    this.options.recovery.start();
    const known = await this.find(filmId, call.caller);
    const made = await preparer.prepareRetake(known, number, options, call);
    const fen = fenOfAll(made);
    const price = { fen, videos: made.length, what: `Shot ${number} of ${known.title ?? known.id}`, confirmAboveCny };
    if (needsConfirmation(price)) await confirmPrice(price, call, clock);
    this.throwIfOver(call);
    await this.options.sendLeft();
    const reserved = await orProblem(
      store.films.retake({
        filmId,
        tasks: made.map((shot) => this.reservationOf(shot, known, call)),
        rule: (film, tasks, ledger) => {
          call.signal.throwIfAborted();
          const admission = admitTake(film, tasks, ledger.now, { known, number, made });
          const problem =
            admission.kind === 'create' ? this.beyondBudget(ledger, fen, made.length, film, call) : undefined;
          return problem === undefined ? admission : { kind: 'refuse', problem };
        },
      }),
    );
    if (reserved.kind === 'refuse') throw reserved.problem;
    if (reserved.kind === 'join') return await this.joined(reserved.film, call.caller);
    this.send(made, call);
    director.follow(filmId);
    return await this.view(reserved.film, call.caller);
  }

  async waitUntilOver(view: FilmView, call: FilmCall): Promise<FilmView> {
    const { clock, store, ending } = this.options;
    const isUnsentForLong = unsentForLong(clock, call);
    let last = view;
    for (;;) {
      last = { ...(await this.view(await this.find(last.film.id, call.caller), call.caller)), joined: view.joined };
      const isSent = last.tasks.some((task) => task?.status === 'submitting' || task?.status === 'generating');
      const isInVain = isUnsentForLong(last.isUnsent && !isSent);
      const isOver = isInVain || (nextOf(last.film, last.tasks) === 'nothing' && last.film.status !== 'running');
      const left = call.deadline - clock.monotonic();
      if (isOver || left <= 0 || call.signal.aborted || ending.aborted) return last;
      call.onWait?.(last);
      if (last.isLeft) await this.sendLeftShots(last).catch(() => undefined);
      this.options.director.follow(last.film.id);
      const atMost = Math.min(left, READ_AGAIN_MILLISECONDS);
      await pause(clock, { atMost, signals: [call.signal, ending], until: (over) => store.changed(over) });
    }
  }

  async get(filmId: string, call: FilmCall): Promise<FilmView> {
    const { store, director, recovery, watcher, waiting } = this.options;
    recovery.start();
    const view = await this.view(await this.find(filmId, call.caller), call.caller);
    if (view.isLeft) await this.sendLeftShots(view);
    for (const task of view.tasks) {
      if (task?.status === 'generating') await watcher.watch(task.id, 'asked');
      if (task?.status === 'done' && task.video?.file === undefined) await this.save(task.id, call);
    }
    waiting.start();
    // What was in the way of joining may have been put right since.
    await orProblem(
      store.films.settle(filmId, (film, tasks) => {
        const { joinProblem, ...free } = film;
        const status = statusOf(free, tasks);
        return joinProblem === undefined && status === film.status ? undefined : { ...free, status };
      }),
    );
    director.follow(filmId);
    return await this.waitUntilOver(view, call);
  }

  async cancel(filmId: string, caller: Caller): Promise<FilmView & { readonly withdrawn: number }> {
    const { store, director, recovery } = this.options;
    recovery.start();
    const found = await this.find(filmId, caller);
    let withdrawn = 0;
    // The last ones first: none is sent because the one before it was withdrawn.
    for (const id of currentTakes(found).reverse()) {
      const task = await orProblem(store.find(id));
      if (task?.status !== 'queued') continue;
      const after = await orProblem(
        store.cancel(id, (now, at) => (now.status === 'queued' ? cancelled(now, at) : undefined)),
      );
      if (after?.status === 'cancelled') withdrawn++;
    }
    await orProblem(
      store.films.settle(filmId, (film, tasks) =>
        tasks.every((task) => task?.status === 'cancelled') ? { ...film, status: 'cancelled' } : undefined,
      ),
    );
    director.follow(filmId);
    return { ...(await this.view(await this.find(filmId, caller), caller)), withdrawn };
  }

  async read(filmId: string, caller: Caller): Promise<FilmView | undefined> {
    const film = await orProblem(this.options.store.films.find(filmId, seenBy(caller)));
    return film && (await this.view(film, caller));
  }

  async list(limit: number, caller: Caller): Promise<readonly FilmView[]> {
    const films = await orProblem(this.options.store.films.newest(limit, seenBy(caller)));
    return await Promise.all(films.map((film) => this.view(film, caller)));
  }

  async openIds(caller: Caller): Promise<readonly string[]> {
    return await orProblem(this.options.store.films.openIds(seenBy(caller)));
  }

  private wishOf(film: Film, shots: readonly PreparedShot[], call: FilmCall) {
    return { film, tasks: shots.map((shot) => this.reservationOf(shot, film, call)), ...this.budgetsOf(film, call) };
  }

  private reservationOf({ prepared, record }: PreparedShot, film: Film, call: FilmCall): Reservation {
    return { record, body: prepared.body, ...this.budgetsOf(film, call) };
  }

  private beyondBudget(ledger: Omit<FilmLedger, 'same'>, fen: number, videos: number, film: Film, call: FilmCall) {
    return beyondBudget(ledger, { fen, videos, ...this.budgetsOf(film, call) });
  }

  /** An admin may make a shot of somebody else's film again: what is known of budgets of people is the admin's own. */
  private budgetsOf({ person }: Film, { caller }: FilmCall) {
    const personBudgetFen = person === personOf(caller) ? budgetOf(caller) : undefined;
    return { budgetFen: this.options.budgetFen, personBudgetFen };
  }

  private send(shots: readonly PreparedShot[], call: FilmCall): void {
    const { submitter, waiting } = this.options;
    for (const { record } of shots) {
      if (record.awaits === undefined) submitter.queue({ ...record, ownerAlive: true }, call.deadline);
    }
    waiting.start();
  }

  /** A shot that could not be saved before; why it cannot now is in its record. */
  private async save(taskId: string, { onWait: _, ...call }: FilmCall): Promise<void> {
    const noWait = { ...call, deadline: this.options.clock.monotonic() };
    await this.options.save(taskId, noWait).catch(() => undefined);
  }

  private async sendLeftShots({ tasks }: FilmView): Promise<void> {
    const { store, submitter, waiting } = this.options;
    for (const task of tasks) {
      if (task?.status !== 'queued' || task.ownerAlive) continue;
      for (const reqKey of await orProblem(store.resumeQueued(LEFT_SHOT_MILLISECONDS, task.id))) submitter.pump(reqKey);
    }
    waiting.start();
  }

  private throwIfOver({ signal }: FilmCall): void {
    signal.throwIfAborted();
    this.options.ending.throwIfAborted();
  }

  private async joined(film: Film, caller: Caller): Promise<FilmView> {
    this.options.director.follow(film.id);
    const view = await this.view(film, caller);
    for (const task of view.tasks) if (task?.status === 'generating') void this.options.watcher.watch(task.id);
    return { ...view, joined: true };
  }

  /** @throws Problem no_record */
  private async find(filmId: string, caller: Caller): Promise<Film> {
    const film = await orProblem(this.options.store.films.find(filmId, seenBy(caller)));
    if (film !== undefined) return film;
    throw new Problem('no_record', {
      what: `No film ${JSON.stringify(filmId.slice(0, 60))} is recorded for this account and service.`,
    });
  }

  private async view(film: Film, caller: Caller): Promise<FilmView> {
    const { store, clock, library } = this.options;
    const current = currentTakes(film);
    const all = film.shots.flatMap(({ takes }) => takes);
    const read = await orProblem(store.films.tasks(all));
    const byId = new Map(all.map((id, index) => [id, read[index]]));
    const tasks = current.map((id) => byId.get(id));
    const join = currentJoin(film);
    const isThere = join === undefined || (await library.isThere(join.file));
    const warning = warningFor(caller, store.whyNotPaid()?.message);
    const queued = tasks.find((task) => task?.status === 'queued' && task.awaits === undefined);
    const link = join && isThere ? await library.link(join.file, film.id).catch(() => undefined) : undefined;
    return compact({
      film,
      status: statusOf(film, tasks),
      tasks,
      fen: read.reduce((sum, task) => sum + (task === undefined ? 0 : countedFen(task)), 0),
      now: clock.now(),
      joined: false,
      ...ownerShownTo(caller, film),
      ...(isThere ? { join, link } : { missingFile: join.file.path }),
      warning,
      isLeft: tasks.some((task) => task?.status === 'queued' && !task.ownerAlive),
      isUnsent: queued !== undefined && (await store.isUnsent(queued).catch(() => false)),
    });
  }
}

function countedFen(task: Task): number {
  return isOpen(task.status) || chargeOf(task) !== 'none' ? (task.fen ?? 0) : 0;
}

function titleOf({ title, shots }: FilmInput, count: number): string {
  return `a film of ${count} shots: ${title ?? shots[0]?.prompt ?? ''}`;
}
