/** What `doctor` says of a shared database: a sentence, and what to do about exactly that. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { examine } from '../../../src/cli/doctor-examine.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { until } from '../../support/mcp-client.ts';
import { type PostgresServer, startPostgres, statements } from '../../support/postgres.ts';
import { makeWorkspace } from '../../support/workspace.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server?.close());

async function look(store: string, more: Record<string, string> = {}, clock: Clock = systemClock) {
  const settings = { JIMENG_VIDEO_API_URL: 'sandbox', JIMENG_VIDEO_STORE: store, ...more };
  const { env, folder: homeDir, workingDir, remove } = makeWorkspace(undefined, settings);
  onTestFinished(() => remove());
  const from = { environment: env, homeDir, workingDir, platform: process.platform };
  const { signal } = new AbortController();
  const { checks, verdict } = await examine(from, { clock, log: silentLog, signal });
  const found = checks.filter(({ name }) => name === 'database');
  return { found, verdict };
}

it('a database that can be used is named, and nothing is to fix', async () => {
  const { found, verdict } = await look(await server.createDatabase());
  expect(found).toMatchObject([{ status: 'ok', message: expect.stringContaining(': reachable, and keeps what') }]);
  expect(verdict).toMatch(/^You can try everything/);
});

it.each<[string, (address: string) => string, string]>([
  ['away', () => 'postgres://jimeng:geheim@127.0.0.1:1/videos', 'connect ECONNREFUSED 127.0.0.1:1'],
  ['of another database', () => server.address(), 'no notification arrives'],
])('an address for notifications that is %s is to fix, and stops no video', async (_what, listenAt, reason) => {
  const store = await server.createDatabase();
  const { found, verdict } = await look(store, { JIMENG_VIDEO_STORE_LISTEN: listenAt(store) });
  expect(found).toMatchObject([
    { status: 'ok' },
    { status: 'fix', message: expect.stringContaining(reason), hint: expect.stringContaining('STORE_LISTEN') },
  ]);
  expect(found[1]?.message).not.toContain('geheim');
  expect(verdict).toMatch(/^You can try everything/);
});

it('an address for notifications that works is fine', async () => {
  const store = await server.createDatabase();
  // It has 2 s to arrive: a machine that is busy with other tests may take longer.
  const clock: Clock = {
    ...systemClock,
    sleep: (milliseconds, signal) => systemClock.sleep(50 * milliseconds, signal),
  };
  const { found } = await look(store, { JIMENG_VIDEO_STORE_LISTEN: store }, clock);
  expect(found).toMatchObject([
    { status: 'ok' },
    { status: 'ok', message: expect.stringMatching(/: notifications arrive$/) },
  ]);
});

it.each<[string, () => Promise<string> | string, RegExp, string]>([
  [
    'away',
    () => 'postgres://jimeng:geheim@127.0.0.1:1/videos',
    /^postgres:\/\/127\.0\.0\.1:1\/videos cannot be used \(connect ECONNREFUSED 127\.0\.0\.1:1\)\.$/,
    'start the database server, or correct its host and port in JIMENG_VIDEO_STORE',
  ],
  [
    'unknown',
    () => server.address('nosuch'),
    /database "nosuch" does not exist/,
    'create that database, or correct its name in JIMENG_VIDEO_STORE',
  ],
  [
    'of an unknown user',
    () => server.address().replace('jimeng@', 'nobody@'),
    /role "nobody" does not exist/,
    'correct the user and the password in JIMENG_VIDEO_STORE',
  ],
  [
    'without TLS, where sslmode wants it',
    async () => `${await server.createDatabase()}?sslmode=require`,
    /does not support SSL connections/,
    'switch TLS on at the database server, or set sslmode=disable in JIMENG_VIDEO_STORE',
  ],
  [
    'without the certificate that sslrootcert names',
    async () => `${await server.createDatabase()}?sslmode=verify-full&sslrootcert=/nowhere.pem`,
    /no such file/,
    'correct sslmode or sslrootcert in JIMENG_VIDEO_STORE',
  ],
  [
    'that may forget what it has committed',
    () => server.createDatabase({ synchronous_commit: 'off' }),
    /set synchronous_commit=on\.$/,
    'change that at the database server, or name another one in JIMENG_VIDEO_STORE',
  ],
  [
    'that was replaced',
    () => server.createDatabase(),
    /^The database postgres:.* was moved to another server or restored from a backup/,
    'compare the newest tasks with the provider’s bill, then run jimeng-video-mcp doctor --accept-store',
  ],
])('a database %s stops every video, in one sentence with its own remedy', async (what, make, message, hint) => {
  const address = await make();
  if (what === 'that was replaced') {
    await look(address);
    await statements(address, ["UPDATE store_identity SET system = 'another'"]);
  }
  const { found, verdict } = await look(address);
  expect(found).toMatchObject([{ status: 'fix', isBlocking: true, hint, message: expect.stringMatching(message) }]);
  expect(verdict).toBe(`No video can be made yet: ${found[0]?.message}`);
  expect(JSON.stringify(found)).not.toContain('geheim');
});

it('a wrong password is for whoever wrote the address, and is not shown', async () => {
  const file = join(server.folder, 'data', 'pg_hba.conf');
  const before = await readFile(file, 'utf8');
  await statements(server.address(), ["ALTER USER jimeng PASSWORD 'right'"]);
  await writeFile(file, before.replaceAll('trust', 'scram-sha-256'));
  await statements(server.address(), ['SELECT pg_reload_conf()']);
  const refusedWith = async (store: string) => (await look(store)).found[0];
  const wrong = server.address().replace('jimeng@', 'jimeng:geheim@');
  await until('the server to ask for it', async () => (await refusedWith(wrong))?.status === 'fix');
  for (const address of [wrong, server.address()]) {
    const found = await refusedWith(address);
    expect(found?.hint).toBe('correct the user and the password in JIMENG_VIDEO_STORE');
    expect(JSON.stringify(found)).not.toContain('geheim');
  }
});
