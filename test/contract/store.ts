/** What every store does, whatever its engine. Run by one test file per engine, without a change. */

import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { Problem } from '../../src/problems.ts';
import { type Engine, StoreFailure } from '../../src/store/engine.ts';
import { LeaseLost } from '../../src/store/lease.ts';
import type { Claim, QueueLedger, RecoveryRules, Sends, Settlement, Turn } from '../../src/store/store.ts';
import { TaskStore } from '../../src/store/task-store.ts';
import { interrupted, leftInQueue } from '../../src/tasks/outcome.ts';
import { errorOf, FOREVER, newTaskId, type Task, type TaskRecord } from '../../src/tasks/record.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** One database, which several stores (processes) open. */
export interface TestDatabase {
  open(clock: Clock): Engine;
  /** Resolves when no statement is running: where they take longer than a few turns of the event loop. */
  readonly settled?: () => Promise<void>;
  close(): Promise<void>;
}

const RULES: RecoveryRules = { interrupted, leftInQueue };
const REQ_KEY = 'jimeng_t2v_v30';
const BODY = Buffer.from('{"req_key":"jimeng_t2v_v30"}');
const HOUR = 3600_000;

export function storeContract(name: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`store on ${name}`, () => {
    it('has recorded the request and its body when reserve returns', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [store, other] = [open(), open()];
        const task = await reserve(store);
        expect(await other.find(task.id)).toMatchObject({ id: task.id, status: 'queued', fen: 140, ownerAlive: true });
        expect(Buffer.from((await other.body(task.id)) ?? [])).toEqual(BODY);
      });
    });

    it('shows the rule the same request, and keeps nothing of what joins it', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const [store, other] = [open(), open()];
        const first = await reserve(store, { fingerprint: 'same' });
        const record = newRecord(clock, { fingerprint: 'same' });
        const joined = await other.reserve({ record, body: BODY }, ({ same: [same] }) => {
          return same === undefined ? { kind: 'create' } : { kind: 'join', task: same };
        });
        expect(joined).toMatchObject({ kind: 'join', task: { id: first.id } });
        expect(await other.find(record.id)).toBeUndefined();
        expect(await other.body(record.id)).toBeUndefined();
      });
    });

    it('admits no more at the same time than the budget has room for', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const stores = [open(), open(), open(), open()];
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const record = newRecord(clock, { fingerprint: `f${index}` });
            const rule = ({ reservedFen }: { reservedFen: number }) =>
              reservedFen + 140 <= 700
                ? ({ kind: 'create' } as const)
                : ({ kind: 'refuse', problem: new Problem('budget_exceeded') } as const);
            return (await stores[index % 4]?.reserve({ record, body: BODY, budgetFen: 700 }, rule))?.kind;
          }),
        );
        expect(outcomes.filter((kind) => kind === 'create')).toHaveLength(5);
      });
    });

    it('says when room comes back', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const store = open();
        const at = clock.now();
        await reserve(store, { fingerprint: 'a' });
        await clock.advance(60_000);
        await reserve(store, { fingerprint: 'b' });
        const ledger = await store.reservationLedger({ record: newRecord(clock, {}), budgetFen: 280 });
        expect(ledger).toMatchObject({ reservedFen: 280, roomAt: at + 24 * HOUR });
      });
    });

    it('gives a queued request to exactly one of several claimers, in the order of the queue', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const store = open();
        const tasks = [await reserve(store, { fingerprint: '1' }), await reserve(store, { fingerprint: '2' })];
        const claims = await Promise.all([claim(store), claim(store), claim(store)]);
        expect(claims.filter((claimed) => claimed !== undefined).map((claimed) => claimed?.task.id)).toEqual(
          tasks.map(({ id }) => id),
        );
        expect(claims[0]?.task).toMatchObject({ status: 'submitting', attempts: 1 });
      });
    });

    it('lets no process send what another living process has queued', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [store, other] = [open(), open()];
        await reserve(store, { fingerprint: '1' });
        await reserve(other, { fingerprint: '2' });
        let seen: QueueLedger | undefined;
        await other.claimNext(REQ_KEY, (ledger) => {
          seen = ledger;
          return { kind: 'wait', waitsFor: 'turn' };
        });
        expect(seen).toMatchObject({ headIsOurs: false, ours: 1 });
      });
    });

    it('keeps an outcome whose times have fractions of a millisecond', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const store = open();
        await reserve(store);
        const at = clock.now() + 0.25;
        const pacing = { limit: undefined, limitUntil: at, pausedUntil: at, refusals: 1, probedAt: at };
        const busy = (task: Task): Settlement => ({
          record: { ...plain(task), status: 'queued' },
          slotUntil: at,
          pacing,
        });
        await store.settle(await mustClaim(store), busy, false);
        const claimed = await mustClaim(store);
        expect(store.isUnwritten(claimed.task.id)).toBe(false);
        await store.settle(claimed, accepted('9'), true);
        const hold = (await store.hold(claimed.task.id)) ?? expect.fail();
        const [finishedAt, saveAgainAt] = [at, at + 1000];
        await hold.save({ ...plain(hold.task), status: 'done', finishedAt, saveAgainAt, finishedBetween: [1.5, 2.5] });
        expect(store.isUnwritten(claimed.task.id)).toBe(false);
        expect(await open().find(claimed.task.id)).toMatchObject({ status: 'done', finishedAt: Math.round(at) });
      });
    });

    it('lets a worker send what other processes have queued, in the order of the queue', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [server, laptop, worker] = [open(undefined, 'none'), open(), open(undefined, 'all')];
        const tasks = [
          await reserve(server, { fingerprint: '1' }),
          await reserve(laptop, { fingerprint: '2' }),
          await reserve(server, { fingerprint: '3' }),
        ];
        expect(await worker.queuedKeys()).toEqual([REQ_KEY]);
        expect(await claim(server)).toBeUndefined();
        const claims = [await claim(worker), await claim(worker), await claim(worker)];
        expect(claims.map((claimed) => claimed?.task.id)).toEqual(tasks.map(({ id }) => id));
        expect(await claim(worker)).toBeUndefined();
        expect(await worker.queuedKeys()).toEqual([]);
        // The one that queued it cannot claim it again.
        expect(await claim(laptop)).toBeUndefined();
      });
    });

    it('keeps the lease of a process that sends nothing until others have sent its entries', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const [server, worker] = [open(undefined, 'none'), open(undefined, 'all')];
        const task = await reserve(server);
        await advanceAll(server, clock, 20_000);
        expect((await worker.find(task.id))?.ownerAlive).toBe(true);
        expect(await server.claimNext(REQ_KEY, () => ({ kind: 'send' }))).toEqual({ kind: 'wait', waitsFor: 'turn' });
        const claimed = await mustClaim(worker);
        expect(await server.claimNext(REQ_KEY, () => ({ kind: 'send' }))).toBe('empty');
        await worker.settle(claimed, accepted('7'), true);
        expect(await server.find(task.id)).toMatchObject({ status: 'generating', providerTaskId: '7' });
      });
    });

    it('knows whether any process is going to send a request', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [server, laptop] = [open(undefined, 'none'), open()];
        const [queued, own] = [
          await reserve(server, { fingerprint: '1' }),
          await reserve(laptop, { fingerprint: '2' }),
        ];
        await open('another account', 'all').recover(RULES);
        expect(await server.workers()).toBe(0);
        for (const store of [server, laptop]) {
          expect(await store.isUnsent(queued)).toBe(true);
          expect(await store.isUnsent(own)).toBe(false);
        }
        const [first, second] = [open(undefined, 'all'), open(undefined, 'all')];
        for (const worker of [first, second]) {
          await worker.recover(RULES);
          expect(await worker.isUnsent(queued)).toBe(false);
        }
        expect([await server.workers(), await server.isUnsent(queued)]).toEqual([2, false]);
        await first.close();
        expect(await server.workers()).toBe(1);
        die(second);
        await advanceAll(server, clock, 7_000);
        expect([await server.workers(), await server.isUnsent(queued)]).toEqual([0, true]);
      });
    });

    it('keeps no process waiting for what nobody sends, and sends first come, first served, where a worker runs', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [server, laptop, worker] = [open(undefined, 'none'), open(), open(undefined, 'all')];
        await reserve(server, { fingerprint: '1' });
        const own = await reserve(laptop, { fingerprint: '2' });
        const ledger = () => laptop.queueLedger(REQ_KEY);
        expect([await ledger(), await laptop.queuedBefore(own)]).toMatchObject([{ headIsOurs: true }, 0]);
        await worker.recover(RULES);
        expect([await ledger(), await laptop.queuedBefore(own)]).toMatchObject([{ headIsOurs: false }, 1]);
        await worker.close();
        expect((await mustClaim(laptop)).task.id).toBe(own.id);
      });
    });

    it('knows of a request whose process is gone that this one sends it when it is asked for, where it sends at all', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [server, other, laptop] = [open(undefined, 'none'), open(undefined, 'none'), open()];
        const { id } = await reserve(server);
        die(server);
        await recoverFor(laptop, clock, 10_000);
        const left = (await laptop.find(id)) ?? expect.fail();
        expect([left.ownerAlive, await other.isUnsent(left), await laptop.isUnsent(left)]).toEqual([
          false,
          true,
          false,
        ]);
      });
    });

    it('counts a worker for as long as it lives, and again after it was taken for dead', async () => {
      await withStage(createDatabase, async ({ open, suspend, resume, clock }) => {
        const [worker, other] = [open(undefined, 'all'), open()];
        await worker.recover(RULES);
        await advanceAll(worker, clock, 20_000);
        expect(await other.workers()).toBe(1);
        suspend(worker);
        await recoverFor(other, clock, 10_000);
        expect(await other.workers()).toBe(0);
        resume(worker);
        await advanceAll(worker, clock, 3_000);
        expect(await other.workers()).toBe(1);
      });
    });

    it('counts what is in flight, until it is only being saved', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const store = open();
        await reserve(store);
        const claimed = await mustClaim(store);
        expect((await store.queueLedger(REQ_KEY)).inFlight).toBe(1);
        const task = await store.settle(claimed, accepted('123'), true);
        expect((await store.queueLedger(REQ_KEY)).inFlight).toBe(1);
        const hold = await store.hold(task.id);
        await hold?.save({ ...plain(hold.task), video: { url: 'https://x/v', urlValidUntil: clock.now() + HOUR } });
        expect((await store.queueLedger(REQ_KEY)).inFlight).toBe(0);
      });
    });

    it('makes an outcome repeatable', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const store = open();
        await reserve(store);
        const claimed = await mustClaim(store);
        const first = await store.settle(claimed, accepted('123'), true);
        const again = await store.settle(claimed, accepted('123'), true);
        expect(first).toMatchObject({ status: 'generating', providerTaskId: '123' });
        expect(again.id).toBe(first.id);
        expect(await store.body(first.id)).toBeUndefined();
        expect(await store.findByProviderId('123')).toMatchObject({ id: first.id });
      });
    });

    it('makes a claim whose process died unknown, and never hands it on', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [dead, other] = [open(), open()];
        const task = await reserve(dead);
        await mustClaim(dead);
        die(dead);
        await recoverFor(other, clock, 10_000);
        expect(await other.find(task.id)).toMatchObject({ status: 'unknown', error: { code: 'interrupted' } });
        expect(await claim(other)).toBeUndefined();
        expect((await other.queueLedger(REQ_KEY)).unknowns).toEqual([
          { id: task.id, since: expect.any(Number), until: expect.any(Number) },
        ]);
      });
    });

    it('turns unknown into what it is when its answer comes after all', async () => {
      await withStage(createDatabase, async ({ open, suspend, clock }) => {
        const [sleeper, other] = [open(), open()];
        const task = await reserve(sleeper);
        const claimed = await mustClaim(sleeper);
        suspend(sleeper);
        await recoverFor(other, clock, 10_000);
        expect(await other.find(task.id)).toMatchObject({ status: 'unknown' });
        expect(await sleeper.stillHolds(claimed, 2_000)).toBe(false);
        await sleeper.settle(claimed, accepted('77'), true);
        expect(await other.find(task.id)).toMatchObject({ status: 'generating', providerTaskId: '77' });
        const polling = await sleeper.hold(task.id);
        expect(polling).toBeDefined();
      });
    });

    it('turns unknown into failed when its owner knows that nothing left', async () => {
      await withStage(createDatabase, async ({ open, suspend, clock }) => {
        const [sleeper, other] = [open(), open()];
        const task = await reserve(sleeper);
        const claimed = await mustClaim(sleeper);
        suspend(sleeper);
        await recoverFor(other, clock, 10_000);
        const error = errorOf(new Problem('claim_lost'));
        await sleeper.settle(
          claimed,
          (now) => ({ record: { ...plain(now), status: 'failed', error }, slotUntil: undefined }),
          false,
        );
        expect(await other.find(task.id)).toMatchObject({ status: 'failed' });
        expect((await other.lists.sums()).reservedFen).toBe(0);
      });
    });

    it('no longer holds a claim whose lease is about to run out', async () => {
      await withStage(createDatabase, async ({ open, suspend, clock }) => {
        const store = open();
        await reserve(store);
        const claimed = await mustClaim(store);
        expect(await store.stillHolds(claimed, 2_000)).toBe(true);
        suspend(store);
        await clock.advance(4_500);
        expect(await store.stillHolds(claimed, 2_000)).toBe(false);
      });
    });

    it('leaves a dead process’s queue entry in place until a call resumes it', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [dead, other] = [open(), open()];
        const task = await reserve(dead);
        die(dead);
        await recoverFor(other, clock, 10_000);
        expect(await other.find(task.id)).toMatchObject({ status: 'queued', ownerAlive: false });
        expect(await claim(other)).toBeUndefined();
        expect(await other.resumeQueued(HOUR, task.id)).toEqual([REQ_KEY]);
        expect((await claim(other))?.task.id).toBe(task.id);
      });
    });

    it('expires a dead process’s queue entry after an hour, unsent and free', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [dead, other] = [open(), open()];
        const task = await reserve(dead);
        die(dead);
        await recoverFor(other, clock, 10_000);
        clock.suspend(HOUR);
        await other.recover(RULES);
        expect(await other.find(task.id)).toMatchObject({ status: 'expired' });
        expect((await other.lists.sums()).reservedFen).toBe(0);
      });
    });

    it('resumes no queue entry that is to expire, although its process is not known to be dead yet', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [dead, other] = [open(), open()];
        const task = await reserve(dead);
        die(dead);
        clock.suspend(HOUR + 1);
        expect(await other.resumeQueued(HOUR)).toEqual([]);
        expect(await other.resumeQueued(HOUR, task.id)).toEqual([]);
        expect(await claim(other)).toBeUndefined();
      });
    });

    it('lets one process at a time hold a task', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [store, other] = [open(), open()];
        const { id } = await accept(store);
        const hold = await store.hold(id);
        expect(hold).toBeDefined();
        expect(await store.hold(id)).toBeUndefined();
        expect(await other.hold(id)).toBeUndefined();
        await hold?.release();
        expect(await other.hold(id)).toBeDefined();
      });
    });

    it('hands over a dead process’s task within 10 s', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [dead, other] = [open(), open()];
        const { id } = await accept(dead);
        await dead.hold(id);
        await other.recover(RULES);
        die(dead);
        const { isAnyUnheld } = await recoverFor(other, clock, 9_000);
        expect(isAnyUnheld).toBe(true);
        expect((await other.holdOrphans(10)).map(({ task }) => task.id)).toEqual([id]);
      });
    });

    it('gives each orphan to one of several processes that take some at the same time', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [store, ...others] = [open(), open(), open(), open()];
        const ids = await orphans(store, 12);
        const taken = await Promise.all(others.map((other) => other.holdOrphans(5)));
        const rest = await others[0]?.holdOrphans(20);
        const held = [...taken.flat(), ...(rest ?? [])].map(({ task }) => task.id);
        expect(held.sort()).toEqual([...ids].sort());
        // Where they take one after another the first gets five; where they take turns, each of the three gets four.
        expect([4, 5]).toContain(Math.max(...taken.map(({ length }) => length)));
        expect(await store.holdOrphans(20)).toEqual([]);
      });
    });

    it('gives a task to one of two that want it in one process', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [store, other] = [open(), open()];
        for (const isFirst of [true, false]) {
          const [id = ''] = await orphans(store, 1);
          const one = async () => [await other.hold(id)];
          const some = () => other.holdOrphans(1);
          const holds = await Promise.all(isFirst ? [one(), some()] : [some(), one()]);
          expect(holds.flat().flatMap((hold) => hold?.task.id ?? [])).toEqual([id]);
        }
      });
    });

    it('takes what could not be saved when it is to be saved again, and not before', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const [store, other] = [open(), open()];
        const [id] = await orphans(store, 1);
        const [hold] = await store.holdOrphans(1);
        const times = { finishedAt: clock.now(), saveAgainAt: clock.now() + 60_000 };
        await hold?.save({ ...plain(hold.task), status: 'done', ...times });
        await hold?.release();
        expect((await other.recover(RULES)).isAnyUnheld).toBe(false);
        expect(await other.holdOrphans(1)).toEqual([]);
        await clock.advance(60_000);
        expect((await other.recover(RULES)).isAnyUnheld).toBe(true);
        expect((await other.holdOrphans(1)).map(({ task }) => task.id)).toEqual([id]);
      });
    });

    it('refuses what a process saves whose task another took with others while it was suspended', async () => {
      await withStage(createDatabase, async ({ open, suspend, clock }) => {
        const [store, sleeper, other] = [open(), open(), open()];
        await orphans(store, 3);
        const held = await sleeper.holdOrphans(3);
        suspend(sleeper);
        await recoverFor(other, clock, 10_000);
        const taken = await other.holdOrphans(3);
        expect(taken).toHaveLength(3);
        for (const hold of held) await expect(hold.save(plain(hold.task))).rejects.toBeInstanceOf(LeaseLost);
        for (const hold of taken) await hold.save({ ...plain(hold.task), requestId: 'the other’s' });
        expect(await other.find(taken[0]?.task.id ?? '')).toMatchObject({ requestId: 'the other’s' });
      });
    });

    it('refuses what a process saves that lost its task while it was suspended', async () => {
      await withStage(createDatabase, async ({ open, suspend, resume, clock }) => {
        const [sleeper, other] = [open(), open()];
        const { id } = await accept(sleeper);
        const hold = await sleeper.hold(id);
        suspend(sleeper);
        await recoverFor(other, clock, 10_000);
        const taken = await other.hold(id);
        await taken?.save({ ...plain(taken.task), requestId: 'the other’s' });
        await expect(hold?.verify()).rejects.toBeInstanceOf(LeaseLost);
        await expect(hold?.save({ ...plain(hold.task), requestId: 'the sleeper’s' })).rejects.toBeInstanceOf(LeaseLost);
        resume(sleeper);
        await clock.advance(2_000);
        expect(hold?.lost.aborted).toBe(true);
        expect(await other.find(id)).toMatchObject({ requestId: 'the other’s' });
      });
    });

    it('takes nothing from the living after the computer slept', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const [store, other] = [open(), open()];
        const { id } = await accept(store);
        const hold = await store.hold(id);
        await other.recover(RULES);
        clock.suspend(8 * HOUR, true);
        await other.recover(RULES);
        await recoverFor(other, clock, 6_000);
        expect(hold?.lost.aborted).toBe(false);
        await expect(hold?.verify()).resolves.toBeUndefined();
      });
    });

    it('hands over a dead process’s task although the clock was turned back', async () => {
      await withStage(createDatabase, async ({ open, die, clock }) => {
        const [dead, other] = [open(), open()];
        const { id } = await accept(dead);
        await dead.hold(id);
        die(dead);
        clock.set(clock.now() - 5 * HOUR);
        const { isAnyUnheld } = await recoverFor(other, clock, 20_000);
        expect(isAnyUnheld).toBe(true);
      });
    });

    it('has no lease and writes nothing while it holds nothing', async () => {
      await withStage(createDatabase, async ({ open, clock, engineOf }) => {
        const store = open();
        const { id } = await accept(store);
        const hold = await store.hold(id);
        await hold?.save({ ...plain(hold.task), status: 'done', finishedAt: clock.now() });
        await hold?.release();
        await clock.advance(5_000);
        const hosts = () => engineOf(store).read((tx) => tx.all('SELECT id FROM host'));
        expect(await hosts()).toEqual([]);
        let isChanged = false;
        const over = new AbortController();
        const other = open();
        void engineOf(other)
          .changedElsewhere(over.signal)
          .then(() => {
            isChanged = !over.signal.aborted;
          });
        await clock.advance(60_000);
        expect(isChanged).toBe(false);
        over.abort();
      });
    });

    it('withdraws what is queued, gives an unknown one’s slot back, and leaves the rest', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const store = open();
        const cancel = (id: string) =>
          store.cancel(id, (task, now): Settlement | undefined => {
            if (task.status === 'unknown') return { record: plain(task), slotUntil: undefined };
            if (task.status !== 'queued') return undefined;
            return { record: { ...plain(task), status: 'cancelled', finishedAt: now }, slotUntil: undefined };
          });
        const queued = await reserve(store, { fingerprint: 'q' });
        expect(await cancel(queued.id)).toMatchObject({ status: 'cancelled' });
        expect(await store.body(queued.id)).toBeUndefined();
        await reserve(store, { fingerprint: 'u' });
        const claimed = await mustClaim(store);
        await store.settle(claimed, lost, false);
        expect((await store.queueLedger(REQ_KEY)).unknowns).toHaveLength(1);
        expect(await cancel(claimed.task.id)).toMatchObject({ status: 'unknown' });
        expect((await store.queueLedger(REQ_KEY)).unknowns).toHaveLength(0);
        const late = await store.settle(claimed, accepted('9'), true);
        expect(late.status).toBe('generating');
        expect(await cancel(claimed.task.id)).toBeUndefined();
        expect(clock.now()).toBeGreaterThan(0);
      });
    });

    it('has no lease for a queued request that another process withdrew', async () => {
      await withStage(createDatabase, async ({ open, clock, engineOf }) => {
        const [store, other] = [open(), open()];
        const { id } = await reserve(store);
        await other.cancel(id, (task, now) => ({
          record: { ...plain(task), status: 'cancelled', finishedAt: now },
          slotUntil: undefined,
        }));
        expect(await store.claimNext(REQ_KEY, () => ({ kind: 'send' }))).toBe('empty');
        await advanceAll(store, clock, 6_000);
        expect(await engineOf(other).read((tx) => tx.all('SELECT id FROM host'))).toEqual([]);
      });
    });

    it('keeps its lease for a request that waits for another video, when nothing else is queued', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const store = open();
        const { id } = await reserve(store, { awaits: [{ taskId: 'jv-mx0h914b-k89ng', which: 'last' }] });
        expect(await store.claimNext(REQ_KEY, () => ({ kind: 'send' }))).toBe('empty');
        await advanceAll(store, clock, 20_000);
        expect((await store.find(id))?.ownerAlive).toBe(true);
      });
    });

    it('sends what it has queued although it was taken for dead meanwhile', async () => {
      await withStage(createDatabase, async ({ open, suspend, resume, clock }) => {
        const [sleeper, other] = [open(), open()];
        const { id } = await reserve(sleeper);
        suspend(sleeper);
        await recoverFor(other, clock, 10_000);
        expect(await other.find(id)).toMatchObject({ status: 'queued', ownerAlive: false });
        resume(sleeper);
        await advanceAll(sleeper, clock, 3_000);
        expect((await claim(sleeper))?.task.id).toBe(id);
      });
    });

    it('finds what it accepted and could not begin to poll', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const store = open();
        const { id } = await accept(store);
        expect((await store.recover(RULES)).ids).toEqual([id]);
        const hold = await store.hold(id);
        expect((await store.recover(RULES)).ids).toEqual([]);
        await hold?.release();
      });
    });

    it('gives up what could not be written of a task that another process has taken over', async () => {
      await withStage(createDatabase, async ({ open, suspend, resume, clock, engineOf }) => {
        const [sleeper, other] = [open(), open()];
        const { id } = await accept(sleeper);
        const hold = await sleeper.hold(id);
        const engine = engineOf(sleeper);
        const { transaction } = engine;
        engine.transaction = async () => {
          throw new StoreFailure('unavailable', 'the disk is full');
        };
        await hold?.save({ ...plain(hold.task), requestId: 'unwritten' });
        expect(await sleeper.find(id)).toMatchObject({ requestId: 'unwritten' });
        suspend(sleeper);
        await recoverFor(other, clock, 10_000);
        const taken = await other.hold(id);
        await taken?.save({ ...plain(taken.task), requestId: 'the other’s' });
        engine.transaction = transaction;
        resume(sleeper);
        await advanceAll(sleeper, clock, 3_000);
        expect(await sleeper.find(id)).toMatchObject({ requestId: 'the other’s' });
        expect(sleeper.isUnwritten(id)).toBe(false);
      });
    });

    it('keeps the pace that was learned for the next process', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const [store, other] = [open(), open()];
        await reserve(store);
        const claimed = await mustClaim(store);
        const pacing = { limit: 1, limitUntil: 5, pausedUntil: 7, refusals: 2, probedAt: 3 };
        await store.settle(
          claimed,
          (task) => ({ record: { ...plain(task), status: 'queued' }, slotUntil: undefined, pacing }),
          false,
        );
        expect((await other.queueLedger(REQ_KEY)).pacing).toEqual(pacing);
        expect((await claim(store))?.task.attempts).toBe(2);
      });
    });

    it('lists newest first, by status, and sums what was spent and what is reserved', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const store = open();
        const done = await accept(store, 'd');
        const hold = await store.hold(done.id);
        await hold?.save({
          ...plain(hold.task),
          status: 'done',
          finishedAt: clock.now(),
          finishedBetween: [40_000, 45_000],
        });
        await hold?.release();
        await clock.advance(10);
        const queued = await reserve(store, { fingerprint: 'q' });
        expect((await store.lists.tasks({ limit: 10 })).map(({ id }) => id)).toEqual([queued.id, done.id]);
        expect((await store.lists.tasks({ limit: 10, status: 'done' })).map(({ id }) => id)).toEqual([done.id]);
        expect(await store.lists.openIds()).toEqual([{ id: queued.id, status: 'queued' }]);
        const sums = await store.lists.sums();
        expect(sums).toMatchObject({ doneLast24hFen: 140, reservedFen: 280 });
        expect(sums.byStatus.get('done')).toEqual({ count: 1, fen: 140 });
        expect(await store.durations('t2v_720p', 5)).toEqual([[40_000, 45_000]]);
        expect(await store.lists.idsThatBegin(queued.id.slice(0, 6), 5)).toContain(queued.id);
      });
    });

    it('sees only the tasks of its own account and service', async () => {
      await withStage(createDatabase, async ({ open }) => {
        const store = open();
        const task = await reserve(store, { fingerprint: 'x' });
        const other = open('another account');
        expect(await other.find(task.id)).toBeUndefined();
        expect(await other.lists.tasks({ limit: 5 })).toEqual([]);
        expect((await other.reservationLedger({ record: plain(task) })).same).toEqual([]);
        expect((await other.lists.sums()).reservedFen).toBe(0);
      });
    });

    it('wakes waiting callers when another process writes', async () => {
      await withStage(createDatabase, async ({ open, clock }) => {
        const [store, other] = [open(), open()];
        await other.lists.openIds();
        const waiting = other.changed(new AbortController().signal);
        await clock.advance(1);
        await reserve(store);
        let isWoken = false;
        void waiting.then(() => {
          isWoken = true;
        });
        for (let turn = 0; turn < 100 && !isWoken; turn++) await clock.advance(100);
        expect(isWoken).toBe(true);
      });
    });
  });
}

export interface Stage {
  readonly clock: ManualClock;
  open(scope?: string, sends?: Sends): TaskStore;
  engineOf(store: TaskStore): Engine;
  /** Its process is killed: it renews no lease any more. */
  die(store: TaskStore): void;
  suspend(store: TaskStore): void;
  resume(store: TaskStore): void;
}

/** Each store has a clock of its own that can be stopped, as a process can. */
class ProcessClock implements Clock {
  private readonly shared: ManualClock;
  private isStopped = false;
  private waiting: (() => void)[] = [];

  constructor(shared: ManualClock) {
    this.shared = shared;
  }

  now(): number {
    return this.shared.now();
  }

  monotonic(): number {
    return this.shared.monotonic();
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await this.shared.sleep(milliseconds, signal);
    if (this.isStopped) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  stop(): void {
    this.isStopped = true;
  }

  go(): void {
    this.isStopped = false;
    for (const wake of this.waiting.splice(0)) wake();
  }
}

export async function withStage(
  createDatabase: () => Promise<TestDatabase>,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const database = await createDatabase();
  const clock = new ManualClock(undefined, database.settled);
  const opened = new Map<TaskStore, { engine: Engine; own: ProcessClock }>();
  try {
    await run({
      clock,
      open(scope = 'sandbox test', sends: Sends = 'own') {
        const own = new ProcessClock(clock);
        const engine = database.open(own);
        const store = new TaskStore({ engine, scope, sends, clock: own, log: silentLog });
        opened.set(store, { engine, own });
        return store;
      },
      engineOf(store) {
        const found = opened.get(store);
        if (found === undefined) throw new Error('not opened here');
        return found.engine;
      },
      die: (store) => opened.get(store)?.own.stop(),
      suspend: (store) => opened.get(store)?.own.stop(),
      resume: (store) => opened.get(store)?.own.go(),
    });
  } finally {
    for (const [store, { own }] of opened) {
      own.go();
      await store.close();
    }
    await database.close();
  }
}

export function newRecord(clock: Pick<Clock, 'now'>, changes: Partial<TaskRecord>): TaskRecord {
  return {
    id: newTaskId(clock.now()),
    status: 'queued',
    request: { mode: 't2v_720p', prompt: 'a lighthouse', duration: 5, fps: 24, notes: [] },
    fingerprint: 'print',
    reqKey: REQ_KEY,
    billedSeconds: 5,
    fen: 140,
    sandbox: true,
    reservedAt: clock.now(),
    attempts: 0,
    place: null,
    ...changes,
  };
}

async function reserve(store: TaskStore, changes: Partial<TaskRecord> = {}): Promise<Task> {
  const record = newRecord({ now: () => Date.UTC(2026, 10, 28) }, changes);
  const admitted = await store.reserve({ record, body: BODY }, () => ({ kind: 'create' }));
  if (admitted.task === undefined) throw new Error('not created');
  return admitted.task;
}

async function claim(store: TaskStore, rule: () => Turn = () => ({ kind: 'send' })): Promise<Claim | undefined> {
  const claimed = await store.claimNext(REQ_KEY, rule);
  return typeof claimed === 'object' && 'token' in claimed ? claimed : undefined;
}

export async function mustClaim(store: TaskStore): Promise<Claim> {
  const claimed = await claim(store);
  if (claimed === undefined) throw new Error('nothing to claim');
  return claimed;
}

async function accept(store: TaskStore, fingerprint = 'print'): Promise<Task> {
  await reserve(store, { fingerprint });
  return await store.settle(await mustClaim(store), accepted(`1${fingerprint.charCodeAt(0)}`), true);
}

/** Accepted, and held by nobody. */
async function orphans(store: TaskStore, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const { id } = await accept(store, `orphan ${index}`);
    await (await store.hold(id))?.release();
    ids.push(id);
  }
  return ids;
}

function accepted(providerTaskId: string): (task: Task) => Settlement {
  return (task) => ({
    record: { ...plain(task), status: 'generating', providerTaskId, acceptedAt: 1 },
    slotUntil: FOREVER,
  });
}

const lost = (task: Task, { now }: QueueLedger): Settlement => ({
  record: { ...plain(task), status: 'unknown', finishedAt: now, error: errorOf(new Problem('timeout')) },
  slotUntil: now + 600_000,
});

function plain({ ownerAlive: _, ...record }: Task): TaskRecord {
  return record;
}

/** Time passes, and what this store does in it is written. */
async function advanceAll(store: TaskStore, clock: ManualClock, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 500) {
    await clock.advance(500);
    // Behind all that it has begun.
    await store.cancel('none', () => undefined).catch(() => undefined);
  }
}

/** As the recovery loop does: every 1.5 s. */
export async function recoverFor(store: TaskStore, clock: ManualClock, milliseconds: number) {
  let found = await store.recover(RULES);
  for (let passed = 0; passed < milliseconds; passed += 1_500) {
    await clock.advance(Math.min(1_500, milliseconds - passed));
    found = await store.recover(RULES);
  }
  return found;
}
