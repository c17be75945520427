/** The figures for Prometheus: what this process did, counted from its log's events, and what the store holds. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Log, type LogFields, logOf } from '../log.ts';
import type { ListView } from '../tasks/calls.ts';
import { TASK_STATUSES } from '../tasks/record.ts';
import { KEYS_AWAY_EVENT } from './access.ts';
import { NO_WORKER_EVENT } from './worker.ts';

/** A tool call may wait for half an hour. */
const CALL_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 15, 30, 45, 60, 300, 1800];
const LAG_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30, 60];

/** Logged events that an operator should know → the value of the label. No other event is counted. */
const TROUBLES: Readonly<Record<string, string>> = {
  'record cannot be written': 'record_not_written',
  'lease not renewed': 'lease_not_renewed',
  'this process was declared dead because its lease had ended (it was suspended, or the database was away); others go on with its tasks':
    'declared_dead',
  'recovery failed': 'recovery_failed',
  'the queue is stuck': 'queue_stuck',
  'sending failed': 'sending_failed',
  'polling stopped': 'polling_stopped',
  'video not saved': 'video_not_saved',
  'film not joined': 'film_not_joined',
  'the list of tokens cannot be used': 'tokens_not_read',
  [KEYS_AWAY_EVENT]: 'issuer_away',
  'store replaced': 'store_replaced',
  [NO_WORKER_EVENT]: 'no_worker',
};

/** `workers`: undefined where the store is not shared. */
export type StoreFigures = Pick<ListView, 'counts' | 'spending'> & { readonly workers: number | undefined };

/** @returns what the store holds now @throws where it cannot be read */
export type ReadStore = () => Promise<StoreFigures>;

export class Metrics {
  private readonly registry = new Registry();
  private readonly submits = this.counter(
    'jimeng_submits_total',
    'Answers to paid requests, by what became of the task.',
    ['outcome'],
  );
  private readonly saved = this.counter(
    'jimeng_videos_total',
    'Videos that were finished, by whether they were saved.',
    ['saved'],
  );
  private readonly troubles = this.counter('jimeng_troubles_total', 'What an operator should look at, by its kind.', [
    'kind',
  ]);
  private readonly denied = this.counter(
    'jimeng_denied_total',
    'Requests that were refused before any tool, by HTTP status.',
    ['status'],
  );
  private readonly calls = new Histogram({
    name: 'jimeng_call_seconds',
    help: 'Tool calls, their waits included, by tool and by the status that was answered.',
    labelNames: ['tool', 'status'],
    buckets: CALL_SECONDS,
    registers: [this.registry],
  });
  private readonly lag = new Histogram({
    name: 'jimeng_poll_lag_seconds',
    help: 'How long due queries waited for the limit of queries a second.',
    buckets: LAG_SECONDS,
    registers: [this.registry],
  });

  private readonly tasks = this.gauge('jimeng_tasks', 'Tasks of the account, by status.', ['status']);
  private readonly spend = this.gauge('jimeng_spend_cny', 'Cost of finished videos, by when they were ordered.', [
    'window',
  ]);
  private readonly pending = this.gauge('jimeng_pending_cny', 'Cost of what is in flight or unknown.');
  private readonly left = this.gauge(
    'jimeng_budget_left_cny',
    'What the account’s daily budget has room for; absent without one.',
  );
  private readonly workers = this.gauge(
    'jimeng_workers',
    'Processes that work on the queue, of all hosts; absent where the store is not shared.',
  );
  private readonly store = this.gauge('jimeng_store_up', '1 where the store could be read for this answer.');
  private readonly connections = this.gauge('jimeng_connections', 'Open connections.');
  private readonly readStore: ReadStore;
  private readonly countConnections: () => Promise<number>;

  constructor(readStore: ReadStore, countConnections: () => Promise<number>) {
    this.readStore = readStore;
    this.countConnections = countConnections;
    collectDefaultMetrics({ register: this.registry });
    this.beginAtZero();
  }

  /** Prometheus' `increase` misses the first event of a series that begins with it. */
  private beginAtZero(): void {
    for (const outcome of ['generating', 'queued', 'failed', 'unknown']) this.submits.inc({ outcome }, 0);
    for (const saved of ['true', 'false']) this.saved.inc({ saved }, 0);
    for (const status of ['401', '403', '429', '503']) this.denied.inc({ status }, 0);
    for (const kind of Object.values(TROUBLES)) this.troubles.inc({ kind }, 0);
  }

  async text(): Promise<{ readonly type: string; readonly body: string }> {
    // Before any gauge is written out: each is written as it is when its turn comes.
    const [figures, connections] = await Promise.all([
      this.readStore().catch(() => undefined),
      this.countConnections().catch(() => 0),
    ]);
    this.show(figures);
    this.connections.set(connections);
    return { type: this.registry.contentType, body: await this.registry.metrics() };
  }

  /** @param tool a tool's name @param status of the report; undefined: a list */
  called(tool: string, status: string | undefined, seconds: number): void {
    this.calls.observe({ tool, status: status ?? 'none' }, seconds);
  }

  refused(status: number): void {
    this.denied.inc({ status: String(status) });
  }

  /** One event of the log, whatever its level. */
  event(name: string, { status, saved, lag_ms: lag }: LogFields = {}): void {
    if (name === 'submit') this.submits.inc({ outcome: String(status) });
    else if (name === 'done') this.saved.inc({ saved: String(saved) });
    else if (name === 'poll' && typeof lag === 'number') this.lag.observe(lag / 1000);
    const kind = Object.hasOwn(TROUBLES, name) ? TROUBLES[name] : undefined;
    if (kind !== undefined) this.troubles.inc({ kind });
  }

  /** @param figures undefined: the store could not be read, and old figures would look like present ones */
  private show(figures: StoreFigures | undefined): void {
    for (const one of [this.tasks, this.spend]) one.reset();
    // `reset` would set those without labels to 0.
    for (const one of [this.pending, this.left, this.workers]) one.remove();
    this.store.set(figures === undefined ? 0 : 1);
    if (figures === undefined) return;
    const { counts, spending, workers } = figures;
    for (const status of TASK_STATUSES) this.tasks.set({ status }, counts[status] ?? 0);
    this.spend.set({ window: '24h' }, spending.last24hFen / 100);
    this.spend.set({ window: 'all' }, spending.allTimeFen / 100);
    this.pending.set(spending.pendingFen / 100);
    if (spending.budget !== undefined) this.left.set(spending.budget.leftFen / 100);
    if (workers !== undefined) this.workers.set(workers);
  }

  private gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}

/** @returns a log that hands each event on, those below its level too */
export function countedLog(log: Log, count: (event: string, fields?: LogFields) => void): Log {
  return logOf((method) => (event, fields) => {
    count(event, fields);
    log[method](event, fields);
  });
}
