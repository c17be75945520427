import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { sqliteEngine } from '../../src/store/sqlite.ts';
import { filmContract } from './films.ts';
import { pagesContract } from './pages.ts';
import { personsContract } from './persons.ts';
import { storeContract } from './store.ts';

async function createDatabase() {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-store-'));
  return {
    open(clock: Clock) {
      // Waiting for a lock is real: it lasts a millisecond, and its holder does not wait for the test.
      const sleep: Clock['sleep'] = (milliseconds, signal) =>
        milliseconds < 100 ? systemClock.sleep(milliseconds, signal) : clock.sleep(milliseconds, signal);
      return sqliteEngine({
        file: join(folder, 'state', 'jimeng.db'),
        clock: { now: () => clock.now(), monotonic: () => clock.monotonic(), sleep },
        log: silentLog,
      });
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

storeContract('SQLite', createDatabase);
pagesContract('SQLite', createDatabase);
personsContract('SQLite', createDatabase);
filmContract('SQLite', createDatabase);
