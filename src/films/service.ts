/** Makes films, finds them, makes shots again, and withdraws what was not sent: what every surface calls. */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { fileNameFor } from '../library/file-name.ts';
import type { Library, Place } from '../library/library.ts';
import { Problem, together } from '../problems.ts';
import type { Reservation, Store } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import { aboveLimit, beyondBudget, fenOf, LEFT_SHOT_MILLISECONDS, sameRequest } from '../tasks/admission.ts';
import type { MakeOptions } from '../tasks/calls.ts';
import { cancelled } from '../tasks/outcome.ts';
import { confirmPrice, needsConfirmation, orProblem, preparedInTime } from '../tasks/paid-call.ts';
import { type Prepared, type Preparer, queuedRecord } from '../tasks/prepare.ts';
import { chargeOf, isOpen, newTaskId, recordOf, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Recovery } from '../tasks/recovery.ts';
import type { Submitter } from '../tasks/submitter.ts';
import type { WaitingRequests } from '../tasks/waiting.ts';
import type { Watcher } from '../tasks/watcher.ts';
import type { CheckedFilm, FilmCall, FilmService, FilmView, RetakeOptions } from './calls.ts';
import type { Director } from './director.ts';
import { currentJoin, currentTakes, type Film, nextOf, sameFilm, statusOf } from './film.ts';
import { type FilmInput, type PlannedShot, plannedShots, retakenShot } from './storyboard.ts';

/** A waiting call reads the film again at least this often. */
const READ_AGAIN_MILLISECONDS = 1_000;

export interface FilmServiceOptions {
  readonly store: Store;
  readonly library: Library;
  readonly preparer: Preparer;
  readonly submitter: Submitter;
  readonly waiting: WaitingRequests;
  readonly watcher: Watcher;
  readonly recovery: Recovery;
  readonly director: Director;
  readonly clock: Clock;
  readonly ending: AbortSignal;
  readonly sandbox: boolean;
  readonly dailyBudgetCny: number | undefined;
  readonly confirmAboveCny: number | undefined;
  /** Sends what dead processes left: those entries come before a film's. */
  readonly sendLeft: () => Promise<void>;
}

interface PreparedShot {
  readonly shot: PlannedShot;
  readonly prepared: Prepared;
  readonly record: TaskRecord;
}

interface PreparedFilm {
  readonly film: Film;
  readonly shots: readonly PreparedShot[];
  readonly fen: number;
}

export class Films implements FilmService {
  private readonly options: FilmServiceOptions;
  private readonly budgetFen: number | undefined;

  constructor(options: FilmServiceOptions) {
    this.options = options;
    this.budgetFen = options.dailyBudgetCny === undefined ? undefined : fenOf(options.dailyBudgetCny);
  }

  async check(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<CheckedFilm> {
    const { store, library, sandbox } = this.options;
    const { film, shots, fen } = await this.prepare(input, options, call);
    const ledger = await orProblem(store.films.ledger(this.wishOf(film, shots)));
    const same = options.allowDuplicate ? undefined : sameFilm(ledger.same, ledger.now);
    const problem = same === undefined ? this.beyondBudget(ledger, fen, shots.length) : undefined;
    if (problem !== undefined) throw problem;
    return {
      shots: shots.map(({ shot }) => shot),
      estimatedFen: fen,
      billedSeconds: shots.reduce((sum, { prepared }) => sum + prepared.billedSeconds, 0),
      notes: shots.flatMap(({ prepared }, index) => prepared.shown.notes.map((note) => `shot ${index + 1}: ${note}`)),
      path: await library.preview({ ...film.place, name: `${film.baseName}.mp4` }),
      ...(same === undefined ? {} : { same: same.id }),
      sandbox,
    };
  }

  async make(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<FilmView> {
    const { store, clock, confirmAboveCny, director } = this.options;
    this.options.recovery.start();
    const { film, shots, fen } = await this.prepare(input, options, call);
    const wish = this.wishOf(film, shots);
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
        const problem = this.beyondBudget(ledger, fen, shots.length);
        return problem === undefined ? { kind: 'create' } : { kind: 'refuse', problem };
      }),
    );
    if (reserved.kind === 'refuse') throw reserved.problem;
    if (reserved.kind === 'join') return await this.joined(reserved.film);
    this.send(shots, call);
    director.follow(film.id);
    return await this.view(reserved.film);
  }

  async retake(filmId: string, number: number, options: RetakeOptions, call: FilmCall): Promise<FilmView> {
    const { store, clock, confirmAboveCny, director } = this.options;
    this.options.recovery.start();
    const known = await this.find(filmId);
    const { maxCostCny, cascade = false, ...changes } = options;
    const shots = await preparedInTime(call, clock, (signal) =>
      this.prepareRetake(known, number, { ...changes, cascade }, call, signal),
    );
    const fen = shots.reduce((sum, { prepared }) => sum + prepared.fen, 0);
    requireWithin(maxCostCny, fen, shots.length);
    const what = `Shot ${number} of the film ${known.title ?? known.id}`;
    const price = { fen, videos: shots.length, what, confirmAboveCny };
    if (needsConfirmation(price)) await confirmPrice(price, call, clock);
    this.throwIfOver(call);
    await this.options.sendLeft();
    const reserved = await orProblem(
      store.films.retake({
        filmId,
        tasks: shots.map((shot) => this.reservationOf(shot)),
        rule: (film, tasks, ledger) => {
          call.signal.throwIfAborted();
          if (JSON.stringify(film.shots) !== JSON.stringify(known.shots)) {
            const existing = tasks[number - 1];
            // The same call again, whose answer its client did not get.
            if (existing !== undefined && existing.fingerprint === shots[0]?.prepared.fingerprint)
              return { kind: 'join', film };
            return { kind: 'refuse', problem: new Problem('film_changed') };
          }
          const current = tasks[number - 1];
          const isRepeated =
            (film.shots[number - 1]?.takes.length ?? 0) > 1 && isSameTake(current, shots[0], ledger.now);
          if (isRepeated) return { kind: 'join', film };
          const problem = this.beyondBudget(ledger, fen, shots.length);
          if (problem !== undefined) return { kind: 'refuse', problem };
          return { kind: 'create', ...retaken(film, tasks, number, shots) };
        },
      }),
    );
    if (reserved.kind === 'refuse') throw reserved.problem;
    if (reserved.kind === 'join') return await this.joined(reserved.film);
    this.send(shots, call);
    this.options.waiting.start();
    director.follow(filmId);
    return await this.view(reserved.film);
  }

  async waitUntilOver(view: FilmView, call: FilmCall): Promise<FilmView> {
    const { clock, store, ending } = this.options;
    let last = view;
    for (;;) {
      last = { ...(await this.view(await this.find(last.film.id))), joined: view.joined };
      const isOver = nextOf(last.film, last.tasks) === 'nothing' && last.film.status !== 'running';
      const left = call.deadline - clock.monotonic();
      if (isOver || left <= 0 || call.signal.aborted || ending.aborted) return last;
      call.onWait?.(last);
      if (last.isLeft) await this.sendLeftShots(last).catch(() => undefined);
      const atMost = Math.min(left, READ_AGAIN_MILLISECONDS);
      await pause(clock, { atMost, signals: [call.signal, ending], until: (over) => store.changed(over) });
    }
  }

  async get(filmId: string, call: FilmCall): Promise<FilmView> {
    const { store, director, recovery, watcher, waiting } = this.options;
    recovery.start();
    const view = await this.view(await this.find(filmId));
    if (view.isLeft) await this.sendLeftShots(view);
    for (const task of view.tasks) {
      if (task?.status === 'generating') await watcher.watch(task.id, 'asked');
      if (task?.status === 'done' && task.video?.file === undefined) await watcher.watch(task.id, 'asked');
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

  async cancel(filmId: string): Promise<FilmView & { readonly withdrawn: number }> {
    const { store, director, recovery } = this.options;
    recovery.start();
    const found = await this.find(filmId);
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
    return { ...(await this.view(await this.find(filmId))), withdrawn };
  }

  async read(filmId: string): Promise<FilmView | undefined> {
    const film = await orProblem(this.options.store.films.find(filmId));
    return film && (await this.view(film));
  }

  async list(limit: number): Promise<readonly FilmView[]> {
    const films = await orProblem(this.options.store.films.newest(limit));
    return await Promise.all(films.map((film) => this.view(film)));
  }

  async openIds(): Promise<readonly string[]> {
    return await orProblem(this.options.store.films.openIds());
  }

  private async prepare(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<PreparedFilm> {
    const { clock, sandbox } = this.options;
    const prepared = await preparedInTime(call, clock, async (signal): Promise<PreparedFilm> => {
      const now = clock.now();
      const id = newTaskId(now).replace('jv-', 'jf-');
      const place = await this.placeOf(options.output, call);
      const audio =
        input.audio === undefined ? undefined : await this.options.preparer.soundFile(input.audio, call.caller);
      const planned = plannedShots(input);
      const named =
        input.title || planned.map(({ request }) => request.prompt).find((prompt) => prompt !== undefined) || 'film';
      const baseName = (place.name ?? fileNameFor(named, id, new Date(now))).replace(/\.mp4$/i, '');
      const ids = planned.map(() => newTaskId(now));
      const folder = { folder: place.folder };
      const shots = await this.prepareShots(
        planned,
        { ids, takes: planned.map(() => 1), before: undefined, folder, baseName, filmId: id },
        call,
        signal,
      );
      const film: Film = {
        ...{ id, status: 'running', reservedAt: now, sandbox, place: folder, baseName },
        fingerprint: fingerprintOf(shots, audio),
        ...(input.title === undefined ? {} : { title: input.title }),
        ...(audio === undefined ? {} : { audio }),
        shots: shots.map(({ shot, record }) => ({
          takes: [record.id],
          continues: shot.continues,
          request: kept(shot),
        })),
        joins: [],
      };
      return { film, shots, fen: shots.reduce((sum, shot) => sum + shot.prepared.fen, 0) };
    });
    requireWithin(options.maxCostCny, prepared.fen, prepared.shots.length);
    return prepared;
  }

  private async placeOf(output: string | undefined, call: FilmCall): Promise<Place> {
    const place = await this.options.library.choose(output, call.caller);
    if (place !== undefined) return place;
    throw new Problem('invalid_input', {
      what: 'A film is made of saved videos, and videos are not saved (JIMENG_VIDEO_OUTPUT_DIR is "none").',
      hint: 'name a place to save to',
    });
  }

  /** One after the other, because of the pictures' memory; and all, because a caller who fixes one must not find the next at the next call. */
  private async prepareShots(
    planned: readonly PlannedShot[],
    { ids, takes, before, folder, baseName, filmId, first = 1 }: ShotNames,
    call: FilmCall,
    signal: AbortSignal,
  ): Promise<PreparedShot[]> {
    const { preparer, clock, sandbox } = this.options;
    const coming = new Set(ids);
    const shots: PreparedShot[] = [];
    const problems: Problem[] = [];
    for (const [index, shot] of planned.entries()) {
      const previous = index === 0 ? before : ids[index - 1];
      const image = shot.continues ? `task:${previous}` : shot.request.image;
      const take = takes[index] ?? 1;
      const name = `${baseName} shot ${first + index}${take === 1 ? '' : ` take ${take}`}.mp4`;
      try {
        const prepared = await preparer.prepare({ ...shot.request, image }, undefined, call.caller, signal, {
          coming,
          place: { ...folder, name },
        });
        const id = ids[index] ?? '';
        const record = { ...queuedRecord(prepared, { id, now: clock.now(), sandbox }), filmId };
        shots.push({ shot, prepared, record });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        problems.push(ofShot(error, first + index));
      }
    }
    if (problems.length > 0) throw together(problems);
    return shots;
  }

  /** The shot, and with `cascade` those that continue from it. */
  private async prepareRetake(
    film: Film,
    number: number,
    { cascade, ...changes }: RetakeOptions,
    call: FilmCall,
    signal: AbortSignal,
  ): Promise<PreparedShot[]> {
    const { clock, library } = this.options;
    const shot = film.shots[number - 1];
    if (shot === undefined) {
      throw new Problem('invalid_input', {
        what: `\`shot\` is ${number}, and the film has the shots 1 to ${film.shots.length}.`,
      });
    }
    for (const [name, image] of [
      ['image', changes.image ?? shot.request.image],
      ['tail_image', changes.tail_image ?? shot.request.tailImage],
    ] as const) {
      if (image !== NOT_KEPT) continue;
      throw new Problem('invalid_input', {
        what: `The \`${name}\` of shot ${number} was given as a data URL, which is not kept.`,
        hint: `give \`${name}\` again`,
      });
    }
    const first = retakenShot(shot, changes);
    if ('faults' in first)
      throw new Problem('invalid_input', { what: first.faults.join(' '), hint: 'correct the input' });
    const planned = [first];
    for (const next of cascade ? film.shots.slice(number) : []) {
      if (!next.continues) break;
      planned.push(next);
    }
    // Proves that it can be written there, before anything is paid.
    const place = await library.choose(`${film.place.folder}/`, { kind: 'terminal' });
    const now = clock.now();
    const names: ShotNames = {
      ids: planned.map(() => newTaskId(now)),
      takes: planned.map((_, index) => (film.shots[number - 1 + index]?.takes.length ?? 0) + 1),
      before: film.shots[number - 2]?.takes.at(-1),
      folder: { folder: place?.folder ?? film.place.folder },
      baseName: film.baseName,
      filmId: film.id,
      first: number,
    };
    return await this.prepareShots(planned, names, call, signal);
  }

  private wishOf(film: Film, shots: readonly PreparedShot[]) {
    return { film, tasks: shots.map((shot) => this.reservationOf(shot)), budgetFen: this.budgetFen };
  }

  private reservationOf({ prepared, record }: PreparedShot): Reservation {
    return { record, body: prepared.body, budgetFen: this.budgetFen };
  }

  private beyondBudget(
    ledger: { readonly reservedFen: number; readonly roomAt: number | undefined },
    fen: number,
    videos: number,
  ) {
    return beyondBudget(ledger, { fen, budgetFen: this.budgetFen, videos });
  }

  private send(shots: readonly PreparedShot[], call: FilmCall): void {
    const { submitter, waiting } = this.options;
    for (const { record } of shots) {
      if (record.awaits === undefined) submitter.queue({ ...record, ownerAlive: true }, call.deadline);
    }
    waiting.start();
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

  private async joined(film: Film): Promise<FilmView> {
    this.options.director.follow(film.id);
    const view = await this.view(film);
    for (const task of view.tasks) if (task?.status === 'generating') void this.options.watcher.watch(task.id);
    return { ...view, joined: true };
  }

  /** @throws Problem no_record */
  private async find(filmId: string): Promise<Film> {
    const film = await orProblem(this.options.store.films.find(filmId));
    if (film !== undefined) return film;
    throw new Problem('no_record', {
      what: `No film ${JSON.stringify(filmId.slice(0, 60))} is recorded for this account and service.`,
    });
  }

  private async view(film: Film): Promise<FilmView> {
    const { store, clock, library } = this.options;
    const current = currentTakes(film);
    const all = film.shots.flatMap(({ takes }) => takes);
    const read = await orProblem(store.films.tasks(all));
    const byId = new Map(all.map((id, index) => [id, read[index]]));
    const tasks = current.map((id) => byId.get(id));
    const join = currentJoin(film);
    const isThere = join === undefined || (await library.isThere(join.file));
    return {
      film,
      status: statusOf(film, tasks),
      tasks,
      fen: read.reduce((sum, task) => sum + (task === undefined ? 0 : countedFen(task)), 0),
      now: clock.now(),
      joined: false,
      ...(join === undefined || !isThere ? {} : { join }),
      ...(join === undefined || isThere ? {} : { missingFile: join.file.path }),
      isLeft: tasks.some((task) => task?.status === 'queued' && !task.ownerAlive),
    };
  }
}

interface ShotNames {
  readonly ids: readonly string[];
  /** The number of each take. */
  readonly takes: readonly number[];
  /** The task that the first one continues from. */
  readonly before: string | undefined;
  readonly folder: { readonly folder: string };
  readonly baseName: string;
  readonly filmId: string;
  /** The number of the first shot. */
  readonly first?: number;
}

function countedFen(task: Task): number {
  return isOpen(task.status) || chargeOf(task) !== 'none' ? (task.fen ?? 0) : 0;
}

function requireWithin(maxCostCny: number | undefined, fen: number, videos: number): void {
  if (maxCostCny !== undefined && fen > fenOf(maxCostCny)) throw aboveLimit(fen, fenOf(maxCostCny), videos);
}

function titleOf({ title, shots }: FilmInput, count: number): string {
  return `a film of ${count} shots: ${title ?? shots[0]?.prompt ?? ''}`;
}

function ofShot(problem: Problem, number: number): Problem {
  return new Problem(problem.code as ConstructorParameters<typeof Problem>[0], {
    what: `Shot ${number}: ${problem.message}`,
    hint: problem.hint,
    ...(problem.getFirst === undefined ? {} : { getFirst: problem.getFirst }),
    cause: problem,
  });
}

function fingerprintOf(shots: readonly PreparedShot[], audio: string | undefined): string {
  const parts = shots.map(({ shot, prepared }) => [prepared.awaiting ?? prepared.fingerprint, shot.continues]);
  return createHash('sha256')
    .update(JSON.stringify([parts, audio ?? null]))
    .digest('hex');
}

const NOT_KEPT = 'data URL';

/** A picture in the text itself has megabytes. */
function kept({ request }: PlannedShot): PlannedShot['request'] {
  const short = (image: string | undefined) =>
    image !== undefined && (/^data:/i.test(image) || image.length > 8_192) ? NOT_KEPT : image;
  return { ...request, image: short(request.image), tailImage: short(request.tailImage) };
}

/** The take that is there is what this call wants: its client did not get the answer to the same call. */
function isSameTake(current: Task | undefined, wanted: PreparedShot | undefined, now: number): boolean {
  if (current === undefined || current.fingerprint !== wanted?.prepared.fingerprint) return false;
  return sameRequest({ same: [current], now, reservedFen: 0, roomAt: undefined }) !== undefined;
}

/** The film with the new takes; shots that were not sent yet continue from them. */
function retaken(film: Film, tasks: readonly (Task | undefined)[], number: number, made: readonly PreparedShot[]) {
  const shots = film.shots.map((shot, index) => {
    const take = made[index - (number - 1)];
    if (index < number - 1 || take === undefined) return shot;
    return {
      ...shot,
      takes: [...shot.takes, take.record.id],
      continues: take.shot.continues,
      request: kept(take.shot),
    };
  });
  const last = made.at(-1);
  const index = number - 1 + made.length;
  const follower = tasks[index];
  const isWaiting = film.shots[index]?.continues && follower?.status === 'queued' && follower.awaits !== undefined;
  const waiting = !isWaiting || last === undefined ? [] : [{ record: continuing(follower, last.record.id) }];
  const { joinProblem: _, ...rest } = film;
  return { film: { ...rest, status: 'running' as const, shots }, waiting };
}

function continuing(task: Task, from: string): TaskRecord {
  const [frame, ...others] = task.awaits ?? [];
  const awaits = frame === undefined ? [] : [{ ...frame, taskId: from }, ...others];
  return { ...recordOf(task), awaits };
}
