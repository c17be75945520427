/**
 * One server of a shared store: what it costs when nothing is to be done, how it behaves while the database is away, and
 * 10,000 open tasks that earlier hosts left. PostgreSQL from Debian is started in a temporary folder.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { megabytes, printTable, residentBytes } from './measure.mjs';
import { acceptedTasks, delaysOf, mostInASecond, probeEnvironment, scopeFor } from './open-tasks.mjs';
import { environmentIn, importSource, startSandbox } from './server-under-test.mjs';

const OPEN = 10_000;
const IDLE_SECONDS = 60;
const POLLED_SECONDS = 60;
const CALLS_WHILE_AWAY = 30;
const MOST_A_SECOND = 10;
const MOST_DELAY_MILLISECONDS = 50;
const REFUSED_MILLISECONDS = 3_000;
const BACK_MILLISECONDS = 5_000;

const { startHttp } = await importSource('test/support/http-server.ts');
const { startPostgres, statements } = await importSource('test/support/postgres.ts');
const { slotOfRunning } = await importSource('src/tasks/record.ts');
const { postgresEngine } = await importSource('src/store/postgres.ts');
const { paramsOf } = await importSource('src/store/rows.ts');
const { INSERT_TASK } = await importSource('src/store/statements.ts');
const { systemClock: clock } = await importSource('src/clock.ts');
const { silentLog: log } = await importSource('src/log.ts');

async function startServe({ JIMENG_VIDEO_POLL_INTERVAL: _, ...environment }) {
  const probeFile = join(environment.HOME, 'probe');
  const { child, post, stop } = await startHttp({ ...environment, ...probeEnvironment(probeFile) });
  return {
    stop,
    async call(name, given) {
      const { body } = await post({ id: 1, method: 'tools/call', params: { name, arguments: given } });
      return body.result.structuredContent;
    },
    delays: () => delaysOf(child.pid, probeFile),
    resident: () => residentBytes(child.pid),
    /** Milliseconds of processor time since the start. */
    async cpu() {
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
  };
}

/** The tasks are at the provider, and open in the database. */
async function leaveTasks(sandbox, address) {
  const records = await acceptedTasks(OPEN, sandbox, null);
  const engine = postgresEngine({ address, clock, log });
  // A transaction may take 5 s.
  for (let from = 0; from < OPEN; from += 500) {
    await engine.transaction(async (tx) => {
      for (const record of records.slice(from, from + 500)) {
        await tx.run(INSERT_TASK, paramsOf(record, scopeFor(sandbox), { slotUntil: slotOfRunning(record) }));
      }
    });
  }
  await engine.close();
}

const database = await startPostgres();
const folder = await mkdtemp(join(tmpdir(), 'jimeng-bench-'));
const sandbox = await startSandbox({
  ...{ generationSeconds: 600, tasksInFlight: 2 * OPEN, requestsPerSecond: 1e6, maxStoredRequests: 4 * OPEN },
});
try {
  const address = await database.createDatabase();
  const environment = { ...environmentIn(folder, sandbox), JIMENG_VIDEO_STORE: address, LOG_LEVEL: 'silent' };
  const server = await startServe(environment);
  await server.call('list_video_tasks', { limit: 1 });
  await sleep(5_000);

  const transactions = async () => {
    const [row] = await statements(address, [
      'SELECT pg_stat_clear_snapshot()',
      'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()',
    ]);
    return Number(row.count);
  };
  const [before, cpuBefore] = [await transactions(), await server.cpu()];
  await sleep(IDLE_SECONDS * 1000);
  const idle = { transactions: (await transactions()) - before, cpu: (await server.cpu()) - cpuBefore };

  await database.stopImmediately();
  const submitsBefore = sandbox.requests.length;
  const away = [];
  for (let round = 0; round < CALLS_WHILE_AWAY; round++) {
    const from = performance.now();
    const { status } = await server.call('submit_video_task', { prompt: `away ${round}` });
    away.push({ status, took: performance.now() - from });
  }
  const sentWhileAway = sandbox.requests.length - submitsBefore;
  await database.start();
  const startedAt = performance.now();
  let back;
  for (let round = 0; back === undefined; round++) {
    const { status } = await server.call('submit_video_task', { prompt: `back ${round}` });
    if (status !== 'refused') back = performance.now() - startedAt;
    else await sleep(50);
  }
  await server.stop();

  await leaveTasks(sandbox, address);
  const resumed = await startServe(environment);
  await resumed.call('list_video_tasks', { limit: 1 });
  await sleep(10_000);
  const from = Date.now();
  await resumed.delays();
  await sleep(POLLED_SECONDS * 1000);
  const delays = await resumed.delays();
  const queries = sandbox.requests.filter(({ operation, arrivedAt }) => operation === 'query' && arrivedAt >= from);
  const [held] = await statements(address, ['SELECT COUNT(*) AS count FROM task WHERE holder IS NOT NULL']);
  const listed = performance.now();
  await resumed.call('list_video_tasks', { limit: 10 });
  const listing = performance.now() - listed;
  const memory = await resumed.resident();
  await resumed.stop();

  const slowest = Math.max(...away.map(({ took }) => took));
  const refused = away.filter(({ status }) => status === 'refused').length;
  const most = mostInASecond(queries.map(({ arrivedAt }) => arrivedAt));
  const different = new Set(queries.map(({ body }) => body?.task_id)).size;
  const checks = [
    refused === CALLS_WHILE_AWAY && slowest <= REFUSED_MILLISECONDS && sentWhileAway === 0,
    back <= BACK_MILLISECONDS,
    most <= MOST_A_SECOND,
    delays.p99 <= MOST_DELAY_MILLISECONDS,
  ];
  const met = (isMet) => (isMet ? 'met' : '**not met**');
  printTable(
    ['What', 'Measured', 'Target', ''],
    [
      ['idle: transactions a minute', String(Math.round((idle.transactions * 60) / IDLE_SECONDS)), '–', 'reported'],
      ['idle: processor time a minute', `${Math.round((idle.cpu * 60) / IDLE_SECONDS)} ms`, '–', 'reported'],
      [
        `database away: refused of ${CALLS_WHILE_AWAY}, slowest; sent`,
        `${refused}, ${slowest.toFixed(0)} ms; ${sentWhileAway}`,
        `all within ${REFUSED_MILLISECONDS} ms; 0`,
        met(checks[0]),
      ],
      ['back: a paid call is taken after', `${back.toFixed(0)} ms`, `≤ ${BACK_MILLISECONDS} ms`, met(checks[1])],
      [`${OPEN} open tasks: held after ${10 + POLLED_SECONDS} s`, String(held.count), '–', 'reported'],
      [
        `queries in ${POLLED_SECONDS} s, different tasks, most in a second`,
        `${queries.length}, ${different}, ${most}`,
        `≤ ${MOST_A_SECOND} a second`,
        met(checks[2]),
      ],
      [
        'event-loop delay, p50 / p99 / most',
        [delays.p50, delays.p99, delays.max].map((value) => `${value.toFixed(1)} ms`).join(' / '),
        `p99 ≤ ${MOST_DELAY_MILLISECONDS} ms`,
        met(checks[3]),
      ],
      ['list of 10 meanwhile', `${listing.toFixed(0)} ms`, '–', 'reported'],
      ['memory (RSS)', `${megabytes(memory)} MB`, '–', 'reported'],
    ],
  );
  if (checks.includes(false)) process.exitCode = 1;
} finally {
  await sandbox.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
}
