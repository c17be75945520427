/** Two servers on one PostgreSQL: any request may go to any of them, and one that dies leaves nothing behind. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addPeople, connectV2, type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { expectWithin } from '../../support/promptly.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let database: PostgresServer;
let sandbox: Sandbox;
let workspace: Workspace;
let env: Record<string, string>;
const hosts: HttpServer[] = [];
let tokens: Map<string, string>;
beforeAll(async () => {
  database = await startPostgres();
  sandbox = await startSandbox({
    generationSeconds: 1,
    asProvider: true,
    tasksInFlight: 100,
    requestsPerSecond: 100_000,
  });
  workspace = await makeWorkspace();
  env = {
    ...workspace.environment(sandbox.url),
    JIMENG_VIDEO_STORE: await database.createDatabase(),
    JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.yaml'),
    JIMENG_VIDEO_CONFIRM_ABOVE_CNY: '2',
  };
  tokens = await addPeople(env, workspace.folder, ['mei'], ['yu'], ['ann', '--admin']);
  hosts.push(await startHttp(env), await startHttp(env));
});
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await sandbox.close();
  await database.close();
  await workspace.remove();
});

const submitsOf = (prompt: string) => sandbox.submits(prompt).length;
async function call(host: number | HttpServer, person: string, name: string, given: object) {
  const at = typeof host === 'number' ? hosts[host] : host;
  const message = { id: 1, method: 'tools/call', params: { name, arguments: given } };
  const { body } = (await at?.post(message, { authorization: `Bearer ${tokens.get(person)}` })) ?? expect.fail();
  return body.result.structuredContent;
}

it('a task that one host was asked for is waited for and reported by the other, and the same request joins it there', async () => {
  const made = await call(0, 'mei', 'submit_video_task', { prompt: 'on any host' });
  const got = await call(1, 'mei', 'get_video_task', { task_id: made.task_id, wait_seconds: 30 });
  expect([got.status, got.task_id]).toEqual(['done', made.task_id]);
  const again = await call(1, 'mei', 'generate_video', { prompt: 'on any host', wait_seconds: 30 });
  expect([again.task_id, submitsOf('on any host')]).toEqual([made.task_id, 1]);
});

it('two people see their own on both hosts, and an admin everything', async () => {
  await call(1, 'yu', 'submit_video_task', { prompt: 'of yu' });
  for (const host of [0, 1]) {
    const own = await call(host, 'yu', 'list_video_tasks', {});
    expect(own.tasks.map(({ prompt }: { prompt: string }) => prompt)).toEqual(['of yu']);
    expect((await call(host, 'ann', 'list_video_tasks', {})).tasks.length).toBeGreaterThan(1);
  }
});

it('a price that is asked for by one host is confirmed at the other', async () => {
  const client = await connectV2(hosts[0]?.url ?? '', tokens.get('mei'), { elicitation: { form: {} } });
  // The first request goes to one host, the second to the other, as behind a load balancer.
  const fetched = globalThis.fetch;
  let calls = 0;
  globalThis.fetch = async (input, init) => {
    const isCall = String(init?.body ?? '').includes('"tools/call"');
    const url = String(input instanceof Request ? input.url : input);
    const other = isCall && calls++ % 2 === 1 ? url.replace(hosts[0]?.url ?? '', hosts[1]?.url ?? '') : url;
    return await fetched(other, init);
  };
  try {
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirm: true } }));
    const given = { prompt: 'confirmed elsewhere', duration: 10, wait_seconds: 30 };
    const result = await client.callTool({ name: 'generate_video', arguments: given });
    expect(result.structuredContent).toMatchObject({ status: 'done' });
    expect([submitsOf('confirmed elsewhere'), calls]).toEqual([1, 2]);
  } finally {
    globalThis.fetch = fetched;
    await client.close();
  }
});

it('a host that is killed leaves its tasks to the other: saved within 10 s and its second, sent once', async () => {
  await expectWithin(15_000, async (round) => {
    const doomed = await startHttp(env);
    const prompt = `left by a dead host, round ${round}`;
    const { task_id: id } = await call(doomed, 'mei', 'submit_video_task', { prompt });
    await doomed.stop('SIGKILL');
    const from = performance.now();
    // Nobody asks: the workers find it.
    await expect
      .poll(
        async () => {
          const { tasks } = await call(1, 'mei', 'list_video_tasks', {});
          return tasks.find((task: { task_id: string }) => task.task_id === id)?.path;
        },
        { timeout: 40_000, interval: 250 },
      )
      .toBeDefined();
    expect(submitsOf(prompt)).toBe(1);
    return performance.now() - from;
  });
});

it('while the database is away nothing is sent and the hosts are not ready, and both go on when it is back', async () => {
  await database.stopImmediately();
  const refused = await call(0, 'mei', 'generate_video', { prompt: 'while it is away' });
  expect(refused).toMatchObject({ status: 'refused', error: { code: 'store_unavailable' } });
  for (const { url } of hosts) {
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  }
  await database.start();
  await until('both hosts', async () => {
    const ready = await Promise.all(hosts.map(({ url }) => fetch(`${url}/readyz`)));
    return ready.every(({ status }) => status === 200);
  });
  const made = await call(1, 'mei', 'generate_video', { prompt: 'back again', wait_seconds: 30 });
  expect(made.status).toBe('done');
  expect(submitsOf('while it is away')).toBe(0);
});
