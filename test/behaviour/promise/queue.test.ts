/** More requests than the provider runs at once are sent in turn, withdrawn when asked, and not sent when they are old. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queue } from '../../../bench/promise/several-processes.ts';
import { newPrompt, until } from '../../../bench/promise/stage.ts';
import { age, buildPrograms, clips, dieAt, recordOf, setStage, submit } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPrograms>>;
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

test('eight submits of two processes against two slots are sent in turn, and the provider refuses none', async () => {
  const figures = await queue(programs.plain, clips, { tasks: 8, processes: 2, concurrency: 2 });
  expect(figures).toMatchObject({ saved: 8, submittedTwice: 0, refusals: 0 });
  // Two concurrently, where the machine is fast enough: the next test, with slower videos, checks that both slots are used.
  expect(figures.mostInFlight).toBeLessThanOrEqual(2);
  expect(figures.farthestOutOfOrder).toBe(0);
});

test('a setting that promises too many slots costs a few refusals and no video', async () => {
  const figures = await queue(programs.plain, clips, {
    tasks: 5,
    processes: 1,
    concurrency: 5,
    generationSeconds: 1.5,
  });
  expect(figures).toMatchObject({ saved: 5, submittedTwice: 0, mostInFlight: 2 });
  expect(figures.refusals).toBeLessThanOrEqual(6);
});

test('any process withdraws what is queued; what the provider has is reported as running on', async () => {
  let secondsAhead = 0;
  const stage = await setStage({ generationSeconds: 600, now: () => Date.now() + secondsAhead * 1000 });
  const environment = { JIMENG_VIDEO_CONCURRENCY: '1' };
  const [first, second] = await Promise.all([1, 2].map(() => stage.start({ program: programs.plain, environment })));
  const [running, waiting] = [newPrompt('running'), newPrompt('waiting')];
  const { task_id: runningId } = await submit(first as never, running);
  const queued = await submit(first as never, waiting);
  expect(queued).toMatchObject({ status: 'queued', cost: { charge: 'none' } });
  const withdrawn = await second?.call('cancel_video_task', { task_id: queued.task_id });
  expect(withdrawn).toMatchObject({ status: 'cancelled', cost: { charge: 'none' } });
  const refused = await second?.call('cancel_video_task', { task_id: runningId });
  expect(refused?.message).toContain('Not cancelled: ');
  secondsAhead = 600;
  await until('the slot is free', async () => ((await stage.look()).videos.length === 1 ? true : undefined));
  expect(await first?.call('get_video_task', { task_id: queued.task_id })).toMatchObject({ status: 'cancelled' });
  expect([stage.accepted(running), stage.accepted(waiting)]).toEqual([1, 0]);
});

test('what was left in the queue for over an hour expires unsent', async () => {
  const stage = await setStage();
  const prompt = newPrompt('old');
  await dieAt('reserved', stage, programs, { prompt });
  const [record] = (await stage.look()).records;
  age(stage, record?.id, 1.1);
  const server = await stage.start({ program: programs.plain });
  const report = await server.call('get_video_task', { task_id: record?.id, wait_seconds: 50 });
  expect(report).toMatchObject({ status: 'expired', cost: { charge: 'none' } });
  expect((await recordOf(stage, record?.id)).status).toBe('expired');
  expect(stage.accepted(prompt)).toBe(0);
});
