/** A script makes every call that a next step names, from every kind of answer: each chain ends. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_NUMBERS } from '../../../src/problems.ts';
import type { ApiFault } from '../../support/fault-plan.ts';
import {
  type Arguments,
  openStage,
  type Reported,
  type Stage,
  whenAskedFor,
  whenSubmitted,
} from '../../support/mcp-client.ts';
import { ageTask, rewriteRecord } from '../../support/records.ts';
import { followSteps } from '../../support/scripted-model.ts';

const MOST_CALLS = 6;
/** Where a chain may end: nothing is left, the user is reported or decides, or the caller's own request has to change. */
const ENDS =
  /^(Show the user|Give the user|No video is open|Nothing is left|Tell the user|Ask the user|Make the same call|[A-Z].*\. (Then make the call again|Then request the video again)|.*(ask the user before paying))/s;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ asProvider: true, generationSeconds: 0.3 });
});
afterAll(() => stage.close());

async function expectEnd(first: Reported, on = stage): Promise<Reported> {
  const seen: string[] = [first.structured.next_step];
  const turns = await followSteps(
    async ({ tool, given }) => {
      const answer = await on.call(tool, given);
      seen.push(answer.structured.next_step);
      return answer;
    },
    first,
    MOST_CALLS,
  );
  const last = turns.at(-1)?.answer ?? first;
  expect(last.structured.next_step, seen.join('\n')).toMatch(ENDS);
  return last;
}

const BUSINESS = [
  ...[50411, 50511, 50412, 50512, 50413, 50516, 50517, 50518, 50519, 50520, 50521, 50522, 50400, 50200, 50215],
  ...[50500, 50501, 50999],
];
const CODES: readonly (readonly [string, ApiFault])[] = [
  ...BUSINESS.map((code) => [String(code), { kind: 'business', code }] as const),
  ...Object.keys(GATEWAY_NUMBERS).map((code) => [code, { kind: 'gateway', code } as ApiFault] as const),
  ['cut', { kind: 'cut' }],
  ['html', { kind: 'html', status: 502 }],
  ['no-task-id', { kind: 'no-task-id' }],
];

describe('from the answer to a submit', () => {
  it.concurrent.each(CODES)('%s', async (code, fault) => {
    const prompt = `submit ${code}`;
    stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault });
    await expectEnd(await stage.call('generate_video', { prompt, wait_seconds: 0 }));
  });
});

describe('from the answer to a query', () => {
  const faults: readonly (readonly [string, ApiFault])[] = [
    ...CODES.filter(([code]) => code !== 'no-task-id'),
    ['expired', { kind: 'status-word', word: 'expired' }],
    ['done without a link', { kind: 'done-without-url' }],
  ];
  it.concurrent.each(faults)('%s', async (code, fault) => {
    const prompt = `query ${code}`;
    stage.sandbox.faults.add({ on: 'query', when: whenAskedFor(stage, prompt), fault, times: 2 });
    await expectEnd(await stage.call('generate_video', { prompt, wait_seconds: 0 }));
  });
});

describe('from a refusal', () => {
  const REFUSED: readonly (readonly [string, string, Arguments])[] = [
    ['an input', 'generate_video', { prompt: '' }],
    ['a wrong name', 'generate_video', { prompt: 'x', resolution: '1080p', foo: 1 }],
    ['a picture that is not there', 'generate_video', { prompt: 'x', image: '/nowhere/a.png' }],
    ['a place that is not allowed', 'generate_video', { prompt: 'x', output: '/etc/x.mp4' }],
    ['a price that is too high', 'generate_video', { prompt: 'x', max_cost_cny: 1 }],
    ['an unknown task', 'get_video_task', { task_id: 'jv-00000000-aaaaa' }],
    ['an unknown task to withdraw', 'cancel_video_task', { task_id: 'jv-00000000-aaaaa' }],
    ['a frame of an unknown task', 'generate_video', { prompt: 'x', image: 'task:jv-00000000-aaaaa' }],
    ['a wrong list', 'list_video_tasks', { limit: 500 }],
    ['a dry run', 'generate_video', { prompt: 'dry', dry_run: true }],
  ];
  it.concurrent.each(REFUSED)('%s', async (_what, tool, given) => {
    await expectEnd(await stage.call(tool, given));
  });
});

describe('from a task', () => {
  const generated = async (prompt: string) => await stage.call('generate_video', { prompt, wait_seconds: 50 });

  it('that is finished, joined, withdrawn too late, or would be joined', async () => {
    const given = { prompt: 'finished', wait_seconds: 50 };
    const { report } = await stage.call('generate_video', given);
    for (const answer of [
      await stage.call('generate_video', given),
      await stage.call('generate_video', { ...given, dry_run: true }),
      await stage.call('cancel_video_task', { task_id: report.task_id }),
    ]) {
      expect((await expectEnd(answer)).structured.next_step).toBe('Show the user the saved file.');
    }
  });

  it('whose file is gone, or could not be saved', async () => {
    const { report } = await generated('gone');
    rmSync(report.video?.path ?? '');
    const last = await expectEnd(await stage.call('get_video_task', { task_id: report.task_id }));
    expect(last.structured.next_step).toBe('Show the user the saved file.');
    const prompt = 'not saved';
    stage.sandbox.faults.add({
      on: 'video',
      when: ({ taskId }) => taskId !== undefined && taskId === stage.providerIdOf(prompt),
      times: 'always',
      fault: { kind: 'redirect', location: 'ftp://x/' },
    });
    const unsaved = await generated(prompt);
    expect(unsaved.report.error?.code).toBe('save_failed');
    expect(unsaved.report.next_step).toMatch(/^Tell the user to /);
    // The user did that.
    stage.sandbox.faults.clear();
    expect((await expectEnd(unsaved)).report.video?.path).toBeDefined();
  });

  it('of which the provider keeps nothing any more', async () => {
    const prompt = 'thirteen hours ago';
    const { report } = await generated(prompt);
    const fault = { kind: 'status-word', word: 'expired' } as const;
    stage.sandbox.faults.add({ on: 'query', when: whenAskedFor(stage, prompt), fault, times: 'always' });
    stage.sandbox.faults.add({
      on: 'video',
      when: ({ taskId }) => taskId === stage.providerIdOf(prompt),
      times: 'always',
      fault: { kind: 'status', status: 403 },
    });
    const { task_id = '', video } = report;
    rmSync(video?.path ?? '');
    ageTask(stage.workspace.stateDir, task_id, 13);
    rewriteRecord(stage.workspace.stateDir, task_id, (record) => {
      record.acceptedAt -= 13 * 3600_000;
      record.video.urlValidUntil = Date.now() - 1000;
    });
    const last = await expectEnd(await stage.call('get_video_task', { task_id }));
    expect(last.structured.next_step).toMatch(/^Ask the user before paying for it again/);
  });

  it('whose last frame is wanted, while it is made, after it failed, and after it was withdrawn', async () => {
    const continued = (task_id: string | undefined) =>
      stage.call('generate_video', { prompt: 'goes on', image: `task:${task_id}`, dry_run: true });
    // However slow the machine, it is made still when its frame is wanted.
    const making = { kind: 'status-word', word: 'generating' } as const;
    stage.sandbox.faults.add({ on: 'query', when: whenAskedFor(stage, 'first shot'), fault: making, times: 'always' });
    const { report: running } = await stage.call('submit_video_task', { prompt: 'first shot' });
    const while_ = await continued(running.task_id);
    expect(while_.report.message).toContain(`comes from the video of ${running.task_id}, once it is saved`);
    expect(while_.report.next_step).toContain('Make the same call without "dry_run"');
    await expectEnd(while_);
    const prompt = 'fails';
    stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault: { kind: 'business', code: 50412 } });
    const { report: failed } = await generated(prompt);
    const after = await continued(failed.task_id);
    expect([after.report.status, after.report.next_step.includes('until it is saved')]).toEqual(['refused', false]);
    await expectEnd(after);
  });

  it('in a list', async () => {
    const other = await openStage({ asProvider: true, generationSeconds: 0.3 });
    for (const prompt of ['listed 1', 'listed 2']) await other.call('submit_video_task', { prompt });
    const last = await expectEnd(await other.call('list_video_tasks', {}), other);
    expect(last.structured.counts).toMatchObject({ open: 0, done: 2 });
    await other.close();
  });
});
