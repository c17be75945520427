/** TLS to PostgreSQL: `sslmode` and `sslrootcert` of the address mean what they mean to psql. A real server with a certificate. */
import { chmod, chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { postgresEngine } from '../../../src/store/postgres.ts';
import { connectionTo } from '../../../src/store/postgres-connect.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { type PostgresServer, startPostgres, statements } from '../../support/postgres.ts';
import { startCommand } from '../../support/run-command.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let server: PostgresServer;
let plain: PostgresServer;
let workspace: Workspace;
let right: string;
let other: string;
beforeAll(async () => {
  [server, plain, workspace] = await Promise.all([startPostgres(), startPostgres(), makeWorkspace()]);
  const authority = makeAuthority();
  const { key, cert } = authority.issue('localhost');
  const { uid } = await stat(server.folder);
  for (const [name, text] of [
    ['key.pem', key],
    ['cert.pem', cert],
  ] as const) {
    const file = join(server.folder, name);
    await writeFile(file, text);
    await chmod(file, 0o600);
    await chown(file, uid, -1);
  }
  await statements(server.address(), [
    `ALTER SYSTEM SET ssl_cert_file = '${join(server.folder, 'cert.pem')}'`,
    `ALTER SYSTEM SET ssl_key_file = '${join(server.folder, 'key.pem')}'`,
    "ALTER SYSTEM SET ssl = 'on'",
    'SELECT pg_reload_conf()',
  ]);
  [right, other] = ['right.pem', 'other.pem'].map((name) => join(workspace.folder, name)) as [string, string];
  await writeFile(right, authority.pem);
  await writeFile(other, makeAuthority('Another authority').pem);
  await until('TLS', async () => (await statements(server.address(), ['SHOW ssl']))[0]?.ssl === 'on');
}, 60_000);
afterAll(async () => {
  await Promise.all([server.close(), plain.close(), workspace.remove()]);
});

function addressOf(host: string, query: string, at = server): string {
  const named = query.replace('RIGHT', encodeURIComponent(right)).replace('OTHER', encodeURIComponent(other));
  return `postgres://jimeng@${host}:${at.port}/postgres?${named}`;
}

async function isEncrypted(address: string): Promise<boolean | string> {
  const client = await Promise.resolve()
    .then(() => new Client(connectionTo(address)))
    .catch((error: Error) => error.message);
  if (typeof client === 'string') return client;
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return rows[0].ssl === true;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}

describe('a connection is', () => {
  it.each<[string, string, string, boolean | RegExp]>([
    ['plain', 'localhost', '', false],
    ['plain', 'localhost', 'sslmode=disable', false],
    ['encrypted, whoever signed the certificate', 'localhost', 'sslmode=require', true],
    ['encrypted', '127.0.0.1', 'sslmode=prefer', true],
    ['encrypted by the authority, whatever the name', '127.0.0.1', 'sslmode=require&sslrootcert=RIGHT', true],
    ['encrypted by the authority, whatever the name', '127.0.0.1', 'sslmode=verify-ca&sslrootcert=RIGHT', true],
    ['encrypted by the authority, with this name', 'localhost', 'sslmode=verify-full&sslrootcert=RIGHT', true],
    ['refused: another authority', 'localhost', 'sslmode=require&sslrootcert=OTHER', /certificate/],
    ['refused: another authority', 'localhost', 'sslmode=verify-ca&sslrootcert=OTHER', /certificate/],
    ['refused: another authority', 'localhost', 'sslmode=verify-full&sslrootcert=OTHER', /certificate/],
    ['refused: no well-known authority', 'localhost', 'sslmode=verify-full', /certificate/],
    ['refused: no well-known authority', 'localhost', 'sslmode=verify-full&sslrootcert=system', /certificate/],
    ['refused: another name', '127.0.0.1', 'sslmode=verify-full&sslrootcert=RIGHT', /altnames/],
    ['refused: no such file', 'localhost', 'sslmode=verify-full&sslrootcert=/nowhere.pem', /nowhere\.pem/],
  ])('%s (%s, %s)', async (_what, host, query, expected) => {
    const found = await isEncrypted(addressOf(host, query));
    if (typeof expected === 'boolean') expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  it('never plain where TLS is asked for: a server without it is refused', async () => {
    expect(await isEncrypted(addressOf('localhost', 'sslmode=require', plain))).toMatch(/does not support SSL/);
  });
});

it('a certificate that cannot be verified is a store that is away, with the reason and without the password', async () => {
  for (const query of ['sslmode=verify-full&sslrootcert=OTHER', 'sslmode=verify-full&sslrootcert=/nowhere.pem']) {
    const address = addressOf('localhost', query).replace('jimeng@', 'jimeng:secret@');
    const engine = postgresEngine({ address, clock: systemClock, log: silentLog });
    const failed = expect(engine.whyReplaced()).rejects;
    await failed.toThrow(/cannot be used \(.*(certificate|nowhere\.pem)/);
    await failed.not.toThrow(/secret/);
    // Nobody waits for news in vain, and nothing is thrown where nobody catches it.
    const over = new AbortController();
    const waiting = engine.changedElsewhere(over.signal);
    over.abort();
    await waiting;
    await engine.close();
  }
});

it('with sslmode, `serve` logs nothing but JSON, and every connection is encrypted', async () => {
  const database = new URL(await server.createDatabase()).pathname;
  for (const query of ['sslmode=require', 'sslmode=verify-full&sslrootcert=RIGHT', 'sslmode=verify-full']) {
    const address = addressOf('localhost', query).replace('/postgres?', `${database}?`);
    const env = { ...workspace.environment('sandbox'), JIMENG_VIDEO_STORE: address, LOG_LEVEL: 'info' };
    const at = await startHttp({ ...env, NODE_EXTRA_CA_CERTS: right });
    // Opening the store for the first time may take longer than a probe waits.
    await expect.poll(async () => (await fetch(`${at.url}/readyz`)).status, { message: query }).toBe(200);
    const rows = await statements(server.address(database.slice(1)), [
      "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'jimeng-video-mcp'",
    ]);
    expect(new Set(rows.map(({ ssl }) => ssl)), query).toEqual(new Set([true]));
    await at.stop();
    const lines = at
      .stderr()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('listening on'));
    for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
  }
});

it.each([
  ['sslmode=requre', 'has an sslmode that does not exist'],
  ['sslmode=verify-ca', 'needs sslrootcert'],
  ['sslmode=require&sslrootcert=system', 'needs sslmode=verify-full'],
])('a wrong address keeps it from starting, and says what is right: %s', async (query, reason) => {
  const address = `postgres://jimeng:secret@localhost/jimeng?${query}`;
  const env = { ...workspace.environment('sandbox'), JIMENG_VIDEO_STORE: address };
  const { code, stderr } = await startCommand(['serve', '--port', '0'], { env, workingDir: workspace.folder }).result;
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  expect(stderr).not.toContain('secret');
});
