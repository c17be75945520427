/** Only the holder writes a task's record: what a call wants changed, or put elsewhere, overwrites nothing. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { LeaseLost } from '../../../src/store/lease.ts';
import type { Task, TaskRecord } from '../../../src/tasks/record.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
afterEach(() => world.close());

const plain = ({ ownerAlive: _, ...record }: Task): TaskRecord => record;
const call = () => ({
  signal: new AbortController().signal,
  arrivedAt: 0,
  deadline: Number.POSITIVE_INFINITY,
  caller: { kind: 'local-agent' as const },
});

/** Made elsewhere, as `get_video_task` with a provider's id records it. */
async function adopt(providerTaskId: string): Promise<Task> {
  const { task } = await world.store.reserve(
    {
      record: {
        id: 'jv-00000001-aaaaa',
        status: 'generating',
        request: { mode: 't2v_1080p', notes: [] },
        fingerprint: `provider task ${providerTaskId}`,
        reqKey: 'jimeng_t2v_v30_1080p',
        sandbox: false,
        reservedAt: world.clock.now(),
        sentAt: world.clock.now(),
        attempts: 0,
        providerTaskId,
        place: null,
      },
    },
    () => ({ kind: 'create' }),
  );
  if (task === undefined) throw new Error('not recorded');
  return task;
}

test('a mode that is corrected while an answer is awaited is not overwritten by that answer', async () => {
  world = await openWorld({ generationSeconds: 0 });
  const { providerTaskId = '' } = await world.submit();
  const { id } = await adopt(providerTaskId);
  const correct = (task: TaskRecord): TaskRecord => ({
    ...task,
    request: { ...task.request, mode: 't2v_720p' },
    reqKey: 'jimeng_t2v_v30',
  });
  let isCorrected = false;
  world.sandbox.faults.add({
    on: 'query',
    fault: { kind: 'status-word', word: 'expired' },
    when: ({ body }) => {
      // The query with the wrong mode has arrived, and is answered as over: the caller's correction comes first.
      if (body?.req_key !== 'jimeng_t2v_v30_1080p') return false;
      isCorrected = true;
      void world.watcher.watch(id, 'asked', correct);
      return true;
    },
  });
  const task = await world.watch(id);
  expect(isCorrected).toBe(true);
  expect(task).toMatchObject({ status: 'done', reqKey: 'jimeng_t2v_v30', request: { mode: 't2v_720p' } });
});

test('a copy to another place changes nothing of the record, whatever its holder writes meanwhile', async () => {
  world = await openWorld({ generationSeconds: 0 });
  const { id } = await world.submit();
  const saved = await world.watch(id);
  const elsewhere = join(world.folder, 'elsewhere');
  await mkdir(elsewhere);
  const hold = await world.store.hold(id);
  const [refreshed] = await Promise.all([
    world.refresher.bringUpToDate(saved, { folder: elsewhere }, call()),
    hold?.save({ ...plain(saved), requestId: 'written by the holder' }),
  ]);
  await hold?.release();
  expect(refreshed.copy?.path).toContain(elsewhere);
  expect(await world.read(id)).toMatchObject({
    requestId: 'written by the holder',
    video: { file: saved.video?.file },
  });
});

test('a process that lost its hold can neither save a task nor name its file', async () => {
  world = await openWorld({ generationSeconds: 0 });
  const { id } = await world.submit();
  const hold = await world.store.hold(id);
  await hold?.release();
  await world.watch(id);
  await expect(hold?.verify()).rejects.toBeInstanceOf(LeaseLost);
  await expect(hold?.save({ ...plain(hold.task), requestId: 'late' })).rejects.toBeInstanceOf(LeaseLost);
  expect((await world.read(id)).requestId).not.toBe('late');
});
