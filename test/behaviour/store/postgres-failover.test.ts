/** A database that crashes, fails over or is moved while paid requests are in its queue. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkStore } from '../../../src/cli/doctor-shared.ts';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { readSettings } from '../../../src/settings.ts';
import { type PostgresServer, startPostgres, statements } from '../../support/postgres.ts';
import { accepted, claim, insist, newRecord, openStage, reserve } from '../../support/postgres-stage.ts';

async function doctor(address: string, isAccepted: boolean) {
  const { settings } = readSettings({
    environment: { JIMENG_VIDEO_STORE: address },
    homeDir: '/home/you',
    workingDir: '/',
    platform: 'linux',
  });
  return await checkStore(settings, { isAccepted, clock: systemClock, log: silentLog });
}

describe('restarted immediately under load', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.close());

  test('it loses nothing that was confirmed, and gives no request to two senders', async () => {
    const stage = await openStage(server);
    const over = new AbortController();
    const confirmed = new Set<string>();
    const sent = new Map<string, number>();
    const work = async () => {
      const { store } = await stage.open();
      while (!over.signal.aborted) {
        const record = newRecord();
        const reserved = await reserve(store, record).catch(() => undefined);
        if (reserved === undefined) await systemClock.sleep(20);
        else confirmed.add(reserved.id);
        const claimed = await claim(store).catch(() => undefined);
        if (claimed === undefined) continue;
        // Here the provider would be paid.
        sent.set(claimed.task.id, (sent.get(claimed.task.id) ?? 0) + 1);
        await store.settle(claimed, accepted(claimed.task.id), true);
        await store.whenWritten(claimed.task.id);
      }
      // What is left in the queue of this process.
      for (
        let claimed = await insist(() => claim(store));
        claimed !== undefined;
        claimed = await insist(() => claim(store))
      ) {
        sent.set(claimed.task.id, (sent.get(claimed.task.id) ?? 0) + 1);
        await store.settle(claimed, accepted(claimed.task.id), true);
        await store.whenWritten(claimed.task.id);
      }
    };
    const workers = [work(), work(), work(), work()];
    for (let restart = 1; restart <= 5; restart++) {
      while (confirmed.size < restart * 5) await systemClock.sleep(20);
      await server.stopImmediately();
      await server.start();
    }
    over.abort();
    await Promise.all(workers);
    const rows = await statements(stage.direct, ['SELECT id, status, provider_task_id FROM task']);
    const byId = new Map(rows.map((row) => [String(row.id), row]));
    expect([...confirmed].filter((id) => byId.get(id)?.status !== 'generating')).toEqual([]);
    expect([...sent].filter(([id, count]) => count !== 1 || byId.get(id)?.provider_task_id !== id)).toEqual([]);
    expect(rows.filter(({ status }) => status === 'queued' || status === 'submitting')).toEqual([]);
    await stage.close();
  });

  // How fast: the measurement `serve` in bench/.
  test('away, every call is refused, and served when it is back', async () => {
    const stage = await openStage(server);
    const { store } = await stage.open();
    await reserve(store);
    await server.stopImmediately();
    const away = { kind: 'unreachable', problemCode: 'store_unavailable' };
    await Promise.all(Array.from({ length: 10 }, () => expect(reserve(store)).rejects.toMatchObject(away)));
    await server.start();
    await insist(() => reserve(store));
    await stage.close();
  });
});

describe('failed over', () => {
  const failOver = async (
    isSynchronous: boolean,
    run: (
      stage: Awaited<ReturnType<typeof openStage>>,
      promote: () => Promise<PostgresServer>,
      replica: PostgresServer,
      warnings: string[],
    ) => Promise<void>,
  ) => {
    const primary = await startPostgres();
    const address = await primary.createDatabase();
    const replica = await primary.replica();
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    const stage = await openStage(primary, { address, log });
    try {
      if (isSynchronous) {
        await statements(primary.address(), [
          "ALTER SYSTEM SET synchronous_standby_names = '*'",
          'SELECT pg_reload_conf()',
        ]);
        await insist(() => waitsForStandby(primary));
      }
      await run(
        stage,
        async () => {
          await primary.stopImmediately();
          await replica.promote();
          return replica;
        },
        replica,
        warnings,
      );
    } finally {
      await stage.close();
      await replica.close();
      await primary.close();
    }
  };

  test('to an asynchronous replica that forgot a claim, it takes no paid call until a person has looked', async () => {
    await failOver(false, async (stage, promote, replica, warnings) => {
      const replicated = async () => {
        const [row] = await statements(stage.direct, [
          'SELECT COUNT(*)::int AS count FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()',
        ]);
        if (row?.count !== 1) throw new Error('not replicated');
      };
      await insist(replicated);
      const { store, relay } = await stage.open();
      const task = await reserve(store);
      expect(warnings).toContain('the replicas of the database are asynchronous: a failover may forget paid requests');
      await insist(replicated);
      await stopReceiver(replica.address());
      const claimed = await claim(store);
      expect(claimed?.task.id).toBe(task?.id);
      const promoted = await promote();
      relay.target = promoted.port;
      relay.cutAll();
      const name = stage.direct.split('/').at(-1);
      await expect(insist(() => store.lists.openIds())).resolves.toHaveLength(1);
      // The claim is forgotten there: the same request would be sent again.
      expect(await store.find(task?.id ?? '')).toMatchObject({ status: 'queued', attempts: 0 });
      await expect(claim(store)).rejects.toMatchObject({ code: 'store_replaced' });
      const { store: other, relay: otherRelay } = await stage.open();
      otherRelay.target = promoted.port;
      const body = Buffer.from('{}');
      expect(await other.reserve({ record: newRecord(), body }, () => ({ kind: 'create' }))).toMatchObject({
        kind: 'refuse',
        problem: { code: 'store_replaced' },
      });
      const [found] = await doctor(promoted.address(name), false);
      expect(found).toMatchObject({ status: 'fix', hint: expect.stringContaining('doctor --accept-store') });
      const [acceptedNow] = await doctor(promoted.address(name), true);
      expect(acceptedNow).toMatchObject({ status: 'ok' });
      expect(await reserve(other)).toBeDefined();
    });
  });

  test('to a synchronous standby, it has everything, and paid calls go on', async () => {
    await failOver(true, async (stage, promote) => {
      const { store, relay } = await stage.open();
      const task = await insist(() => reserve(store));
      const claimed = await claim(store);
      expect(claimed?.task.id).toBe(task?.id);
      const promoted = await promote();
      relay.target = promoted.port;
      relay.cutAll();
      expect(await insist(() => claim(store))).toBeUndefined();
      expect(await store.find(task?.id ?? '')).toMatchObject({ status: 'submitting', attempts: 1 });
      expect(await insist(() => reserve(store))).toBeDefined();
    });
  });

  test('a copy of the database on another server is no place for paid calls either', async () => {
    const [one, other] = [await startPostgres(), await startPostgres()];
    try {
      const stage = await openStage(one);
      const { store, relay } = await stage.open();
      await reserve(store);
      await other.createDatabase();
      const copy = await openStage(other, { address: other.address('store1') });
      const { store: fresh } = await copy.open();
      await reserve(fresh);
      const [identity] = await statements(stage.direct, ['SELECT system FROM store_identity']);
      // As pg_dump and psql would leave it.
      await statements(copy.direct, [`UPDATE store_identity SET system = '${identity?.system}'`]);
      relay.target = other.port;
      relay.cutAll();
      await expect(claim(store)).rejects.toMatchObject({ code: 'store_replaced' });
      await copy.close();
      await stage.close();
    } finally {
      await one.close();
      await other.close();
    }
  });
});

describe('restored from a dump on the same server', () => {
  test('it takes no paid call until a person has looked: what was paid after the dump is missing', async () => {
    const server = await startPostgres();
    const stage = await openStage(server);
    const { store } = await stage.open();
    await reserve(store);
    const restored = await server.restoreDump(stage.direct);
    const copy = await openStage(server, { address: restored });
    try {
      await reserve(store);
      const { store: other } = await copy.open();
      await expect(claim(other)).rejects.toMatchObject({ code: 'store_replaced' });
      expect(await claim(store)).toBeDefined();
      const [acceptedNow] = await doctor(restored, true);
      expect(acceptedNow).toMatchObject({ status: 'ok' });
      expect(await reserve(other)).toBeDefined();
    } finally {
      await copy.close();
      await stage.close();
      await server.close();
    }
  });
});

/**
 * Commits wait for the standby from here on. Not the backends but the checkpointer switches that on, when it reads the
 * settings: before a checkpoint that was requested after the reload, or at the latest before the one after it.
 */
async function waitsForStandby(primary: PostgresServer): Promise<void> {
  const [row] = await statements(primary.address(), ['SHOW synchronous_standby_names']);
  if (row?.synchronous_standby_names !== '*') throw new Error('not reloaded');
  await statements(primary.address(), ['CHECKPOINT', 'CHECKPOINT']);
}

/** The replica receives nothing any more. */
async function stopReceiver(replica: string): Promise<void> {
  await statements(replica, ["ALTER SYSTEM SET primary_conninfo = ''", 'SELECT pg_reload_conf()']);
  await insist(async () => {
    if ((await statements(replica, ['SELECT 1 FROM pg_stat_wal_receiver'])).length > 0)
      throw new Error('still receiving');
  });
}
