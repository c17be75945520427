/** Stores of several processes on a real PostgreSQL, in real time, each through a relay that a test can disturb. */
import { type Clock, systemClock } from '../../src/clock.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { postgresEngine } from '../../src/store/postgres.ts';
import type { Claim, FilmWish, QueueLedger, Settlement, Turn } from '../../src/store/store.ts';
import { TaskStore } from '../../src/store/task-store.ts';
import { FOREVER, newTaskId, recordOf, type Task, type TaskRecord } from '../../src/tasks/record.ts';
import { type DatabaseRelay, startRelay } from './database-relay.ts';
import type { PostgresServer } from './postgres.ts';
import { sampleRequest } from './sample-task.ts';

export const REQ_KEY = 'jimeng_t2v_v30';

interface StageOptions {
  /** Of the database. */
  readonly settings?: Readonly<Record<string, string>>;
  /** An existing one. */
  readonly address?: string;
  readonly log?: Log;
}

export async function openStage(server: PostgresServer, { settings, address, log = silentLog }: StageOptions = {}) {
  const direct = address ?? (await server.createDatabase(settings));
  const stores: TaskStore[] = [];
  const relays: DatabaseRelay[] = [];
  const open = async (
    options: {
      readonly clock?: Partial<Clock>;
      readonly answerMilliseconds?: number;
      readonly listenAddress?: string;
      readonly by?: string;
    } = {},
  ) => {
    const relay = await startRelay(server.port);
    const { answerMilliseconds = 6_000, listenAddress, by = direct } = options;
    const clock = { ...systemClock, ...options.clock };
    const through = options.by === undefined ? by.replace(`:${server.port}/`, `:${relay.port}/`) : by;
    const engine = postgresEngine({ address: through, listenAddress, clock, log, answerMilliseconds });
    const store = new TaskStore({ engine, scope: 'test', clock, log });
    stores.push(store);
    relays.push(relay);
    return { store, engine, relay };
  };
  return {
    ...{ direct, open },
    async close() {
      for (const relay of relays) relay.isSilent = false;
      await Promise.all(stores.map((store) => store.close()));
      await Promise.all(relays.map((relay) => relay.close()));
    },
  };
}

/** Until it succeeds: the database is away, or slow, for a while. */
export async function insist<Value>(step: () => Promise<Value>): Promise<Value> {
  for (let tries = 0; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (tries > 200) throw error;
      await systemClock.sleep(50);
    }
  }
}

export function newRecord(changes: Partial<TaskRecord> = {}): TaskRecord {
  const id = newTaskId(Date.now());
  return {
    ...{ id, status: 'queued', fingerprint: id, reqKey: REQ_KEY, billedSeconds: 5, fen: 140, sandbox: true },
    request: { mode: 't2v_720p', prompt: 'a lighthouse', duration: 5, fps: 24, notes: [] },
    ...{ reservedAt: Date.now(), attempts: 0, place: null },
    ...changes,
  };
}

/** Of one shot. */
export function newFilm(): FilmWish {
  const id = newTaskId(Date.now()).replace('jv-', 'jf-');
  const record = newRecord();
  return {
    film: {
      ...{ id, status: 'running', fingerprint: id, sandbox: true, reservedAt: Date.now() },
      ...{ place: { folder: '/videos' }, baseName: 'film', joins: [] },
      shots: [{ request: sampleRequest(), continues: false, takes: [record.id] }],
    },
    tasks: [{ record, body: Buffer.from('{}') }],
    budgetFen: undefined,
  };
}

/** @returns undefined where the rule of the store refused it */
export async function reserve(store: TaskStore, record = newRecord()): Promise<Task | undefined> {
  const body = Buffer.from('{}');
  return (
    await store.reserve({ record, body }, ({ same: [task] }) => (task ? { kind: 'join', task } : { kind: 'create' }))
  ).task;
}

export async function claim(
  store: TaskStore,
  rule: (ledger: QueueLedger) => Turn = () => ({ kind: 'send' }),
): Promise<Claim | undefined> {
  const claimed = await store.claimNext(REQ_KEY, rule);
  return typeof claimed === 'object' && 'token' in claimed ? claimed : undefined;
}

export function accepted(providerTaskId: string): (task: Task, ledger: QueueLedger) => Settlement {
  return (task) => ({
    record: { ...recordOf(task), status: 'generating', providerTaskId, acceptedAt: 1 },
    slotUntil: FOREVER,
  });
}
