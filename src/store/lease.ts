/** This process's one lease, and the tasks that it covers: while it is good, other processes leave them alone. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../clock.ts';
import { type Log, RepeatedProblem } from '../log.ts';
import { Problem } from '../problems.ts';
import { errorOf, recordOf, slotOfRunning, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Engine, Tx } from './engine.ts';
import { paramsOf } from './rows.ts';
import { DELETE_HOST, HOSTS, INSERT_HOST, INSERT_TASK, RENEW_HOST, SHORTEN_LEASES } from './statements.ts';
import type { Sends } from './store.ts';

/** A dead process's tasks are resumed within 10 s: its lease, and the time for which it has to be seen unchanged. */
const LEASE_MILLISECONDS = 6_000;
const RENEW_MILLISECONDS = 1_500;
/** After a sleep of the computer every lease has run out: the living get this long to renew theirs. */
const SEEN_UNCHANGED_MILLISECONDS = 3_000;

/** One registration in `host`. A process that was declared dead takes a new one: the old id never becomes good again. */
export interface Registration {
  readonly id: string;
  /** Aborted when another process has declared this one dead. */
  readonly lost: AbortSignal;
}

interface Current extends Registration {
  readonly end: AbortController;
}

/** What others read in its row. */
export interface Registered {
  /** The account whose queue it sends. */
  readonly scope: string;
  readonly sends: Sends;
}

export class Lease {
  private readonly registered: Registered;
  private readonly engine: Engine;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly renewal: RepeatedProblem;
  private current: Current | undefined;
  /** Tasks that need it: without one nothing is renewed, and the registration goes. */
  private readonly users = new Set<symbol>();
  private renewing: Promise<void> | undefined;
  private isWorking = false;
  private readonly stop = new AbortController();
  /** When each lease was first seen with its present deadline, on the monotonic clock. */
  private readonly seen = new Map<string, { readonly until: number; readonly since: number }>();

  constructor(registered: Registered, engine: Engine, clock: Clock, log: Log) {
    this.registered = registered;
    this.engine = engine;
    this.clock = clock;
    this.log = log;
    this.renewal = new RepeatedProblem(log, 'lease not renewed', 'lease renewed again');
  }

  /** The present id; an empty text before the first use. */
  get id(): string {
    return this.current?.id ?? '';
  }

  /** Registers this process, or renews its lease, within the caller's transaction. */
  async ensure(tx: Tx): Promise<Registration> {
    const until = tx.now + LEASE_MILLISECONDS;
    const { current } = this;
    if (current !== undefined && (await tx.run(RENEW_HOST, { id: current.id, until })) === 1) return current;
    current?.end.abort(new LeaseLost());
    const end = new AbortController();
    this.current = { id: randomUUID(), lost: end.signal, end };
    const { scope, sends } = this.registered;
    await tx.run(INSERT_HOST, { id: this.current.id, name: `${hostname()} ${process.pid}`, until, scope, sends });
    return this.current;
  }

  /**
   * Registers this process until it is closed, whether it holds anything or not: others count the workers of a shared
   * store, to know whether anybody sends what they queue.
   */
  async work(tx: Tx): Promise<void> {
    if (!this.isWorking) this.use('worker');
    this.isWorking = true;
    await this.ensure(tx);
  }

  /** Keeps the lease renewed for as long as this task needs it. @returns call it when the task no longer does */
  use(taskId: string): () => void {
    const user = Symbol(taskId);
    this.users.add(user);
    this.renewing ??= this.renewWhileUsed();
    return () => void this.users.delete(user);
  }

  /** @returns false when another process has declared this one dead @throws StoreFailure */
  async renew(): Promise<boolean> {
    const { current } = this;
    if (current === undefined) return false;
    const renewed = await this.engine.transaction((tx) =>
      tx.run(RENEW_HOST, { id: current.id, until: tx.now + LEASE_MILLISECONDS }),
    );
    if (renewed === 0) this.lose(current);
    return renewed === 1;
  }

  /** Ids of processes whose leases ran out, and were seen unchanged for long enough. Call it in a transaction. */
  async deadHosts(tx: Tx): Promise<readonly string[]> {
    const longest = tx.now + LEASE_MILLISECONDS;
    await tx.run(SHORTEN_LEASES, { longest, limit: longest + LEASE_MILLISECONDS });
    const monotonic = this.clock.monotonic();
    const dead: string[] = [];
    const known = new Set<string>();
    for (const row of await tx.all(HOSTS)) {
      const [id, until] = [String(row.id), Number(row.lease_until)];
      known.add(id);
      if (id === this.current?.id) continue;
      const seen = this.seen.get(id);
      if (seen?.until !== until) this.seen.set(id, { until, since: monotonic });
      else if (until <= tx.now && monotonic - seen.since >= SEEN_UNCHANGED_MILLISECONDS) dead.push(id);
    }
    for (const id of this.seen.keys()) if (!known.has(id)) this.seen.delete(id);
    return dead;
  }

  /** Gives the lease back, so that what is left open is resumed by others immediately. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.renewing;
    await this.giveBack().catch(() => undefined);
  }

  private async renewWhileUsed(): Promise<void> {
    do {
      await this.clock.sleep(RENEW_MILLISECONDS, this.stop.signal).catch(() => undefined);
      if (this.stop.signal.aborted) return;
      try {
        if (!(await this.renew()) && this.isWorking) await this.engine.transaction((tx) => this.ensure(tx));
        this.renewal.succeeded();
      } catch (error) {
        // A full or absent disk: nobody else can write there either, so nobody can declare this process dead.
        this.renewal.failed(String(error));
      }
      if (this.users.size === 0) await this.giveBack().catch(() => undefined);
      // Another task may have come while it was given back.
    } while (this.users.size > 0);
    // Without an await since the last check: a task that comes later starts a new loop.
    this.renewing = undefined;
  }

  private async giveBack(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    await this.engine.transaction(async (tx) => {
      if (this.users.size > 0 && !this.stop.signal.aborted) return;
      await tx.run(DELETE_HOST, { id: current.id });
      if (this.current === current) this.current = undefined;
    });
  }

  private lose(registration: Current): void {
    if (this.current === registration) this.current = undefined;
    this.log.warn(
      'this process was declared dead because its lease had ended (it was suspended, or the database was away); others go on with its tasks',
    );
    registration.end.abort(new LeaseLost());
  }
}

/** What the parts of the store share. */
export interface StoreParts {
  readonly engine: Engine;
  readonly scope: string;
  readonly lease: Lease;
  readonly own: OwnTasks;
  /** @param id of the record that may have changed; undefined: any */
  readonly notify: (id?: string) => void;
}

/** This process was suspended for so long that another one declared it dead. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor() {
    super('this process was suspended, and its tasks went on in another one');
  }
}

interface OwnTask {
  readonly record: TaskRecord | undefined;
  readonly claim: string | undefined;
  readonly endLeaseUse: () => void;
}

export class OwnTasks {
  private readonly lease: Lease;
  private readonly tasks = new Map<string, OwnTask>();

  constructor(lease: Lease) {
    this.lease = lease;
  }

  /** @param task undefined: only its id is known yet */
  add(id: string, task?: Task, claim?: string): void {
    const endLeaseUse = this.tasks.get(id)?.endLeaseUse ?? this.lease.use(id);
    this.tasks.set(id, { record: task && recordOf(task), claim, endLeaseUse });
  }

  remove(id: string): void {
    this.tasks.get(id)?.endLeaseUse();
    this.tasks.delete(id);
  }

  /** What it still is to send, as far as it knows. */
  queued(reqKey: string): string[] {
    const queued = [...this.tasks].filter(([, { record }]) => record?.status === 'queued' && record.reqKey === reqKey);
    return queued.map(([id]) => id);
  }

  /** Writes them into a database that took the place of a removed one. @param place of the database, for sentences */
  async restore(tx: Tx, scope: string, place: string): Promise<void> {
    const { id: owner } = await this.lease.ensure(tx);
    for (const { record, claim = randomUUID() } of this.tasks.values()) {
      if (record === undefined) continue;
      const restored = record.status === 'queued' ? unsendable(record, tx.now, place) : record;
      const ties = record.status === 'submitting' ? { claim, owner } : {};
      await tx.run(INSERT_TASK, paramsOf(restored, scope, { ...ties, slotUntil: slotOfRunning(restored) }));
    }
  }
}

/** Its body is gone with the database. */
function unsendable(record: TaskRecord, now: number, place: string): TaskRecord {
  const problem = new Problem('state_not_writable', {
    what: `The database ${place} was removed before the request was sent.`,
    hint: 'make the request again',
  });
  return { ...record, status: 'failed', finishedAt: now, error: errorOf(problem) };
}
