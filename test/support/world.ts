/** A task polled for hours in milliseconds: real sandbox, real database, real files, a clock that the test moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.ts';
import { compose, type Parts } from '../../src/compose.ts';
import { silentLog } from '../../src/log.ts';
import type { Ffmpeg } from '../../src/media/clip/ffmpeg.ts';
import { readSettings } from '../../src/settings.ts';
import { createNetwork } from '../../src/system/network.ts';
import { newTaskId, type Task } from '../../src/tasks/record.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';

const START = Date.parse('2026-11-22T08:00:00Z');
/** The lease is renewed, and the database looked at, in real time beside the test's. */
const HOUSEKEEPING_MILLISECONDS: readonly number[] = [1_500, 1_000, 150];

/** Sleeping advances the time immediately; the wall clock can be wrong, the provider's (`trueNow`) never is. */
class FastClock implements Clock {
  readonly sleeps: number[] = [];
  /** Called before each sleep, with the time of the sleep in milliseconds. What it throws fails the test at its end. */
  onSleep: (milliseconds: number) => void | Promise<void> = () => undefined;
  /** Sleeps of this length or more last until they are aborted. */
  holdFrom = Number.POSITIVE_INFINITY;
  /** Ends the process that the test watches. */
  onFailure: () => void = () => undefined;
  private readonly failures: unknown[] = [];
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

  /** @throws what a call of `onSleep` threw first */
  throwFailures(): void {
    if (this.failures.length > 0) throw this.failures[0];
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
    try {
      await this.onSleep(milliseconds);
    } catch (error) {
      // Thrown here it would only end a wait, and the code would go on for ever.
      this.failures.push(error);
      this.onFailure();
    }
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
  const { settings } = readSettings({
    environment: {
      JIMENG_VIDEO_API_URL: sandbox.url,
      JIMENG_VIDEO_API_TIMEOUT: '20',
      JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
      JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
      JIMENG_VIDEO_MAX_POLL_ATTEMPTS: String(maxPollAttempts),
      JIMENG_VIDEO_CONCURRENCY: String(concurrency),
      ...(pollIntervalSeconds === undefined ? {} : { JIMENG_VIDEO_POLL_INTERVAL: String(pollIntervalSeconds) }),
    },
    homeDir: folder,
    workingDir: folder,
    platform: process.platform,
  });
  const accepted: string[] = [];
  clock.onFailure = () => ending.abort(new Error('a claim of the test failed'));
  const storeClock = new StoreClock(clock);
  const parts: Parts = {
    ...{ settings, network, clock, storeClock, log },
    endpoint: { credentials: sandbox.credentials, isPrivate: true, url: async () => new URL(sandbox.url) },
    scope: 'world test',
    ffmpeg: async () => ffmpeg,
    onAccepted: (id) => accepted.push(id),
    ending: ending.signal,
  };
  const composition = compose(parts);
  const { service, store, watcher, submitter } = composition;
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
      place: { folder: join(folder, 'videos') },
    };
    const { task } = await store.reserve({ record, body }, () => ({ kind: 'create' }));
    return task ?? { ...record, ownerAlive: true };
  };
  return {
    ...composition,
    ...{ folder, sandbox, clock, accepted, read, reserve },
    /** The parts of another process on the same database. */
    anotherProcess: () => compose(parts),
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
      clock.throwFailures();
      return await read(id);
    },
    /** Queries that arrived at the sandbox. */
    queries: () => sandbox.requests.filter(({ operation }) => operation === 'query').length,
    submits: () => sandbox.submits().length,
    /** The process ends. */
    stop: () => ending.abort(new Error('the test stops it')),
    async close() {
      ending.abort(new Error('the test is over'));
      await service.ended();
      await store.close();
      await sandbox.close();
      await network.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      clock.throwFailures();
    },
  };
}
