/** The server starts whatever is set, and reports by name what is missing or wrong. */
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTRUCTIONS } from '../../../src/mcp/listing.ts';
import { connect, openStage, type Stage } from '../../support/mcp-client.ts';
import { type Environment, makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await makeWorkspace();
});
afterAll(() => workspace.remove());

const NAMES = [
  ...['generate_video', 'submit_video_task', 'get_video_task', 'list_video_tasks', 'cancel_video_task'],
  ...['generate_film', 'retake_shot', 'join_videos', 'preview_video'],
];

async function firstCall(settings: Environment, tool: string, given: object = {}) {
  const session = await connect({ JIMENG_VIDEO_STATE_DIR: workspace.stateDir, ...settings }, workspace.folder);
  const { tools } = await session.client.listTools();
  const reported = await session.call(tool, { ...given });
  await session.close();
  return { names: tools.map(({ name }) => name), ...reported, stderr: session.stderr() };
}

describe('without keys', () => {
  it('it lists its tools, and the first call says which variables are missing and where keys are made', async () => {
    const { names, report, isError, text } = await firstCall({}, 'generate_video', { prompt: 'x' });
    expect(names).toEqual(NAMES);
    expect(report).toMatchObject({
      status: 'refused',
      cost: { charge: 'none' },
      error: { code: 'missing_credentials' },
    });
    expect(isError).toBe(true);
    for (const word of ['VOLC_ACCESSKEY and VOLC_SECRETKEY are not set', 'console.volcengine.com/iam/keymanage']) {
      expect(text).toContain(word);
    }
  });

  it('only the missing one is named, and what is empty or a placeholder is missing', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a desktop client hands on for an option left empty.
    const keys = { VOLC_ACCESSKEY: 'AKLTx', VOLC_SECRETKEY: '${user_config.secret_key}', JIMENG_VIDEO_API_URL: ' ' };
    const { report } = await firstCall(keys, 'get_video_task', { task_id: '7392616336519610409' });
    expect(report.message).toMatch(/^VOLC_SECRETKEY is not set/);
    // Settings are read once, when the process starts.
    expect(report.next_step).toMatch(/^Tell the user to fix the server's settings and restart it: set VOLC_SECRETKEY /);
  });

  it('the list is empty, and says why and how to change that; no sum is claimed', async () => {
    const { isError, text, structured } = await firstCall({}, 'list_video_tasks');
    expect([isError, structured.tasks, structured.spent]).toEqual([false, [], undefined]);
    expect(text).toContain('Without keys no account is known, and videos are listed by account.');
    expect(text).toContain('console.volcengine.com/iam/keymanage');
    expect(text).not.toContain('nothing is left to do');
  });

  it('a dry run checks everything, and a task cannot be withdrawn', async () => {
    const checked = await firstCall({}, 'generate_video', { prompt: 'x', dry_run: true });
    expect([checked.report.status, checked.report.cost]).toMatchObject(['checked', { estimated_cny: 1.4 }]);
    expect(checked.report.message).toContain('VOLC_ACCESSKEY and VOLC_SECRETKEY are not set');
    expect(checked.report.next_step).toMatch(
      /^Tell the user to fix .* restart it: set VOLC_ACCESSKEY and VOLC_SECRETKEY .* Make the same call without "dry_run"/,
    );
    const { report } = await firstCall({}, 'cancel_video_task', { task_id: 'jv-00000000-aaaaa' });
    expect([report.status, report.error?.code]).toEqual(['refused', 'missing_credentials']);
  });
});

describe('with settings that are wrong', () => {
  it('it starts, and the first call reports all of them by name', async () => {
    const wrong = {
      VOLC_ACCESSKEY: 'AKLTx',
      VOLC_SECRETKEY: '__encrypted__:abc',
      JIMENG_VIDEO_API_URL: 'ftp://x',
      JIMENG_VIDEO_API_TIMEOUT: 'soon',
      JIMENG_VIDEO_POLL_INTERVAL: '-1',
      JIMENG_VIDEO_CONCURRENCY: '1.5',
      JIMENG_VIDEO_OUTPUT_DIR: 'relative/folder',
      JIMENG_VIDEO_DAILY_BUDGET_CNY: 'ten',
      LOG_LEVEL: 'loud',
    };
    const { names, report, isError } = await firstCall(wrong, 'generate_video', { prompt: 'x' });
    expect(names).toEqual(NAMES);
    expect([report.status, report.error?.code, isError]).toEqual(['refused', 'invalid_settings', true]);
    for (const name of Object.keys(wrong).filter((name) => !/LOG_LEVEL|VOLC_ACCESSKEY/.test(name))) {
      expect(report.message).toContain(`${name} `);
      expect(report.next_step).toContain(name);
    }
  });
});

describe('a call that is wrong', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  it('to an unknown tool is a protocol error', async () => {
    const asked = stage.client.callTool({ name: 'generate_vidoe', arguments: {} });
    await expect(asked).rejects.toMatchObject({
      code: ErrorCode.InvalidParams,
      message: expect.stringContaining(`the tools are ${NAMES.join(', ')}`),
    });
  });

  it('in several arguments is refused with each of them', async () => {
    const { report, isError } = await stage.call('generate_video', { prompt: '', duration: 7, fps: '60', seed: 1.5 });
    expect([report.status, isError, report.error?.code]).toEqual(['refused', true, 'invalid_input']);
    for (const part of [
      '`duration` must be one of 4, 5, 6, 8, 10, but is 7.',
      '`fps` must be one of 24, 25, 30, but is 60.',
      '`seed` must be a whole number from -1 to 2147483647, but is 1.5.',
    ]) {
      expect(report.message).toContain(part);
    }
  });

  it('against the rules of a mode is refused with the modes that take it', async () => {
    const { report } = await stage.call('generate_video', { aspect_ratio: '1:1', image: 'https://example.com/a.png' });
    expect(report.message).toContain(
      "`aspect_ratio` cannot be combined with `image`, because the video has the image's ratio; modes that take it: t2v_720p, t2v_1080p, ti2v_pro.",
    );
    expect(report.message).toContain('`prompt` is missing');
  });

  it('in the name of an input is refused with the one that is meant, or with all there are', async () => {
    const typo = await stage.call('generate_video', { prompt: 'x', aspectRatio: '1:1', foo: '4k', fsp: 30 });
    expect(typo.report.message).toContain('`fsp` is not an input; did you mean `fps`?');
    expect(typo.report.message).toContain('`aspectRatio` is not an input; did you mean `aspect_ratio`?');
    expect(typo.report.message).toContain('`foo` is not an input; the inputs are prompt, mode, duration');
    const wrong = await stage.call('list_video_tasks', { limt: 3, status: 'ready' });
    expect(wrong.structured.error.message).toContain('did you mean `limit`?');
    expect([wrong.isError, wrong.structured.tasks]).toEqual([true, []]);
  });

  it('about a task that is not recorded says how to find one', async () => {
    for (const task_id of ['jv-00000000-aaaaa', '../../etc/passwd', '7392616336519610409']) {
      const { report, isError } = await stage.call('get_video_task', { task_id });
      expect([report.status, report.error?.code, isError]).toEqual(['refused', 'no_record', true]);
      expect(report.next_step).toContain('list_video_tasks');
    }
  });

  it('with an image that the provider could not reach is refused with the reason', async () => {
    for (const image of ['http://localhost/a.png', 'http://192.168.1.2/a.png', 'http://[::1]/a.png']) {
      const { report } = await stage.call('generate_video', { prompt: 'x', image });
      expect(report.status).toBe('refused');
      expect(report.message).toMatch(/loopback|private/);
    }
  });

  it('has sent nothing and recorded nothing', async () => {
    expect(stage.sandbox.requests).toEqual([]);
    expect((await stage.call('list_video_tasks', {})).structured.tasks).toEqual([]);
  });

  it('and the instructions arrive', () => {
    expect(stage.client.getInstructions()).toBe(INSTRUCTIONS);
  });
});
