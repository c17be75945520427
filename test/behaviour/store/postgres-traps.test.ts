/** What a shared database does to a store that was not made for it: each of these lost or paid for something once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { Tx } from '../../../src/store/engine.ts';
import { paramsOf } from '../../../src/store/rows.ts';
import { FIND_TASK, INTERRUPT_TASK } from '../../../src/store/statements.ts';
import {
  type PostgresServer,
  startPostgres,
  statements,
  transactionOn,
  waitingForLock,
} from '../../support/postgres.ts';
import {
  accepted,
  claim,
  insist,
  newFilm,
  newRecord,
  openStage,
  REQ_KEY,
  reserve,
} from '../../support/postgres-stage.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.close());

type Stage = Awaited<ReturnType<typeof openStage>>;
async function withStage(run: (stage: Stage) => Promise<void>, options?: Parameters<typeof openStage>[1]) {
  const stage = await openStage(server, options);
  try {
    await run(stage);
  } finally {
    await stage.close();
  }
}

describe.each(['answer', 'request'] as const)('a COMMIT whose %s is lost', (what) => {
  test('leaves no request in the queue that its caller was told is refused', async () => {
    await withStage(async ({ open }) => {
      const { store, relay } = await open();
      await store.lists.openIds();
      relay.loseCommit = what;
      const record = newRecord();
      await expect(reserve(store, record)).rejects.toMatchObject({ kind: 'unreachable' });
      expect(relay.lost).toBe(1);
      expect(await claim(store)).toBeUndefined();
      expect(await store.body(record.id)).toBeUndefined();
      expect((await store.lists.sums()).reservedFen).toBe(0);
      const kept = await store.find(record.id);
      if (what === 'answer') expect(kept).toMatchObject({ status: 'failed', error: { code: 'store_unavailable' } });
      else expect(kept).toBeUndefined();
    });
  });

  test('leaves no claim that nobody can free', async () => {
    await withStage(async ({ open }) => {
      const { store, relay } = await open();
      const task = await reserve(store);
      relay.loseCommit = what;
      await expect(claim(store)).rejects.toMatchObject({ kind: 'unreachable' });
      const again = await claim(store);
      expect(again?.task).toMatchObject({ id: task?.id, attempts: 1 });
      expect(await claim(store)).toBeUndefined();
    });
  });

  test('leaves no shot of a film in the queue that its caller was told is refused', async () => {
    await withStage(async ({ open }) => {
      const { store, relay } = await open();
      await store.lists.openIds();
      relay.loseCommit = what;
      const wanted = newFilm();
      await expect(store.films.reserve(wanted, () => ({ kind: 'create' }))).rejects.toMatchObject({
        kind: 'unreachable',
      });
      expect(await claim(store)).toBeUndefined();
      const [shot] = await store.films.tasks(wanted.tasks.map(({ record }) => record.id));
      expect(shot?.status).toBe(what === 'answer' ? 'failed' : undefined);
      expect((await store.lists.sums()).reservedFen).toBe(0);
    });
  });

  test('loses no outcome', async () => {
    await withStage(async ({ open }) => {
      const [{ store, relay }, other] = [await open(), await open()];
      const task = await reserve(store);
      const claimed = await claim(store);
      if (claimed === undefined || task === undefined) throw new Error('not claimed');
      relay.loseCommit = what;
      expect(await store.settle(claimed, accepted('77'), true)).toMatchObject({ providerTaskId: '77' });
      await store.whenWritten(task.id);
      expect(relay.lost).toBe(1);
      expect(await other.store.find(task.id)).toMatchObject({ status: 'generating', providerTaskId: '77' });
    });
  });
});

test('a read while the database is away for a moment is tried again', async () => {
  await withStage(async ({ open }) => {
    // Reads are tried again for 2.5 s: what a busy machine takes away of them does not count.
    const { store, relay } = await open({ clock: { monotonic: () => 0 } });
    const task = await reserve(store);
    const { target } = relay;
    // Nobody listens there.
    relay.target = 1;
    relay.cutAll();
    const reading = store.lists.openIds();
    setTimeout(() => {
      relay.target = target;
    }, 200);
    expect((await reading).map(({ id }) => id)).toEqual([task?.id]);
  });
});

test('a silent partition is noticed, refused, and over when it is over', async () => {
  await withStage(async ({ open }) => {
    // So short that a busy machine may take as long.
    const { store, relay } = await open({ answerMilliseconds: 500 });
    const task = await insist(() => reserve(store));
    relay.isSilent = true;
    await expect(reserve(store)).rejects.toMatchObject({ kind: 'unreachable' });
    relay.isSilent = false;
    expect((await insist(() => claim(store)))?.task.id).toBe(task?.id);
  });
});

test('connections that the server ends do not end the process', async () => {
  await withStage(async ({ open, direct }) => {
    const { store } = await open();
    const over = new AbortController();
    const waiting = store.changed(over.signal);
    await reserve(store);
    await statements(direct, [
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    ]);
    expect(await store.lists.openIds()).toHaveLength(1);
    over.abort();
    await waiting;
  });
});

test('a process that stops in the middle of a transaction keeps the account for 2 s, and begins again', async () => {
  await withStage(async ({ open }) => {
    const [stopped, other] = [await open(), await open()];
    const goOn = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let runs = 0;
    const limits = new Set<unknown>();
    const work = async (tx: Tx) => {
      runs++;
      limits.add((await tx.get('SHOW idle_in_transaction_session_timeout'))?.idle_in_transaction_session_timeout);
      await tx.run("INSERT INTO host (id, name, lease_until) VALUES ('x', 'x', 0)");
      begun.resolve();
      await goOn.promise;
      await tx.run("UPDATE host SET name = 'y' WHERE id = 'x'");
    };
    const stuck = stopped.engine.transaction(work, { account: 'test' });
    await begun.promise;
    expect(await reserve(other.store)).toBeDefined();
    expect(limits).toEqual(new Set(['2s']));
    expect(await other.engine.read((tx) => tx.all("SELECT id FROM host WHERE id = 'x'"))).toEqual([]);
    goOn.resolve();
    await stuck;
    // More often where this process had no CPU for 2 s in another place.
    expect(runs).toBeGreaterThanOrEqual(2);
    expect(await other.engine.read((tx) => tx.all("SELECT name FROM host WHERE id = 'x'"))).toEqual([{ name: 'y' }]);
  });
});

test('a transaction whose COMMIT was not answered is not made again: it may have been made', async () => {
  await withStage(async ({ open, direct }) => {
    const { engine } = await open();
    let runs = 0;
    const endAll = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'";
    const ended = engine.transaction(
      async (tx) => {
        runs++;
        await tx.run("INSERT INTO host (id, name, lease_until) VALUES ('x', 'x', 0)");
        await statements(direct, [endAll]);
      },
      { account: 'test' },
    );
    await expect(ended).rejects.toMatchObject({ kind: 'unreachable' });
    expect(runs).toBe(1);
  });
});

const wrongBy = (milliseconds: number) => ({ now: () => systemClock.now() + milliseconds });

test('a computer whose clock is an hour wrong uses the database’s', async () => {
  await withStage(async ({ open }) => {
    const [late, early] = [await open({ clock: wrongBy(3600_000) }), await open({ clock: wrongBy(-3600_000) })];
    for (const { store } of [late, early]) {
      const task = await reserve(store);
      expect(Math.abs((task?.reservedAt ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(task?.ownerAlive).toBe(true);
    }
    expect((await early.store.lists.tasks({ limit: 5 })).map(({ ownerAlive }) => ownerAlive)).toEqual([true, true]);
  });
});

describe('a database that may forget is refused with a sentence', () => {
  const refusal = async (stage: Stage) => {
    const { store } = await stage.open();
    return await reserve(store).then(
      () => 'taken',
      (error: Error) => error.message,
    );
  };

  test('synchronous_commit=off', async () => {
    await withStage(
      async (stage) => expect(await refusal(stage)).toMatch(/has synchronous_commit=off.*set synchronous_commit=on$/),
      { settings: { synchronous_commit: 'off' } },
    );
  });

  test('synchronous_commit turned off while the server runs', async () => {
    await withStage(async ({ open, direct }) => {
      const { store, relay } = await open();
      await reserve(store);
      await statements(direct, [
        "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET synchronous_commit = off'; END $$",
      ]);
      relay.cutAll();
      await expect(reserve(store)).rejects.toThrow('synchronous_commit=off');
    });
  });

  test('fsync=off, and a standby', async () => {
    const forgetful = await startPostgres('fsync=off');
    try {
      const stage = await openStage(forgetful);
      expect(await refusal(stage)).toMatch(/has fsync=off/);
      await stage.close();
    } finally {
      await forgetful.close();
    }
    const address = await server.createDatabase();
    const replica = await server.replica();
    try {
      const stage = await openStage(replica, { address: replica.address(address.split('/').at(-1)) });
      expect(await refusal(stage)).toMatch(/is a standby, which can only be read: name the primary$/);
      await stage.close();
    } finally {
      await replica.close();
    }
  });

  test('one whose encoding cannot hold what the provider answers', async () => {
    await statements(server.address(), ["CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"]);
    const stage = await openStage(server, { address: server.address('latin') });
    expect(await refusal(stage)).toMatch(/has the encoding LATIN1.*create it with ENCODING 'UTF8'$/);
    await stage.close();
  });

  test('one that a newer version wrote', async () => {
    await withStage(async ({ open, direct }) => {
      const { store } = await open();
      await reserve(store);
      await statements(direct, ['UPDATE schema_version SET version = version + 1']);
      const later = await open();
      await expect(reserve(later.store)).rejects.toMatchObject({ kind: 'newer' });
    });
  });

  test('and its password stands in no message', async () => {
    await withStage(async ({ open, direct }) => {
      const { store } = await open({
        by: direct.replace('jimeng@', 'jimeng:very-secret@').replace(/\/store\d+/, '/missing'),
      });
      const message = await reserve(store).catch(({ message: text }: Error) => text);
      expect(message).toContain('cannot be used (database "missing" does not exist)');
      expect(message).not.toContain('very-secret');
    });
  });
});

test('an outcome that a process writes while others declare it dead is not overwritten', async () => {
  await withStage(async ({ open }) => {
    const { store, engine } = await open();
    await reserve(store);
    const claimed = await claim(store);
    if (claimed === undefined) throw new Error('not claimed');
    await store.settle(claimed, accepted('5'), true);
    const changed = await engine.transaction((tx) =>
      tx.run(
        INTERRUPT_TASK,
        paramsOf({ ...newRecord(), id: claimed.task.id, status: 'unknown' }, 'test', { claim: claimed.token }),
      ),
    );
    expect(changed).toBe(0);
    const row = await engine.read((tx) => tx.get(FIND_TASK, { scope: 'test', id: claimed.task.id }));
    expect(row).toMatchObject({ status: 'generating', provider_task_id: '5', req_key: REQ_KEY });
  });
});

test('a server that does not show its system identifier is used all the same', async () => {
  await withStage(async ({ open, direct }) => {
    await statements(direct, [
      'CREATE ROLE plain LOGIN',
      'GRANT ALL ON SCHEMA public TO plain',
      'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC',
    ]);
    const { store } = await open({ by: direct.replace('jimeng@', 'plain@') });
    const task = await reserve(store);
    expect((await claim(store))?.task.id).toBe(task?.id);
  });
});

test('tables that another process makes for longer than a statement may take are waited for', async () => {
  await withStage(async ({ open, direct }) => {
    const { store } = await open({ answerMilliseconds: 200 });
    const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const migrating = transactionOn(direct, 'SELECT pg_advisory_xact_lock(77, 1)', async () => {
      begun.resolve();
      await over.promise;
    });
    await begun.promise;
    const failed: unknown[] = [];
    let isWaiting = false;
    // Before and after it, a busy machine may take longer than 200 ms for a statement.
    const reserved = insist(() =>
      reserve(store).catch((error: unknown) => {
        if (isWaiting) failed.push(error);
        throw error;
      }),
    );
    await waitingForLock(direct);
    isWaiting = true;
    await systemClock.sleep(400);
    isWaiting = false;
    over.resolve();
    expect(failed).toEqual([]);
    expect(await reserved).toBeDefined();
    await migrating;
  });
});
