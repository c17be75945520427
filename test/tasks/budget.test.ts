/** Is everything that was, or may be, paid counted, and nothing else? */
import { describe, expect, test } from 'vitest';
import { requireRoom, spending } from '../../src/tasks/budget.ts';
import { newTaskId, TASK_STATUSES, type TaskRecord, type TaskStatus } from '../../src/tasks/record.ts';
import { journalContext, NOW, newJournal, sampleRecord } from './sample-record.ts';

const HOUR = 3600_000;
const iso = (at: number) => new Date(at).toISOString();

/** Tasks of ¥1.40 by status and age in hours, each sent unless said otherwise. */
async function journalWith(...tasks: [TaskStatus, number, Partial<TaskRecord>?][]) {
  const { journal } = newJournal();
  for (const [status, hours, fields] of tasks) {
    const at = NOW - hours * HOUR;
    const sent = status === 'queued' ? {} : { sent_at: iso(at) };
    const record = sampleRecord({ id: newTaskId(at), ...sent, ...fields });
    await journal.create(record, Buffer.from('{}'));
    await journal.write({ ...record, status, finished_at: iso(at) });
  }
  return journal;
}

describe('the spending', () => {
  test('is none in a new folder', async () => {
    const { journal } = newJournal();
    expect(await spending(journalContext(journal))).toEqual({ last24hCny: 0, allTimeCny: 0, possibleCny: 0 });
  });

  test('is what is done; what is in flight or unknown is possible; what failed or was never sent is neither', async () => {
    const journal = await journalWith(...TASK_STATUSES.map((status): [TaskStatus, number] => [status, 1]));
    // Possible: submitting, in_queue, generating, unknown, not_found, expired.
    expect(await spending(journalContext(journal))).toEqual({ last24hCny: 1.4, allTimeCny: 1.4, possibleCny: 8.4 });
  });

  test('of the last 24 hours ends there, and adds up without a cent of error', async () => {
    const old: [TaskStatus, number] = ['done', 25];
    const journal = await journalWith(old, old, ['done', 24], ['done', 1, { estimated_cny: 3.15 }], ['done', 0]);
    expect(await spending(journalContext(journal))).toEqual({ last24hCny: 5.95, allTimeCny: 8.75, possibleCny: 0 });
  });

  test('of a task from elsewhere, whose length is not known, is nothing', async () => {
    const record = sampleRecord({ status: 'generating' });
    const { estimated_cny: _, ...adopted } = record;
    const { journal } = newJournal();
    await journal.adopt(adopted);
    expect((await spending(journalContext(journal))).possibleCny).toBe(0);
  });
});

describe('the budget', () => {
  const room = async (budget: number | undefined, cost: number, ...tasks: Parameters<typeof journalWith>) =>
    await requireRoom(journalContext(await journalWith(...tasks), budget), cost);

  test.each(['queued', 'submitting', 'in_queue', 'generating', 'unknown', 'done', 'not_found'] as const)(
    'is used by a task that is %s',
    async (status) => {
      await expect(room(2.79, 1.4, [status, 1])).rejects.toMatchObject({ code: 'budget_exceeded', charge: 'none' });
      await room(2.8, 1.4, [status, 1]);
    },
  );

  test.each(['failed', 'cancelled'] as const)('is given back by a task that is %s', async (status) => {
    await room(1.4, 1.4, [status, 1]);
  });

  test('is given back by an entry that expired unsent, and not by a task that the provider let expire', async () => {
    const { journal } = newJournal();
    const record = sampleRecord();
    await journal.create(record, Buffer.from('{}'));
    await journal.write({ ...record, status: 'expired' });
    await requireRoom(journalContext(journal, 1.4), 1.4);
    await expect(room(1.4, 1.4, ['expired', 1])).rejects.toThrow();
  });

  test('counts 24 hours from the reservation', async () => {
    await room(1.4, 1.4, ['done', 24], ['unknown', 30]);
    await expect(room(1.4, 1.4, ['done', 23.99])).rejects.toThrow();
  });

  test('without a limit always has room, and of 0 never', async () => {
    await room(undefined, 10, ['done', 1]);
    await expect(room(0, 1.4)).rejects.toThrow('This video alone costs more than the budget.');
  });

  test('that is less than this one costs is not to be waited for: something cheaper, or more of a budget', async () => {
    await expect(room(3, 3.15)).rejects.toMatchObject({
      message: expect.stringContaining('This video alone costs more than the budget.'),
      mend: 'choose a cheaper mode or a shorter duration, or raise JIMENG_VIDEO_DAILY_BUDGET_CNY',
      retryable: false,
    });
    await expect(room(1.39, 1.4)).rejects.toMatchObject({ mend: 'raise JIMENG_VIDEO_DAILY_BUDGET_CNY' });
    await expect(room(3.15, 3.15, ['done', 1])).rejects.toMatchObject({
      mend: expect.stringContaining('wait until there is room'),
      retryable: true,
    });
  });

  test('says the cost, the sum, the budget, and when there is room for this one', async () => {
    await expect(room(4.2, 3.15, ['done', 20], ['done', 10], ['queued', 1])).rejects.toThrow(
      'This video costs about ¥3.15, and ¥4.20 of the daily budget of ¥4.20 are used or reserved in the last 24 hours. ' +
        `Room comes back at ${iso(NOW + 23 * HOUR)}.`,
    );
    await expect(room(4.2, 1.4, ['done', 20], ['done', 10], ['queued', 1])).rejects.toThrow(iso(NOW + 4 * HOUR));
  });
});
