/** The figures for Prometheus: what this process did, counted from its log's events, and what the store holds. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Log, LogFields } from '../log.ts';
import type { ListView } from '../tasks/calls.ts';
import { TASK_STATUSES } from '../tasks/record.ts';

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
  'the keys of the authorization server are not to be had': 'issuer_away',
};

/** @returns what the store holds now @throws where it cannot be read */
export type ReadStore = () => Promise<Pick<ListView, 'counts' | 'spending'>>;

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

  constructor(readStore: ReadStore, connections: () => Promise<number>) {
    collectDefaultMetrics({ register: this.registry });
    const gauge = (name: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name, help, labelNames, registers: [this.registry] });
    const tasks = gauge('jimeng_tasks', 'Tasks of the account, by status.', ['status']);
    const spend = gauge('jimeng_spend_cny', 'Cost of finished videos, by when they were ordered.', ['window']);
    const pending = gauge('jimeng_pending_cny', 'Cost of what is in flight or unknown.');
    const left = gauge('jimeng_budget_left_cny', 'What the account’s daily budget has room for; absent without one.');
    const store = gauge('jimeng_store_up', '1 where the store could be read for this answer.');
    new Gauge({
      name: 'jimeng_connections',
      help: 'Open connections.',
      registers: [this.registry],
      collect: async function collect(this: Gauge) {
        this.set(await connections());
      },
    });
    // The store is read once an answer, by the first of its gauges.
    Object.assign(store, {
      collect: async () => {
        try {
          const { counts, spending } = await readStore();
          for (const status of TASK_STATUSES) tasks.set({ status }, counts[status] ?? 0);
          spend.set({ window: '24h' }, spending.last24hFen / 100);
          spend.set({ window: 'all' }, spending.allTimeFen / 100);
          pending.set(spending.pendingFen / 100);
          if (spending.budget !== undefined) left.set(spending.budget.leftFen / 100);
          store.set(1);
        } catch {
          // Old figures would look like present ones.
          for (const one of [tasks, spend, pending, left]) one.reset();
          store.set(0);
        }
      },
    });
  }

  async text(): Promise<{ readonly type: string; readonly body: string }> {
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

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}

/** @returns a log that hands each event on, those below its level too */
export function countedLog(log: Log, count: (event: string, fields?: LogFields) => void): Log {
  const write =
    (method: keyof Log): Log[keyof Log] =>
    (event, fields) => {
      count(event, fields);
      log[method](event, fields);
    };
  const [trace, debug, info] = [write('trace'), write('debug'), write('info')];
  return { trace, debug, info, warn: write('warn'), error: write('error') };
}
