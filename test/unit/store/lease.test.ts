/** Is a lease renewed for as long as anything needs it? */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import type { Engine } from '../../../src/store/engine.ts';
import { Lease } from '../../../src/store/lease.ts';
import { sqliteEngine } from '../../../src/store/sqlite.ts';
import { ManualClock } from '../../support/manual-clock.ts';

it('goes on renewing for a task that came while the lease was being given back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-lease-'));
  const clock = new ManualClock();
  const engine = sqliteEngine({
    file: join(folder, 'jimeng.db'),
    clock: { now: () => clock.now(), monotonic: () => clock.monotonic(), sleep: systemClock.sleep },
    log: silentLog,
  });
  const lease = new Lease({ scope: 'sandbox test', sends: 'own' }, engine, clock, silentLog);
  try {
    await engine.transaction((tx) => lease.ensure(tx));
    lease.use('the first')();
    // The renewal, then the giving back, stand in line behind these.
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    void engine.transaction(() => first.promise);
    await clock.advance(1_500);
    const last = engine.transaction(() => second.promise);
    first.resolve();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const end = lease.use('the second');
    second.resolve();
    await last;
    for (let passed = 0; passed < 12_000; passed += 500) {
      await clock.advance(500);
      await engine.transaction(async () => undefined);
    }
    const host = await engine.read((tx) => tx.get('SELECT lease_until FROM host'));
    expect(Number(host?.lease_until)).toBeGreaterThan(clock.now());
    end();
    await lease.close();
    expect(await engine.read((tx) => tx.all('SELECT id FROM host'))).toEqual([]);
  } finally {
    await lease.close();
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
});

it('says once that the lease is not renewed, and once that it is again', async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  let isAway = false;
  const engine = {
    transaction: async (work: (tx: unknown) => Promise<unknown>) => {
      if (isAway) throw new Error('connect ECONNREFUSED');
      return await work({ now: clock.now(), run: async () => 1 });
    },
  } as unknown as Engine;
  const lease = new Lease({ scope: 'sandbox test', sends: 'own' }, engine, clock, {
    ...silentLog,
    ...{ warn: note, info: note },
  });
  await engine.transaction((tx) => lease.ensure(tx));
  lease.use('a task');
  for (const away of [true, false, true, false]) {
    isAway = away;
    for (let renewals = 0; renewals < 5; renewals++) await clock.advance(1_500);
  }
  const both = ['lease not renewed', 'lease renewed again'];
  expect(lines).toEqual([...both, ...both]);
  await lease.close();
});
