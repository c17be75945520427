/** The queue of one account in the database: whose turn it is, and the claim to send. */
import { randomUUID } from 'node:crypto';
import { FOREVER, recordOf, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Row, Tx } from './engine.ts';
import type { StoreParts } from './lease.ts';
import { paramsOf, readQueueLedger, writePacing } from './rows.ts';
import * as sql from './statements.ts';
import type { Claimed, QueueLedger, Sends, Turn } from './store.ts';
import { undoClaim } from './undo.ts';

interface QueueOptions extends StoreParts {
  readonly sends: Sends;
  /** Its newest state is not written yet. */
  readonly isKept: (id: string) => boolean;
}

export class TaskQueue {
  private readonly options: QueueOptions;

  constructor(options: QueueOptions) {
    this.options = options;
  }

  async claimNext(reqKey: string, rule: (ledger: QueueLedger) => Turn): Promise<Claimed> {
    const { engine, scope, lease, own, sends, notify } = this.options;
    if (sends === 'none') return await this.waitForSenders(reqKey);
    const token = randomUUID();
    const claimNow = async (tx: Tx): Promise<Claimed> => {
      const refused = engine.whyNotPaid();
      if (refused !== undefined) throw refused;
      // Read first: a process that waits for a slot comes here several times a second, and must not write each time.
      let ledger = await this.ledger(tx, reqKey);
      if (ledger.ours === 0 && (await this.takeBack(tx, reqKey))) ledger = await this.ledger(tx, reqKey);
      if (ledger.ours === 0 || ledger.head === undefined) return 'empty';
      const turn = rule(ledger);
      if (turn.kind === 'wait') return turn;
      const owner = (await lease.ensure(tx)).id;
      if (turn.pacing !== undefined) await writePacing(tx, scope, reqKey, turn.pacing);
      const head = recordOf(ledger.head);
      const record: TaskRecord = { ...head, status: 'submitting', attempts: head.attempts + 1, sentAt: tx.now };
      await tx.run(sql.UPDATE_TASK, paramsOf(record, scope, { claim: token, owner, slotUntil: FOREVER }));
      await tx.run(sql.TAKE_TURN, { scope, req_key: reqKey, person: record.person ?? '' });
      return { token, task: { ...record, ownerAlive: true } };
    };
    const claimed = await engine.transaction(claimNow, {
      account: scope,
      undo: async (tx) => undoClaim(tx, scope, token, (await lease.ensure(tx)).id),
    });
    if (typeof claimed === 'object' && 'token' in claimed) {
      own.add(claimed.task.id, claimed.task, token);
      notify(claimed.task.id);
    }
    return claimed;
  }

  async ledger(tx: Tx, reqKey: string): Promise<QueueLedger> {
    const { scope, lease, sends } = this.options;
    return await readQueueLedger(tx, scope, reqKey, { me: lease.id, any: sends === 'all' });
  }

  async before({ id, person = '', reqKey }: Task): Promise<number> {
    const { engine, scope, lease } = this.options;
    const of = { scope, req_key: reqKey, me: lease.id, id };
    const rows = await engine.read((tx) => tx.all(sql.WAITING_PEOPLE, { ...of, now: tx.now }));
    return requestsBefore(rows, person);
  }

  async keys(): Promise<readonly string[]> {
    const { engine, scope } = this.options;
    const rows = await engine.read((tx) => tx.all(sql.QUEUED_KEYS, { scope }));
    return rows.map((row) => String(row.req_key));
  }

  async isUnsent({ id, status, ownerAlive }: Task): Promise<boolean> {
    const { engine, scope, sends } = this.options;
    // What the dead have queued, this process sends when it is asked for.
    if (status !== 'queued' || sends === 'all' || (sends === 'own' && !ownerAlive)) return false;
    const sender = await engine.read((tx) => tx.get(sql.SENDER, { scope, id, now: tx.now }));
    return sender === undefined;
  }

  async workers(): Promise<number> {
    const { engine, scope } = this.options;
    const row = await engine.read((tx) => tx.get(sql.WORKERS, { scope, now: tx.now }));
    return Number(row?.count ?? 0);
  }

  async resume(maxAge: number, id: string): Promise<readonly string[]> {
    const { engine, scope, lease, own } = this.options;
    const isAnyLeft = await engine.read((tx) => {
      return tx.get(sql.IS_ANY_LEFT, { scope, id, now: tx.now, since: tx.now - maxAge });
    });
    if (isAnyLeft === undefined) return [];
    const resumeLeft = async (tx: Tx) => {
      const me = (await lease.ensure(tx)).id;
      return await tx.all(sql.RESUME_QUEUED, { scope, me, id, now: tx.now, since: tx.now - maxAge });
    };
    const rows = await engine.transaction(resumeLeft, { account: scope });
    for (const row of rows) own.add(String(row.id));
    return [...new Set(rows.map((row) => String(row.req_key)))];
  }

  /** This process sends nothing: its lease lasts until others have sent its entries. */
  private async waitForSenders(reqKey: string): Promise<Claimed> {
    const { engine, scope, own } = this.options;
    let isAnyQueued = false;
    for (const id of own.queued(reqKey)) {
      const row = await engine.read((tx) => tx.get(sql.FIND_TASK, { scope, id }));
      if (row?.status === 'queued') isAnyQueued = true;
      else own.remove(id);
    }
    return isAnyQueued ? { kind: 'wait', waitsFor: 'turn' } : 'empty';
  }

  /**
   * Takes back this process's queue entries that lost their owner when it was declared dead, and forgets those that
   * another process has, or that are over.
   */
  private async takeBack(tx: Tx, reqKey: string): Promise<boolean> {
    const { scope, lease, own, isKept } = this.options;
    let isAnyBack = false;
    // Those that wait for another video are in no queue yet, and are still this process's.
    const waiting = (await tx.all(sql.WAITING_OF, { scope, me: lease.id })).map(({ id }) => id);
    for (const id of own.queued(reqKey).filter((queued) => !isKept(queued) && !waiting.includes(queued))) {
      const left = await tx.get(sql.IS_ANY_LEFT, { scope, id, now: tx.now, since: 0 });
      if (left === undefined) {
        own.remove(id);
        continue;
      }
      const me = (await lease.ensure(tx)).id;
      await tx.run(sql.RESUME_QUEUED, { scope, me, id, now: tx.now, since: 0 });
      isAnyBack = true;
    }
    return isAnyBack;
  }
}

/**
 * What is before a person's request as the queue is now: until its turn, each of the others has as many turns as this
 * person, and one more where theirs is first. Whoever comes later and has waited longer for a turn may still go first.
 * @param people of WAITING_PEOPLE
 */
function requestsBefore(people: readonly Row[], person: string): number {
  const own = people.findIndex((row) => row.person === person);
  const earlier = Number(people[own]?.earlier ?? 0);
  const turns = people.map(({ count }, index) => Math.min(Number(count), earlier + (index < own ? 1 : 0)));
  return turns.reduce((sum, count, index) => sum + (index === own ? 0 : count), earlier);
}
