/** Answers that once misled a new user, each kept as it should be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../support/mcp-client.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ asProvider: true, generationSeconds: 600 }, { JIMENG_VIDEO_CONCURRENCY: '2' });
});
afterAll(() => stage.close());

it('a list of one counts all that are open', async () => {
  for (let shot = 1; shot <= 4; shot++) await stage.call('submit_video_task', { prompt: `open ${shot}` });
  const { structured, text } = await stage.call('list_video_tasks', { limit: 1 });
  expect([structured.tasks.length, structured.counts.open]).toEqual([1, 4]);
  expect(text).toContain('1 of 4, 4 open');
  expect(structured.next_step).toContain('the 4 open ones');
});

it('a dry run of a request that exists costs nothing, and leads to that task', async () => {
  const { report } = await stage.call('submit_video_task', { prompt: 'open 1' });
  const { report: checked, text } = await stage.call('generate_video', { prompt: 'open 1', dry_run: true });
  expect(checked.cost).toEqual({ estimated_cny: 0, charge: 'none' });
  expect(text).not.toContain('¥1.40');
  expect(checked.next_step).toContain(`Call get_video_task with {"task_id":"${report.task_id}"}`);
});

it('a running task cannot be withdrawn, and is never called queued', async () => {
  const { report } = await stage.call('submit_video_task', { prompt: 'open 1' });
  const { report: kept } = await stage.call('cancel_video_task', { task_id: report.task_id });
  expect(kept.message).toMatch(/^Not cancelled: the request has already been sent, and the provider cannot stop it\. /);
});

it('a text file named .jpg gets no advice for pictures', async () => {
  writeFileSync(join(stage.workspace.folder, 'notes.jpg'), 'Shot list for Monday');
  const image = join(stage.workspace.folder, 'notes.jpg');
  const { report, text } = await stage.call('generate_video', { prompt: 'x', image, dry_run: true });
  expect(report.status).toBe('refused');
  expect(text).not.toMatch(/convert|export/i);
});

it('fifty tasks with long prompts are a list under 20 kB in either form', async () => {
  for (let shot = 1; shot <= 46; shot++) {
    await stage.call('submit_video_task', { prompt: `${shot} ${'雪山日出，云海翻涌，镜头缓缓推进。'.repeat(40)}` });
  }
  const { structured, text } = await stage.call('list_video_tasks', { limit: 50 });
  expect(structured.tasks).toHaveLength(50);
  expect(Buffer.byteLength(JSON.stringify(structured))).toBeLessThan(20_000);
  expect(Buffer.byteLength(text)).toBeLessThan(20_000);
});
