/** The contract of a store, held by PostgreSQL: directly, through PgBouncer, and with another default isolation level. */
import { afterAll, beforeAll } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import type { Engine } from '../../src/store/engine.ts';
import { postgresEngine } from '../../src/store/postgres.ts';
import { type PostgresServer, startPgBouncer, startPostgres } from '../support/postgres.ts';
import { filmContract } from './films.ts';
import { pagesContract } from './pages.ts';
import { personsContract } from './persons.ts';
import { storeContract } from './store.ts';

let server: PostgresServer;
let bouncer: Awaited<ReturnType<typeof startPgBouncer>>;

beforeAll(async () => {
  server = await startPostgres('fsync=on', 'autovacuum=off');
  bouncer = await startPgBouncer(server);
});
afterAll(async () => {
  await bouncer?.close();
  await server?.close();
});

const WAYS = {
  PostgreSQL: () => database((address) => address),
  'PostgreSQL whose default isolation level is another': () =>
    database((address) => address, { default_transaction_isolation: 'repeatable read' }),
  'PostgreSQL through PgBouncer in transaction mode': () => database((address) => bouncer.through(address)),
};
for (const [name, createDatabase] of Object.entries(WAYS)) {
  storeContract(name, createDatabase);
  filmContract(name, createDatabase);
  pagesContract(name, createDatabase);
  personsContract(name, createDatabase);
}

async function database(by: (address: string) => string, settings?: Readonly<Record<string, string>>) {
  const address = by(await server.createDatabase(settings));
  const running = new Set<Promise<unknown>>();
  const counted = <Value>(step: Promise<Value>): Promise<Value> => {
    running.add(step);
    const end = () => void running.delete(step);
    step.then(end, end);
    return step;
  };
  return {
    open(clock: Clock): Engine {
      // Pauses between tries are real: they are short, and what they wait for is not the test's.
      const sleep: Clock['sleep'] = (milliseconds, signal) =>
        milliseconds < 500 ? systemClock.sleep(milliseconds, signal) : clock.sleep(milliseconds, signal);
      const now = () => clock.now();
      const engine = postgresEngine({
        address,
        clock: { now, monotonic: () => clock.monotonic(), sleep },
        log: silentLog,
        timeOf: now,
      });
      const { transaction, read } = engine;
      engine.transaction = (work, options) => counted(transaction.call(engine, work, options) as Promise<never>);
      engine.read = (work) => counted(read.call(engine, work) as Promise<never>);
      return engine;
    },
    async settled() {
      while (running.size > 0) {
        await Promise.allSettled(running);
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    close: async () => undefined,
  };
}
