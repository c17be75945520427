/** One host of the measurement of the shared store: `store-program.ts KIND ADDRESS SECONDS`, with its durations as a message. */
import { Client } from 'pg';
import { systemClock } from '../src/clock.ts';
import { silentLog } from '../src/log.ts';
import { postgresEngine } from '../src/store/postgres.ts';
import { TaskStore } from '../src/store/task-store.ts';
import { pause } from '../src/system/wait.ts';
import { recordOf } from '../src/tasks/record.ts';
import { accepted, claim, newRecord, reserve } from '../test/support/postgres-stage.ts';

const [kind, address = '', seconds] = process.argv.slice(2);
const QUEUE_POLL_MILLISECONDS = 250;
const cycles: number[] = [];
const reserves: number[] = [];

async function timed<Value>(durations: number[], step: () => Promise<Value>): Promise<Value> {
  const startedAt = performance.now();
  const value = await step();
  durations.push(performance.now() - startedAt);
  return value;
}

const engine = postgresEngine({ address, clock: systemClock, log: silentLog });
const store = new TaskStore({ engine, scope: 'bench', clock: systemClock, log: silentLog });

async function paidCall(): Promise<void> {
  await timed(reserves, () => reserve(store));
  // The head of the queue is another host's until that one has claimed it.
  let claimed = await claimOwn();
  while (claimed === undefined) {
    // As the queue does.
    await pause(systemClock, { atMost: QUEUE_POLL_MILLISECONDS, until: (over) => store.changed(over) });
    claimed = await claimOwn();
  }
  await store.settle(claimed, accepted(claimed.task.id), true);
  const hold = await store.hold(claimed.task.id);
  if (hold !== undefined) await hold.save({ ...recordOf(hold.task), status: 'done', finishedAt: Date.now() });
  await hold?.release();
}

function claimOwn() {
  return claim(store, ({ headIsOurs }) => (headIsOurs ? { kind: 'send' } : { kind: 'wait', waitsFor: 'turn' }));
}

const client = new Client({ connectionString: address });
const record = JSON.stringify(newRecord());

/** Five transactions under the same lock, each with what ours cannot do without. */
async function plainCall(): Promise<void> {
  const inTurn = async (statement: string, values: readonly unknown[]) => {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query('SELECT pg_advisory_xact_lock(77)');
    const { rows } = await client.query(statement, [...values]);
    await client.query('COMMIT');
    return rows[0]?.id;
  };
  const insert = 'INSERT INTO plain (body, record) VALUES ($1, $2) RETURNING id';
  const id = await timed(reserves, () => inTurn(insert, [Buffer.from('{}'), record]));
  for (let step = 0; step < 4; step++) await inTurn('UPDATE plain SET record = $2 WHERE id = $1', [id, record]);
}

if (kind === 'plain') await client.connect();
await store.lists.openIds();
const endAt = performance.now() + Number(seconds) * 1000;
while (kind !== 'prepare' && performance.now() < endAt) await timed(cycles, kind === 'plain' ? plainCall : paidCall);
if (kind === 'plain') await client.end();
await store.close();
process.send?.({ cycles, reserves });
process.disconnect();
