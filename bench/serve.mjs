/**
 * One server of a shared store: what it costs when nothing is to be done, and how it behaves while the database is away.
 * PostgreSQL from Debian is started in a temporary folder.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { printTable } from './measure.mjs';
import { startServe } from './serve-under-test.mjs';
import { environmentIn, importSource, startSandbox } from './server-under-test.mjs';

const IDLE_SECONDS = 60;
const CALLS_WHILE_AWAY = 30;
const REFUSED_MILLISECONDS = 3_000;
const BACK_MILLISECONDS = 5_000;

const { startPostgres, statements } = await importSource('test/support/postgres.ts');

const database = await startPostgres();
const folder = await mkdtemp(join(tmpdir(), 'jimeng-bench-'));
const sandbox = await startSandbox();
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

  const slowest = Math.max(...away.map(({ took }) => took));
  const refused = away.filter(({ status }) => status === 'refused').length;
  const checks = [
    refused === CALLS_WHILE_AWAY && slowest <= REFUSED_MILLISECONDS && sentWhileAway === 0,
    back <= BACK_MILLISECONDS,
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
    ],
  );
  if (checks.includes(false)) process.exitCode = 1;
} finally {
  await sandbox.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
}
