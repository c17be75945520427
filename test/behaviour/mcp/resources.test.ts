/** Resources report what is known here: no provider is queried, nothing is written, nothing is resumed. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASPECT_RATIOS, CAMERA_TEMPLATES, MODE_NAMES, modeRow, priceCny } from '../../../src/jimeng/modes.ts';
import { silentLog } from '../../../src/log.ts';
import { completeTaskId, RESOURCE_TEMPLATES, RESOURCES, readResource } from '../../../src/mcp/resources.ts';
import { ToolService } from '../../../src/mcp/tool-service.ts';
import { holdService, type ServiceHolder } from '../../../src/open-service.ts';
import { readSettings } from '../../../src/settings.ts';
import { closedFileName } from '../../../src/tasks/closed-name.ts';
import { Journal } from '../../../src/tasks/journal.ts';
import { ownIdentity } from '../../../src/tasks/process-identity.ts';
import { newTaskId, type TaskRecord } from '../../../src/tasks/record.ts';
import { ACCEPTED, recordOf } from '../../mcp/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';

let folder: string;
let sandbox: Sandbox;
const holders: ServiceHolder[] = [];

function holderWith(environment: Record<string, string>, missing: string[] = []): ServiceHolder {
  const read = readSettings({ environment, homeDir: folder, workingDir: folder, platform: 'linux' });
  const holder = holdService(read, missing, silentLog);
  holders.push(holder);
  return holder;
}

let service: ToolService;
let keyless: ToolService;
let journal: Journal;
/** Whoever touches it throws. */
const unheld = null as unknown as ToolService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jimeng-resources-'));
  sandbox = await startSandbox();
  const { accessKeyId, secretAccessKey } = sandbox.credentials;
  const holder = holderWith({
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    VOLC_ACCESSKEY: accessKeyId,
    VOLC_SECRETKEY: secretAccessKey,
  });
  service = new ToolService(holder);
  keyless = new ToolService(
    holderWith({ JIMENG_VIDEO_STATE_DIR: join(folder, 'state') }, ['VOLC_ACCESSKEY', 'VOLC_SECRETKEY']),
  );
  const { scope } = (await holder.service()).context.journal;
  journal = new Journal(join(folder, 'state'), scope, silentLog);
});
afterAll(async () => {
  await Promise.all(holders.map((held) => held.end(0)));
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
});

async function recorded(changes: Partial<TaskRecord> & Pick<TaskRecord, 'status'>): Promise<TaskRecord> {
  const record = { ...recordOf(changes), ...journal.scope, owner: ownIdentity() };
  await journal.adopt(record);
  return record;
}

const filesIn = () => readdirSync(folder, { recursive: true }).sort();

describe('the table of modes', () => {
  it('is read without settings, keys or a disk', async () => {
    expect(RESOURCES.map(({ uri }) => uri)).toEqual(['jimeng://modes']);
    const read = await readResource('jimeng://modes', unheld);
    expect(read).toMatchObject({ uri: 'jimeng://modes', mimeType: 'text/markdown' });
    await expect(read?.text).toMatchFileSnapshot('../../golden/texts/resource-modes.md');
  });

  it('has every mode with its prices, every ratio and every camera template', async () => {
    const lines = ((await readResource('jimeng://modes', unheld))?.text ?? '').split('\n');
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
    const record = await recorded({ status: 'generating', ...ACCEPTED });
    const before = filesIn();
    for (const id of [record.id, ACCEPTED.provider_task_id]) {
      const read = await readResource(`jimeng://tasks/${id}`, service);
      expect(read).toMatchObject({ uri: `jimeng://tasks/${id}`, mimeType: 'text/markdown' });
      expect(read?.text).toContain('**Video Task:** generating');
      expect(read?.text).toContain(`Call get_video_task with {"task_id":"${record.id}"} to wait for it.`);
      expect(read?.text).toContain('- Prompt: A golden retriever in sunflowers');
    }
    // A task that was taken up would have been asked for by now: the watch begins with a query.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(sandbox.requests).toEqual([]);
    expect(filesIn()).toEqual(before);
  });

  it.each(['jv-00000000-aaaaa', '../../etc/passwd', '', 'x', '7392616336519610400', '%', 'jv-mf0h5s00-k7m2p/x'])(
    '%j is no resource',
    async (id) => {
      expect(await readResource(`jimeng://tasks/${id}`, service)).toBeUndefined();
    },
  );

  it.each(['jimeng://', 'jimeng://mode', 'file:///etc/passwd', 'https://example.com', ''])('nor is %j', async (uri) => {
    expect(await readResource(uri, unheld)).toBeUndefined();
  });

  it('without keys, whose tasks are meant is not known: the sentence says what is missing', async () => {
    const read = readResource('jimeng://tasks/jv-mf0h5s00-k7m2p', keyless);
    await expect(read).rejects.toMatchObject({ code: 'missing_credentials' });
  });
});

describe('the completion of a task id', () => {
  it('is ours that begin so, newest first, open and closed, at most 100', async () => {
    const start = Date.parse('2026-10-01T00:00:00Z');
    const ids = Array.from({ length: 105 }, (_, index) => newTaskId(start + index * 1000));
    // By their names alone: a completion opens no record.
    for (const [index, id] of ids.entries()) {
      const record = recordOf({ id, status: 'cancelled', finished_at: '2026-10-01T01:00:00.000Z' });
      const name = index % 2 === 0 ? `open/${id}.json` : `closed/${closedFileName(record, undefined)}`;
      writeFileSync(join(journal.folder, name), '');
    }
    const newestFirst = [...ids].sort().reverse();
    expect(await completeTaskId('jv-', service)).toEqual(newestFirst.slice(0, 100));
    expect(await completeTaskId(ids[3] ?? '', service)).toEqual([ids[3]]);
    expect(await completeTaskId('nothing', service)).toEqual([]);
    expect(sandbox.requests).toEqual([]);
  });

  it('without keys there is none, and that is no error', async () => {
    expect(await completeTaskId('', keyless)).toEqual([]);
  });
});

it('the template is the one that is read', () => {
  expect(RESOURCE_TEMPLATES.map(({ uriTemplate }) => uriTemplate)).toEqual(['jimeng://tasks/{task_id}']);
});
