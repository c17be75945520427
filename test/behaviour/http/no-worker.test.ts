/** Servers that only take in (`serve --no-worker`), on a shared store on which no process works. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { expectWithin } from '../../support/promptly.ts';
import { runCommand, startCommand } from '../../support/run-command.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

/** A worker that is started again has 5 s. */
const ANSWERED_MILLISECONDS = 15_000;
const NO_WORKER = 'No process works on the queue right now';
const START = 'whoever runs the server has to start `jimeng-video-mcp worker`, or `serve` without --no-worker';

let database: PostgresServer;
let sandbox: Sandbox;
let workspace: Workspace;
let env: Record<string, string>;
let server: HttpServer;
let worker: ReturnType<typeof startCommand> | undefined;
beforeAll(async () => {
  database = await startPostgres();
  sandbox = await startSandbox({ generationSeconds: 0.2, tasksInFlight: 100, requestsPerSecond: 100_000 });
  workspace = await makeWorkspace();
  env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_STORE: await database.createDatabase() };
  server = await startHttp(env, ['--no-worker']);
});
afterAll(async () => {
  worker?.child.kill('SIGKILL');
  await server.stop();
  await sandbox.close();
  await database.close();
  await workspace.remove();
});

const submits = () => sandbox.requests.filter(({ operation }) => operation === 'submit').length;
async function call(name: string, given: object) {
  const from = performance.now();
  const { body } = await server.post({ id: 1, method: 'tools/call', params: { name, arguments: given } });
  return { report: body.result.structuredContent, milliseconds: performance.now() - from };
}
async function workers(): Promise<string | undefined> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return /^jimeng_workers (\d+)$/m.exec(text)?.[1];
}

it('a paid call, a get and a list say that no process works on the queue, do not wait in vain, and nothing is sent', async () => {
  const made = await call('generate_video', { prompt: 'nobody sends', wait_seconds: 600 });
  const { task_id: id } = made.report;
  expect(made.report).toMatchObject({ status: 'queued', cost: { charge: 'none' } });
  expect(made.report.message).toContain(
    `${NO_WORKER}. The request is recorded, costs nothing yet, and is sent as soon`,
  );
  expect(made.report.next_step).toBe(
    `Tell the user that ${START}. Call get_video_task with {"task_id":"${id}"} later, or cancel_video_task with {"task_id":"${id}"} to withdraw it.`,
  );
  const [submitted, got, list] = await Promise.all([
    call('submit_video_task', { prompt: 'nobody sends this one' }),
    call('get_video_task', { task_id: id, wait_seconds: 600 }),
    call('list_video_tasks', { wait_seconds: 600, wait_for: 'all_finished' }),
  ]);
  expect(submitted.report.message).toContain(NO_WORKER);
  expect(got.report).toMatchObject({
    status: 'queued',
    message: made.report.message,
    next_step: made.report.next_step,
  });
  // Who does not want to wait is answered at once.
  await expectWithin(3_000, async () => {
    const asked = await call('get_video_task', { task_id: id, wait_seconds: 0 });
    expect(asked.report.message).toBe(made.report.message);
    return asked.milliseconds;
  });
  expect(list.report.tasks[0].waits_for).toBe('a process that works on the queue');
  expect(list.report.next_step).toBe(
    `${NO_WORKER}, so what is queued is not sent. Tell the user that ${START}. Call list_video_tasks with {} later.`,
  );
  for (const { milliseconds } of [made, submitted, got, list]) expect(milliseconds).toBeLessThan(ANSWERED_MILLISECONDS);
  expect([await workers(), submits()]).toEqual(['0', 0]);
});

it('so does a film', async () => {
  const shots = [{ prompt: 'first shot' }, { prompt: 'second shot' }];
  const { report, milliseconds } = await call('generate_film', { shots, wait_seconds: 600 });
  expect(report).toMatchObject({ status: 'running' });
  expect(report.message).toContain(`${NO_WORKER}, so what is queued is not sent. Those shots cost nothing yet.`);
  expect(report.next_step).toContain(START);
  expect(milliseconds).toBeLessThan(ANSWERED_MILLISECONDS);
  const cancelled = await call('cancel_video_task', { task_id: report.film_id });
  expect([cancelled.report.status, submits()]).toEqual(['cancelled', 0]);
});

it('a laptop on the same store sends what it queues, and says what of the server’s is not sent', async () => {
  const laptop = await makeWorkspace();
  const options = { env: { ...laptop.environment(sandbox.url), JIMENG_VIDEO_STORE: env.JIMENG_VIDEO_STORE ?? '' } };
  const run = async (...args: string[]) =>
    JSON.parse((await runCommand([...args, '--json'], { ...options, workingDir: laptop.folder })).stdout);
  const before = submits();
  const made = await run('generate', 'of a laptop');
  expect(made).toMatchObject({ status: 'done' });
  expect(submits()).toBe(before + 1);
  const { tasks } = await run('list');
  const waits = tasks.map(({ status, waits_for }: Record<string, string>) => [status, waits_for]);
  expect(waits.slice(0, 2)).toEqual([
    ['done', undefined],
    ['cancelled', undefined],
  ]);
  expect(waits.at(-1)).toEqual(['queued', 'a process that works on the queue']);
  const got = await run('get', tasks.at(-1).task_id, '--wait-seconds', '1');
  expect(got.message).toContain(NO_WORKER);
  await laptop.remove();
});

it('as soon as a worker runs, all is sent once, and a call that waits meanwhile waits on', async () => {
  const before = submits();
  // Loaded, and stopped before it begins: how long a program takes to load is no part of the time that a call waits.
  const script =
    'const { stderr } = process; const { write } = stderr; stderr.write = (text, ...rest) => { const done = write.call(stderr, text, ...rest); if (String(text).startsWith("working on")) process.kill(process.pid, "SIGSTOP"); return done; };';
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(script)}`;
  worker = startCommand(['worker'], { env: { ...env, NODE_OPTIONS }, workingDir: workspace.folder });
  await worker.seen('stderr', /^working on/m);
  const waiting = call('generate_video', { prompt: 'a worker is on its way', wait_seconds: 60 });
  const list = async (): Promise<{ prompt: string; status: string }[]> =>
    (await call('list_video_tasks', { limit: 50 })).report.tasks;
  await until('the call', async () => (await list()).some(({ prompt }) => prompt === 'a worker is on its way'));
  worker.child.kill('SIGCONT');
  expect((await waiting).report).toMatchObject({ status: 'done' });
  await until('all is sent', () => submits() >= before + 3);
  await until('all is done', async () => (await list()).every(({ status }) => ['done', 'cancelled'].includes(status)));
  expect(submits()).toBe(before + 3);
  expect(await workers()).toBe('1');
});

it('a worker that is killed is no longer counted when its lease has run out', async () => {
  worker?.child.kill('SIGKILL');
  await worker?.result;
  await until('none is counted', async () => (await workers()) === '0');
  const { report } = await call('submit_video_task', { prompt: 'after the worker' });
  expect(report.message).toContain(NO_WORKER);
});
