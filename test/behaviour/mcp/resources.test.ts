/** Resources report what is known here: no provider is queried, nothing is written, nothing is resumed. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, createApp } from '../../../src/app.ts';
import { ASPECT_RATIOS, CAMERA_TEMPLATES, MODE_NAMES, modeRow, priceCny } from '../../../src/jimeng/modes.ts';
import { silentLog } from '../../../src/log.ts';
import { completeTaskId, RESOURCE_TEMPLATES, RESOURCES, readResource } from '../../../src/mcp/resources.ts';
import { ToolService } from '../../../src/mcp/tool-service.ts';
import { readSettings } from '../../../src/settings.ts';
import type { Task } from '../../../src/tasks/record.ts';
import { callInProcess } from '../../support/call-tool.ts';
import { readRecords, readRows, rewriteRecord } from '../../support/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';

const AGENT = { kind: 'local-agent' } as const;
let folder: string;
let sandbox: Sandbox;
const apps: App[] = [];

function appWith(environment: Record<string, string>): App {
  const read = readSettings({ environment, homeDir: folder, workingDir: folder, platform: 'linux' });
  const app = createApp(read, silentLog);
  apps.push(app);
  return app;
}

let service: ToolService;
let keyless: ToolService;
/** Left generating by a process that has ended. */
let task: Task;
/** Throws on every access. */
const untouched = null as unknown as ToolService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jimeng-resources-'));
  sandbox = await startSandbox({ generationSeconds: 3600, tasksInFlight: 1000 });
  const { accessKeyId, secretAccessKey } = sandbox.credentials;
  const environment = {
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_CONCURRENCY: '100',
    VOLC_ACCESSKEY: accessKeyId,
    VOLC_SECRETKEY: secretAccessKey,
  };
  const earlier = appWith(environment);
  await callInProcess(earlier, 'submit_video_task', { prompt: 'A golden retriever in sunflowers' });
  await earlier.end(1000);
  [task] = readRecords(join(folder, 'state')) as [Task];
  service = new ToolService(appWith(environment));
  keyless = new ToolService(appWith({ JIMENG_VIDEO_STATE_DIR: join(folder, 'state') }));
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.end(0)));
  await sandbox.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const state = () => readRows(join(folder, 'state'));

describe('the table of modes', () => {
  it('is read without settings, keys or a disk', async () => {
    expect(RESOURCES.map(({ uri }) => uri)).toEqual(['jimeng://modes']);
    const read = await readResource('jimeng://modes', untouched, AGENT);
    expect(read).toMatchObject({ uri: 'jimeng://modes', mimeType: 'text/markdown' });
    await expect(read?.text).toMatchFileSnapshot('../../golden/texts/resource-modes.md');
  });

  it('has every mode with its prices, every ratio and every camera template', async () => {
    const lines = ((await readResource('jimeng://modes', untouched, AGENT))?.text ?? '').split('\n');
    for (const mode of MODE_NAMES) {
      const row = lines.find((line) => line.startsWith(`| ${mode} |`));
      expect(row).toContain(modeRow(mode).summary);
      for (const seconds of [5, 10] as const) expect(row).toContain(`¥${priceCny(mode, seconds).toFixed(2)}`);
    }
    for (const ratio of ASPECT_RATIOS) expect(lines.join('\n')).toContain(ratio);
    for (const [id, name] of Object.entries(CAMERA_TEMPLATES))
      expect(lines.join('\n')).toContain(`| ${id} | ${name} |`);
  });
});

describe('a task', () => {
  it('reads as get_video_task reports it, by our id and by the provider’s, and the provider is not queried', async () => {
    const before = state();
    const requests = sandbox.requests.length;
    for (const id of [task.id, task.providerTaskId]) {
      const read = await readResource(`jimeng://tasks/${id}`, service, AGENT);
      expect(read).toMatchObject({ uri: `jimeng://tasks/${id}`, mimeType: 'text/markdown' });
      expect(read?.text).toContain('**Video Task:** generating');
      expect(read?.text).toContain(`Call get_video_task with {"task_id":"${task.id}"} to wait for it.`);
      expect(read?.text).toContain('- Prompt: A golden retriever in sunflowers');
    }
    // A task that was resumed would have been queried by now: polling begins with a query.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(sandbox.requests.length).toBe(requests);
    expect(state()).toEqual(before);
  });

  it('whose link is dead shows none', async () => {
    rewriteRecord(join(folder, 'state'), task.id, (record) => {
      record.video = { url: 'https://example.com/dead.mp4', urlValidUntil: Date.now() - 1000 };
    });
    const read = await readResource(`jimeng://tasks/${task.id}`, service, AGENT);
    expect(read?.text).not.toContain('example.com');
  });

  it.each(['jv-00000000-aaaaa', '../../etc/passwd', '', 'x', '7392616336519610400', '%', 'jv-mf0h5s00-k7m2p/x'])(
    '%j is no resource',
    async (id) => {
      expect(await readResource(`jimeng://tasks/${id}`, service, AGENT)).toBeUndefined();
    },
  );

  it.each(['jimeng://', 'jimeng://mode', 'file:///etc/passwd', 'https://example.com', ''])('nor is %j', async (uri) => {
    expect(await readResource(uri, untouched, AGENT)).toBeUndefined();
  });

  it('without keys, whose tasks are meant is not known: the sentence says what is missing', async () => {
    const read = readResource('jimeng://tasks/jv-mf0h5s00-k7m2p', keyless, AGENT);
    await expect(read).rejects.toMatchObject({ code: 'missing_credentials' });
  });
});

describe('the completion of a task id', () => {
  it('is ours that begin so, newest first, at most 100', async () => {
    const app = apps[1] ?? expect.fail();
    const ids = [task.id];
    for (let index = 0; index < 104; index++) {
      const given = { prompt: `shot ${index}`, mode: index % 2 === 0 ? 't2v_720p' : 't2v_1080p' };
      ids.push(String((await callInProcess(app, 'submit_video_task', given)).structured.task_id));
    }
    const newestFirst = [...ids].reverse();
    expect(await completeTaskId('jv-', service, AGENT)).toEqual(newestFirst.slice(0, 100));
    expect(await completeTaskId(ids[3] ?? '', service, AGENT)).toEqual([ids[3]]);
    expect(await completeTaskId('nothing', service, AGENT)).toEqual([]);
  });

  it('without keys there is none, and that is no error', async () => {
    expect(await completeTaskId('', keyless, AGENT)).toEqual([]);
  });
});

it('the template is the one that is read', () => {
  expect(RESOURCE_TEMPLATES.map(({ uriTemplate }) => uriTemplate)).toEqual(['jimeng://tasks/{task_id}']);
});
