/** A queued request reports what it waits for, and two lost answers do not stop the queue. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage, until, whenSubmitted } from '../../support/mcp-client.ts';
import { ageTask } from '../../support/records.ts';
import { callsIn } from '../../support/scripted-model.ts';

const TWO_MINUTES_IN_HOURS = 2 / 60;
/** One capability each, so that the tests share no queue. */
const MODES = ['t2v_720p', 't2v_1080p'] as const;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ asProvider: true, generationSeconds: 0.3 }, { JIMENG_VIDEO_CONCURRENCY: '2' });
});
afterAll(() => stage.close());

async function loseTwo(mode: string): Promise<string[]> {
  const ids = [];
  for (const prompt of [`${mode} lost 1`, `${mode} lost 2`]) {
    stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault: { kind: 'cut' } });
    const { report } = await stage.call('submit_video_task', { prompt, mode });
    expect(report.status).toBe('unknown');
    ids.push(report.task_id ?? '');
  }
  return ids;
}

describe('behind two submits whose answers were lost', () => {
  it('a request says which tasks hold the slots and until when, and how many are before it', async () => {
    const mode = MODES[0];
    const [first, second] = await loseTwo(mode);
    const { report: next } = await stage.call('submit_video_task', { prompt: 'next in line', mode });
    const { report: third } = await stage.call('submit_video_task', { prompt: 'after it', mode });
    const waits = `waits for the slot of ${first} and ${second}, whose outcome is unknown, until `;
    expect([next.status, next.message]).toEqual(['queued', expect.stringContaining(waits)]);
    expect(next.message).toMatch(/until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d at the latest\. It is sent automatically/);
    expect(third.message).toContain('at the latest, after 1 other request.');
    expect(next.cost).toMatchObject({ charge: 'none' });
    const listed = await stage.call('list_video_tasks', { status: 'queued' });
    expect(listed.structured.tasks.map(({ waits_for }: { waits_for: string }) => waits_for)).toEqual([
      expect.stringContaining('after 1 other request'),
      expect.stringContaining(`the slot of ${first} and ${second}`),
    ]);
    // The step that frees the slot is one that can be made.
    const release = callsIn(next.next_step).find(({ given }) => given.task_id === first);
    expect(release).toEqual({ tool: 'cancel_video_task', given: { task_id: first } });
    const { report: released, isError } = await stage.call('cancel_video_task', { task_id: first });
    expect([released.status, isError]).toEqual(['unknown', true]);
    expect(released.message).toMatch(/^Its slot is free for queued requests\. /);
    for (const { task_id } of [next, third]) {
      const { report } = await stage.call('get_video_task', { task_id, wait_seconds: 50 });
      expect(report.status).toBe('done');
    }
    const { report: again } = await stage.call('get_video_task', { task_id: first, wait_seconds: 0 });
    expect([again.status, again.cost?.charge]).toEqual(['unknown', 'possible']);
  });

  it('after a minute one request is sent to find out, and the queue goes on', async () => {
    const mode = MODES[1];
    const lost = await loseTwo(mode);
    const { report } = await stage.call('submit_video_task', { prompt: 'the probe', mode });
    expect([report.status, stage.sandbox.submits('the probe')]).toEqual(['queued', []]);
    for (const id of lost) ageTask(stage.workspace.stateDir, id, TWO_MINUTES_IN_HOURS);
    await until('the probe', () => stage.sandbox.submits('the probe').length === 1);
    const done = await stage.call('get_video_task', { task_id: report.task_id, wait_seconds: 50 });
    expect(done.report.status).toBe('done');
    for (const prompt of [`${mode} lost 1`, `${mode} lost 2`]) expect(stage.sandbox.submits(prompt)).toHaveLength(1);
  });
});

it('a request behind running tasks waits for a free slot, and can be withdrawn for nothing', async () => {
  // The first two run as long as the test.
  const slow = await openStage({ asProvider: true, generationSeconds: 60 }, { JIMENG_VIDEO_CONCURRENCY: '2' });
  const prompts = ['running 1', 'running 2', 'waiting 1', 'waiting 2'];
  const reports = [];
  for (const prompt of prompts) reports.push((await slow.call('submit_video_task', { prompt })).report);
  const [, , next, last] = reports;
  expect(next?.message).toContain('waits for a free slot. It is sent automatically, and costs nothing until then.');
  expect(last?.message).toContain('a free slot, after 1 other request');
  const { report } = await slow.call('cancel_video_task', { task_id: last?.task_id });
  expect([report.status, report.cost?.charge]).toEqual(['cancelled', 'none']);
  expect(slow.sandbox.submits('waiting 2')).toEqual([]);
  const late = await slow.call('cancel_video_task', { task_id: reports[0]?.task_id });
  expect(late.report.message).toMatch(
    /^Not cancelled: (the request has already been sent, and the provider cannot stop it|the video is already finished|the task has already ended)\./,
  );
  await slow.close();
});
