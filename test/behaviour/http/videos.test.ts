/** Links to videos of a server's own folder: who has one can fetch that video for a while, and nothing else. */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let sandbox: Sandbox;
let server: HttpServer;
// biome-ignore lint/suspicious/noExplicitAny: a report as it came.
let video: any;
beforeAll(async () => {
  workspace = await makeWorkspace();
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100 });
  server = await startHttp(workspace.environment(sandbox.url), [], workspace.folder);
  video = await generate('linked');
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await workspace.remove();
});

async function call(name: string, given: object) {
  const params = { name, arguments: given };
  return (await server.post({ id: 1, method: 'tools/call', params })).body.result.structuredContent;
}
const generate = async (prompt: string) => (await call('generate_video', { prompt, wait_seconds: 30 })).video;

it('the report’s link leads to the saved file, whole and in ranges, without a token', async () => {
  expect(video.url).toMatch(new RegExp(`^${server.url}/videos/jv-[\\w-]+\\.mp4\\?expires=\\d+&signature=`));
  const saved = await readFile(video.path);
  const response = await fetch(video.url);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'video/mp4']);
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  expect(hash(Buffer.from(await response.arrayBuffer()))).toBe(hash(saved));
  const part = await fetch(video.url, { headers: { range: 'bytes=4-7' } });
  expect([part.status, await part.text()]).toEqual([206, 'ftyp']);
});

it.each([
  [
    'another expiry',
    (url: URL) => url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 60)),
    403,
  ],
  ['another signature', (url: URL) => url.searchParams.set('signature', 'A'.repeat(43)), 403],
  ['no signature', (url: URL) => url.searchParams.delete('signature'), 403],
  ['another task', (url: URL) => (url.pathname = '/videos/jv-00000000-aaaaa.mp4'), 403],
  ['the way out of the folder', (url: URL) => (url.pathname = '/videos/..%2f..%2fstate%2fjimeng.mp4'), 404],
])('a link with %s leads nowhere', async (_what, change, status) => {
  const url = new URL(video.url);
  change(url);
  expect((await fetch(url)).status).toBe(status);
});

it('nothing is written through a link, and a video that was removed is answered with 404', async () => {
  expect((await fetch(video.url, { method: 'PUT', body: 'x' })).status).toBe(405);
  const other = await generate('removed');
  await rm(other.path);
  expect((await fetch(other.url)).status).toBe(404);
});

it('links of one server hold at another one with the same folder, and begin with the public address', async () => {
  const env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_PUBLIC_URL: 'https://videos.example.com/team' };
  const next = await startHttp(env, ['--host', '127.0.0.1'], workspace.folder);
  const params = { name: 'list_video_tasks', arguments: {} };
  const { body } = await next.post({ id: 1, method: 'tools/call', params });
  const [task] = body.result.structuredContent.tasks.filter(({ prompt }: { prompt: string }) => prompt === 'linked');
  const get = { name: 'get_video_task', arguments: { task_id: task.task_id } };
  const { body: got } = await next.post({ id: 1, method: 'tools/call', params: get });
  const url = new URL(got.result.structuredContent.video.url);
  expect(url.href).toMatch(/^https:\/\/videos\.example\.com\/team\/videos\//);
  // The proxy in front takes its own part of the path off.
  expect((await fetch(`${next.url}${url.pathname.replace('/team', '')}${url.search}`)).status).toBe(200);
  expect((await fetch(video.url.replace(server.url, next.url))).status).toBe(200);
  await next.stop();
});

it('the link of joined videos leads to their file, at another server of the folder too, until it is removed', async () => {
  const made = [await call('generate_video', { prompt: 'one', wait_seconds: 30 })];
  made.push(await call('generate_video', { prompt: 'two', wait_seconds: 30 }));
  const joined = (await call('join_videos', { videos: made.map(({ task_id: id }) => id), output: 'both' })).video;
  expect(joined.url).toMatch(new RegExp(`^${server.url}/videos/join-[0-9a-f]{8}\\.mp4\\?expires=\\d+&signature=`));
  const response = await fetch(joined.url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-disposition')).toContain('both.mp4');
  expect((await readFile(joined.path)).equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
  const records = join(workspace.folder, 'records-of-another-host');
  const env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_STATE_DIR: records };
  const next = await startHttp(env, [], workspace.folder);
  const there = joined.url.replace(server.url, next.url);
  expect((await (await fetch(there)).arrayBuffer()).byteLength).toBe(joined.bytes);
  await rm(joined.path);
  expect((await fetch(there)).status).toBe(404);
  await next.stop();
});
