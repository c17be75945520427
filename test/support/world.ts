/** A task polled for hours in milliseconds: real sandbox, real database, real files, a clock that the test moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.ts';
import { type Api, createApi } from '../../src/jimeng/api.ts';
import { DiskLibrary } from '../../src/library/disk.ts';
import { silentLog } from '../../src/log.ts';
import type { Ffmpeg } from '../../src/media/clip/ffmpeg.ts';
import { Delivery } from '../../src/media/deliver.ts';
import { sqliteEngine } from '../../src/store/sqlite.ts';
import { TaskStore } from '../../src/store/task-store.ts';
import { createNetwork } from '../../src/system/network.ts';
import { Collector } from '../../src/tasks/collector.ts';
import { Preparer } from '../../src/tasks/prepare.ts';
import { QueryBudget } from '../../src/tasks/query-budget.ts';
import { newTaskId, type Task } from '../../src/tasks/record.ts';
import { Refresher } from '../../src/tasks/refresher.ts';
import { Submitter } from '../../src/tasks/submitter.ts';
import { UsualTimes } from '../../src/tasks/usual-time.ts';
import { Watcher } from '../../src/tasks/watcher.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';

const START = Date.parse('2026-11-22T08:00:00Z');
/** The lease is renewed, and the database looked at, in real time beside the test's. */
const HOUSEKEEPING_MILLISECONDS: readonly number[] = [1_500, 1_000, 150];

/** Sleeping advances the time immediately; the wall clock can be wrong, the provider's (`trueNow`) never is. */
class FastClock implements Clock {
  readonly sleeps: number[] = [];
  /** Called before each sleep, with the time of the sleep in milliseconds. */
  onSleep: (milliseconds: number) => void | Promise<void> = () => undefined;
  /** Sleeps of this length or more last until they are aborted. */
  holdFrom = Number.POSITIVE_INFINITY;
  private passed = 0;
  private wrongBy = 0;
  private slept = 0;

  now(): number {
    return this.trueNow() + this.wrongBy;
  }

  monotonic(): number {
    return this.passed;
  }

  trueNow(): number {
    return START + this.passed + this.slept;
  }

  /** Moves the wall clock only. */
  jump(milliseconds: number): void {
    this.wrongBy += milliseconds;
  }

  /** The lid is closed: the world goes on, the monotonic clock does not. */
  suspend(milliseconds: number): void {
    this.slept += milliseconds;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (HOUSEKEEPING_MILLISECONDS.includes(milliseconds)) return await systemClock.sleep(milliseconds, signal);
    this.sleeps.push(milliseconds);
    await this.onSleep(milliseconds);
    if (milliseconds >= this.holdFrom && signal !== undefined && !signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    signal?.throwIfAborted();
    this.passed += milliseconds;
  }
}

/** The database's clock: waiting for its lock takes real time. */
class StoreClock implements Clock {
  private readonly clock: FastClock;

  constructor(clock: FastClock) {
    this.clock = clock;
  }

  now(): number {
    return this.clock.now();
  }

  monotonic(): number {
    return performance.now();
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(milliseconds, signal);
  }
}

export interface WorldOptions extends SandboxOptions {
  readonly pollIntervalSeconds?: number;
  readonly maxPollAttempts?: number;
  readonly concurrency?: number;
  readonly ffmpeg?: Ffmpeg;
}

export type World = Awaited<ReturnType<typeof openWorld>>;

export async function openWorld(options: WorldOptions = {}) {
  const { pollIntervalSeconds, maxPollAttempts = 120, concurrency = 10, ffmpeg, ...sandboxOptions } = options;
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-world-'));
  const clock = new FastClock();
  const log = silentLog;
  const sandbox: Sandbox = await startSandbox({
    generationSeconds: 60,
    requestsPerSecond: 100_000,
    now: () => clock.trueNow(),
    ...sandboxOptions,
  });
  const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
  const ending = new AbortController();
  const api: Api = createApi({
    endpoint: async () => new URL(sandbox.url),
    credentials: sandbox.credentials,
    apiTimeoutSeconds: 20,
    network,
    clock,
    log,
  });
  const openStore = () => {
    const storeClock = new StoreClock(clock);
    const engine = sqliteEngine({ file: join(folder, 'state', 'jimeng.db'), clock: storeClock, log });
    return new TaskStore({ engine, scope: 'world test', clock: storeClock, log });
  };
  const store = openStore();
  const rules = { outputDir: join(folder, 'videos'), allowedDirs: [], workingDir: folder, homeDir: folder };
  const library = new DiskLibrary({ ...rules, clock });
  const delivery = new Delivery({ library, network, mayReachPrivate: true, ffmpeg: async () => ffmpeg, clock });
  const queryBudget = new QueryBudget(clock);
  const usualTimes = new UsualTimes((mode, limit) => store.durations(mode, limit), clock);
  const collector = new Collector({ library, delivery, api, queryBudget, clock, log });
  const watcher = new Watcher({
    ...{ store, collector, api, queryBudget, usualTimes, pollIntervalSeconds, maxPollAttempts, clock, log },
    ending: ending.signal,
  });
  const accepted: string[] = [];
  const submitter = new Submitter({
    ...{ store, api, clock, log, concurrency },
    ending: ending.signal,
    onAccepted: (id) => accepted.push(id),
  });
  const refresher = new Refresher({ store, library, delivery, collector, clock, log, ending: ending.signal });
  const preparer = new Preparer({
    ...{ store, library, clock, ffmpeg: async () => ffmpeg },
    imageRules: { workingDir: folder, imageDirs: undefined, outputDir: rules.outputDir, homeDir: folder },
  });
  const read = async (id: string): Promise<Task> => {
    const task = await store.find(id);
    if (task === undefined) throw new Error(`no task ${id}`);
    return task;
  };
  const reserve = async (prompt = 'a red fox in the snow'): Promise<Task> => {
    const body = Buffer.from(JSON.stringify({ req_key: 'jimeng_t2v_v30', prompt }));
    const now = clock.now();
    const record = {
      id: newTaskId(now),
      status: 'queued' as const,
      request: { mode: 't2v_720p', prompt, duration: 5, fps: 24, notes: [] },
      fingerprint: `print of ${prompt} ${now}`,
      reqKey: 'jimeng_t2v_v30',
      billedSeconds: 5,
      fen: 140,
      sandbox: false,
      reservedAt: now,
      attempts: 0,
      place: { folder: rules.outputDir },
    };
    const { task } = await store.reserve({ record, body }, () => ({ kind: 'create' }));
    return task ?? { ...record, ownerAlive: true };
  };
  return {
    ...{ folder, sandbox, clock, api, store, library, delivery, collector, watcher, submitter, refresher, preparer },
    ...{ usualTimes, queryBudget, accepted, openStore, read, reserve },
    /** A task that the provider has taken; nobody polls it yet. */
    async submit(prompt?: string): Promise<Task> {
      const { id } = await reserve(prompt);
      submitter.pump('jimeng_t2v_v30');
      while (!accepted.includes(id)) await new Promise((resolve) => setTimeout(resolve, 2));
      clock.sleeps.length = 0;
      return await read(id);
    },
    /** Polls until the task is over, or `stop` is called. */
    async watch(id: string): Promise<Task> {
      await watcher.watch(id);
      await watcher.ended();
      return await read(id);
    },
    /** Queries that arrived at the sandbox. */
    queries: () => sandbox.requests.filter(({ operation }) => operation === 'query').length,
    submits: () => sandbox.requests.filter(({ operation }) => operation === 'submit').length,
    /** The process ends. */
    stop: () => ending.abort(new Error('the test stops it')),
    async close() {
      ending.abort(new Error('the test is over'));
      await Promise.all([watcher.ended(), submitter.answered(), refresher.ended()]);
      await store.close();
      await sandbox.close();
      await network.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
