/** Do a task's states, its charge and its id mean what is promised? */
import { describe, expect, test } from 'vitest';
import {
  type Charge,
  chargeOf,
  isOpen,
  isTaskId,
  isWatched,
  newTaskId,
  recordSchema,
  TASK_STATUSES,
  type TaskStatus,
  timeOfId,
} from '../../src/tasks/record.ts';
import { NOW, sampleRecord } from './sample-record.ts';

/** Status → open, watched, charge (the report's table). */
const TABLE: Record<TaskStatus, [boolean, boolean, Charge]> = {
  queued: [true, false, 'none'],
  submitting: [true, false, 'possible'],
  in_queue: [true, true, 'possible'],
  generating: [true, true, 'possible'],
  done: [false, false, 'made'],
  failed: [false, false, 'none'],
  unknown: [false, false, 'possible'],
  not_found: [false, false, 'possible'],
  expired: [false, false, 'possible'],
  cancelled: [false, false, 'none'],
};

test.each(TASK_STATUSES)('a task that is %s is open, watched and charged as promised', (status) => {
  const sent_at = new Date(NOW).toISOString();
  expect([isOpen(status), isWatched(status), chargeOf({ status, sent_at })]).toEqual(TABLE[status]);
});

test('a queue entry that expired unsent cost nothing', () => {
  expect(chargeOf({ status: 'expired' })).toBe('none');
});

describe('an id', () => {
  test('is short, tells its time, and is known as one', () => {
    const id = newTaskId(NOW);
    expect(id).toMatch(/^jv-[0-9a-z]{8}-[23456789abcdefghjkmnpqrstvwxyz]{5}$/);
    expect([isTaskId(id), timeOfId(id)]).toEqual([true, NOW]);
  });

  test('sorts by time until 2059', () => {
    const times = [0, 1, NOW - 1, NOW, NOW + 1, Date.parse('2059-01-01')];
    const ids = times.map(newTaskId);
    expect([...ids].sort()).toEqual(ids);
  });

  test('is not made twice in a millisecond, as far as a thousand can tell', () => {
    expect(new Set(Array.from({ length: 1000 }, () => newTaskId(NOW))).size).toBeGreaterThan(995);
  });

  test.each(['', '7392616336519610409', '../open/x', 'jv-../../..-abcde', 'JV-00000000-abcde', 'jv-00000000-abcde\n'])(
    '%j is none',
    (text) => {
      expect(isTaskId(text)).toBe(false);
      expect(timeOfId(text)).toBeNaN();
    },
  );
});

test('a record is the same after it was written and read', () => {
  const record = sampleRecord({
    status: 'done',
    provider_task_id: '18446744073709551999',
    video: { url: 'https://v.example.com/x', url_valid_until: new Date(NOW).toISOString() },
    error: { code: '50215', message: 'm', mend: 'm', who: 'you', retryable: false },
  });
  expect(recordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
});

test.each([{ version: 2 }, { id: 5 }, { status: 'making' }, { attempts: 1.5 }, { owner: null }])(
  'what is no record is not read as one: %j',
  (wrong) => expect(recordSchema.safeParse({ ...sampleRecord(), ...wrong }).success).toBe(false),
);
