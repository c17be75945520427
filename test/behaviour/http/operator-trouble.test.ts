/** What a person is told of trouble that only the operator can end: that it is there, not where the database is. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { type PostgresServer, startPostgres, statements } from '../../support/postgres.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let database: PostgresServer;
let sandbox: Sandbox;
let workspace: Workspace;
let env: Record<string, string>;
const servers: HttpServer[] = [];
beforeAll(async () => {
  database = await startPostgres();
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100, requestsPerSecond: 100_000 });
  workspace = await makeWorkspace();
  const people = [{ name: 'mei' }, { name: 'ann', admin: true }].map((entry) => ({
    ...entry,
    sha256: createHash('sha256').update(`token-of-${entry.name}`).digest('hex'),
  }));
  await writeFile(join(workspace.folder, 'people.json'), JSON.stringify(people));
  env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.json') };
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await sandbox.close();
  await database.close();
  await workspace.remove();
});

async function start(store: string): Promise<HttpServer> {
  const server = await startHttp({ ...env, JIMENG_VIDEO_STORE: store }, [], workspace.folder);
  servers.push(server);
  return server;
}
async function ask(server: HttpServer, person: string, method: string, params: object): Promise<string> {
  const { body } = await server.post({ id: 1, method, params }, { authorization: `Bearer token-of-${person}` });
  return JSON.stringify(body);
}
const call = (server: HttpServer, person: string, name: string, given: object) =>
  ask(server, person, 'tools/call', { name, arguments: given });

/** Where the database is, how it is reached, and which setting names it. */
const INSIDE = /postgres:|127\.0\.0\.1:1\b|ECONN|JIMENG_VIDEO_STORE|doctor/;
const submits = () => sandbox.submits().length;

describe('while the database is away', () => {
  let server: HttpServer;
  beforeAll(async () => {
    server = await start('postgres://jimeng:geheim123@127.0.0.1:1/videos');
  });

  it.each<[string, object]>([
    ['generate_video', { prompt: 'a fox' }],
    ['submit_video_task', { prompt: 'a fox' }],
    ['generate_video', { prompt: 'a fox', dry_run: true }],
    ['generate_film', { shots: [{ prompt: 'a' }, { prompt: 'b' }] }],
    ['get_video_task', { task_id: 'jv-00000000-aaaaa' }],
    ['get_video_task', {}],
    ['cancel_video_task', { task_id: 'jv-00000000-aaaaa' }],
    ['list_video_tasks', {}],
    ['preview_video', { task_id: 'jv-00000000-aaaaa' }],
    ['join_videos', { videos: ['jv-00000000-aaaaa', 'jv-00000000-bbbbb'] }],
    ['retake_shot', { film_id: 'jf-00000000-aaaaa', shot: 1 }],
  ])('%s %j names the database to an admin only', async (tool, given) => {
    const [text, admin] = await Promise.all([call(server, 'mei', tool, given), call(server, 'ann', tool, given)]);
    expect(text).toContain('store_unavailable');
    expect(text).toMatch(/operator of this server/);
    expect(text).not.toMatch(INSIDE);
    expect(admin).toContain('postgres://127.0.0.1:1/videos');
    expect(admin).not.toContain('geheim123');
    expect(submits()).toBe(0);
  });

  it('a resource names it to an admin only, and the log has the reason', async () => {
    const read = (person: string) => ask(server, person, 'resources/read', { uri: 'jimeng://tasks/jv-00000000-aaaaa' });
    const text = await read('mei');
    expect(text).toMatch(/operator of this server/);
    expect(text).not.toMatch(INSIDE);
    expect(await read('ann')).toContain('postgres://127.0.0.1:1/videos');
    await server.logged(/"person":"mei","reason":"postgres:\/\/127\.0\.0\.1:1\/videos[^\n]+"the store cannot be used"/);
    expect(server.stderr()).not.toContain('geheim123');
  });
});

describe('/gallery', () => {
  const get = (server: HttpServer, path: string, person: string) =>
    fetch(`${server.url}/gallery/${path}`, {
      headers: { cookie: `jimeng-gallery=token-of-${person}`, 'sec-fetch-site': 'same-origin' },
    });

  it('while the database is away is answered with 503, when to come back, and a sentence; the place only to an admin', async () => {
    const server = await start('postgres://jimeng:geheim123@127.0.0.1:1/videos');
    const id = 'jv-00000000-aaaaa';
    for (const path of ['api/overview', 'api/videos', 'api/films', `api/videos/${id}`, `files/${id}.mp4`]) {
      const [own, admin] = await Promise.all([get(server, path, 'mei'), get(server, path, 'ann')]);
      expect([own.status, own.headers.get('retry-after'), admin.status], path).toEqual([503, '5', 503]);
      const [text, whole] = [await own.text(), await admin.text()];
      expect(JSON.parse(text).error).toMatchObject({
        code: 'store_unavailable',
        hint: expect.stringContaining('operator'),
      });
      expect(text).not.toMatch(INSIDE);
      expect(whole).toContain('postgres://127.0.0.1:1/videos');
      expect(whole).not.toContain('geheim123');
    }
    expect(server.stderr()).not.toContain('request failed');
  });

  it('shows its page when the database goes away, and all again when it is back, without a restart', async () => {
    const own = await startPostgres();
    const server = await start(own.address());
    expect((await get(server, 'api/overview', 'mei')).status).toBe(200);
    await own.stopImmediately();
    const [page, overview] = [await get(server, '', 'mei'), await get(server, 'api/overview', 'mei')];
    expect([page.status, overview.status]).toEqual([200, 503]);
    await own.start();
    await until('its return', async () => (await get(server, 'api/overview', 'mei')).status === 200, 20_000);
    await server.stop();
    await own.close();
  });

  it('while the list of tokens cannot be read says so with 503, and does not take a right token for a wrong one', async () => {
    const server = await start(await database.createDatabase());
    const file = env.JIMENG_VIDEO_TOKENS ?? '';
    const right = await readFile(file, 'utf8');
    await writeFile(file, '- name: [');
    const form = { method: 'POST', body: new URLSearchParams({ token: 'token-of-mei' }) };
    const answers = [await get(server, '', 'mei'), await fetch(`${server.url}/gallery/sign-in`, form)];
    for (const response of answers) {
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
      expect(response.headers.get('content-type')).toContain('text/html');
      expect(await response.text()).toMatch(/list of tokens cannot be read[\s\S]*暂时/);
    }
    const { status, headers } = await get(server, 'api/overview', 'mei');
    expect([status, headers.get('content-type')]).toEqual([503, expect.stringContaining('application/json')]);
    await writeFile(file, right);
    expect((await get(server, '', 'mei')).status).toBe(200);
  });

  it('answers a wrong question with 400 and what is right', async () => {
    const server = await start(await database.createDatabase());
    const response = await get(server, 'api/videos?mode=film', 'mei');
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('t2v_720p')]);
  });
});

it('a database that was replaced is named to an admin only: in a refusal, a report, a list and an unknown id', async () => {
  const address = await database.createDatabase();
  const server = await start(address);
  const made = await call(server, 'mei', 'generate_video', { prompt: 'made before', wait_seconds: 30 });
  const id = /jv-[\w-]{14}/.exec(made)?.[0];
  await statements(address, ["UPDATE store_identity SET system = 'another'"]);
  const before = submits();
  const answers = async (person: string) => [
    await call(server, person, 'generate_video', { prompt: 'made after' }),
    await call(server, person, 'get_video_task', { task_id: id, wait_seconds: 0 }),
    await call(server, person, 'list_video_tasks', {}),
    await call(server, person, 'get_video_task', { task_id: 'jv-00000000-aaaaa' }),
  ];
  for (const text of await answers('mei')) {
    expect(text).toMatch(/operator of this server/);
    expect(text).not.toMatch(INSIDE);
  }
  for (const text of await answers('ann')) expect(text).toContain('postgres://127.0.0.1:');
  expect(submits()).toBe(before);
  const replaced = /"reason":"The database postgres[^\n]+doctor --accept-store[^\n]+"store replaced"/;
  await server.logged(replaced);
  expect(server.stderr().match(new RegExp(replaced, 'g'))).toHaveLength(1);
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer token-of-ann' } });
  expect(await metrics.text()).toContain('jimeng_troubles_total{kind="store_replaced"} 1');
});
