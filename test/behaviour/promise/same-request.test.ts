/** The same request is joined while it may be a video, and is paid for again after that. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPrompt } from '../../../bench/promise/stage.ts';
import { age, buildPlain, setStage, submit } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPlain>>;
beforeAll(async () => {
  programs = await buildPlain();
});
afterAll(() => programs.remove());

test('the same request joins the running and the finished one, of another process too; allow_duplicate pays again', async () => {
  const stage = await setStage();
  const [first, second] = await Promise.all([1, 2].map(() => stage.start({ program: programs.plain })));
  const prompt = newPrompt('again');
  const { task_id: id } = await submit(first as never, prompt);
  const running = await submit(second as never, prompt, { seed: -1 });
  expect(running).toMatchObject({
    task_id: id,
    message: expect.stringMatching(/already exists as task.*different seed/),
  });
  await first?.call('get_video_task', { task_id: id, wait_seconds: 50 });
  const finished = await submit(second as never, prompt);
  expect(finished).toMatchObject({ task_id: id, status: 'done' });
  expect(stage.accepted(prompt)).toBe(1);
  await submit(second as never, prompt, { seed: 0 });
  await submit(first as never, prompt, { allow_duplicate: true });
  expect(stage.accepted(prompt)).toBe(3);
});

test('a finished one is joined for half an hour', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('finished');
  const { task_id: id } = await server.call('generate_video', { prompt, wait_seconds: 50 });
  age(stage, id, 0.4);
  expect((await submit(server, prompt)).task_id).toBe(id);
  age(stage, id, 0.2);
  expect((await submit(server, prompt)).task_id).not.toBe(id);
  expect(stage.accepted(prompt)).toBe(2);
});

test('a request whose answer was lost is reported as unknown, joined for 12 hours, and never sent again by itself', async () => {
  const stage = await setStage();
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'cut', moment: 'after-acceptance' } });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('lost');
  const lost = await submit(server, prompt);
  expect(lost).toMatchObject({ status: 'unknown', cost: { charge: 'possible' } });
  age(stage, lost.task_id, 11.9);
  expect((await submit(server, prompt)).task_id).toBe(lost.task_id);
  expect(stage.accepted(prompt)).toBe(1);
  age(stage, lost.task_id, 0.2);
  expect((await submit(server, prompt)).task_id).not.toBe(lost.task_id);
});
