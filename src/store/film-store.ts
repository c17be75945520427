/** Films in the database: every transaction of their life, the same on every engine. */
import { currentTakes, type Film } from '../films/film.ts';
import type { Task, TaskRecord } from '../tasks/record.ts';
import type { Params, Row, Tx } from './engine.ts';
import { LeaseLost, type Registration, type StoreParts } from './lease.ts';
import { paramsOf, personOf, readReservationLedger, taskOf } from './rows.ts';
import * as sql from './statements.ts';
import type {
  FilmAdmission,
  FilmHold,
  FilmLedger,
  FilmReserved,
  Films,
  FilmWish,
  Person,
  Reservation,
  Retake,
} from './store.ts';
import { undoReservation } from './undo.ts';

export class FilmStore implements Films {
  private readonly parts: StoreParts;
  private readonly held = new Map<string, Film>();

  constructor(parts: StoreParts) {
    this.parts = parts;
  }

  async reserve(wish: FilmWish, rule: (ledger: FilmLedger) => FilmAdmission): Promise<FilmReserved> {
    const { film, tasks } = wish;
    return await this.admitting(tasks, async (tx) => {
      const admission = rule(await this.ledgerOf(tx, wish));
      if (admission.kind !== 'create') return admission;
      const now = { ...film, reservedAt: tx.now };
      await tx.run(sql.INSERT_FILM, this.params(now));
      return { kind: 'create', film: now };
    });
  }

  async ledger(wish: FilmWish): Promise<FilmLedger> {
    return await this.parts.engine.read((tx) => this.ledgerOf(tx, wish));
  }

  async retake({ filmId, tasks, rule }: Retake): Promise<FilmReserved> {
    const { scope, engine } = this.parts;
    return await this.admitting(tasks, async (tx) => {
      const row = await tx.get(sql.FIND_FILM, { scope, id: filmId });
      if (row === undefined) throw new Error(`${engine.place} no longer has the film`);
      const film = filmOf(row);
      const current = await this.tasksIn(tx, currentTakes(film));
      const admission = rule(film, current, await this.budgetsFor(tx, tasks));
      if (admission.kind !== 'create') return admission;
      await tx.run(sql.UPDATE_FILM, this.params(admission.film));
      for (const record of admission.changed) {
        await tx.run(sql.CHANGE_QUEUED, {
          ...paramsOf(record, scope, {}),
          is_over: record.status === 'queued' ? 0 : 1,
        });
        if (record.status !== 'queued') await tx.run(sql.DELETE_BODY, { id: record.id });
      }
      return { kind: 'create', film: admission.film };
    });
  }

  async find(id: string, person?: Person): Promise<Film | undefined> {
    const [row] = await this.rows(sql.FIND_FILM, { id }, person);
    return row && filmOf(row);
  }

  async newest(limit: number, person?: Person): Promise<readonly Film[]> {
    return (await this.rows(sql.NEWEST_FILMS, { limit }, person)).map(filmOf);
  }

  async openIds(person?: Person): Promise<readonly string[]> {
    return (await this.rows(sql.OPEN_FILMS, {}, person)).map(({ id }) => String(id));
  }

  async tasks(ids: readonly string[]): Promise<readonly (Task | undefined)[]> {
    return await this.parts.engine.read((tx) => this.tasksIn(tx, ids));
  }

  async settle(
    id: string,
    rule: (film: Film, tasks: readonly (Task | undefined)[]) => Film | undefined,
  ): Promise<void> {
    const { engine, scope } = this.parts;
    await engine.transaction(
      async (tx) => {
        const row = await tx.get(sql.FIND_FILM, { scope, id });
        if (row === undefined) return;
        const film = filmOf(row);
        const next = rule(film, await this.tasksIn(tx, currentTakes(film)));
        if (next !== undefined) await tx.run(sql.UPDATE_FILM, this.params(next));
      },
      { account: scope },
    );
    this.parts.notify();
  }

  async hold(id: string): Promise<FilmHold | undefined> {
    const { engine, scope, lease, notify } = this.parts;
    if (this.held.has(id)) return undefined;
    const taken = await engine.transaction(async (tx) => {
      const registration = await lease.ensure(tx);
      const rows = await tx.all(sql.HOLD_FILM, { scope, id, me: registration.id });
      const row = rows.length === 0 ? undefined : await tx.get(sql.FIND_FILM, { scope, id });
      return row && { registration, film: filmOf(row) };
    });
    if (taken === undefined) return undefined;
    const { registration } = taken;
    this.held.set(id, taken.film);
    const endUse = lease.use(id);
    return {
      film: taken.film,
      lost: registration.lost,
      update: async (change) => {
        const film = await this.updateHeld(id, registration, change);
        this.held.set(id, film);
        notify();
        return film;
      },
      verify: async () => {
        registration.lost.throwIfAborted();
        const held = await engine.read((tx) => tx.get(sql.IS_FILM_HELD, { id, me: registration.id }));
        if (held === undefined) throw new LeaseLost();
      },
      release: async () => {
        this.held.delete(id);
        endUse();
        await engine.transaction((tx) => tx.run(sql.RELEASE_FILM, { id, me: registration.id })).catch(() => undefined);
        notify();
      },
    };
  }

  /** Writes those that are held here into a database that took the place of a removed one. */
  async restore(tx: Tx): Promise<void> {
    for (const film of this.held.values()) await tx.run(sql.INSERT_FILM, this.params(film));
  }

  /** All tasks and the film in one transaction, or nothing; the bodies before the account is locked. */
  private async admitting(
    tasks: readonly Reservation[],
    admit: (tx: Tx) => Promise<FilmReserved>,
  ): Promise<FilmReserved> {
    const { engine, scope, lease, own, notify } = this.parts;
    const reserved: Task[] = [];
    const admission = await engine.transaction(
      async (tx) => {
        reserved.length = 0;
        const refused = engine.whyNotPaid();
        const admitted = refused === undefined ? await admit(tx) : ({ kind: 'refuse', problem: refused } as const);
        for (const { record } of tasks) {
          if (admitted.kind !== 'create') await tx.run(sql.DELETE_BODY, { id: record.id });
          else {
            const owner = (await lease.ensure(tx)).id;
            const now: TaskRecord = { ...record, reservedAt: tx.now };
            await tx.run(sql.INSERT_TASK, paramsOf(now, scope, { owner }));
            reserved.push({ ...now, ownerAlive: true });
          }
        }
        return admitted;
      },
      {
        account: scope,
        before: async (tx) => {
          for (const { record, body } of tasks) {
            if (body !== undefined) await tx.run(sql.INSERT_BODY, { id: record.id, now: tx.now, bytes: body });
          }
        },
        // The film's status follows from its shots.
        undo: async (tx) => {
          for (const { record } of tasks) await undoReservation(tx, scope, record.id);
        },
      },
    );
    for (const task of reserved) own.add(task.id, task);
    notify();
    return admission;
  }

  private async ledgerOf(tx: Tx, { film, tasks, budgetFen, personBudgetFen }: FilmWish): Promise<FilmLedger> {
    const { person = '', fingerprint } = film;
    const same = await tx.all(sql.SAME_FILMS, { scope: this.parts.scope, person, fingerprint });
    return { ...(await this.budgetsFor(tx, tasks, { budgetFen, personBudgetFen })), same: same.map(filmOf) };
  }

  /** What the budgets have left for all of these together. @param budgets instead of the tasks' own */
  private async budgetsFor(tx: Tx, tasks: readonly Reservation[], budgets: Partial<Reservation> = {}) {
    const [first] = tasks;
    if (first === undefined) throw new RangeError('a film without shots');
    const all = { ...first, ...budgets, fen: fenOfAll(tasks) };
    const { same: _, ...ledger } = await readReservationLedger(tx, this.parts.scope, all);
    return ledger;
  }

  private async tasksIn(tx: Tx, ids: readonly string[]): Promise<(Task | undefined)[]> {
    const tasks: (Task | undefined)[] = [];
    for (const id of ids) {
      const row = await tx.get(sql.FIND_TASK, { scope: this.parts.scope, id });
      tasks.push(row && taskOf(row, tx.now));
    }
    return tasks;
  }

  private async updateHeld(id: string, { id: me, lost }: Registration, change: (film: Film) => Film): Promise<Film> {
    const { engine, scope } = this.parts;
    lost.throwIfAborted();
    return await engine.transaction(
      async (tx) => {
        const held = await tx.get(sql.IS_FILM_HELD, { id, me });
        const row = held && (await tx.get(sql.FIND_FILM, { scope, id }));
        if (row === undefined) throw new LeaseLost();
        const film = change(filmOf(row));
        await tx.run(sql.UPDATE_FILM, this.params(film));
        return film;
      },
      { account: scope },
    );
  }

  private params(film: Film): Params {
    const { id, person = '', status, fingerprint, reservedAt, ...rest } = film;
    const { scope } = this.parts;
    return { id, scope, person, status, fingerprint, reserved_at: reservedAt, record: JSON.stringify(rest) };
  }

  private async rows(statement: string, params: Params, person: Person): Promise<readonly Row[]> {
    const { engine, scope } = this.parts;
    const all = { scope, person: person ?? null, ...params };
    return await engine.read((tx) => tx.all(sql.ofPerson(statement, person), all));
  }
}

function filmOf(row: Row): Film {
  const rest = JSON.parse(String(row.record)) as Omit<Film, 'id' | 'person' | 'status' | 'fingerprint' | 'reservedAt'>;
  return {
    ...rest,
    id: String(row.id),
    ...personOf(row),
    status: String(row.status) as Film['status'],
    fingerprint: String(row.fingerprint),
    reservedAt: Number(row.reserved_at),
  };
}

function fenOfAll(tasks: readonly Reservation[]): number {
  return tasks.reduce((sum, { record }) => sum + (record.fen ?? 0), 0);
}
