/** Makes many videos on hosts that share one PostgreSQL, while processes, routes and the database fail. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { scopeOf } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { postgresEngine } from '../../src/store/postgres.ts';
import { TaskStore } from '../../src/store/task-store.ts';
import type { Task } from '../../src/tasks/record.ts';
import { startRelay } from '../../test/support/database-relay.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { type Sandbox, startSandbox } from '../../test/support/sandbox.ts';
import { buildProgram } from '../promise/moments.ts';
import { randomFrom, startStorm } from './faults.ts';
import { type HostFigures, judgeHosts, watchClaims } from './host-figures.ts';
import { HOST_RULES } from './host-rules.ts';
import { DATABASE_ADDRESS, type Host, openHosts } from './network.ts';
import { environmentIn } from './stage.ts';
import { StdioClient } from './stdio-client.ts';
import { requestOf } from './storm.ts';
import { Worker } from './worker.ts';

export interface HostStormOptions {
  readonly hosts: number;
  readonly tasks: number;
  readonly kills: number;
  readonly stops: number;
  readonly partitions: number;
  /** Milliseconds, from and to. Beyond 6 s the answer that was under way is given up. */
  readonly partitionLasts: readonly [number, number];
  readonly restarts: number;
  /** Milliseconds between two of them, on average. */
  readonly restartEvery: number;
  /** 0–1, of the COMMITs that write tasks: done by the database, their answer lost. */
  readonly lostCommitShare: number;
  /** 0–1, of the provider's answers. */
  readonly faultShare: number;
  readonly generationSeconds: number;
  readonly seed: number;
  /** A rule that is taken out of the program, by its name. */
  readonly without?: string;
  readonly onProgress?: (line: string) => void;
}

/** A store that is away is asked again for a minute. */
const PATIENCE = { rounds: 90, pauseMilliseconds: 1_000 };
/** Beyond the lease of 6 s and the 3 s for which it has to be seen unchanged. */
const STOP_MILLISECONDS = 11_000;
const DATABASE_AWAY_MILLISECONDS = 1_500;
/** Of the first and the last host. */
const CLOCKS_APART_MILLISECONDS = 3600_000;
const MAX_END_MILLISECONDS = 60_000;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs to the end of every request, then compares what the provider, the database and the folder have. */
export async function runHostStorm(options: HostStormOptions): Promise<HostFigures> {
  const startedAt = performance.now();
  const { hosts: count, generationSeconds, seed } = options;
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-hosts-'));
  const sandbox = await startSandbox({
    ...{ generationSeconds, tasksInFlight: 10_000, requestsPerSecond: 1_000_000, maxStoredRequests: 1_000_000 },
    // The hosts' clocks are wrong on purpose.
    maxSkewSeconds: 7200,
  });
  const changes = changesWithout(options.without);
  const build = (entry: string) =>
    buildProgram({ root: ROOT, entry, outfile: join(folder, `${basename(entry, '.ts')}.cjs`), marked: false, changes });
  const [program, workerProgram] = [await build('src/main.ts'), await build('bench/storm/host-worker.ts')];
  const network = await openHosts(count, Number(new URL(sandbox.url).port));
  const database = await startPostgres('max_connections=200');
  const random = randomFrom(seed + 13);
  const relay = await startRelay(database.port, {
    host: DATABASE_ADDRESS,
    // Others may wait for what such a COMMIT wrote; a lost renewal of a lease would prove nothing.
    losesAnswer: (commit) => commit.includes('NOTIFY') && random() < options.lostCommitShare,
  });
  const storm = startStorm(() => sandbox, {
    ...{ seed, share: options.faultShare, busyFrom: 6, generationSeconds },
  });
  const address = await database.createDatabase();
  await mkdir(join(folder, 'videos'));
  const over = new AbortController();
  const gone: string[] = [];
  const workers: SendingProcess[] = [];
  const clients: Worker[] = [];
  const environmentOf = ({ number }: Host) => ({
    ...environmentIn(folder, sandbox),
    JIMENG_VIDEO_STATE_DIR: join(folder, `state-${number}`),
    JIMENG_VIDEO_STORE: address.replace(`127.0.0.1:${database.port}`, `${DATABASE_ADDRESS}:${relay.port}`),
    NODE_OPTIONS: `--require ${join(ROOT, 'test/support/shift-clock.cjs')}`,
    CLOCK_SHIFT: String(Math.round(CLOCKS_APART_MILLISECONDS * ((number - 1) / Math.max(count - 1, 1) - 0.5))),
    LOG_LEVEL: 'warn',
  });
  for (const host of network.hosts) {
    const environment = environmentOf(host);
    workers.push(new SendingProcess([...host.command, workerProgram], environment, folder, gone));
    const numbers = Array.from({ length: options.tasks }, (_, number) => number).filter((number) =>
      isOf(host, number, count),
    );
    // First what two hosts make: both still begin at the same time.
    const share = [...numbers.filter(isShared), ...numbers.filter((number) => !isShared(number))].map(requestOf);
    const start = () => {
      const client = new StdioClient([...host.command, program], environment, folder);
      watchForEnd(
        client.child,
        () => client.isEnded,
        gone,
        () => client.stderr,
      );
      return client;
    };
    clients.push(new Worker(start, share, PATIENCE));
  }
  const report = (line: string) =>
    options.onProgress?.(`after ${Math.round((performance.now() - startedAt) / 1000)} s: ${line}`);
  const failing = failAtRandom({
    options,
    report,
    over: over.signal,
    hosts: network.hosts,
    database,
    clients,
    workers,
  });
  const keptClaims = watchClaims(address, over.signal);
  const reporting = setInterval(() => {
    const done = clients.reduce((sum, { finished }) => sum + finished, 0);
    report(`${done} of ${options.tasks} requests are over`);
  }, 20_000);
  try {
    // Where a rule is missing, some requests are never over.
    const done = Promise.all(clients.map((client) => client.run()));
    await Promise.race([done, failing.then(() => standstill(clients))]);
    for (const client of clients) client.end();
    await done;
    over.abort();
    const failures = await failing;
    const records = await recordsWhenClosed(address, sandbox);
    const judged = await judgeHosts({
      tasks: options.tasks,
      sandbox,
      storm,
      records,
      clients,
      gone,
      keptClaims: await keptClaims,
    });
    return { ...judged, ...failures, lostCommits: relay.lost, ...seconds() };
  } finally {
    over.abort();
    clearInterval(reporting);
    await failing.catch(() => undefined);
    await keptClaims;
    for (const client of clients) client.end();
    await Promise.all(workers.map((worker) => worker.end()));
    await network.close();
    await relay.close();
    await database.close();
    await sandbox.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  function seconds() {
    return { hosts: count, seconds: Math.round((performance.now() - startedAt) / 1000) };
  }
}

/** Resolves when no request has come to its end for a minute. */
async function standstill(clients: readonly Worker[]): Promise<void> {
  const count = () => clients.reduce((sum, { finished }) => sum + finished, 0);
  for (let last = -1; last !== count(); ) {
    last = count();
    await sleep(MAX_END_MILLISECONDS, undefined, { ref: false });
  }
}

/** Every fourth request is made on two hosts at the same time. */
function isShared(number: number): boolean {
  return number % 4 === 0;
}

function isOf(host: Host, number: number, count: number): boolean {
  const first = number % count;
  return host.number - 1 === first || (isShared(number) && host.number - 1 === (first + 1) % count);
}

function changesWithout(rule: string | undefined) {
  if (rule === undefined) return [];
  const changes = HOST_RULES[rule];
  if (changes === undefined) throw new Error(`no rule ${rule}; there are: ${Object.keys(HOST_RULES).join(', ')}`);
  return changes;
}

/** A worker of a host: started again when it was killed. */
class SendingProcess {
  private child: ChildProcess | undefined;
  private isKilled = false;
  private isOver = false;
  private readonly start: () => void;

  constructor(
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
    folder: string,
    gone: string[],
  ) {
    const [program = '', ...args] = command;
    this.start = () => {
      this.isKilled = false;
      const child = spawn(program, args, { env: { ...environment }, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
      this.child = child;
      let stderr = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-4000);
      });
      watchForEnd(
        child,
        () => this.isKilled || this.isOver,
        gone,
        () => stderr,
      );
      child.once('close', () => {
        if (!this.isOver) setTimeout(this.start, 500);
      });
    };
    this.start();
  }

  get process(): ChildProcess | undefined {
    return this.child;
  }

  kill(): void {
    this.isKilled = true;
    this.child?.kill('SIGKILL');
  }

  async end(): Promise<void> {
    this.isOver = true;
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const killing = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await closed;
    clearTimeout(killing);
  }
}

function watchForEnd(child: ChildProcess, isEnded: () => boolean, gone: string[], stderr: () => string): void {
  child.once('close', (code, signal) => {
    if (!isEnded() && signal !== 'SIGKILL') gone.push(`code ${code}, ${signal}: ${stderr().slice(-500)}`);
  });
}

interface Failing {
  readonly options: HostStormOptions;
  readonly report: (line: string) => void;
  readonly over: AbortSignal;
  readonly hosts: readonly Host[];
  readonly database: { stopImmediately(): Promise<void>; start(): Promise<void> };
  readonly clients: readonly Worker[];
  readonly workers: readonly SendingProcess[];
}

/** Every kind of failure at its own pace, until there were enough of it, or all requests are over. */
async function failAtRandom({ options, report, over, hosts, database, clients, workers }: Failing) {
  const random = randomFrom(options.seed + 7);
  const one = <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(random() * values.length)];
  const counts = { kills: 0, stops: 0, partitions: 0, databaseRestarts: 0 };
  const pace = async (name: keyof typeof counts, atMost: number, every: number, fail: () => Promise<boolean>) => {
    while (counts[name] < atMost && !over.aborted) {
      await sleep(every * (0.5 + random()), undefined, { signal: over }).catch(() => undefined);
      if (!over.aborted && (await fail())) counts[name]++;
    }
  };
  const processes = () => [
    ...clients.flatMap(({ process }) => process ?? []),
    ...workers.flatMap(({ process }) => process ?? []),
  ];
  await Promise.all([
    pace('kills', options.kills, 4_000, async () => {
      const victim = one([...clients.filter(({ isBusy }) => isBusy), ...workers]);
      if (victim !== undefined) report(`process ${victim.process?.pid} is killed`);
      victim?.kill();
      return victim !== undefined;
    }),
    pace('stops', options.stops, 4_500, async () => {
      const victim = one(processes());
      if (victim?.kill('SIGSTOP') !== true) return false;
      report(`process ${victim.pid} is suspended`);
      setTimeout(() => victim.kill('SIGCONT'), STOP_MILLISECONDS);
      return true;
    }),
    // Each host on its own: a route is not cut twice.
    ...hosts.map((host) =>
      pace('partitions', options.partitions, 500 * hosts.length, async () => {
        host.partition();
        const [least, most] = options.partitionLasts;
        const milliseconds = Math.round(least + (most - least) * random());
        report(`host ${host.number} is cut off for ${milliseconds} ms`);
        await sleep(milliseconds);
        host.heal();
        return true;
      }),
    ),
    pace('databaseRestarts', options.restarts, options.restartEvery, async () => {
      report('the database crashes');
      await database.stopImmediately();
      await sleep(DATABASE_AWAY_MILLISECONDS * random());
      await database.start();
      return true;
    }),
  ]);
  return counts;
}

/** Waits until nothing is open any more: what a process left is for the others to finish. */
async function recordsWhenClosed(address: string, { url, credentials }: Sandbox): Promise<readonly Task[]> {
  const engine = postgresEngine({ address, clock: systemClock, log: silentLog });
  const scope = scopeOf(url, credentials.accessKeyId);
  const store = new TaskStore({ engine, scope, clock: systemClock, log: silentLog });
  try {
    const deadline = performance.now() + MAX_END_MILLISECONDS;
    while ((await store.lists.openIds()).length > 0 && performance.now() < deadline) await sleep(500);
    return await store.lists.tasks({ limit: 1_000_000 });
  } finally {
    await store.close();
  }
}
