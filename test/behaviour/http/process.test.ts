/** The processes `serve` and `worker`: how they start, what they resume, and how they end. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { makeWebp } from '../../support/pictures.ts';
import { readRecords, readRows } from '../../support/records.ts';
import { startCommand } from '../../support/run-command.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let sandbox: Sandbox;
const workspaces: Workspace[] = [];
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 1, tasksInFlight: 100, requestsPerSecond: 100_000 });
});
afterAll(async () => {
  await sandbox.close();
  await Promise.all(workspaces.map((workspace) => workspace.remove()));
});

async function workspaceAndEnv() {
  const workspace = await makeWorkspace();
  workspaces.push(workspace);
  return { workspace, env: workspace.environment(sandbox.url) };
}

const submitsOf = (prompt: string) => sandbox.submits(prompt).length;
const generate = (prompt: string, wait = 0) => ({
  id: 1,
  method: 'tools/call',
  params: { name: 'generate_video', arguments: { prompt, wait_seconds: wait } },
});
const recordIn = ({ stateDir }: Workspace) => readRecords(stateDir)[0];
/** The program runs these lines before its own. */
const preloaded = (script: string) => ({ NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` });

/** The answer to the submit with this prompt is sent when `letGo` is called. */
function holdAnswer(prompt: string): { letGo: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const when = ({ body }: { body?: Readonly<Record<string, unknown>> | undefined }) => body?.prompt === prompt;
  sandbox.faults.add({ on: 'submit', when, fault: { kind: 'held', until: promise } });
  return { letGo: resolve };
}

const untilEnding = (server: HttpServer) =>
  until('the end to begin', async () => (await fetch(`${server.url}/readyz`)).status === 503);

it('an address that others can reach is refused with one sentence and exit code 2 where nobody is set who may use it', async () => {
  const { workspace, env } = await workspaceAndEnv();
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    const { result } = startCommand(['serve', '--host', host, '--port', '0'], { env, workingDir: workspace.folder });
    const { code, stderr, stdout } = await result;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('JIMENG_VIDEO_TOKENS');
    expect(stderr).not.toContain('listening');
  }
});

it('a port that is in use is refused with exit code 2 and the port’s number', async () => {
  const { workspace, env } = await workspaceAndEnv();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const { code, stderr } = await startCommand(['serve', '--port', String(port)], { env, workingDir: workspace.folder })
    .result;
  other.close();
  expect([code, stderr]).toEqual([2, expect.stringContaining(`--port ${port} is in use`)]);
});

it('a host that is no address of this computer is refused with exit code 2 and its name', async () => {
  const { workspace, env } = await workspaceAndEnv();
  const tokens = join(workspace.folder, 'people.yaml');
  await writeFile(tokens, `- name: mei\n  sha256: ${'a'.repeat(64)}\n`);
  const { code, stderr } = await startCommand(['serve', '--host', '192.0.2.1', '--port', '0'], {
    env: { ...env, JIMENG_VIDEO_TOKENS: tokens },
    workingDir: workspace.folder,
  }).result;
  expect([code, stderr]).toEqual([2, expect.stringContaining('--host "192.0.2.1" is no address of this computer')]);
});

it('without keys it starts, and a call is refused with the names of the variables', async () => {
  const { workspace } = await workspaceAndEnv();
  const server = await startHttp({ JIMENG_VIDEO_STATE_DIR: workspace.stateDir, JIMENG_VIDEO_OUTPUT_DIR: 'none' });
  const { body } = await server.post(generate('no keys'));
  expect(await server.stop()).toBe(0);
  expect(body.result.content[0].text).toContain('VOLC_ACCESSKEY');
});

const signals = ['SIGTERM', 'SIGINT'] as const;

it.each(signals)(
  '%s during a call: the call is answered, its task is given back, and the exit code is 0',
  async (signal) => {
    const { workspace, env } = await workspaceAndEnv();
    const slow = await startSandbox({ generationSeconds: 60 });
    const server = await startHttp({ ...env, JIMENG_VIDEO_API_URL: slow.url });
    const answer = server.post(generate(`waiting at ${signal}`, 600));
    await until('polling', () => recordIn(workspace)?.providerTaskId !== undefined);
    expect(await server.stop(signal)).toBe(0);
    const { status, task_id } = (await answer).body.result.structuredContent;
    expect([status, task_id]).toEqual(['generating', recordIn(workspace)?.id]);
    expect(readRows(workspace.stateDir)[0]?.holder, 'another process may hold it immediately').toBeNull();
    await slow.close();
  },
);

it('SIGTERM while a picture is prepared: the answer says that nothing was sent, and nothing was', async () => {
  const { env } = await workspaceAndEnv();
  const prompt = 'prepared at the end';
  // The picture has to be encoded again, in a thread, whose answer never comes.
  const script =
    'import { Worker } from "node:worker_threads"; const { emit } = Worker.prototype; Worker.prototype.emit = function (name, ...rest) { return name === "message" || emit.call(this, name, ...rest); };';
  const server = await startHttp({ ...env, ...preloaded(script), LOG_LEVEL: 'info' });
  const image = `data:image/webp;base64,${(await makeWebp(640, 640)).toString('base64')}`;
  const answer = server.post({ ...generate(prompt), params: { name: 'generate_video', arguments: { prompt, image } } });
  await server.logged('"msg":"call"');
  expect(await server.stop()).toBe(0);
  const { status, error, message } = (await answer).body.result.structuredContent;
  expect([status, error.code, submitsOf(prompt)]).toEqual(['refused', 'server_ending', 0]);
  expect(message).toContain('so nothing was sent');
});

it.each(signals)('%s before a submit’s answer: the answer is awaited and recorded', async (signal) => {
  const { workspace, env } = await workspaceAndEnv();
  const prompt = `${signal} before the answer`;
  const { letGo } = holdAnswer(prompt);
  const server = await startHttp(env);
  const answer = server.post(generate(prompt, 600)).catch(() => undefined);
  await until('the submit', () => submitsOf(prompt) === 1);
  const ended = server.stop(signal);
  await untilEnding(server);
  letGo();
  expect(await ended).toBe(0);
  expect(recordIn(workspace)).toMatchObject({ status: 'generating', providerTaskId: expect.any(String) });
  await answer;
});

it('a new request while it ends is answered with 503 and Retry-After, and nothing is sent', async () => {
  const { env } = await workspaceAndEnv();
  const { letGo } = holdAnswer('keeps it open');
  const server = await startHttp(env);
  const first = server.post(generate('keeps it open', 600));
  await until('the submit', () => submitsOf('keeps it open') === 1);
  const ended = server.stop();
  await untilEnding(server);
  // The submit's answer is still awaited.
  const late = await server.post(generate('too late'));
  letGo();
  expect([late.status, late.headers.get('retry-after')]).toEqual([503, '5']);
  expect(late.body.error.message).toContain('Repeat the call');
  expect(await ended).toBe(0);
  expect(submitsOf('too late')).toBe(0);
  expect((await first).body.result.structuredContent.status).not.toBe('unknown');
});

/** @param signal SIGTERM: the lease is given back, so that whoever works takes the task immediately */
async function leaveOpen(prompt: string, signal: NodeJS.Signals = 'SIGKILL') {
  const { workspace, env } = await workspaceAndEnv();
  let isLeft = false;
  const isIts = (id: unknown) =>
    sandbox.accepted.some(({ taskId, request }) => taskId === id && request.body?.prompt === prompt);
  // However slow the machine, it is not finished before its server is gone.
  const fault = { kind: 'status-word', word: 'generating' } as const;
  sandbox.faults.add({ on: 'query', times: 'always', fault, when: ({ body }) => !isLeft && isIts(body?.task_id) });
  const server = await startHttp(env);
  await server.post(generate(prompt));
  await until('the submit', () => recordIn(workspace)?.providerTaskId !== undefined);
  await server.stop(signal);
  isLeft = true;
  expect(recordIn(workspace)?.status).toBe('generating');
  return { workspace, env };
}

it('a task that a killed server left open is saved by the next one without any call, and not sent again', async () => {
  const prompt = 'resumed at the start';
  const { workspace, env } = await leaveOpen(prompt);
  const next = await startHttp(env);
  await until('the video', () => recordIn(workspace)?.video?.file !== undefined);
  expect(await next.stop()).toBe(0);
  expect(submitsOf(prompt)).toBe(1);
});

it('`serve --no-worker` leaves it alone, also when it is called, and `worker` saves it', async () => {
  const prompt = 'resumed by the worker';
  const { workspace, env } = await leaveOpen(prompt, 'SIGTERM');
  const next = await startHttp(env, ['--no-worker']);
  const queries = () => sandbox.requests.filter(({ operation }) => operation === 'query').length;
  await next.post(generate('another one', 30));
  const before = queries();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(queries()).toBe(before);
  expect(recordIn(workspace)?.status).toBe('generating');
  expect(await next.stop()).toBe(0);
  const worker = startCommand(['worker'], { env, workingDir: workspace.folder });
  await until('the video', () => recordIn(workspace)?.video?.file !== undefined);
  worker.child.kill('SIGTERM');
  expect((await worker.result).code).toBe(0);
  expect(submitsOf(prompt)).toBe(1);
});

it('each call is logged as JSON with its request id, which the answer names, and its task’s id', async () => {
  const { env } = await workspaceAndEnv();
  const server = await startHttp({ ...env, LOG_LEVEL: 'info' });
  const { headers, body } = await server.post(generate('logged secret prompt'));
  await server.post({
    id: 2,
    method: 'tools/call',
    params: { name: 'get_video_task', arguments: { task_id: 'jv-no' } },
  });
  await server.stop();
  const lines = server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const answer = lines.find(({ msg }) => msg === 'answer');
  expect(answer).toMatchObject({
    request: headers.get('x-request-id'),
    tool: 'generate_video',
    task: body.result.structuredContent.task_id,
    ms: expect.any(Number),
  });
  expect(lines.filter(({ msg, code }) => msg === 'answer' && code === 'no_record')).toHaveLength(1);
  expect(server.stderr()).not.toContain('secret prompt');
});

it.each(['serve', 'worker'])(
  'a warning of Node or of a library is a line of the log, not plain text: %s',
  async (name) => {
    const { workspace, env } = await workspaceAndEnv();
    const script = 'process.on("SIGUSR2", () => process.emitWarning("tea\\nis cold", "DeprecationWarning"))';
    const args = name === 'serve' ? ['serve', '--port', '0'] : [name];
    const running = startCommand(args, { env: { ...env, ...preloaded(script) }, workingDir: workspace.folder });
    await running.seen('stderr', /^(listening on|working on)/m);
    running.child.kill('SIGUSR2');
    await running.seen('stderr', /is cold/);
    running.child.kill('SIGTERM');
    const { stderr } = await running.result;
    const lines = stderr.split('\n').filter((line) => line !== '' && !/^(listening on|working on)/.test(line));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'a warning of Node.js', kind: 'DeprecationWarning', reason: 'tea\nis cold' },
    ]);
  },
);
