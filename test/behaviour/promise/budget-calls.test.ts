/** The daily budget stops the next video, whichever process asks; a dry run sends nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPrompt } from '../../../bench/promise/stage.ts';
import { buildPlain, setStage, submit } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPlain>>;
beforeAll(async () => {
  programs = await buildPlain();
});
afterAll(() => programs.remove());

test('the budget is one for all processes; what failed or was withdrawn gives its room back', async () => {
  let secondsAhead = 0;
  const stage = await setStage({ generationSeconds: 600, now: () => Date.now() + secondsAhead * 1000 });
  const environment = { JIMENG_VIDEO_DAILY_BUDGET_CNY: '3', JIMENG_VIDEO_CONCURRENCY: '1' };
  const [first, second] = await Promise.all([1, 2].map(() => stage.start({ program: programs.plain, environment })));
  await submit(first as never, newPrompt('one'));
  const queued = await submit(second as never, newPrompt('two'));
  const refused = await submit(first as never, newPrompt('three'));
  expect(refused).toMatchObject({
    status: 'refused',
    error: { code: 'budget_exceeded' },
    message: expect.stringMatching(/¥2\.80 of the daily budget of ¥3\.00.*The call can succeed from \d{4}-/),
  });
  await first?.call('cancel_video_task', { task_id: queued.task_id });
  secondsAhead = 600;
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'business', code: 50412 } });
  const failed = await second?.call('generate_video', { prompt: newPrompt('four'), wait_seconds: 50 });
  expect(failed).toMatchObject({ status: 'failed', cost: { charge: 'none' } });
  expect((await submit(second as never, newPrompt('five'))).status).not.toBe('refused');
  expect((await submit(first as never, newPrompt('six'))).status).toBe('refused');
});

test('a dry run says the price, and sends and records nothing', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  const report = await server.call('generate_video', { prompt: newPrompt('dry'), mode: 'ti2v_pro', dry_run: true });
  expect(report).toMatchObject({ status: 'checked', cost: { estimated_cny: 5, charge: 'none' } });
  expect(stage.sandbox.requests).toHaveLength(0);
  expect((await stage.look()).records).toHaveLength(0);
});

test('a dry run says what the call would do: join for nothing, be paid again, or be over the budget', async () => {
  const stage = await setStage();
  const server = await stage.start({
    program: programs.plain,
    environment: { JIMENG_VIDEO_DAILY_BUDGET_CNY: '1.5' },
  });
  const prompt = newPrompt('dry');
  await submit(server, prompt);
  const dry = (more: object) => server.call('generate_video', { prompt, dry_run: true, ...more });
  const joins = await dry({});
  expect(joins.status).toBe('checked');
  expect(joins.message).toContain('the call would join it, and cost nothing');
  expect(await dry({ allow_duplicate: true })).toMatchObject({ error: { code: 'budget_exceeded' } });
  expect(await dry({ prompt: newPrompt('other') })).toMatchObject({ error: { code: 'budget_exceeded' } });
  const richer = await stage.start({ program: programs.plain });
  const again = await richer.call('generate_video', { prompt, dry_run: true, allow_duplicate: true });
  expect(again.status).toBe('checked');
  expect(again.message).not.toContain('join');
});
