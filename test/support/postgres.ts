/** Real PostgreSQL and PgBouncer servers, each in a temporary folder on a port of its own. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { threadId } from 'node:worker_threads';
import { Client } from 'pg';

const run = promisify(execFile);
const INSTALL = 'install it with: apt-get install -y --no-install-recommends postgresql pgbouncer';

export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  /** Of one of its databases. */
  address(database?: string): string;
  /** An empty database. @returns its address */
  createDatabase(settings?: Readonly<Record<string, string>>): Promise<string>;
  /** A dump of it, restored on the same server as another database. @returns its address */
  restoreDump(address: string): Promise<string>;
  /** As in a crash: nothing is written any more. */
  stopImmediately(): Promise<void>;
  start(): Promise<void>;
  promote(): Promise<void>;
  /** A streaming replica of it. */
  replica(): Promise<PostgresServer>;
  close(): Promise<void>;
}

/** @throws Error with a sentence where PostgreSQL is not installed */
export async function startPostgres(...settings: readonly string[]): Promise<PostgresServer> {
  const folder = await ownedFolder('jimeng-pg-');
  const initdb = ['-D', join(folder, 'data'), '-U', 'jimeng', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N'];
  await asPostgres(join(programs(), 'initdb'), initdb);
  // For hosts in network namespaces.
  await appendFile(join(folder, 'data', 'pg_hba.conf'), 'host all all 10.77.0.0/16 trust\n');
  return await startIn(folder, settings);
}

async function startIn(folder: string, settings: readonly string[]): Promise<PostgresServer> {
  const port = await freePort();
  const data = join(folder, 'data');
  const ctl = (...args: readonly string[]) =>
    asPostgres(join(programs(), 'pg_ctl'), ['-D', data, '-w', '-t', '60', ...args]);
  const options = [
    `-p ${port}`,
    ...[`unix_socket_directories=${folder}`, 'listen_addresses=127.0.0.1', ...settings].map((text) => `-c ${text}`),
  ];
  const start = () => ctl('-l', join(folder, 'log'), '-o', options.join(' '), 'start');
  const address = (database = 'postgres') => `postgres://jimeng@127.0.0.1:${port}/${database}`;
  await start();
  let databases = 0;
  const createDatabase = async (defaults: Readonly<Record<string, string>> = {}) => {
    const name = `store${++databases}`;
    await statements(address(), [
      `CREATE DATABASE ${name}`,
      ...Object.entries(defaults).map(([key, value]) => `ALTER DATABASE ${name} SET ${key} = '${value}'`),
    ]);
    return address(name);
  };
  return {
    ...{ port, folder, address, start, createDatabase },
    async restoreDump(from) {
      const to = await createDatabase();
      const dump = join(folder, 'dump');
      await asPostgres(join(programs(), 'pg_dump'), ['-Fc', '-f', dump, from]);
      await asPostgres(join(programs(), 'pg_restore'), ['-d', to, dump]);
      return to;
    },
    stopImmediately: () => ctl('-m', 'immediate', 'stop'),
    promote: () => ctl('promote'),
    async replica() {
      const copy = await ownedFolder('jimeng-pg-replica-');
      const from = ['-h', '127.0.0.1', '-p', String(port), '-U', 'jimeng'];
      await asPostgres(join(programs(), 'pg_basebackup'), [
        ...from,
        '-D',
        join(copy, 'data'),
        '-R',
        '-X',
        'stream',
        '-c',
        'fast',
      ]);
      return await startIn(copy, settings);
    },
    async close() {
      await ctl('-m', 'immediate', 'stop').catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** In transaction mode: a connection is given to another client after each transaction. */
export async function startPgBouncer(server: PostgresServer) {
  const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path));
  if (program === undefined) throw new Error(`This test needs PgBouncer, which was not found: ${INSTALL}`);
  const folder = await ownedFolder('jimeng-pgbouncer-');
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]\n* = host=127.0.0.1 port=${server.port} user=jimeng\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\nunix_socket_dir=\nauth_type=any\npool_mode=transaction\ndefault_pool_size=6\nlogfile=${folder}/log\n`,
  );
  await chmod(file, 0o644);
  const [command, args] = withPostgresUser(program, [file]);
  const child = spawn(command, args, { stdio: 'ignore' });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 200)
      throw new Error(`PgBouncer does not start: ${await readFile(`${folder}/log`, 'utf8').catch(String)}`);
    await sleep(25);
  }
  return {
    /** The same database through it. */
    through: (address: string) => address.replace(`:${server.port}/`, `:${port}/`),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Each in a transaction of its own, on a connection of its own. @returns the rows of the last one */
export async function statements(
  address: string,
  texts: readonly string[],
): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: address });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) ({ rows } = await client.query(text));
    return rows;
  } finally {
    await client.end();
  }
}

/** Runs a statement in a transaction that stays open meanwhile. */
export async function transactionOn(address: string, text: string, meanwhile: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: address });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(text);
    await meanwhile();
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

/** Resolves when some process waits for a lock. */
export async function waitingForLock(address: string): Promise<void> {
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  while ((await statements(address, [waiting])).length === 0) await sleep(20);
}

/** A folder of the newest version's programs. */
function programs(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root)
    ? readdirSync(root)
        .map(Number)
        .sort((a, b) => b - a)
    : [];
  const found = versions
    .map((version) => join(root, String(version), 'bin'))
    .find((path) => existsSync(join(path, 'initdb')));
  if (found === undefined) throw new Error(`This test needs PostgreSQL, which was not found: ${INSTALL}`);
  return found;
}

/** PostgreSQL does not run as root. */
function withPostgresUser(program: string, args: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [program, [...args]];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', program, ...args]];
}

async function asPostgres(program: string, args: readonly string[]): Promise<void> {
  const [command, all] = withPostgresUser(program, args);
  // The server that pg_ctl starts keeps its output: nobody waits for its end.
  if (args.at(-1) !== 'start') return void (await run(command, all, { cwd: tmpdir() }));
  const child = spawn(command, all, { stdio: 'ignore', cwd: tmpdir() });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}

async function ownedFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  if (process.getuid?.() === 0) {
    const { stdout } = await run('id', ['-u', 'postgres']).catch(() => {
      throw new Error(`This test needs PostgreSQL, whose user "postgres" was not found: ${INSTALL}`);
    });
    await chown(folder, Number(stdout), -1);
  }
  await chmod(folder, 0o700);
  return folder;
}

/** Of each thread, so that no two of a run get the same port. */
const PORTS_OF_THREAD = 100;
let portsGiven = 0;

/**
 * For a server that cannot choose one itself. Below the ports that systems give to whoever wants any: nobody gets it
 * before the server listens there, nor while the server is stopped and started again.
 */
export async function freePort(): Promise<number> {
  const first = 10_000 + ((process.pid * 7 + threadId) % 200) * PORTS_OF_THREAD;
  for (let tries = 0; tries < PORTS_OF_THREAD; tries++) {
    const port = first + (portsGiven++ % PORTS_OF_THREAD);
    if (await canListen(port)) return port;
  }
  throw new Error(`no port from ${first} on is free`);
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isFree) await new Promise((resolve) => server.close(resolve));
  return isFree;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
