/** What every store does for films and for tasks that wait for another one. Run by one test file per engine, without a change. */
import { describe, expect, it } from 'vitest';
import { currentTakes, type Film } from '../../src/films/film.ts';
import { Problem } from '../../src/problems.ts';
import { LeaseLost } from '../../src/store/lease.ts';
import type { FilmWish } from '../../src/store/store.ts';
import type { TaskStore } from '../../src/store/task-store.ts';
import { newTaskId, recordOf, type TaskRecord } from '../../src/tasks/record.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { sampleRequest } from '../support/sample-task.ts';
import { mustClaim, newRecord, recoverFor, type Stage, type TestDatabase, withStage } from './store.ts';

const BODY = Buffer.from('{"draft":1}');
const WHOLE = Buffer.from('{"whole":1}');
const HOUR = 3600_000;
const create = () => ({ kind: 'create' }) as const;
const refuse = () => ({ kind: 'refuse', problem: new Problem('budget_exceeded') }) as const;

/** Two shots, of which the second continues from the first. */
function newFilm(clock: ManualClock): FilmWish {
  const first = newRecord(clock, {});
  const second = newRecord(clock, { awaits: [{ taskId: first.id, which: 'last' }] });
  const shots = [first, second].map(({ id }, index) => ({
    ...{ takes: [id], continues: index > 0, request: sampleRequest() },
  }));
  const film: Film = {
    ...{
      id: newTaskId(clock.now()).replace('jv-', 'jf-'),
      status: 'running',
      fingerprint: 'film',
      sandbox: true,
      reservedAt: clock.now(),
    },
    ...{ place: { folder: '/videos' }, baseName: 'film', shots, joins: [] },
  };
  return { film, tasks: [first, second].map((record) => ({ record, body: BODY })), budgetFen: undefined };
}

async function reserveFilm(store: TaskStore, clock: ManualClock) {
  const wish = newFilm(clock);
  expect((await store.films.reserve(wish, create)).kind).toBe('create');
  const [first, second] = wish.tasks.map(({ record }) => record) as [TaskRecord, TaskRecord];
  return { film: wish.film, first, second };
}

export function filmContract(name: string, createDatabase: () => Promise<TestDatabase>): void {
  const test = (claim: string, run: (stage: Stage) => Promise<void>) => it(claim, () => withStage(createDatabase, run));

  describe(`films on ${name}`, () => {
    test('are recorded with all their tasks and bodies when reserve returns', async ({ open, clock }) => {
      const [store, other] = [open(), open()];
      const { film, first, second } = await reserveFilm(store, clock);
      const found = await other.films.find(film.id);
      expect(found && currentTakes(found)).toEqual([first.id, second.id]);
      expect((await other.films.tasks([first.id, second.id])).map((task) => task?.status)).toEqual([
        'queued',
        'queued',
      ]);
      expect(Buffer.from((await other.body(second.id)) ?? [])).toEqual(BODY);
      expect(await other.films.openIds()).toEqual([film.id]);
    });

    test('leave nothing where they are refused', async ({ open, clock }) => {
      const store = open();
      const wish = newFilm(clock);
      await store.films.reserve(wish, refuse);
      expect(await store.films.find(wish.film.id)).toBeUndefined();
      for (const { record } of wish.tasks) {
        expect([await store.find(record.id), await store.body(record.id)]).toEqual([undefined, undefined]);
      }
    });

    test('show the rule the same film, and what of the budget is left', async ({ open, clock }) => {
      const [store, other] = [open(), open()];
      const { film } = await reserveFilm(store, clock);
      const joined = await other.films.reserve({ ...newFilm(clock), budgetFen: 300 }, (ledger) => {
        expect([ledger.reservedFen, ledger.roomAt !== undefined]).toEqual([280, true]);
        return { kind: 'join', film: ledger.same[0] ?? expect.fail() };
      });
      expect(joined).toMatchObject({ kind: 'join', film: { id: film.id } });
      expect(await other.films.newest(10)).toHaveLength(1);
    });

    test('are given another take, with what waits for it, in one transaction', async ({ open, clock }) => {
      const [store, other] = [open(), open()];
      const { film, first, second } = await reserveFilm(store, clock);
      const take = newRecord(clock, {});
      const taken = await other.films.retake({
        ...{ filmId: film.id, tasks: [{ record: take, body: BODY }] },
        rule: (current, tasks) => {
          const shots = current.shots.map((shot, index) =>
            index === 0 ? { ...shot, takes: [...shot.takes, take.id] } : shot,
          );
          const waiting = recordOf(tasks[1] ?? expect.fail());
          const awaits = [{ taskId: take.id, which: 'last' }] as const;
          return { kind: 'create', film: { ...current, shots }, changed: [{ ...waiting, awaits }] };
        },
      });
      expect(taken).toMatchObject({ kind: 'create', film: { shots: [{ takes: [first.id, take.id] }, {}] } });
      expect((await store.find(second.id))?.awaits?.[0]?.taskId).toBe(take.id);
      expect((await store.find(take.id))?.status).toBe('queued');
    });

    test('keep nothing of a take that is refused', async ({ open, clock }) => {
      const store = open();
      const { film } = await reserveFilm(store, clock);
      const take = newRecord(clock, {});
      await store.films.retake({ filmId: film.id, tasks: [{ record: take, body: BODY }], rule: refuse });
      expect([await store.find(take.id), await store.body(take.id)]).toEqual([undefined, undefined]);
      expect((await store.films.find(film.id))?.shots[0]?.takes).toHaveLength(1);
    });

    test('have one holder, and one who was declared dead writes nothing', async (stage) => {
      const { open, clock, suspend, resume } = stage;
      const [store, other] = [open(), open()];
      const { film } = await reserveFilm(store, clock);
      const hold = (await store.films.hold(film.id)) ?? expect.fail();
      expect(await other.films.hold(film.id)).toBeUndefined();
      expect(await store.films.hold(film.id)).toBeUndefined();
      suspend(store);
      await recoverFor(other, clock, 12_000);
      const taken = (await other.films.hold(film.id)) ?? expect.fail();
      await taken.update((current) => ({ ...current, status: 'done' }));
      resume(store);
      await expect(hold.update((current) => ({ ...current, status: 'failed' }))).rejects.toThrow(LeaseLost);
      await expect(hold.verify()).rejects.toThrow(LeaseLost);
      expect((await store.films.find(film.id))?.status).toBe('done');
      await taken.release();
    });

    test('that two processes change at the same time keep both changes', async ({ open, clock }) => {
      const [store, other] = [open(), open()];
      const { film } = await reserveFilm(store, clock);
      const hold = (await store.films.hold(film.id)) ?? expect.fail();
      const take = newRecord(clock, {});
      const add = (current: Film): Film => ({
        ...current,
        shots: current.shots.map((shot, index) => (index === 1 ? { ...shot, takes: [...shot.takes, take.id] } : shot)),
      });
      await Promise.all([
        hold.update((current) => ({ ...current, title: 'joined' })),
        other.films.retake({
          ...{ filmId: film.id, tasks: [{ record: take, body: BODY }] },
          rule: (current) => ({ kind: 'create', film: add(current), changed: [] }),
        }),
        other.films.settle(film.id, (current) => ({ ...current, status: 'waiting' })),
      ]);
      const found = await store.films.find(film.id);
      expect(found).toMatchObject({ title: 'joined', status: 'waiting' });
      expect(found?.shots[1]?.takes).toHaveLength(2);
      await hold.release();
    });

    test('are not seen by another account', async ({ open, clock }) => {
      const { film } = await reserveFilm(open(), clock);
      const other = open('another account');
      expect([await other.films.find(film.id), await other.films.hold(film.id)]).toEqual([undefined, undefined]);
      expect([await other.films.newest(10), await other.films.openIds()]).toEqual([[], []]);
    });
  });

  describe(`waiting tasks on ${name}`, () => {
    test('are not in the queue, count against the budget, and are sent when they have their body', async (stage) => {
      const { open, clock } = stage;
      const store = open();
      const { first, second } = await reserveFilm(store, clock);
      expect((await mustClaim(store)).task.id).toBe(first.id);
      expect(await store.claimNext(first.reqKey, () => ({ kind: 'send' }))).toBe('empty');
      // Nor before what was recorded after it.
      const later = newRecord(clock, { fingerprint: 'later' });
      await store.reserve({ record: later, body: BODY }, create);
      expect((await mustClaim(store)).task.id).toBe(later.id);
      expect((await store.lists.sums()).reservedFen).toBe(420);
      expect((await store.awaiting.tasks()).map(({ id }) => id)).toEqual([second.id]);
      const { awaits: _, ...whole } = second;
      await store.awaiting.change(second.id, () => ({ record: whole, body: WHOLE }));
      expect(Buffer.from((await store.body(second.id)) ?? [])).toEqual(WHOLE);
      expect((await mustClaim(store)).task.id).toBe(second.id);
      expect(await store.awaiting.change(second.id, () => ({ record: whole, body: BODY }))).toBeUndefined();
    });

    test('end without a body, and cost nothing', async ({ open, clock }) => {
      const store = open();
      const { second } = await reserveFilm(store, clock);
      const ended = await store.awaiting.change(second.id, (task, now) => ({
        record: { ...recordOf(task), status: 'failed', finishedAt: now },
      }));
      expect(ended).toMatchObject({ status: 'failed' });
      expect(await store.body(second.id)).toBeUndefined();
      expect((await store.lists.sums()).reservedFen).toBe(140);
    });

    test('of a dead process are completed by nobody until they are resumed', async ({ open, clock, die }) => {
      const [store, other] = [open(), open()];
      const { second } = await reserveFilm(store, clock);
      die(store);
      await recoverFor(other, clock, 12_000);
      expect(await other.awaiting.tasks()).toEqual([]);
      await other.resumeQueued(HOUR, second.id);
      expect((await other.awaiting.tasks()).map(({ id }) => id)).toEqual([second.id]);
    });
  });
}
