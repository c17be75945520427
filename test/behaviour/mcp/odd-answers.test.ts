/** Unexpected, late and stale answers are read for what they mean, and polling outlives the call. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiFault } from '../../support/fault-plan.ts';
import { openStage, type Stage, until, whenAskedFor, whenSubmitted } from '../../support/mcp-client.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ asProvider: true });
});
afterAll(() => stage.close());

async function generateUnder(prompt: string, fault: ApiFault, times = 1) {
  stage.sandbox.faults.add({ on: 'query', when: whenAskedFor(stage, prompt), fault, times });
  return await stage.call('generate_video', { prompt, wait_seconds: 50 });
}

describe('an unexpected answer to a query', () => {
  it.concurrent('done without a link, once: it is queried again, and the video is there', async () => {
    const { report } = await generateUnder('no link at first', { kind: 'done-without-url' });
    expect(report).toMatchObject({ status: 'done', cost: { charge: 'made' } });
  });

  it.concurrent('done without a link, again and again: it may have been charged', async () => {
    const { report, isError } = await generateUnder('no link', { kind: 'done-without-url' }, 100);
    expect(report).toMatchObject({ error: { code: 'no_video' }, cost: { charge: 'possible' } });
    expect(report.message).toContain('done, without a link to the video');
    expect(isError).toBe(false);
  });

  it.concurrent('done with a failing code is that failure', async () => {
    const fault = { kind: 'done-with-code', code: 50516, httpStatus: 200 } as const;
    const { report } = await generateUnder('done with a code', fault);
    expect(report).toMatchObject({ status: 'failed', error: { code: '50516', who: 'you' }, cost: { charge: 'none' } });
  });

  it.concurrent('a word that nobody knows is still running', async () => {
    expect((await generateUnder('resting', { kind: 'status-word', word: 'resting' }, 3)).report.status).toBe('done');
  });

  it.concurrent('not_found right after the submit is not believed', async () => {
    const { report } = await generateUnder('not found yet', { kind: 'status-word', word: 'not_found' }, 3);
    expect(report.status).toBe('done');
  });

  it.concurrent("expired is the provider's word, and may have been charged", async () => {
    const { report, isError } = await generateUnder('expired', { kind: 'status-word', word: 'expired' });
    expect(report).toMatchObject({ status: 'expired', cost: { charge: 'possible' } });
    expect(isError).toBe(true);
  });

  it.concurrent('a link with escaped ampersands works', async () => {
    const { report } = await generateUnder('escapes', { kind: 'escaped-url' }, 100);
    expect([report.status, existsSync(report.video?.path ?? '')]).toEqual(['done', true]);
  });

  it.concurrent('a link that the file host refuses is fetched afresh', async () => {
    const prompt = 'refused link';
    stage.sandbox.faults.add({
      on: 'video',
      when: ({ taskId }) => taskId !== undefined && taskId === stage.providerIdOf(prompt),
      fault: { kind: 'status', status: 403 },
    });
    const { report } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    expect([report.status, existsSync(report.video?.path ?? '')]).toEqual(['done', true]);
    const links = stage.sandbox.requests.filter(({ operation, taskId }) => {
      return operation === 'video' && taskId === stage.providerIdOf(prompt);
    });
    expect(new Set(links.map(({ target }) => target)).size).toBe(2);
  });

  it.concurrent('a task id that came as a number keeps all its digits', async () => {
    // Half of the sandbox's ids are beyond 2^63, all beyond 2^53.
    const prompts = ['number 1', 'number 2', 'number 3', 'number 4'];
    const reports = await Promise.all(
      prompts.map(async (prompt) => {
        stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault: { kind: 'numeric-task-id' } });
        return (await stage.call('generate_video', { prompt, wait_seconds: 50 })).report;
      }),
    );
    expect(reports.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
    expect(reports.map(({ provider }) => provider?.task_id)).toEqual(prompts.map(stage.providerIdOf));
  });
});

describe('a finished task', () => {
  it("is found by the provider's id, too", async () => {
    const { report } = await stage.call('generate_video', { prompt: 'two names', wait_seconds: 50 });
    const { report: same } = await stage.call('get_video_task', { task_id: report.provider?.task_id });
    expect(same).toMatchObject({ task_id: report.task_id, status: 'done', prompt: 'two names' });
  });

  it('whose link is over an hour old is given a fresh one, and is not downloaded again', async () => {
    const prompt = 'an old link';
    const { report } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    const { task_id } = report;
    await stage.rewriteRecord(task_id ?? '', (record) => {
      record.video.urlValidUntil = Date.now() - 1000;
    });
    const uri = `jimeng://tasks/${task_id}`;
    const [read] = (await stage.client.readResource({ uri })).contents as { text: string }[];
    expect(read?.text, 'a dead link is not given').not.toContain('Download Video');
    const { report: fresh } = await stage.call('get_video_task', { task_id });
    expect(fresh.video?.url).toMatch(/^http/);
    expect(fresh.video?.url).not.toBe(report.video?.url);
    expect(Date.parse(fresh.video?.url_valid_until ?? '')).toBeGreaterThan(Date.now() + 3_500_000);
    expect(fresh.video?.path).toBe(report.video?.path);
    const downloads = stage.sandbox.requests.filter(({ operation, taskId }) => {
      return operation === 'video' && taskId === report.provider?.task_id;
    });
    expect(downloads).toHaveLength(1);
  });
});

describe('polling', () => {
  it('goes on after the call has returned, and saves the file', async () => {
    const { report } = await stage.call('generate_video', { prompt: 'watched on', wait_seconds: 0 });
    expect(report.status).toBe('generating');
    expect(report.next_step).toContain(`Call get_video_task with {"task_id":"${report.task_id}"}`);
    const saved = () => readdirSync(stage.workspace.outputDir).filter((name) => /watched on.*\.mp4$/.test(name));
    await until('the file', () => saved().length === 1);
    const { report: later } = await stage.call('get_video_task', { task_id: report.task_id, wait_seconds: 50 });
    expect(later).toMatchObject({ status: 'done', video: { path: join(stage.workspace.outputDir, saved()[0] ?? '') } });
    expect(stage.sandbox.submits('watched on')).toHaveLength(1);
  });
});
