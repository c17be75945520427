/** News of other processes' writes to a shared database: by notification, directly or beside PgBouncer, or by polling. */
import { afterAll, beforeAll, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import type { Engine } from '../../../src/store/engine.ts';
import { until } from '../../support/mcp-client.ts';
import { type PostgresServer, startPgBouncer, startPostgres } from '../../support/postgres.ts';
import { openStage, reserve } from '../../support/postgres-stage.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.close());

async function withStage(run: (stage: Awaited<ReturnType<typeof openStage>>) => Promise<void>) {
  const stage = await openStage(server);
  try {
    await run(stage);
  } finally {
    await stage.close();
  }
}

/** Neither polls nor gives up its trial notification (2 s; with notifications it polls every 10 s). */
const onlyNotified: Partial<Clock> = {
  sleep: (milliseconds, signal) =>
    systemClock.sleep([2_000, 10_000].includes(milliseconds) ? 2 ** 31 - 1 : milliseconds, signal),
};

test('news arrives by notification', async () => {
  await withStage(async ({ open }) => {
    const [waiter, writer] = [await open({ clock: onlyNotified }), await open()];
    await reserve(writer.store);
    const waiting = waiter.store.changed(new AbortController().signal);
    await listening(waiter.engine);
    await reserve(writer.store);
    await waiting;
  });
});

test('news arrives behind PgBouncer by the direct address', async () => {
  const bouncer = await startPgBouncer(server);
  try {
    await withStage(async ({ open, direct }) => {
      const by = bouncer.through(direct);
      const [waiter, writer] = [await open({ by, listenAddress: direct, clock: onlyNotified }), await open({ by })];
      await reserve(writer.store);
      const waiting = waiter.store.changed(new AbortController().signal);
      await listening(waiter.engine);
      await reserve(writer.store);
      await waiting;
    });
  } finally {
    await bouncer.close();
  }
});

test('news arrives by looking where no notification does', async () => {
  const bouncer = await startPgBouncer(server);
  try {
    await withStage(async ({ open, direct }) => {
      const by = bouncer.through(direct);
      const [waiter, writer] = [await open({ by }), await open({ by })];
      await reserve(writer.store);
      const waiting = waiter.store.changed(new AbortController().signal);
      await waiter.store.lists.openIds();
      await reserve(writer.store);
      await waiting;
    });
  } finally {
    await bouncer.close();
  }
});

/** The server has done its LISTEN: what is written from here on is notified. */
async function listening(engine: Pick<Engine, 'read'>) {
  const done =
    "SELECT 1 AS found FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database() AND state = 'idle'";
  await until('LISTEN', async () => (await engine.read((tx) => tx.get(done))) !== undefined);
}
