/** A finished video gets a valid link, or the reason why none is available. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiFault } from '../../support/fault-plan.ts';
import { connect, openStage, type Stage, whenAskedFor } from '../../support/mcp-client.ts';

const HOUR_SECONDS = 3600;

let stage: Stage;
let secondsAhead = 0;
let allowed = '';
beforeAll(async () => {
  stage = await openStage(
    { now: () => Date.now() + secondsAhead * 1000, linkLifeSeconds: 1 },
    { JIMENG_VIDEO_OUTPUT_DIR: 'none' },
  );
  // A project, in which `output` may name a place.
  await mkdir(join(stage.workspace.folder, '.git'));
  allowed = stage.workspace.folder;
});
afterAll(() => stage.close());

/** Finished, not saved, and its link over an hour old, for the sandbox and in the record. */
async function withDeadLink(prompt: string): Promise<string> {
  const { report } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
  secondsAhead += 2;
  await stage.rewriteRecord(report.task_id ?? '', (record) => {
    record.video.urlValidUntil = Date.now() - HOUR_SECONDS * 1000;
  });
  return report.task_id ?? '';
}

it.each([
  [
    { kind: 'gateway', code: 'InvalidSecretToken' },
    'InvalidSecretToken',
    /^Tell the user to set VOLC_ACCESSKEY, .*\. Then call get_video_task with/,
  ],
  [
    { kind: 'business', code: 50400 },
    '50400',
    /^Tell the user to open it in the Volcengine console.*\. Then call get_video_task with/,
  ],
] as const)('what prevents a fresh link is reported, with its fix: %j', async (fault, code, hint) => {
  const prompt = `kept from it by ${code}`;
  const task_id = await withDeadLink(prompt);
  const when = whenAskedFor(stage, prompt);
  stage.sandbox.faults.add({ on: 'query', fault: fault as ApiFault, times: 'always', when });
  const { report, isError } = await stage.call('get_video_task', { task_id });
  expect(report).toMatchObject({ status: 'done', task_id, error: { code: 'save_failed', who: 'operator' } });
  expect(report.message).toContain('The video is finished. The link had expired, and no fresh one was available:');
  expect(report.next_step).toMatch(hint);
  expect(isError).toBe(false);
  stage.sandbox.faults.clear();
  const { report: later } = await stage.call('get_video_task', { task_id });
  expect([later.error, later.video?.url]).toEqual([undefined, expect.stringMatching(/^http/)]);
});

it('one lost answer does not keep it from a fresh link', async () => {
  const prompt = 'a blip';
  const task_id = await withDeadLink(prompt);
  stage.sandbox.faults.add({ on: 'query', fault: { kind: 'cut' }, when: whenAskedFor(stage, prompt) });
  const { report } = await stage.call('get_video_task', { task_id, wait_seconds: 50 });
  expect([report.error, report.video?.url]).toEqual([undefined, expect.stringMatching(/^http/)]);
});

it('a call that wants it saved while another one asks for a fresh link gets it saved', async () => {
  const prompt = 'saved, too';
  const task_id = await withDeadLink(prompt);
  stage.sandbox.faults.add({
    on: 'query',
    fault: { kind: 'slow', milliseconds: 300 },
    when: whenAskedFor(stage, prompt),
  });
  const calls = [{ task_id }, { task_id, output: 'saved.mp4', wait_seconds: 50 }];
  const [, saved] = await Promise.all(calls.map((asked) => stage.call('get_video_task', asked)));
  expect(saved?.report.video?.path).toBe(join(allowed, 'saved.mp4'));
});

it('a call that wants a copy of what is saved gets a fresh link with it', async () => {
  const prompt = 'copied';
  const task_id = await withDeadLink(prompt);
  await stage.call('get_video_task', { task_id, output: 'first.mp4', wait_seconds: 50 });
  await stage.rewriteRecord(task_id, (record) => {
    record.video.urlValidUntil = Date.now() - HOUR_SECONDS * 1000;
  });
  const { report } = await stage.call('get_video_task', { task_id, output: 'second.mp4', wait_seconds: 50 });
  expect(report.video).toMatchObject({ path: join(allowed, 'second.mp4'), url: expect.stringMatching(/^http/) });
});

it('while another process saves it, a call waits for that, and does not save it again', async () => {
  const prompt = 'saved elsewhere';
  const { report } = await stage.call('generate_video', { prompt, output: 'shared.mp4', wait_seconds: 50 });
  const { task_id } = report;
  const other = await connect(
    { ...stage.workspace.environment(stage.sandbox.url, stage.sandbox.credentials), JIMENG_VIDEO_OUTPUT_DIR: 'none' },
    stage.workspace.folder,
  );
  await other.call('list_video_tasks', {});
  await rm(report.video?.path ?? '');
  stage.sandbox.faults.add({ on: 'video', fault: { kind: 'slow', milliseconds: 1_500 } });
  const reported = await Promise.all(
    [stage, other].map((session) => session.call('get_video_task', { task_id, wait_seconds: 50 })),
  );
  for (const { report: one } of reported) {
    expect(one).toMatchObject({ status: 'done', video: { path: join(allowed, 'shared.mp4') } });
    expect(one.error).toBeUndefined();
  }
  await other.close();
});

it('what cannot be done for a task is reported with its id, and not as free', async () => {
  const { report: made } = await stage.call('generate_video', { prompt: 'paid', wait_seconds: 50 });
  const { report, text } = await stage.call('get_video_task', { task_id: made.task_id, output: '/not/allowed.mp4' });
  expect(report).toMatchObject({ status: 'refused', task_id: made.task_id, error: { code: 'output_not_allowed' } });
  expect(report.cost).toBeUndefined();
  expect(report.next_step).toMatch(/Then make the call again; the task itself is unaffected\.$/);
  expect(text).not.toContain('charged');
});
