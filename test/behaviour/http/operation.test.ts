/** What an operator sees of a running server: probes, figures, and the log. */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { addPeople, type HttpServer, startHttp } from '../../support/http-server.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let sandbox: Sandbox;
let server: HttpServer;
let tokens: Map<string, string>;
beforeAll(async () => {
  workspace = await makeWorkspace();
  sandbox = await startSandbox({
    generationSeconds: 0.05,
    asProvider: true,
    tasksInFlight: 100,
    requestsPerSecond: 100_000,
  });
  const env = {
    ...workspace.environment(sandbox.url),
    JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.yaml'),
    JIMENG_VIDEO_DAILY_BUDGET_CNY: '100',
  };
  tokens = await addPeople(env, workspace.folder, ['mei'], ['ops', '--admin']);
  server = await startHttp(env, [], workspace.folder);
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await workspace.remove();
});

const bearer = (name: string) => ({ authorization: `Bearer ${tokens.get(name)}` });
const call = (name: string, given: object) =>
  server.post({ id: 1, method: 'tools/call', params: { name, arguments: given } }, bearer('mei'));
async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}${path}`, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
/** @returns the value of a sample, as it is written with its labels */
async function figure(sample: string): Promise<number | undefined> {
  const { text } = await get('/metrics', bearer('ops'));
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

it('the probes answer without a token, and with whatever Host', async () => {
  expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
  // Opening the store for the first time may take longer than a probe waits.
  await expect.poll(() => get('/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
});

it('the figures are an admin’s: 401 without a token, 403 for everybody else', async () => {
  expect((await get('/metrics')).status).toBe(401);
  const { status, headers } = await get('/metrics', bearer('mei'));
  expect([status, headers.get('www-authenticate')]).toEqual([403, expect.stringContaining('insufficient_scope')]);
  const { status: right, headers: given } = await get('/metrics', bearer('ops'));
  expect([right, given.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)]);
});

it('a finished video is in every figure that it changes', async () => {
  const before = (await figure('jimeng_submits_total{outcome="generating"}')) ?? 0;
  await call('generate_video', { prompt: 'counted', wait_seconds: 30 });
  expect(await figure('jimeng_submits_total{outcome="generating"}')).toBe(before + 1);
  expect(await figure('jimeng_videos_total{saved="true"}')).toBe(before + 1);
  expect(await figure('jimeng_tasks{status="done"}')).toBe(1);
  expect(await figure('jimeng_tasks{status="queued"}')).toBe(0);
  expect(await figure('jimeng_spend_cny{window="24h"}')).toBe(1.4);
  expect(await figure('jimeng_budget_left_cny')).toBe(98.6);
  expect(await figure('jimeng_call_seconds_count{tool="generate_video",status="done"}')).toBe(1);
  expect(await figure('jimeng_poll_lag_seconds_count')).toBeGreaterThan(0);
  expect(await figure('jimeng_store_up')).toBe(1);
  expect(await figure('jimeng_connections')).toBeGreaterThan(0);
});

it('a lost answer and a definite no are told apart', async () => {
  for (const [prompt, fault] of [
    ['lost', { kind: 'cut' }],
    ['refused by the provider', { kind: 'business', code: 50412 }],
  ] as const) {
    sandbox.faults.add({ on: 'submit', when: ({ body }) => body?.prompt === prompt, fault });
    await call('generate_video', { prompt, wait_seconds: 30 });
  }
  expect(await figure('jimeng_submits_total{outcome="unknown"}')).toBe(1);
  expect(await figure('jimeng_submits_total{outcome="failed"}')).toBe(1);
  expect(await figure('jimeng_tasks{status="unknown"}')).toBe(1);
});

it('no label holds what a caller sends: a hundred unknown tools, tokens and paths add no line', async () => {
  const lines = async () =>
    (await get('/metrics', bearer('ops'))).text.split('\n').filter((line) => line.startsWith('jimeng_')).length;
  await call('no_such_tool', {});
  await server.post({ id: 1, method: 'ping' });
  const before = await lines();
  for (let index = 0; index < 50; index++) {
    await call(`tool_${index}`, {});
    await server.post({ id: 1, method: 'ping' }, { authorization: `Bearer jv_${index}` });
    await get(`/path-${index}`);
  }
  expect(await lines()).toBe(before);
});

const MANUALS = ['docs/server.md', 'docs/zh-CN/server.md'];

it.each(MANUALS)('%s describes every figure, and its alerts use only figures that exist', async (path) => {
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  const { text: figures } = await get('/metrics', bearer('ops'));
  const names = [...figures.matchAll(/^# TYPE (jimeng_\w+)/gm)].map(([, name = '']) => name);
  const described = [...text.matchAll(/^\| `(jimeng_\w+)/gm)].map(([, name = '']) => name);
  expect([...described].sort()).toEqual([...names].sort());
  const [, yaml = ''] = /```yaml\n(groups:[\s\S]*?)```/.exec(text) ?? [];
  const rules = parse(yaml).groups[0].rules as { alert: string; expr: string; annotations: { summary: string } }[];
  expect(rules.length).toBeGreaterThan(5);
  for (const { alert, expr, annotations } of rules) {
    const used = [...expr.matchAll(/jimeng_\w+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ''));
    expect(used.length, alert).toBeGreaterThan(0);
    for (const name of used) expect(names, alert).toContain(name);
    expect(annotations.summary, alert).toMatch(/[.。]$/);
  }
  const kinds = [...(/jimeng_troubles_total\{kind\}` \| .*/.exec(text)?.[0] ?? '').matchAll(/`([a-z_]+)`/g)].map(
    ([, kind]) => kind,
  );
  for (const [, kind] of text.matchAll(/kind="(\w+)"/g)) expect(kinds).toContain(kind);
});

it('where the store cannot be read it is not ready, its figures are absent, and it is alive', async () => {
  const other = await makeWorkspace();
  // A file stands where the state folder has to be.
  await writeFile(other.stateDir, 'no folder');
  const broken = await startHttp(other.environment(sandbox.url));
  const at = async (path: string) => {
    const response = await fetch(`${broken.url}${path}`);
    return [response.status, await response.text()] as const;
  };
  expect(await at('/readyz')).toEqual([503, 'the store cannot be used; the log has the reason\n']);
  expect(await at('/healthz')).toEqual([200, 'ok\n']);
  const [, figures] = await at('/metrics');
  expect(figures).toContain('jimeng_store_up 0\n');
  expect(figures).not.toMatch(/^jimeng_tasks\{/m);
  await rm(other.stateDir);
  await expect.poll(() => at('/readyz')).toEqual([200, 'ready\n']);
  await broken.stop();
  await other.remove();
});
