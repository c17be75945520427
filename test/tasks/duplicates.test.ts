/** Is the same request found while it would be paid twice, and only then? */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findSameRequest, fingerprintOf } from '../../src/tasks/duplicates.ts';
import { newTaskId, TASK_STATUSES, type TaskRecord, type TaskStatus } from '../../src/tasks/record.ts';
import { journalContext, NOW, newJournal, sampleRecord } from './sample-record.ts';

describe('a fingerprint', () => {
  const body = { req_key: 'k', prompt: '千军万马', frames: 121 };
  const first = fingerprintOf(body, 5, 24);

  test('is the same for the same request, in whatever order its fields come', () => {
    expect(fingerprintOf({ frames: 121, prompt: '千军万马', req_key: 'k' }, 5, 24)).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });
  test('no seed is seed −1, and 0 is another', () => {
    expect(fingerprintOf({ ...body, seed: -1 }, 5, 24)).toBe(first);
    expect(fingerprintOf({ ...body, seed: 0 }, 5, 24)).not.toBe(first);
  });
  test('another length, rate, prompt, mode, ratio or order of images is another request', () => {
    const others = [
      fingerprintOf(body, 4, 24),
      fingerprintOf(body, 5, 25),
      fingerprintOf({ ...body, prompt: '千军万马 ' }, 5, 24),
      fingerprintOf({ ...body, req_key: 'l' }, 5, 24),
      fingerprintOf({ ...body, aspect_ratio: '16:9' }, 5, 24),
      fingerprintOf({ ...body, image_urls: ['a', 'b'] }, 5, 24),
      fingerprintOf({ ...body, image_urls: ['b', 'a'] }, 5, 24),
      fingerprintOf({ ...body, image_urls: ['a,b'] }, 5, 24),
    ];
    expect(new Set([first, ...others]).size).toBe(9);
  });
  test('of two bodies is the same only when the bodies are', () => {
    const values = fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(fc.string(), fc.integer()), { maxKeys: 3 });
    const key = (one: Record<string, unknown>) =>
      JSON.stringify(Object.entries({ seed: -1, ...one }).sort(([a], [b]) => (a < b ? -1 : 1)));
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(fingerprintOf(a, 5, 24) === fingerprintOf(b, 5, 24)).toBe(key(a) === key(b));
      }),
    );
  });
});

const MINUTE = 60_000;

describe('a request', () => {
  async function found(status: TaskStatus, minutesAgo: number, fields: Partial<TaskRecord> = {}): Promise<boolean> {
    const { journal } = newJournal();
    const record = sampleRecord({ id: newTaskId(NOW - 20 * 60 * MINUTE), ...fields });
    await journal.create(record, Buffer.from('{}'));
    await journal.write({ ...record, status, finished_at: new Date(NOW - minutesAgo * MINUTE).toISOString() });
    const same = await findSameRequest(journalContext(journal), 'f1');
    if (same !== undefined) expect(same.id).toBe(record.id);
    return same !== undefined;
  }

  // Made twenty hours ago: only the time of its end counts, and for an open one none at all.
  test.each<[TaskStatus, number, boolean]>([
    ['queued', 0, true],
    ['submitting', 0, true],
    ['in_queue', 0, true],
    ['generating', 0, true],
    ['done', 29, true],
    ['done', 31, false],
    ['unknown', 12 * 60 - 1, true],
    ['unknown', 12 * 60 + 1, false],
    ['failed', 0, false],
    ['cancelled', 0, false],
    ['expired', 0, false],
    ['not_found', 0, false],
  ])('that is %s, ended %i minutes ago: joined %s', async (status, minutes, joined) => {
    expect(await found(status, minutes)).toBe(joined);
  });

  test.each(TASK_STATUSES)('of other words is never joined, be it %s', async (status) => {
    expect(await found(status, 0, { fingerprint: 'f2' })).toBe(false);
  });

  test('is joined to the newest of several', async () => {
    const { journal } = newJournal();
    const records = [3, 1, 2].map((minutes) => sampleRecord({ id: newTaskId(NOW - minutes * MINUTE) }));
    for (const record of records) await journal.create(record, Buffer.from('{}'));
    const newest = records[1] ?? expect.fail();
    await journal.write({ ...newest, status: 'done', finished_at: new Date(NOW).toISOString() });
    expect((await findSameRequest(journalContext(journal), 'f1'))?.id).toBe(newest.id);
  });

  test('whose lost answer could not be put on disk is joined all the same', async () => {
    const { journal } = newJournal();
    const record = sampleRecord();
    await journal.create(record, Buffer.from('{}'));
    // Written among the open ones, as by a process that died before it moved the file.
    await journal.adopt({ ...record, status: 'unknown', finished_at: new Date(NOW).toISOString() });
    expect((await findSameRequest(journalContext(journal), 'f1'))?.status).toBe('unknown');
  });
});
