/** What every store does for people who share an account, whatever its engine. Run by one test file per engine. */
import { describe, expect, it } from 'vitest';
import type { Film } from '../../src/films/film.ts';
import { Problem } from '../../src/problems.ts';
import type { FilmWish, ReservationLedger } from '../../src/store/store.ts';
import type { TaskStore } from '../../src/store/task-store.ts';
import { admit, beyondBudget } from '../../src/tasks/admission.ts';
import { FOREVER, newTaskId, recordOf, type Task, type TaskRecord } from '../../src/tasks/record.ts';
import { mustClaim, newRecord, type Stage, type TestDatabase, withStage } from './store.ts';

const REQ_KEY = 'jimeng_t2v_v30';
const BODY = Buffer.from('{"req_key":"jimeng_t2v_v30"}');
const HOUR = 3600_000;
const create = () => ({ kind: 'create' }) as const;
let prints = 0;

export function personsContract(name: string, createDatabase: () => Promise<TestDatabase>): void {
  const test = (claim: string, run: (stage: Stage) => Promise<void>) => it(claim, () => withStage(createDatabase, run));

  describe(`people who share a store on ${name}`, () => {
    test('read only their own tasks, by every way to read', async (stage) => {
      const store = stage.open();
      const [mei, yu, nobody] = [await add(store, 'mei'), await add(store, 'yu'), await add(store, undefined)];
      for (const { id } of [yu, nobody]) expect(await store.find(id, 'mei')).toBeUndefined();
      expect(await store.find(mei.id, 'mei')).toMatchObject({ id: mei.id, person: 'mei' });
      expect((await store.lists.tasks({ limit: 9, person: 'mei' })).map(idOf)).toEqual([mei.id]);
      expect((await store.lists.tasks({ limit: 9, status: 'queued', person: 'mei' })).map(idOf)).toEqual([mei.id]);
      expect((await store.lists.tasks({ limit: 9, open: true, person: 'mei' })).map(idOf)).toEqual([mei.id]);
      expect((await store.lists.openIds('mei')).map(idOf)).toEqual([mei.id]);
      expect(await store.lists.idsThatBegin('jv-', 9, 'mei')).toEqual([mei.id]);
      expect(await store.lists.idsThatBegin(yu.id, 9, 'mei')).toEqual([]);
    });

    test('find only their own task by the provider’s id', async (stage) => {
      const store = stage.open();
      await add(store, 'mei');
      const task = await store.settle(await mustClaim(store), accepted('7301'), true);
      expect(await store.findByProviderId('7301', 'yu')).toBeUndefined();
      expect(await store.findByProviderId('7301', 'mei')).toMatchObject({ id: task.id });
    });

    test('get only what is their own summed and counted', async (stage) => {
      const store = stage.open();
      await add(store, 'mei', { fen: 300 });
      await add(store, 'yu', { fen: 1000 });
      await add(store, undefined, { fen: 5000 });
      const sums = await store.lists.sums('mei');
      expect(sums.byStatus).toEqual(new Map([['queued', { count: 1, fen: 300 }]]));
      expect(sums.reservedFen).toBe(300);
      expect(await store.lists.sums()).toMatchObject({ reservedFen: 6300 });
      // What was summed for everybody is not answered to one.
      expect((await store.lists.sums('yu')).byStatus).toEqual(new Map([['queued', { count: 1, fen: 1000 }]]));
    });

    test('page through their own tasks, also after the id of another’s', async (stage) => {
      const store = stage.open();
      const mine = [await add(store, 'mei'), await add(store, 'mei')];
      const other = await add(store, 'yu');
      mine.push(await add(store, 'mei'));
      const newestFirst = mine.map(idOf).reverse();
      const page = await store.lists.page({}, undefined, 2, 'mei');
      expect(page).toMatchObject({ total: 3, next: newestFirst[1] });
      expect(page.tasks.map(idOf)).toEqual(newestFirst.slice(0, 2));
      expect((await store.lists.page({ ids: [other.id] }, undefined, 9, 'mei')).tasks).toEqual([]);
      expect((await store.lists.page({ text: 'lighthouse' }, undefined, 9, 'mei')).tasks.map(idOf)).toEqual(
        newestFirst,
      );
      const afterOther = await store.lists.page({}, other.id, 9, 'mei');
      expect(afterOther).toEqual(await store.lists.page({}, 'jv-00000000-none2', 9, 'mei'));
    });

    test('read only their own films', async (stage) => {
      const store = stage.open();
      const [mei, yu] = [await addFilm(store, stage, 'mei'), await addFilm(store, stage, 'yu')];
      expect(await store.films.find(yu.id, 'mei')).toBeUndefined();
      expect(await store.films.find(mei.id, 'mei')).toMatchObject({ id: mei.id, person: 'mei' });
      expect((await store.films.newest(9, 'mei')).map(idOf)).toEqual([mei.id]);
      expect(await store.films.openIds('mei')).toEqual([mei.id]);
      expect(await store.films.openIds()).toEqual([mei.id, yu.id]);
    });

    test('are seen whole without a person', async (stage) => {
      const store = stage.open();
      const ids = [await add(store, 'mei'), await add(store, 'yu'), await add(store, undefined)].map(idOf);
      expect((await store.lists.tasks({ limit: 9 })).map(idOf)).toEqual([...ids].reverse());
      for (const id of ids) expect(await store.find(id)).toMatchObject({ id });
      expect((await store.find(ids[2] ?? ''))?.person).toBeUndefined();
    });

    test('keep their names through every change of a task', async (stage) => {
      const [store, other] = [stage.open(), stage.open()];
      await add(store, 'mei');
      const task = await store.settle(await mustClaim(store), accepted('7301'), true);
      const hold = await store.hold(task.id);
      await hold?.save({ ...recordOf(hold.task), status: 'done', finishedAt: stage.clock.now() });
      await hold?.release();
      expect(await other.find(task.id, 'mei')).toMatchObject({ status: 'done', person: 'mei' });
    });

    test('join only their own request, and nobody joins theirs', async (stage) => {
      const store = stage.open();
      const first = await add(store, 'mei', { fingerprint: 'same' });
      const same = async (person: string | undefined) =>
        (await store.reservationLedger({ record: record(stage, person, { fingerprint: 'same' }) })).same.map(idOf);
      expect(await same('mei')).toEqual([first.id]);
      expect(await same('yu')).toEqual([]);
      expect(await same(undefined)).toEqual([]);
      const wish = filmWish(stage, 'mei');
      await store.films.reserve(wish, create);
      expect((await store.films.ledger(wish)).same.map(idOf)).toEqual([wish.film.id]);
      const others = { ...wish, film: { ...wish.film, person: 'yu' } };
      expect((await store.films.ledger(others)).same).toEqual([]);
    });
  });

  describe(`budgets of people on ${name}`, () => {
    test('admit no more of one person at the same time than the person’s own has room for', async (stage) => {
      const stores = [stage.open(), stage.open(), stage.open()];
      const kinds = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const budgets = { budgetFen: 10_000, personBudgetFen: 420 };
          const wanted = { record: record(stage, 'mei', { fen: 140 }), body: BODY, ...budgets };
          const limits = { fen: 140, allowDuplicate: false, ...budgets };
          return (await stores[index % 3]?.reserve(wanted, (ledger) => admit(ledger, limits)))?.kind;
        }),
      );
      expect(kinds.filter((kind) => kind === 'create')).toHaveLength(3);
    });

    test('are checked beside the account’s, which the others use, too', async (stage) => {
      const store = stage.open();
      await add(store, 'yu', { fen: 900 });
      await add(store, 'mei', { fen: 100 });
      const refusal = async (budgetFen: number, personBudgetFen: number) => {
        const budgets = { budgetFen, personBudgetFen };
        const ledger = await store.reservationLedger({ record: record(stage, 'mei', { fen: 100 }), ...budgets });
        return beyondBudget(ledger, { fen: 100, ...budgets })?.message;
      };
      expect(await refusal(1100, 200)).toBeUndefined();
      expect(await refusal(1099, 200)).toMatch(/daily budget of the account, which is shared here, is exhausted/);
      expect(await refusal(1100, 199)).toMatch(/¥1\.00 of your own daily budget of ¥1\.99 are used/);
    });

    test('say when room comes back: of the person’s by what the person spent', async (stage) => {
      const store = stage.open();
      await add(store, 'yu');
      await stage.clock.advance(60_000);
      const at = stage.clock.now();
      await add(store, 'mei', { fen: 140 });
      const budgets = { budgetFen: 10_000, personBudgetFen: 140 };
      const ledger = await store.reservationLedger({ record: record(stage, 'mei', { fen: 140 }), ...budgets });
      expect(ledger.own).toEqual({ reservedFen: 140, roomAt: at + 24 * HOUR });
      expect(ledger.roomAt).toBeUndefined();
    });

    test('hold for films and for shots that are made again', async (stage) => {
      const store = stage.open();
      const wish = filmWish(stage, 'mei');
      await store.films.reserve(wish, create);
      await add(store, 'yu', { fen: 700 });
      const budgets = { budgetFen: 5000, personBudgetFen: 280 };
      const next = filmWish(stage, 'mei');
      const film = await store.films.ledger({ ...next, ...budgets });
      expect([film.reservedFen, film.own?.reservedFen]).toEqual([980, 280]);
      expect(beyondBudget(film, { fen: 280, ...budgets })?.message).toMatch(/your own daily budget of ¥2\.80/);
      const take = { record: record(stage, 'mei', { fen: 140 }), body: BODY, ...budgets };
      let seen: Omit<ReservationLedger, 'same'> | undefined;
      await store.films.retake({
        filmId: wish.film.id,
        tasks: [take],
        rule: (_film, _tasks, ledger) => {
          seen = ledger;
          return { kind: 'refuse', problem: new Problem('budget_exceeded') };
        },
      });
      expect([seen?.reservedFen, seen?.own?.reservedFen]).toEqual([980, 280]);
      expect(await store.find(take.record.id)).toBeUndefined();
    });
  });

  describe(`turns of people on ${name}`, () => {
    test('ten people with 200 requests: nobody’s next request waits for more than ten claims', async (stage) => {
      const stores = [stage.open(), stage.open(), stage.open()];
      const people = Array.from({ length: 10 }, (_, index) => `person ${index}`);
      // One after the other, the first with 110 requests before anybody else has one.
      const recorded = new Map<string, string[]>();
      for (const [index, person] of people.entries()) {
        for (let count = 0; count < (index === 0 ? 110 : 10); count++) {
          const task = await add(stores[(index + count) % 3] as TaskStore, person);
          recorded.set(person, [...(recorded.get(person) ?? []), task.id]);
        }
      }
      const sent = await claimAll(stores);
      expect(sent).toHaveLength(200);
      const lastTurn = new Map(people.map((person) => [person, -1]));
      for (const [position, task] of sent.entries()) {
        const person = task.person ?? '';
        expect(position - (lastTurn.get(person) ?? 0)).toBeLessThanOrEqual(10);
        lastTurn.set(person, position);
      }
      for (const person of people) {
        expect(sent.filter((task) => task.person === person).map(idOf)).toEqual(recorded.get(person));
      }
    });

    test('whoever comes later goes before the second request of those who had a turn', async (stage) => {
      const store = stage.open();
      for (let count = 0; count < 3; count++) await add(store, 'mei');
      await mustClaim(store);
      await mustClaim(store);
      const yu = await add(store, 'yu');
      expect((await mustClaim(store)).task.id).toBe(yu.id);
      expect((await mustClaim(store)).task.person).toBe('mei');
    });

    test('without people the order is that of the requests', async (stage) => {
      const stores = [stage.open(), stage.open()];
      const ids: string[] = [];
      for (let count = 0; count < 12; count++) ids.push((await add(stores[count % 2] as TaskStore, undefined)).id);
      expect((await claimAll(stores)).map(idOf)).toEqual(ids);
    });

    test('a request that goes back to the queue keeps its person’s turn', async (stage) => {
      const store = stage.open();
      const [mei] = [await add(store, 'mei'), await add(store, 'yu')];
      const claimed = await mustClaim(store);
      await store.settle(
        claimed,
        (task) => ({ record: { ...recordOf(task), status: 'queued' }, slotUntil: undefined }),
        false,
      );
      expect((await mustClaim(store)).task.id).toBe(mei.id);
      expect((await mustClaim(store)).task.person).toBe('yu');
    });

    test('capabilities take turns apart', async (stage) => {
      const store = stage.open();
      await add(store, 'mei', { reqKey: 'another' });
      await add(store, 'mei');
      await add(store, 'yu');
      await store.claimNext('another', () => ({ kind: 'send' }));
      expect((await mustClaim(store)).task.person).toBe('mei');
    });

    test('what is reported to be before a request is what is sent before it', async (stage) => {
      const store = stage.open();
      const tasks: Task[] = [];
      for (const person of ['a', 'a', 'a', 'b', undefined, 'b', 'c', 'a', undefined, 'c', 'c', 'c']) {
        tasks.push(await add(store, person));
      }
      await mustClaim(store);
      const waiting = tasks.slice(1);
      const before = await Promise.all(waiting.map((task) => store.queuedBefore(task)));
      const sent = (await claimAll([store])).map(idOf);
      expect(before).toEqual(waiting.map(({ id }) => sent.indexOf(id)));
    });
  });
}

const idOf = ({ id }: { readonly id: string }) => id;

/** In the order in which they are sent. */
async function claimAll(stores: readonly TaskStore[]): Promise<Task[]> {
  const sent: Task[] = [];
  for (let isAny = true; isAny; ) {
    isAny = false;
    for (const store of stores) {
      const claimed = await store.claimNext(REQ_KEY, ({ headIsOurs }) =>
        headIsOurs ? { kind: 'send' } : { kind: 'wait', waitsFor: 'turn' },
      );
      if (typeof claimed !== 'object' || !('token' in claimed)) continue;
      sent.push(claimed.task);
      isAny = true;
    }
  }
  return sent;
}

function record(
  { clock }: Pick<Stage, 'clock'>,
  person: string | undefined,
  changes: Partial<TaskRecord> = {},
): TaskRecord {
  return newRecord(clock, {
    fingerprint: `print ${++prints}`,
    ...(person === undefined ? {} : { person }),
    ...changes,
  });
}

async function add(store: TaskStore, person: string | undefined, changes: Partial<TaskRecord> = {}): Promise<Task> {
  const clock = { now: () => Date.UTC(2026, 10, 28) + prints } as Stage['clock'];
  const { task } = await store.reserve({ record: record({ clock }, person, changes), body: BODY }, create);
  return task ?? expect.fail('not created');
}

function filmWish(stage: Stage, person: string): FilmWish {
  const shots = [record(stage, person, { fen: 140 }), record(stage, person, { fen: 140 })];
  const film = {
    ...{ id: newTaskId(stage.clock.now()).replace('jv-', 'jf-'), person, status: 'running', fingerprint: 'film' },
    ...{ sandbox: true, reservedAt: stage.clock.now(), place: { folder: '/videos' }, baseName: 'film', joins: [] },
    shots: shots.map(({ id }) => ({ takes: [id], continues: false, request: { mode: 't2v_720p' } })),
  } as unknown as Film;
  return { film, tasks: shots.map((shot) => ({ record: shot, body: BODY })), budgetFen: undefined };
}

async function addFilm(store: TaskStore, stage: Stage, person: string): Promise<Film> {
  const wish = filmWish(stage, person);
  await store.films.reserve(wish, create);
  return wish.film;
}

function accepted(providerTaskId: string) {
  return (task: Task) => ({
    record: { ...recordOf(task), status: 'generating' as const, providerTaskId, acceptedAt: 1 },
    slotUntil: FOREVER,
  });
}
