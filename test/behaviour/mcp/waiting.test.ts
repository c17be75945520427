/** A call takes as long as it was asked to, and the task outlives its caller. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { taskProgress } from '../../../src/mcp/progress.ts';
import type { Progress } from '../../../src/mcp/tool.ts';
import { openStage, type Stage, until, whenAskedFor, whenSubmitted } from '../../support/mcp-client.ts';
import { sampleTask } from '../../support/sample-task.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ generationSeconds: 2.5 });
});
afterAll(() => stage.close());

/** However slow the machine, the video with this prompt is not finished before `letGo` is called. */
function holdVideo(prompt: string): { letGo: () => void } {
  let isHeld = true;
  const isIts = whenAskedFor(stage, prompt);
  const fault = { kind: 'status-word', word: 'generating' } as const;
  stage.sandbox.faults.add({ on: 'query', times: 'always', fault, when: (request) => isHeld && isIts(request) });
  return {
    letGo() {
      isHeld = false;
    },
  };
}

async function timed<Value>(work: Promise<Value>): Promise<{ value: Value; seconds: number }> {
  const from = performance.now();
  const value = await work;
  return { value, seconds: (performance.now() - from) / 1000 };
}

describe('wait_seconds', () => {
  it.concurrent('0 returns with the submit’s answer, however late that comes', async () => {
    const prompt = 'wait 0';
    const fault = { kind: 'slow', milliseconds: 400 } as const;
    stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault });
    const { value, seconds } = await timed(stage.call('generate_video', { prompt, wait_seconds: 0 }));
    expect(value.report.status).toBe('generating');
    expect(value.report.provider?.task_id).toBe(stage.providerIdOf(prompt));
    expect(seconds).toBeGreaterThan(0.39);
  });

  it.concurrent('bounds a generate_video; the report that ends it says the next call', async () => {
    const asked = stage.call('generate_video', { prompt: 'wait 0.6', wait_seconds: 0.6 });
    const { value, seconds } = await timed(asked);
    expect(value.report.status).toBe('generating');
    expect(value.isError).toBe(false);
    expect(value.report.next_step).toContain(`{"task_id":"${value.report.task_id}"}`);
    // Not so long as the video takes: it is being made still.
    expect(seconds).toBeGreaterThan(0.55);
  });

  it.concurrent('of a list ends as soon as a task changes', async () => {
    const { letGo } = holdVideo('listed');
    const { report } = await stage.call('submit_video_task', { prompt: 'listed' });
    const seen: string[] = [];
    const onprogress = ({ message }: { message?: string | undefined }) => {
      seen.push(message ?? '');
      letGo();
    };
    const asked = stage.call('list_video_tasks', { wait_seconds: 50, limit: 50 }, { onprogress });
    const { value, seconds } = await timed(asked);
    expect(seen[0]).toMatch(/^jv-\S+: (generating|saving|submitting|queued), /);
    expect(value.structured.tasks.map((task: { task_id: string }) => task.task_id)).toContain(report.task_id);
    expect(seconds).toBeLessThan(40);
  });

  it.concurrent.each([-1, 1801, '10 minutes'])('%j is refused', async (wait_seconds) => {
    const { report } = await stage.call('get_video_task', { task_id: 'jv-00000000-aaaaa', wait_seconds });
    expect(report.message).toContain('`wait_seconds` must be ');
  });
});

it('cancel_video_task without an id says where ids are', async () => {
  const { report } = await stage.call('cancel_video_task', {});
  expect(report.message).toBe('`task_id` is missing: give the id of a task (list_video_tasks has them).');
});

describe('a client that gives up', () => {
  it('leaves the task running, and a later call has the video', async () => {
    const prompt = 'given up';
    const leaving = new AbortController();
    const asked = stage.call('generate_video', { prompt, wait_seconds: 50 }, { signal: leaving.signal });
    // Not by a time: a call that is cancelled before its intent is written rightly leaves nothing.
    await until('the submit', () => stage.providerIdOf(prompt) !== undefined);
    leaving.abort(new Error('timed out'));
    await expect(asked).rejects.toThrow(/timed out/);
    const { structured } = await stage.call('list_video_tasks', { limit: 50 });
    const { task_id } = structured.tasks.find((task: { prompt: string }) => task.prompt === prompt);
    const { report } = await stage.call('get_video_task', { task_id, wait_seconds: 50 });
    expect(report).toMatchObject({ status: 'done', prompt });
    expect(stage.sandbox.submits(prompt)).toHaveLength(1);
  });
});

describe('progress', () => {
  it('comes immediately, and names the task', async () => {
    const seen: { at: number; progress: number; message?: string | undefined }[] = [];
    const from = performance.now();
    const onprogress = (news: { progress: number; message?: string | undefined }) => {
      seen.push({ ...news, at: performance.now() - from });
    };
    const { report } = await stage.call('generate_video', { prompt: 'watched', wait_seconds: 50 }, { onprogress });
    expect(seen.length).toBeGreaterThanOrEqual(1);
    // Long before the end of the wait.
    expect(seen[0]?.at).toBeLessThan(40_000);
    expect(seen[0]?.message).toContain(report.task_id);
  });

  it('comes every few seconds, strictly rising, under 200 characters, even when the clock is turned back', () => {
    let elapsed = 0;
    const wall = Date.parse('2026-09-01T10:00:00Z');
    const clock: Clock = {
      now: () => wall + (elapsed < 60_000 ? elapsed : elapsed - 30_000),
      monotonic: () => elapsed,
      sleep: async () => undefined,
    };
    const sent: Progress[] = [];
    const send = taskProgress(clock, (progress) => sent.push(progress));
    const task = sampleTask({ reservedAt: wall, acceptedAt: wall });
    for (; elapsed <= 120_000; elapsed += 250) send({ task, now: clock.now(), joined: false, isUnwritten: false });
    expect(sent).toHaveLength(25);
    for (const [index, { progress, message }] of sent.entries()) {
      expect(progress).toBeGreaterThan(sent[index - 1]?.progress ?? 0);
      expect(message.length).toBeLessThan(200);
    }
  });
});

describe('a list that waits', () => {
  it('for all_finished returns once, when nothing is open', async () => {
    const ids = await Promise.all(
      ['all 1', 'all 2'].map(async (prompt) => (await stage.call('submit_video_task', { prompt })).report.task_id),
    );
    const { structured } = await stage.call('list_video_tasks', { wait_seconds: 50, wait_for: 'all_finished' });
    const tasks = structured.tasks as { task_id: string; status: string }[];
    expect(tasks.filter(({ task_id }) => ids.includes(task_id)).map(({ status }) => status)).toEqual(['done', 'done']);
    expect(tasks.every(({ status }) => !['queued', 'submitting', 'generating'].includes(status))).toBe(true);
  });

  it('for any_finished is not kept by a request that came meanwhile', async () => {
    const [first, second] = [holdVideo('any 1'), holdVideo('any 2')];
    const { report } = await stage.call('submit_video_task', { prompt: 'any 1' });
    let isWaiting = false;
    const onprogress = () => {
      isWaiting = true;
    };
    const waiting = stage.call('list_video_tasks', { wait_seconds: 50 }, { onprogress });
    await until('the list to wait', () => isWaiting);
    const later = await stage.call('submit_video_task', { prompt: 'any 2' });
    first.letGo();
    const { structured } = await waiting;
    second.letGo();
    const status = (id: string | undefined) =>
      structured.tasks.find(({ task_id }: { task_id: string }) => task_id === id)?.status;
    expect(status(report.task_id)).toBe('done');
    expect(status(later.report.task_id)).not.toBe('done');
  });
});
