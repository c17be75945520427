/** How does a test see a task watched for hours in milliseconds? Real sandbox, real files, a clock that it moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { createApi } from '../../src/jimeng/api.ts';
import { silentLog } from '../../src/log.ts';
import { createNetwork } from '../../src/network.ts';
import { type Report, reportOf } from '../../src/report/report.ts';
import { toolSurface } from '../../src/report/surface.ts';
import { readSettings } from '../../src/settings.ts';
import { Changes } from '../../src/tasks/changes.ts';
import { iso, type TaskContext } from '../../src/tasks/context.ts';
import { Journal } from '../../src/tasks/journal.ts';
import { PastTimes } from '../../src/tasks/past-times.ts';
import { ownIdentity } from '../../src/tasks/process-identity.ts';
import { QueryBudget } from '../../src/tasks/query-budget.ts';
import { newTaskId, type TaskRecord } from '../../src/tasks/record.ts';
import { accountOf } from '../../src/tasks/scope.ts';
import { Watcher } from '../../src/tasks/watch.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../support/sandbox.ts';

const START = Date.parse('2026-11-22T08:00:00Z');

/** Sleeping advances the time at once; the wall clock can be wrong, the provider's (`trueNow`) never is. */
export class FastClock implements Clock {
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
    this.sleeps.push(milliseconds);
    await this.onSleep(milliseconds);
    if (milliseconds >= this.holdFrom && signal !== undefined && !signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    signal?.throwIfAborted();
    this.passed += milliseconds;
  }
}

export interface World {
  readonly sandbox: Sandbox;
  readonly clock: FastClock;
  readonly context: TaskContext;
  readonly watcher: Watcher;
  /** A task that the provider has taken, with its record on disk. */
  submit(prompt?: string): Promise<TaskRecord>;
  /** Watches until the task is over, or `stop` is called. */
  watch(id: string): Promise<TaskRecord>;
  read(id: string): Promise<TaskRecord>;
  report(id: string): Promise<Report>;
  /** Queries that arrived at the sandbox. */
  queries(): number;
  /** The process ends. */
  stop(): void;
  close(): Promise<void>;
}

export async function openWorld(
  environment: Readonly<Record<string, string>> = {},
  options: SandboxOptions = {},
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-watch-'));
  const clock = new FastClock();
  const sandbox = await startSandbox({
    generationSeconds: 60,
    requestsPerSecond: 100_000,
    now: () => clock.trueNow(),
    ...options,
  });
  const { credentials } = sandbox;
  const given = { JIMENG_VIDEO_API_URL: sandbox.url, JIMENG_VIDEO_STATE_DIR: folder, ...environment };
  const { settings } = readSettings({ environment: given, homeDir: folder, workingDir: folder, platform: 'linux' });
  const network = createNetwork(settings.proxy);
  const ending = new AbortController();
  const endpoint = async () => new URL(sandbox.url);
  const scope = { origin: sandbox.url, account: accountOf(credentials.accessKeyId) };
  const journal = new Journal(folder, scope, silentLog);
  const context: TaskContext = {
    settings,
    api: createApi({ endpoint, credentials, apiTimeoutSeconds: 20, network, clock, log: silentLog }),
    apiIsPrivate: true,
    journal,
    network,
    ffmpeg: async () => undefined,
    clock,
    log: silentLog,
    identity: ownIdentity(),
    changes: new Changes(),
    queryBudget: new QueryBudget(clock),
    pastTimes: new PastTimes(journal.folder, silentLog),
    ending: ending.signal,
  };
  await context.journal.prepare();
  const watcher = new Watcher(context);
  const read = async (id: string) => {
    const record = await context.journal.read(id);
    if (record === undefined) throw new Error(`no record ${id}`);
    return record;
  };
  return {
    sandbox,
    clock,
    context,
    watcher,
    async submit(prompt = 'a red fox in the snow') {
      const body = Buffer.from(JSON.stringify({ req_key: 'jimeng_t2v_v30', prompt }));
      const outcome = await context.api.submit(body);
      if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`);
      const record = recordOf(context, folder, prompt, outcome.providerTaskId);
      await context.journal.create(record, body);
      return record;
    },
    async watch(id) {
      watcher.watch(id);
      await watcher.ended();
      return await read(id);
    },
    read,
    report: async (id) => reportOf(await read(id), { surface: toolSurface, now: clock.now() }),
    queries: () => sandbox.requests.filter(({ operation }) => operation === 'query').length,
    stop: () => ending.abort(new Error('the test stops it')),
    async close() {
      ending.abort(new Error('the test is over'));
      await watcher.ended();
      await sandbox.close();
      await network.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function recordOf(context: TaskContext, folder: string, prompt: string, providerTaskId: string): TaskRecord {
  const now = context.clock.now();
  return {
    version: 1,
    id: newTaskId(now),
    status: 'in_queue',
    ...context.journal.scope,
    sandbox: false,
    created_at: iso(now),
    sent_at: iso(now),
    submitted_at: iso(now),
    request: { mode: 't2v_720p', prompt, duration: 5, fps: 24, notes: [] },
    fingerprint: 'f',
    req_key: 'jimeng_t2v_v30',
    billed_seconds: 5,
    estimated_cny: 1.4,
    destination: { folder },
    owner: context.identity,
    attempts: 1,
    provider_task_id: providerTaskId,
  };
}
