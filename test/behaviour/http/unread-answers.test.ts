/** Clients that wait for a video on a stream and read nothing of it: the others are answered, and nothing of them is kept. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addPeople, type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

/** Fewer than one person's calls may wait. */
const CLIENTS = 120;

let workspace: Workspace;
let server: HttpServer;
let tokens: Map<string, string>;
beforeAll(async () => {
  workspace = await makeWorkspace();
  const env = {
    ...workspace.environment('sandbox'),
    ...{ JIMENG_VIDEO_SANDBOX_SECONDS: '600', LOG_LEVEL: 'info' },
    JIMENG_VIDEO_TOKENS: `${workspace.folder}/people.yaml`,
  };
  tokens = await addPeople(env, workspace.folder, ['mei'], ['yu'], ['ann', '--admin']);
  server = await startHttp(env);
});
afterAll(async () => {
  await server.stop();
  await workspace.remove();
});

const of = (person: string) => ({ authorization: `Bearer ${tokens.get(person)}` });
const call = (name: string, given: object) => ({
  ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
  params: { name, arguments: given, _meta: { progressToken: 'waiting' } },
});
const answersTo = (tool: string) =>
  server
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"msg":"answer"') && line.includes(tool)).length;
async function figures() {
  const text = await (await fetch(`${server.url}/metrics`, { headers: of('ann') })).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
  return { connections: read('jimeng_connections'), memory: read('process_resident_memory_bytes') };
}

/** @returns once the stream has begun, of which nothing is read from then on */
async function waitUnread(taskId: string): Promise<Socket> {
  const body = JSON.stringify(call('get_video_task', { task_id: taskId, wait_seconds: 1800 }));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const headers = {
    ...{ host: 'localhost', ...of('yu'), accept: 'application/json, text/event-stream' },
    ...{ 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`${['POST /mcp HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n${body}`);
  let head = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      head += chunk.toString();
      if (!head.includes('\r\n\r\n')) return;
      socket.pause().off('data', read);
      if (/^HTTP\/1\.1 200.*text\/event-stream/is.test(head)) resolve();
      else reject(new Error(head));
    };
    socket.on('data', read);
  });
  return socket;
}

it('others are answered meanwhile, little memory is held, and the calls end when their clients go away', async () => {
  const { body } = await server.post(call('submit_video_task', { prompt: 'never read' }), of('yu'));
  const { task_id: taskId } = body.result.structuredContent;
  const before = await figures();
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => waitUnread(taskId)));
  const during = await figures();
  expect(during.connections).toBeGreaterThanOrEqual(CLIENTS);
  expect((during.memory - before.memory) / CLIENTS, 'bytes of one that waits').toBeLessThan(500_000);
  for (const person of ['mei', 'yu']) {
    // A machine that stands still slows one of them; clients that keep others waiting slow all.
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const from = performance.now();
      const listed = await server.post(call('list_video_tasks', {}), of(person));
      expect(listed.body.result.structuredContent.tasks).toHaveLength(person === 'yu' ? 1 : 0);
      times.push(performance.now() - from);
    }
    expect(Math.min(...times)).toBeLessThan(2_000);
  }
  expect(answersTo('get_video_task'), 'all of them still wait').toBe(0);
  for (const socket of sockets) socket.destroy();
  await until('their calls to end', () => answersTo('get_video_task') === CLIENTS);
  await until('their connections to be closed', async () => (await figures()).connections < 20);
});
