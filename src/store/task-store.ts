/** The store: every transaction of a task's life, the same on every engine. */
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Problem } from '../problems.ts';
import { Changes } from '../system/changes.ts';
import { isOpen, slotOfRunning, type Task, type TaskRecord } from '../tasks/record.ts';
import { AwaitingTasks } from './awaiting-tasks.ts';
import type { Engine, TransactionOptions, Tx } from './engine.ts';
import { FilmStore } from './film-store.ts';
import { Lease, OwnTasks, type Registration } from './lease.ts';
import { giveTurnBack, paramsOf, readReservationLedger, type Ties, taskOf, unreadLedger, writePacing } from './rows.ts';
import * as sql from './statements.ts';
import type {
  Admission,
  Claim,
  Claimed,
  Hold,
  Lists,
  Orphans,
  Person,
  QueueLedger,
  RecoveryRules,
  Reservation,
  ReservationLedger,
  Reserved,
  Sends,
  Settlement,
  Store,
  Turn,
} from './store.ts';
import { KeptWrites, TaskHold } from './task-hold.ts';
import { TaskLists } from './task-lists.ts';
import { TaskQueue } from './task-queue.ts';
import { undoReservation } from './undo.ts';

/** A body is written just before its task: one this old without a task never gets one. */
const STRAY_BODY_MILLISECONDS = 3600_000;

interface TaskStoreOptions {
  readonly engine: Engine;
  /** Whose tasks: those of one account at one service. */
  readonly scope: string;
  /** Which queued requests this process sends. `all` is for a store that is shared. */
  readonly sends?: Sends;
  readonly clock: Clock;
  readonly log: Log;
}

export class TaskStore implements Store {
  readonly lists: Lists;
  readonly films: FilmStore;
  readonly awaiting: AwaitingTasks;
  private readonly queue: TaskQueue;
  private readonly sends: Sends;
  private readonly engine: Engine;
  private readonly scope: string;
  private readonly log: Log;
  private readonly lease: Lease;
  private readonly kept: KeptWrites;
  private readonly own: OwnTasks;
  private readonly held = new Set<string>();
  private readonly changes: Changes;

  constructor({ engine, scope, sends = 'own', clock, log }: TaskStoreOptions) {
    this.engine = engine;
    this.scope = scope;
    this.sends = sends;
    this.log = log;
    this.changes = new Changes((signal) => engine.changedElsewhere(signal));
    this.lease = new Lease({ scope, sends }, engine, clock, log);
    this.kept = new KeptWrites(clock, log);
    this.own = new OwnTasks(this.lease);
    this.lists = new TaskLists(engine, scope, (task) => this.newest(task));
    const notify = (id?: string) => this.changes.notify(id);
    const parts = { engine, scope, lease: this.lease, own: this.own, notify };
    this.films = new FilmStore(parts);
    this.awaiting = new AwaitingTasks(parts);
    this.queue = new TaskQueue({ ...parts, sends, isKept: (id) => this.kept.has(id) });
    engine.onRecreated?.(async (tx) => {
      await this.own.restore(tx, scope, engine.place);
      await this.films.restore(tx);
    });
  }

  async reserve(wanted: Reservation, rule: (ledger: ReservationLedger) => Admission): Promise<Reserved> {
    const { record, body } = wanted;
    const admitted = await this.inTurn(
      async (tx): Promise<Reserved> => {
        const refused = this.whyNotPaid();
        if (refused !== undefined && body !== undefined) return { kind: 'refuse', problem: refused };
        const admission = rule(await readReservationLedger(tx, this.scope, wanted));
        if (admission.kind !== 'create') {
          if (body !== undefined) await tx.run(sql.DELETE_BODY, { id: record.id });
          return admission;
        }
        const owner = record.status === 'queued' ? (await this.lease.ensure(tx)).id : null;
        const reserved = { ...record, reservedAt: tx.now };
        await tx.run(sql.INSERT_TASK, this.params(reserved, { owner, slotUntil: slotOfRunning(reserved) }));
        return { ...admission, task: { ...reserved, ownerAlive: owner !== null } };
      },
      async (tx) => {
        if (body !== undefined) await tx.run(sql.INSERT_BODY, { id: record.id, now: tx.now, bytes: body });
      },
      (tx) => undoReservation(tx, this.scope, record.id),
    );
    if (admitted.task !== undefined && admitted.kind === 'create') this.own.add(admitted.task.id, admitted.task);
    this.changes.notify(record.id);
    return admitted;
  }

  async reservationLedger(wanted: Reservation): Promise<ReservationLedger> {
    return await this.inTurn((tx) => readReservationLedger(tx, this.scope, wanted));
  }

  async claimNext(reqKey: string, rule: (ledger: QueueLedger) => Turn): Promise<Claimed> {
    return await this.queue.claimNext(reqKey, rule);
  }

  async queueLedger(reqKey: string): Promise<QueueLedger> {
    return await this.engine.read((tx) => this.queue.ledger(tx, reqKey));
  }

  async queuedBefore(task: Task): Promise<number> {
    return await this.queue.before(task);
  }

  async queuedKeys(): Promise<readonly string[]> {
    return await this.queue.keys();
  }

  async isUnsent(task: Task): Promise<boolean> {
    return await this.queue.isUnsent(task);
  }

  async workers(): Promise<number> {
    return await this.queue.workers();
  }

  async resumeQueued(maxAge: number, id = ''): Promise<readonly string[]> {
    return await this.queue.resume(maxAge, id);
  }

  async body(id: string): Promise<Uint8Array | undefined> {
    const bytes = await this.engine.read(async (tx) => (await tx.get(sql.BODY, { id }))?.bytes);
    return bytes instanceof Uint8Array ? bytes : undefined;
  }

  async stillHolds({ task, token }: Claim, margin: number): Promise<boolean> {
    const held = await this.engine.read((tx) =>
      tx.get(sql.IS_CLAIM_HELD, { id: task.id, claim: token, until: tx.now + margin }),
    );
    return held !== undefined;
  }

  async settle(
    claim: Claim,
    rule: (task: Task, ledger: QueueLedger) => Settlement,
    isAccepted: boolean,
  ): Promise<Task> {
    const { task, token } = claim;
    let settled = task;
    let isOurs = true;
    const write = async () => {
      const written = await this.inTurn(async (tx) => {
        const row = await tx.get(sql.CLAIMED_TASK, { id: task.id, claim: token });
        // The database may have been exchanged for one without this task: its outcome is recorded all the same.
        if (row === undefined && (await tx.get(sql.CLAIM_OF, { id: task.id })) !== undefined) return undefined;
        const { record, slotUntil, pacing } = rule(
          row === undefined ? task : taskOf(row, tx.now),
          await this.queue.ledger(tx, task.reqKey),
        );
        const isQueued = record.status === 'queued';
        const me = isAccepted || isQueued ? (await this.lease.ensure(tx)).id : null;
        const ties = {
          claim: isQueued ? null : token,
          owner: isQueued ? me : null,
          holder: isAccepted ? me : null,
          slotUntil,
        };
        if (row === undefined) await tx.run(sql.INSERT_TASK, this.params(record, ties));
        await tx.run(sql.SETTLE_TASK, { ...this.params(record, ties), claim_was: token });
        if (!isQueued) await tx.run(sql.DELETE_BODY, { id: task.id });
        if (pacing !== undefined) await writePacing(tx, this.scope, task.reqKey, pacing);
        if (isQueued) await giveTurnBack(tx, this.scope, record);
        return { ...record, ownerAlive: isQueued };
      });
      if (written !== undefined) settled = written;
      else {
        this.log.warn('the claim is settled already', { task: task.id });
        settled = (await this.find(task.id)) ?? task;
        this.own.remove(task.id);
        isOurs = false;
      }
    };
    try {
      await write();
    } catch (error) {
      settled = { ...rule(task, unreadLedger(this.engine.now())).record, ownerAlive: true };
      this.kept.keep(settled, write, error);
    }
    if (isOurs && isOpen(settled.status)) this.own.add(task.id, settled, token);
    else this.own.remove(task.id);
    this.changes.notify(task.id);
    return settled;
  }

  async hold(id: string): Promise<Hold | undefined> {
    if (this.held.has(id)) return undefined;
    this.held.add(id);
    let taken: { readonly registration: Registration; readonly task: Task } | undefined;
    try {
      taken = await this.engine.transaction(async (tx) => {
        const registration = await this.lease.ensure(tx);
        const held = await tx.all(sql.HOLD_TASK, { scope: this.scope, id, me: registration.id });
        const row = held.length === 0 ? undefined : await tx.get(sql.FIND_TASK, { scope: this.scope, id });
        return row && { registration, task: taskOf(row, tx.now) };
      });
    } finally {
      if (taken === undefined) this.held.delete(id);
    }
    return taken && this.holdOf(taken.task, taken.registration);
  }

  async holdOrphans(limit: number): Promise<readonly Hold[]> {
    const { engine, scope } = this;
    const { registration, tasks } = await engine.transaction(async (tx) => {
      const registration = await this.lease.ensure(tx);
      const params = { scope, me: registration.id, now: tx.now };
      const unpolled = await tx.all(sql.holdUnpolled(engine.skipLocked), { ...params, limit });
      const left = { ...params, limit: limit - unpolled.length };
      const unsaved = await tx.all(sql.holdUnsaved(engine.skipLocked), left);
      return { registration, tasks: [...unpolled, ...unsaved].map((row) => taskOf(row, tx.now)) };
    });
    // A call of this process may have asked for one meanwhile: then it is that call's.
    const taken = tasks.filter(({ id }) => !this.held.has(id));
    for (const { id } of taken) this.held.add(id);
    return taken.map((task) => this.holdOf(task, registration));
  }

  async find(id: string, person?: Person): Promise<Task | undefined> {
    return await this.findBy(sql.FIND_TASK, id, person);
  }

  async findByProviderId(providerTaskId: string, person?: Person): Promise<Task | undefined> {
    return await this.findBy(sql.FIND_BY_PROVIDER_ID, providerTaskId, person);
  }

  async cancel(id: string, rule: (task: Task, now: number) => Settlement | undefined): Promise<Task | undefined> {
    const cancelled = await this.inTurn(async (tx) => {
      const row = await tx.get(sql.FIND_TASK, { scope: this.scope, id });
      const settlement = row && rule(taskOf(row, tx.now), tx.now);
      if (row === undefined || settlement === undefined) return undefined;
      const { record, slotUntil } = settlement;
      const claim = (await tx.get(sql.CLAIM_OF, { id }))?.claim;
      await tx.run(sql.UPDATE_TASK, this.params(record, { claim: claim == null ? null : String(claim), slotUntil }));
      await tx.run(sql.DELETE_BODY, { id });
      return { ...record, ownerAlive: false };
    });
    if (cancelled !== undefined) this.own.remove(id);
    this.changes.notify(id);
    return cancelled;
  }

  async recover(rules: RecoveryRules): Promise<Orphans> {
    const orphans = await this.inTurn(async (tx) => {
      if (this.sends === 'all') await this.lease.work(tx);
      for (const host of await this.lease.deadHosts(tx)) {
        if ((await tx.run(sql.LOCK_DEAD_HOST, { id: host, now: tx.now })) === 0) continue;
        for (const row of await tx.all(sql.INTERRUPTED, { host })) {
          const { record, slotUntil } = rules.interrupted(taskOf(row, tx.now), tx.now);
          const ties = { claim: String(row.claim), slotUntil };
          await tx.run(sql.INTERRUPT_TASK, paramsOf(record, String(row.scope), ties));
        }
        await tx.run(sql.DELETE_HOST, { id: host });
      }
      for (const row of await tx.all(sql.LEFT_QUEUED, { scope: this.scope })) {
        const record = rules.leftInQueue(taskOf(row, tx.now), tx.now);
        if (record === undefined) continue;
        await tx.run(sql.UPDATE_TASK, this.params(record, {}));
        await tx.run(sql.DELETE_BODY, { id: record.id });
      }
      await tx.run(sql.DELETE_STRAY_BODIES, { before: tx.now - STRAY_BODY_MILLISECONDS });
      const params = { scope: this.scope, now: tx.now, me: this.lease.id };
      const ids = (await tx.all(sql.HELD_BY_ME, params)).map(({ id }) => String(id));
      const isAnyUnheld = (await tx.get(sql.IS_ANY_ORPHAN, params)) !== undefined;
      const films = (await tx.all(sql.OPEN_FILMS, { scope: this.scope })).map(({ id }) => String(id));
      const open = Number((await tx.get(sql.OPEN_COUNT, { scope: this.scope }))?.count ?? 0);
      return { ids, isAnyUnheld, films, isAnythingOpen: open + films.length > 0 };
    });
    // A task that was accepted, or let go, while the disk failed is held and not polled.
    return { ...orphans, ids: orphans.ids.filter((id) => !this.held.has(id)) };
  }

  async durations(mode: string, limit: number): Promise<readonly (readonly [number, number])[]> {
    const params = { scope: this.scope, mode, limit };
    const rows = await this.engine.read((tx) => tx.all(sql.FINISHED_BETWEEN, params));
    return rows.map((row) => [Number(row.finished_from), Number(row.finished_to)] as const);
  }

  warning(): string | undefined {
    return this.engine.whyNotPaid()?.message ?? this.engine.notice?.();
  }

  whyNotPaid(): Problem | undefined {
    return this.engine.whyNotPaid();
  }

  isUnwritten(id: string): boolean {
    return this.kept.has(id);
  }

  async whenWritten(id: string): Promise<void> {
    await this.kept.whenWritten(id);
  }

  async changed(signal: AbortSignal, id?: string): Promise<void> {
    await this.changes.changed(signal, id);
  }

  async close(): Promise<void> {
    await this.kept.close();
    await this.lease.close();
    this.changes.close();
    await this.engine.close();
  }

  private holdOf(task: Task, registration: Registration): Hold {
    const { engine, scope, kept, own, log } = this;
    const { id } = task;
    return new TaskHold(task, registration, {
      ...{ engine, scope, kept, own, log },
      onSaved: () => this.changes.notify(id),
      onReleased: () => {
        this.held.delete(id);
        this.changes.notify(id);
      },
    });
  }

  private async findBy(statement: string, id: string, person: Person): Promise<Task | undefined> {
    return await this.engine.read(async (tx) => {
      const row = await tx.get(sql.ofPerson(statement, person), { scope: this.scope, person: person ?? null, id });
      return row && this.newest(taskOf(row, tx.now));
    });
  }

  /** With the state that the disk has not taken yet. */
  private newest(task: Task): Task {
    const kept = this.kept.get(task.id);
    return kept === undefined ? task : { ...kept, ownerAlive: task.ownerAlive };
  }

  /** One transaction at a time for this account. @see TransactionOptions */
  private async inTurn<Value>(
    work: (tx: Tx) => Promise<Value>,
    before?: TransactionOptions['before'],
    undo?: TransactionOptions['undo'],
  ): Promise<Value> {
    return await this.engine.transaction(work, { account: this.scope, before, undo });
  }

  private params(record: TaskRecord, ties: Ties) {
    return paramsOf(record, this.scope, ties);
  }
}
