/** Many calls at the same time are all answered, and a client that does not read costs a bounded amount of memory. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRaw, until } from '../../support/mcp-client.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const SERVER = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const CALLS = 1_500;
/** Clients of the SDK give up then. */
const CLIENT_LIMIT_MILLISECONDS = 60_000;

let sandbox: Sandbox;
let workspace: Workspace;
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 3600, tasksInFlight: 10_000, requestsPerSecond: 1_000_000 });
  workspace = await makeWorkspace();
});
afterAll(async () => {
  await sandbox.close();
  await workspace.remove();
});

const CALL_OF: Readonly<Record<string, (index: number) => object>> = {
  'lists of tasks': () => ({ name: 'list_video_tasks', arguments: {} }),
  'dry runs': (index) => ({ name: 'generate_video', arguments: { prompt: `p ${index}`, dry_run: true } }),
  'waits for one task': () => ({ name: 'get_video_task', arguments: { wait_seconds: 1 } }),
};

describe(`${CALLS} concurrent calls`, () => {
  it.each(Object.keys(CALL_OF))('%s: each is answered before its client gives up', async (kind) => {
    const server = startRaw(workspace.environment(sandbox.url), workspace.folder);
    await server.initialize();
    const first = { name: 'submit_video_task', arguments: { prompt: 'the task that is waited for' } };
    server.send({ id: 'first', method: 'tools/call', params: first });
    await server.answer('first');
    for (let id = 1; id <= CALLS; id++) server.send({ id, method: 'tools/call', params: CALL_OF[kind]?.(id) });
    await until('all answers', () => server.stdoutLines.length >= CALLS + 2, CLIENT_LIMIT_MILLISECONDS);
    const answers = server.stdoutLines.slice(2).map((line) => JSON.parse(line));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(CALLS);
    const codes = answers.map(({ result, error }) => error?.code ?? result.structuredContent.error?.code ?? 'answered');
    const counts = Object.fromEntries(
      [...new Set(codes)].map((code) => [code, codes.filter((c) => c === code).length]),
    );
    expect(
      Object.keys(counts).every((code) => ['answered', 'too_many_calls'].includes(code)),
      JSON.stringify(counts),
    ).toBe(true);
    server.child.stdin?.end();
    expect((await server.exit()).code).toBe(0);
  });
});

/** Copies of the newest task, as other processes would have left them. */
function addOpenTasks(count: number, status: 'generating' | 'queued'): void {
  const database = new DatabaseSync(join(workspace.stateDir, 'jimeng.db'));
  const isQueued = status === 'queued';
  database
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
       INSERT INTO task (id, scope, req_key, mode, fingerprint, status, fen, reserved_at, attempts, claim, slot_until, provider_task_id, record)
       SELECT printf('jv-%08d-%s', i, :word), scope, req_key, mode, 'f' || i || :word, :status, fen, reserved_at, attempts,
         CASE WHEN :queued THEN NULL ELSE claim END, CASE WHEN :queued THEN NULL ELSE slot_until END,
         CASE WHEN :queued THEN NULL ELSE provider_task_id || i END, record
       FROM n, (SELECT * FROM task ORDER BY seq LIMIT 1)`,
    )
    .run({ count, status, word: status.slice(0, 5), queued: isQueued ? 1 : 0 });
  database.close();
}

/** With 0.1.0: 52 s. */
const LISTS_LIMIT_MILLISECONDS = 10_000;

it('ten lists at once over 5,000 open tasks are answered within seconds', async () => {
  const server = startRaw(workspace.environment(sandbox.url), workspace.folder);
  await server.initialize();
  server.send({ id: 'one', method: 'tools/call', params: { name: 'submit_video_task', arguments: { prompt: 'one' } } });
  await server.answer('one');
  addOpenTasks(2_500, 'generating');
  addOpenTasks(2_500, 'queued');
  for (const wait_seconds of [0, 1]) {
    const params = { name: 'list_video_tasks', arguments: { limit: 50, wait_seconds } };
    const ids = Array.from({ length: 10 }, (_, index) => `list ${wait_seconds} ${index}`);
    const from = performance.now();
    for (const id of ids) server.send({ id, method: 'tools/call', params });
    const answers = await Promise.all(ids.map((id) => server.answer(id)));
    expect(performance.now() - from).toBeLessThan(LISTS_LIMIT_MILLISECONDS + 1000 * wait_seconds);
    for (const { result } of answers) expect(result?.structuredContent?.counts).toMatchObject({ queued: 2_500 });
  }
  server.child.stdin?.end();
  expect((await server.exit()).code).toBe(0);
});

it.skipIf(process.platform !== 'linux')(
  'a client that does not read: reading stops, and memory stays bounded',
  async () => {
    const child = spawn(process.execPath, [SERVER], { env: workspace.environment(sandbox.url), cwd: workspace.folder });
    const write = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'deaf', version: '1' };
    write({ id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } });
    write({ method: 'notifications/initialized' });
    const megabytes = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    // Each answer has 14 kB: 80 MB in all.
    const params = { _meta: { padding: 'x'.repeat(500) } };
    for (let id = 1; id <= 6_000; id++) write({ id, method: 'tools/list', params });
    let highest = 0;
    let still = 0;
    for (let last = -1; still < 20; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      highest = Math.max(highest, megabytes());
      still = child.stdin.writableLength === last ? still + 1 : 0;
      last = child.stdin.writableLength;
    }
    expect(child.stdin.writableLength, 'the server has stopped reading').toBeGreaterThan(1_000_000);
    expect(highest).toBeLessThan(200);
    // The server continues as soon as the client reads.
    let lines = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 0x0a) lines += 1;
    });
    await until('every answer', () => lines === 6_001, 200_000);
    child.stdin.end();
    await new Promise((resolve) => child.once('exit', resolve));
  },
);
