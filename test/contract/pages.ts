/** What every store does when tasks are read page by page, whatever its engine. Run by one test file per engine. */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { TaskStore } from '../../src/store/task-store.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { sampleTask } from '../support/sample-task.ts';
import type { TestDatabase } from './store.ts';

export function pagesContract(name: string, createDatabase: () => Promise<TestDatabase>): void {
  const test = (claim: string, run: (store: TaskStore) => Promise<void>) =>
    it(claim, async () => {
      const database = await createDatabase();
      const clock = new ManualClock();
      const store = new TaskStore({ engine: database.open(clock), scope: 'a', clock, log: silentLog });
      try {
        await run(store);
      } finally {
        await store.close();
        await database.close();
      }
    });

  describe(`pages of a store on ${name}`, () => {
    test('follow each other without a gap, newest first, and the last names no next', async (store) => {
      await addMany(store, 7);
      const first = await store.lists.page({}, undefined, 3);
      expect(first.tasks.map(({ id }) => id)).toEqual([idOf(6), idOf(5), idOf(4)]);
      expect(first).toMatchObject({ total: 7, next: idOf(4) });
      await add(store, 7);
      const second = await store.lists.page({}, first.next, 3);
      const third = await store.lists.page({}, second.next, 3);
      expect([...second.tasks, ...third.tasks].map(({ id }) => id)).toEqual([3, 2, 1, 0].map(idOf));
      expect(third.next).toBeUndefined();
    });

    test('hold what the filter lets through: mode, statuses and ids', async (store) => {
      await addMany(store, 4);
      await add(store, 4, { mode: 'ti2v_pro' });
      await add(store, 5, { status: 'failed' });
      const ids = async (filter: Parameters<typeof store.lists.page>[0]) =>
        (await store.lists.page(filter, undefined, 50)).tasks.map(({ id }) => id);
      expect(await ids({ mode: 'ti2v_pro' })).toEqual([idOf(4)]);
      expect(await ids({ statuses: ['failed', 'not_found'] })).toEqual([idOf(5)]);
      expect(await ids({ ids: [idOf(1), idOf(3), 'none'] })).toEqual([idOf(3), idOf(1)]);
      expect(await ids({ ids: [] })).toEqual([]);
      expect((await store.lists.page({ statuses: ['done'], mode: 't2v_720p' }, undefined, 2)).total).toBe(4);
    });

    for (const [what, text, found] of [
      ['every word, in any order and either case', 'SNOW fox', [0]],
      ['letters of either case outside ASCII', 'ÉLAN', [1]],
      ['Chinese', '金毛犬', [2]],
      ['quotes, percent signs and backslashes as they are', '"100%" a\\b', [3]],
      ['an underscore as itself', 'a_b', [4]],
      ['the id', idOf(2), [2]],
      ['the name of the file', 'boat.mp4', [5]],
      ['nothing else of the record', 'jimeng_t2v_v30', []],
      ['only blanks as no text', '   ', [6, 5, 4, 3, 2, 1, 0]],
    ] as const) {
      test(`find by text: ${what}`, async (store) => {
        const prompts = ['A fox in the snow', 'élan', '一只金毛犬', 'say "100%" of a\\b', 'a_b', 'p', 'axb'];
        for (const [number, prompt] of prompts.entries()) await add(store, number, { prompt });
        const page = await store.lists.page({ text }, undefined, 50);
        expect(page.tasks.map(({ id }) => id)).toEqual(found.map(idOf));
      });
    }

    test('of a search are whole, however rare the word is among many tasks', async (store) => {
      await addMany(store, 450, (number) => (number % 150 === 7 ? 'The lighthouse' : 'A lighthousekeeper'));
      const first = await store.lists.page({ text: 'the lighthouse' }, undefined, 2);
      expect(first.tasks.map(({ id }) => id)).toEqual([idOf(307), idOf(157)]);
      const last = await store.lists.page({ text: 'the lighthouse' }, first.next, 2);
      expect(last.tasks.map(({ id }) => id)).toEqual([idOf(7)]);
      expect(last.next).toBeUndefined();
    });
  });
}

const idOf = (number: number) => `jv-${String(number).padStart(8, '0')}-aaaaa`;

interface Added {
  readonly prompt?: string;
  readonly mode?: string;
  readonly status?: TaskRecord['status'];
}

async function add(store: TaskStore, number: number, { prompt = 'p', mode, status = 'done' }: Added = {}) {
  const { ownerAlive: _, ...sample } = sampleTask({ id: idOf(number), status, fingerprint: `print ${number}` });
  const file = { path: number === 5 ? '/videos/boat.mp4' : `/videos/${number}.mp4`, bytes: 1, sha256: '' };
  const record: TaskRecord = {
    ...sample,
    request: { ...sample.request, prompt, ...(mode === undefined ? {} : { mode }) },
    ...(status === 'done' ? { video: { url: 'http://127.0.0.1/', urlValidUntil: 0, file } } : {}),
  };
  await store.reserve({ record }, () => ({ kind: 'create' }));
}

async function addMany(store: TaskStore, count: number, promptOf: (number: number) => string = () => 'p') {
  for (let number = 0; number < count; number++) await add(store, number, { prompt: promptOf(number) });
}
