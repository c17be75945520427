/** A task that the provider has is polled to its end, whatever the answers on the way. */
import { rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { contentOf } from '../../../src/system/files.ts';
import { chargeOf, type TaskRecord } from '../../../src/tasks/record.ts';
import type { ApiFault } from '../../support/fault-plan.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
afterEach(() => world.close());

async function expectSaved(record: TaskRecord): Promise<void> {
  expect(record).toMatchObject({ status: 'done' });
  expect(record.error).toBeUndefined();
  expect(record.pollingProblem).toBeUndefined();
  const { path = '', bytes } = record.video?.file ?? {};
  expect((await stat(path)).size).toBe(bytes);
}

/** As an earlier process left it. */
async function change(id: string, changes: Partial<TaskRecord>): Promise<void> {
  const hold = await world.store.hold(id);
  if (hold === undefined) throw new Error('held already');
  const { ownerAlive: _, ...task } = hold.task;
  await hold.save({ ...task, ...changes });
  await hold.release();
}

/** Calls `then` at the sleep with this number, counted from 1. */
function atSleep(number: number, then: () => void | Promise<void>): void {
  let count = 0;
  world.clock.onSleep = () => {
    count++;
    return count === number ? then() : undefined;
  };
}

describe('one blip never fails a task', () => {
  const BLIPS: ApiFault[] = [
    { kind: 'cut' },
    { kind: 'cut', reset: true },
    { kind: 'html', status: 502 },
    { kind: 'html', status: 403 },
    { kind: 'redirect' },
    { kind: 'business', code: 50500 },
    { kind: 'business', code: 50501 },
    { kind: 'business', code: 50429 },
    { kind: 'business', code: 50200 },
    { kind: 'business', code: 59999 },
    { kind: 'gateway', code: 'InternalServiceTimeout' },
    { kind: 'gateway', code: 'FlowLimitExceeded' },
    { kind: 'truncated', how: 'short-body' },
    { kind: 'truncated', how: 'cut-json' },
    { kind: 'wrong-type', path: 'code', value: { a: 1 } },
    { kind: 'wrong-type', path: 'data', value: [] },
    { kind: 'wrong-type', path: 'data.status', value: 7 },
    { kind: 'raw', status: 200, body: '' },
    { kind: 'status-word', word: 'not_found' },
    { kind: 'status-word', word: 'reviewing' },
  ];
  test.each(BLIPS)('%j', async (fault) => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ on: 'query', fault, skip: 1 });
    await expectSaved(await world.watch(id));
    expect(world.sandbox.faults.pending).toEqual([]);
  });

  test('nor one when a fresh link is requested', async () => {
    world = await openWorld({ generationSeconds: 0 });
    const { id } = await world.submit();
    world.sandbox.faults.add(
      { on: 'video', fault: { kind: 'status', status: 403 } },
      { on: 'query', fault: { kind: 'cut' }, skip: 1 },
    );
    await expectSaved(await world.watch(id));
    expect(world.sandbox.faults.pending).toEqual([]);
  });
});

test('a link that the download had replaced is reported with its own hour', async () => {
  world = await openWorld({ generationSeconds: 0 });
  const { id } = await world.submit();
  world.sandbox.faults.add(
    { on: 'video', fault: { kind: 'status', status: 403 } },
    { on: 'query', fault: { kind: 'cut' }, skip: 1 },
  );
  let first: TaskRecord['video'];
  atSleep(1, async () => {
    first = (await world.read(id)).video;
  });
  const { video } = await world.watch(id);
  expect(video?.url).not.toBe(first?.url);
  expect(video?.urlValidUntil).toBeGreaterThan(first?.urlValidUntil ?? Number.POSITIVE_INFINITY);
});

describe('a problem that a person has to fix is reported, polling goes on, and the video is saved once it is fixed', () => {
  const HINDRANCES: [string, ApiFault, string][] = [
    ['InvalidAccessKey', { kind: 'gateway', code: 'InvalidAccessKey' }, 'VOLC_ACCESSKEY'],
    ['SignatureDoesNotMatch', { kind: 'gateway', code: 'SignatureDoesNotMatch' }, 'VOLC_SECRETKEY'],
    ['InvalidSecretToken', { kind: 'gateway', code: 'InvalidSecretToken' }, 'VOLC_SESSION_TOKEN'],
    ['LackPolicy', { kind: 'gateway', code: 'LackPolicy' }, 'CVImageProcessFullAccess'],
    ['50400', { kind: 'business', code: 50400 }, 'Volcengine console'],
  ];
  test.each(HINDRANCES)('%s', async (code, fault, hint) => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ on: 'query', fault, times: 'always' });
    atSleep(4, async () => {
      const task = await world.read(id);
      expect(task).toMatchObject({ status: 'generating', pollingProblem: { code, who: 'operator' } });
      expect(task.pollingProblem?.hint).toContain(hint);
      world.sandbox.faults.clear();
    });
    await expectSaved(await world.watch(id));
  });

  const DAY = 24 * 3600_000;
  test.each([DAY, -DAY, 3600_000, -3600_000])('a clock that is wrong by %i ms', async (wrongBy) => {
    world = await openWorld();
    const { id } = await world.submit();
    world.clock.jump(wrongBy);
    atSleep(4, async () => {
      const task = await world.read(id);
      expect(task).toMatchObject({ status: 'generating', pollingProblem: { code: 'InvalidTimestamp' } });
      expect(task.pollingProblem?.hint).toContain('clock');
      world.clock.jump(-wrongBy);
    });
    await expectSaved(await world.watch(id));
  });

  test('a clock that jumps a day ahead while nothing can be reached', async () => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ on: 'query', fault: { kind: 'cut' }, times: 'always' });
    world.clock.jump(DAY + 3600_000);
    atSleep(6, async () => {
      expect((await world.read(id)).status).toBe('generating');
      world.clock.jump(-DAY - 3600_000);
      world.sandbox.faults.clear();
    });
    await expectSaved(await world.watch(id));
  });

  test('ten 50500 in a row are reported, nine are not', async () => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ on: 'query', fault: { kind: 'business', code: 50500 }, times: 12 });
    const reported: boolean[] = [];
    world.clock.onSleep = async () => {
      const { pollingProblem } = await world.read(id);
      reported.push(pollingProblem?.code === '50500');
      if (reported.length === 10) expect(pollingProblem?.count).toBe(10);
    };
    await expectSaved(await world.watch(id));
    expect(reported.slice(0, 12)).toEqual([...Array(9).fill(false), true, true, true]);
  });
});

describe('the pace', () => {
  test('only answers count: after JIMENG_VIDEO_MAX_POLL_ATTEMPTS of them, one poll every five minutes', async () => {
    world = await openWorld({ maxPollAttempts: 5, generationSeconds: 3600 });
    const { id } = await world.submit();
    world.sandbox.faults.add({ on: 'query', fault: { kind: 'cut' }, times: 4, skip: 1 });
    let quick: number | undefined;
    world.clock.onSleep = (milliseconds) => {
      if (milliseconds === 300_000) quick ??= world.queries();
    };
    await expectSaved(await world.watch(id));
    expect(quick).toBe(9);
    expect(world.clock.sleeps.slice(8, -1).every((milliseconds) => milliseconds === 300_000)).toBe(true);
  });

  test('a call polls a slowly polled task immediately', async () => {
    world = await openWorld({ maxPollAttempts: 1, generationSeconds: 3600 });
    const { id } = await world.submit();
    world.clock.holdFrom = 300_000;
    const held = () => new Promise<void>((resolve) => (world.clock.onSleep = () => resolve()));
    const first = held();
    void world.watcher.watch(id);
    await first;
    expect(world.queries()).toBe(1);
    const second = held();
    await new Promise(setImmediate);
    void world.watcher.watch(id);
    await second;
    expect(world.queries()).toBe(2);
  });

  test('is what the user set, after a blip, too', async () => {
    world = await openWorld({ pollIntervalSeconds: 7 });
    const { id } = await world.submit();
    world.sandbox.faults.add(
      { on: 'query', fault: { kind: 'cut' }, times: 2 },
      { on: 'query', fault: { kind: 'business', code: 50400 }, times: 2 },
    );
    await expectSaved(await world.watch(id));
    expect(new Set(world.clock.sleeps)).toEqual(new Set([7000]));
  });
});

describe('not_found', () => {
  const unknown = { on: 'query', fault: { kind: 'status-word', word: 'not_found' } } as const;

  test('is believed after two minutes of it, not before, and may have been charged', async () => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ ...unknown, times: 'always' });
    const before = world.clock.monotonic();
    const record = await world.watch(id);
    expect(record.status).toBe('not_found');
    expect(world.clock.monotonic() - before).toBeGreaterThanOrEqual(120_000);
    expect(world.clock.monotonic() - before).toBeLessThan(130_000);
    expect(record.error?.code).toBe('not_found');
    expect(chargeOf(record)).toBe('possible');
  });

  test('starts again after one other answer', async () => {
    world = await openWorld({ generationSeconds: 3600 });
    const { id } = await world.submit();
    world.sandbox.faults.add({ ...unknown, times: 20 }, { on: 'query', fault: { kind: 'status-word', word: 'x' } });
    world.sandbox.faults.add({ ...unknown, times: 'always' });
    expect((await world.watch(id)).status).toBe('not_found');
    expect(world.clock.monotonic()).toBeGreaterThanOrEqual(20 * 5000 + 120_000);
  });

  test('is not believed sooner because the clock was set ahead by ten minutes', async () => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ ...unknown, times: 15 });
    atSleep(3, () => world.clock.jump(600_000));
    await expectSaved(await world.watch(id));
  });

  test('is believed by the process that takes over, with what the first one saw', async () => {
    world = await openWorld();
    const task = await world.submit();
    await change(task.id, { firstNotFoundAt: world.clock.now() - 110_000 });
    world.sandbox.faults.add({ ...unknown, times: 'always' });
    expect((await world.watch(task.id)).status).toBe('not_found');
    expect(world.clock.monotonic()).toBeLessThan(20_000);
  });
});

describe('the end', () => {
  test('a laptop that slept for two hours finds its video', async () => {
    world = await openWorld();
    const { id } = await world.submit();
    atSleep(2, () => world.clock.suspend(2 * 3600_000));
    await expectSaved(await world.watch(id));
  });

  test('after twelve hours what the provider does not know is expired, and may have been charged', async () => {
    world = await openWorld({ generationSeconds: 13 * 3600 });
    const { id } = await world.submit();
    atSleep(2, () => world.clock.suspend(12 * 3600_000 + 60_000));
    const task = await world.watch(id);
    expect(task).toMatchObject({ status: 'expired', error: { code: 'expired' } });
    expect(chargeOf(task)).toBe('possible');
    expect(world.clock.sleeps).toHaveLength(2);
  });

  test("expired is the provider's word", async () => {
    world = await openWorld();
    const { id } = await world.submit();
    world.sandbox.faults.add({ on: 'query', fault: { kind: 'status-word', word: 'expired' } });
    const task = await world.watch(id);
    expect([task.status, chargeOf(task)]).toEqual(['expired', 'possible']);
  });

  test('a process that ends lets go of the task and leaves its record running', async () => {
    world = await openWorld({ generationSeconds: 3600 });
    const { id } = await world.submit();
    atSleep(3, () => world.stop());
    expect((await world.watch(id)).status).toBe('generating');
  });
});

test('a task whose database is removed while it is polled is recorded again, and its video is saved', async () => {
  world = await openWorld();
  const { id, providerTaskId } = await world.submit();
  atSleep(1, () => rm(join(world.folder, 'state'), { recursive: true }));
  await world.watch(id);
  expect((await world.store.findByProviderId(providerTaskId ?? ''))?.id).toBe(id);
  world.clock.onSleep = () => undefined;
  await expectSaved(await world.watch(id));
});

test('a file that its process had just named when it died is found again, whatever the provider says now', async () => {
  world = await openWorld();
  const { id } = await world.submit();
  const saved = await world.watch(id);
  const { path = '' } = saved.video?.file ?? {};
  const { file: _, ...video } = saved.video ?? { url: '', urlValidUntil: 0 };
  const publishing = { ...(await contentOf(path)), name: basename(path) };
  await change(id, { status: 'generating', video: { ...video, publishing } });
  world.sandbox.faults.add({ on: 'query', fault: { kind: 'status-word', word: 'expired' }, times: 'always' });
  const found = await world.watch(id);
  await expectSaved(found);
  expect(found.video?.file?.path).toBe(path);
});

test('a file of the user that has the name of the saved one, and other content, is not taken for it', async () => {
  world = await openWorld();
  const { id } = await world.submit();
  const saved = await world.watch(id);
  const { path = '' } = saved.video?.file ?? {};
  const { file: _, ...video } = saved.video ?? { url: '', urlValidUntil: 0 };
  const publishing = { ...(await contentOf(path)), name: basename(path) };
  await writeFile(path, 'the user’s own');
  await change(id, { status: 'generating', video: { ...video, publishing } });
  const again = await world.watch(id);
  await expectSaved(again);
  expect(again.video?.file?.path).not.toBe(path);
});

test('not_found is believed after two minutes of it, however quickly it is asked', async () => {
  world = await openWorld({ pollIntervalSeconds: 0.2, maxPollAttempts: 10 });
  const { id } = await world.submit();
  world.sandbox.faults.add({ on: 'query', fault: { kind: 'status-word', word: 'not_found' }, times: 'always' });
  expect(await world.watch(id)).toMatchObject({ status: 'not_found' });
  expect(world.clock.monotonic()).toBeLessThan(130_000);
});

test('a process that ends between an answer and the next pause does not sleep through it', async () => {
  world = await openWorld();
  const { id } = await world.submit();
  world.clock.holdFrom = 1_000;
  world.usualTimes.of = async () => {
    world.stop();
    return undefined;
  };
  expect(await world.watch(id)).toMatchObject({ status: 'generating' });
});

test('a task that another process finished just before this one held it is not saved a second time', async () => {
  world = await openWorld();
  const { id } = await world.submit();
  const done = await world.watch(id);
  await expectSaved(done);
  const videos = () => world.sandbox.requests.filter(({ operation }) => operation === 'video').length;
  const before = videos();
  expect(await world.watch(id)).toEqual(done);
  expect(videos()).toBe(before);
});
