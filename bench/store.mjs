/**
 * Paid calls of four hosts on one PostgreSQL and one account, with 100,000 old tasks: whole cycles (reserve, claim, outcome,
 * done) a second, and how long a reservation takes. Beside them a plain loop of transactions as many and as long: the
 * same lock, the same rows, and nothing decided. PostgreSQL from Debian is started in a temporary folder.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { printTable } from './measure.mjs';
import { importSource } from './server-under-test.mjs';

const HOSTS = 4;
const OLD_TASKS = 100_000;
const SECONDS = 15;
const MIN_CYCLES = 50;
const MAX_RESERVE_MILLISECONDS = 25;

const { startPostgres, statements } = await importSource('test/support/postgres.ts');

/** @returns all durations of the hosts, by name */
async function measure(kind, address) {
  const program = fileURLToPath(new URL('store-program.ts', import.meta.url));
  const hosts = Array.from({ length: HOSTS }, () =>
    fork(program, [kind, address, String(SECONDS)], { stdio: 'inherit' }),
  );
  const results = await Promise.all(
    hosts.map(
      (host) =>
        new Promise((resolve, reject) => {
          host.once('message', resolve);
          host.once('error', reject);
        }),
    ),
  );
  return { cycles: results.flatMap(({ cycles }) => cycles), reserves: results.flatMap(({ reserves }) => reserves) };
}

function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

const server = await startPostgres();
try {
  const address = await server.createDatabase();
  await measure('prepare', address);
  await statements(address, [
    `INSERT INTO task (id, scope, req_key, mode, fingerprint, status, fen, reserved_at, closed_at, attempts, record)
      SELECT 'jv-old-' || n, 'bench', 'jimeng_t2v_v30', 't2v_720p', 'old' || n, 'done', 140, n, n, 1, '{}'
      FROM generate_series(1, ${OLD_TASKS}) AS n`,
    'CREATE TABLE plain (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body BYTEA, record TEXT)',
    'VACUUM ANALYZE',
  ]);
  const plain = await measure('plain', address);
  const ours = await measure('ours', address);
  const perSecond = ({ cycles }) => cycles.length / SECONDS;
  const [p50, p95] = [0.5, 0.95].map((share) => quantile(ours.reserves, share));
  const [plainP50, plainP95] = [0.5, 0.95].map((share) => quantile(plain.reserves, share));
  const areCyclesMet = perSecond(ours) >= MIN_CYCLES;
  const isReserveMet = p95 <= MAX_RESERVE_MILLISECONDS;
  const ms = (value) => `${value.toFixed(1)} ms`;
  printTable(
    ['What', 'Ours', 'A plain loop', 'Target', ''],
    [
      [
        `whole cycles a second, ${HOSTS} hosts, one account`,
        perSecond(ours).toFixed(0),
        perSecond(plain).toFixed(0),
        `≥ ${MIN_CYCLES}`,
        areCyclesMet ? 'met' : 'not met',
      ],
      [`reserve, p50 of ${ours.reserves.length}`, ms(p50), ms(plainP50), '–', 'reported'],
      ['reserve, p95', ms(p95), ms(plainP95), `≤ ${MAX_RESERVE_MILLISECONDS} ms`, isReserveMet ? 'met' : 'not met'],
    ],
  );
  process.exitCode = areCyclesMet && isReserveMet ? 0 : 1;
} finally {
  await server.close();
}
