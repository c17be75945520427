/** The texts that a real client gets, whole. The golden files are test/golden/texts/live-*.md. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, openStage, type Session, type Stage, whenAskedFor, whenSubmitted } from '../../support/mcp-client.ts';

let stage: Stage;
let linksOnly: Session;
let keyless: Session;

beforeAll(async () => {
  stage = await openStage();
  const { workspace, sandbox } = stage;
  const environment = workspace.environment(sandbox.url);
  const apart = { JIMENG_VIDEO_STATE_DIR: `${workspace.stateDir}-2`, JIMENG_VIDEO_OUTPUT_DIR: 'none' };
  linksOnly = await connect({ ...environment, ...apart }, workspace.folder);
  keyless = await connect({ JIMENG_VIDEO_STATE_DIR: workspace.stateDir, LOG_LEVEL: 'silent' }, workspace.folder);
});
afterAll(async () => {
  await linksOnly.close();
  await keyless.close();
  await stage.close();
});

/** Replaces what differs from run to run by a word; nothing else. */
function steady(text: string): string {
  return `${text}\n`
    .replaceAll(stage.workspace.folder, 'FOLDER')
    .replace(/jv-[0-9a-z]{8}-[0-9a-z]{5}/g, 'TASK')
    .replace(/http:\/\/127\.0\.0\.1:\d+\/[^)\s"]+/g, 'LINK')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d (.*) [0-9a-z]{5,6}\.mp4/g, 'DAY $1 ID.mp4')
    .replace(/\(\d+ s so far[^)]*/g, '(N s so far, USUALLY');
}

const golden = (name: string) => `../../golden/texts/live-${name}.md`;

describe('the text that a client gets', () => {
  it('of a video that is finished and saved, then joined', async () => {
    const given = { prompt: 'A dog *runs* at dawn, 日出', wait_seconds: 50 };
    const { text } = await stage.call('generate_video', given);
    await expect(steady(text)).toMatchFileSnapshot(golden('done'));
    await expect(steady((await stage.call('generate_video', given)).text)).toMatchFileSnapshot(golden('joined'));
  });

  it('of a video with its link only', async () => {
    const { report, text } = await linksOnly.call('generate_video', { prompt: 'A link only', wait_seconds: 50 });
    expect(report.video?.path).toBeUndefined();
    await expect(steady(text)).toMatchFileSnapshot(golden('done-link-only'));
  });

  it('of a video that could not be saved', async () => {
    const { outputDir } = stage.workspace;
    const prompt = 'Nowhere to go';
    stage.sandbox.faults.add({ on: 'video', times: 'always', fault: { kind: 'redirect', location: 'ftp://x/' } });
    const { report, text, isError } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    stage.sandbox.faults.clear();
    expect([report.status, report.error?.code, isError]).toEqual(['done', 'save_failed', false]);
    await expect(steady(text)).toMatchFileSnapshot(golden('done-not-saved'));
    const { report: saved } = await stage.call('get_video_task', { task_id: report.task_id });
    expect(saved.video?.path).toContain(outputDir);
    expect(saved.error).toBeUndefined();
  });

  it('of a video whose saved file is gone: it is fetched again', async () => {
    const { report } = await stage.call('generate_video', { prompt: 'Thrown away', wait_seconds: 50 });
    rmSync(report.video?.path ?? '');
    const { text } = await stage.call('get_video_task', { task_id: report.task_id });
    await expect(steady(text)).toMatchFileSnapshot(golden('done-again'));
  });

  it('of one that goes on when the wait is over', async () => {
    const prompt = 'Going on';
    const fault = { kind: 'status-word', word: 'in_queue' } as const;
    stage.sandbox.faults.add({ on: 'query', fault, times: 'always', when: whenAskedFor(stage, prompt) });
    const { text } = await stage.call('generate_video', { prompt, wait_seconds: 0 });
    await expect(steady(text)).toMatchFileSnapshot(golden('handed-back'));
  });

  it('of a dry run', async () => {
    const { text, isError } = await stage.call('generate_video', { prompt: 'How much?', duration: 8, dry_run: true });
    expect(isError).toBe(false);
    await expect(steady(text)).toMatchFileSnapshot(golden('checked'));
    expect(stage.sandbox.submits('How much?')).toEqual([]);
  });

  it('of a refusal: an input, the keys', async () => {
    const wrong = await stage.call('generate_video', { prompt: 'x', tail_image: 'https://example.com/t.png', len: 5 });
    await expect(steady(wrong.text)).toMatchFileSnapshot(golden('refused-input'));
    const { text } = await keyless.call('generate_video', { prompt: 'x' });
    await expect(steady(text)).toMatchFileSnapshot(golden('refused-no-keys'));
  });

  it('of a refusal by the provider', async () => {
    const prompt = 'Not opened';
    stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault: { kind: 'business', code: 50400 } });
    const { text } = await stage.call('generate_video', { prompt });
    await expect(steady(text)).toMatchFileSnapshot(golden('failed'));
  });

  it('of a task that cannot be withdrawn any more', async () => {
    const { report } = await stage.call('generate_video', { prompt: 'Too late', wait_seconds: 50 });
    const { text, isError } = await stage.call('cancel_video_task', { task_id: report.task_id });
    expect(isError).toBe(false);
    await expect(steady(text)).toMatchFileSnapshot(golden('cancel-too-late'));
  });

  it('of a list, and of an empty one', async () => {
    const { report } = await linksOnly.call('generate_video', {
      prompt: 'A _second_ one',
      mode: 't2v_1080p',
      wait_seconds: 50,
    });
    expect(report.status).toBe('done');
    await expect(steady((await linksOnly.call('list_video_tasks', {})).text)).toMatchFileSnapshot(golden('list'));
    const none = await linksOnly.call('list_video_tasks', { status: 'unknown' });
    await expect(steady(none.text)).toMatchFileSnapshot(golden('list-empty'));
    const waited = await linksOnly.call('list_video_tasks', { wait_seconds: 1 });
    await expect(steady(waited.text)).toMatchFileSnapshot(golden('list-waited'));
    const unknown = await keyless.call('list_video_tasks', {});
    await expect(steady(unknown.text)).toMatchFileSnapshot(golden('list-no-keys'));
  });
});
