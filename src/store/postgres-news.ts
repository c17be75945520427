/** News of other processes' writes: LISTEN, and slow polling where notifications do not arrive. */
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Clock } from '../clock.ts';
import { type Log, reasonOf } from '../log.ts';
import { connectionTo } from './postgres-connect.ts';

const CHANNEL = 'jimeng_video';
/** How often the database is polled while a caller waits: without notifications, and with them (which may be lost). */
const POLL_MILLISECONDS = 2_000;
const POLL_LISTENING_MILLISECONDS = 10_000;
/** A pooler in transaction mode accepts LISTEN and delivers nothing: a trial notification has this long to arrive. */
const TRIAL_MILLISECONDS = 2_000;
const RECONNECT_MILLISECONDS = 5_000;

interface NewsOptions {
  /** Direct to the server, not through a pooler in transaction mode. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs one statement on any connection. */
  readonly run: (sql: string) => Promise<void>;
  /** Changes with every write to the server; undefined where it cannot be read. */
  readonly snapshot: () => Promise<string | undefined>;
}

export class News {
  private readonly options: NewsOptions;
  /** Own writes are no news. */
  private readonly me = randomUUID();
  private client: Client | undefined;
  private connecting: Promise<void> | undefined;
  private triedAt = Number.NEGATIVE_INFINITY;
  private readonly waiters = new Set<() => void>();
  private readonly stop = new AbortController();
  private isReported = false;

  constructor(options: NewsOptions) {
    this.options = options;
  }

  /** For the end of a transaction that changed a task: delivered when it is committed. */
  get notify(): string {
    return `NOTIFY ${CHANNEL}, '${this.me}'`;
  }

  /** @see Engine.changedElsewhere */
  async next(signal: AbortSignal): Promise<void> {
    const { clock, snapshot } = this.options;
    this.connecting ??= this.connect().finally(() => {
      this.connecting = undefined;
    });
    // A signal of its own: a notification ends the pause, too.
    const over = new AbortController();
    const wake = () => over.abort();
    signal.addEventListener('abort', wake, { once: true });
    this.waiters.add(wake);
    try {
      const before = await snapshot();
      while (!signal.aborted && !over.signal.aborted) {
        const pause = this.client === undefined ? POLL_MILLISECONDS : POLL_LISTENING_MILLISECONDS;
        await clock.sleep(pause, over.signal).catch(() => undefined);
        if (over.signal.aborted || (await snapshot()) !== before) return;
      }
    } finally {
      this.waiters.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }

  /** @returns why no notification arrives, if so */
  async whyNone(): Promise<string | undefined> {
    try {
      await (await this.listen()).end();
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  async close(): Promise<void> {
    this.stop.abort();
    for (const wake of [...this.waiters]) wake();
    await this.connecting;
    await this.client?.end().catch(() => undefined);
    this.client = undefined;
  }

  /** Never rejects. */
  private async connect(): Promise<void> {
    const { clock, log } = this.options;
    if (this.client !== undefined || this.stop.signal.aborted) return;
    if (clock.monotonic() - this.triedAt < RECONNECT_MILLISECONDS) return;
    this.triedAt = clock.monotonic();
    try {
      this.client = await this.listen();
      this.isReported = false;
    } catch (error) {
      if (!this.isReported) {
        log.info('no notifications from the database: it is polled every 2 s', { reason: reasonOf(error) });
      }
      this.isReported = true;
    }
  }

  /** @returns a connection on which notifications arrive */
  private async listen(): Promise<Client> {
    const { address, clock, run } = this.options;
    const { Client } = await import('pg');
    const client = new Client(connectionTo(address));
    const lose = () => {
      if (this.client === client) this.client = undefined;
    };
    // Before it connects: an error that nobody listens to would end the process.
    client.on('error', lose);
    client.on('end', lose);
    const trial = randomUUID();
    const arrived = Promise.withResolvers<true>();
    client.on('notification', ({ payload }) => {
      if (payload === trial) arrived.resolve(true);
      else if (payload !== this.me) for (const wake of [...this.waiters]) wake();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      await run(`NOTIFY ${CHANNEL}, '${trial}'`);
      const waited = clock.sleep(TRIAL_MILLISECONDS, this.stop.signal).catch(() => undefined);
      if ((await Promise.race([arrived.promise, waited])) !== true)
        throw new Error('no notification arrives (a pooler in transaction mode?)');
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }
}
