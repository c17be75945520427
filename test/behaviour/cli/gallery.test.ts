/** The command `gallery`: where it listens, what it opens, and how it ends. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { PROGRAM, startCommand } from '../../support/run-command.ts';
import { type Stage, setStage, until } from './stage.ts';

const LINK = /^http:\/\/127\.0\.0\.1:\d+\/open\/[\w-]{32}$/m;

/** What a desktop has instead of a browser and a file manager: it writes down what it is given. */
function fakeDesktop({ folder, env }: Stage) {
  const bin = join(folder, 'bin');
  const opened = join(folder, 'opened');
  mkdirSync(bin);
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nenv >'${opened}.env'\nprintf '%s\\n' "$1" >>'${opened}'\n`);
  chmodSync(join(bin, 'xdg-open'), 0o755);
  return {
    env: { ...env, PATH: `${bin}:${env.PATH}` },
    // Whole lines only: the shell creates the file before it writes to it.
    opened: () => (existsSync(opened) ? readFileSync(opened, 'utf8').split('\n').slice(0, -1) : []),
    environment: () => readFileSync(`${opened}.env`, 'utf8'),
  };
}

async function start(
  context: TestContext,
  place: { env: Record<string, string>; workingDir: string },
  ...options: string[]
) {
  const running = startCommand(['gallery', ...options], place);
  context.onTestFinished(async () => {
    running.child.kill('SIGINT');
    await running.result;
  });
  const [link] = await running.seen('stdout', LINK);
  return { ...running, link };
}

async function enter(link: string): Promise<Record<string, string>> {
  const cookie = (await fetch(link)).headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const { origin } = new URL(link);
  const { token } = (await (await fetch(`${origin}/api/overview`, { headers: { cookie } })).json()) as {
    token: string;
  };
  return { cookie, origin, 'x-gallery-token': token };
}

it('prints one link, opens the browser with another one that works once, and ends with Ctrl-C', async (context) => {
  const stage = await setStage(context);
  const desktop = fakeDesktop(stage);
  const { link, child, result, printed } = await start(context, { ...stage, env: desktop.env });
  await until(() => desktop.opened().length === 1);
  const [opened = ''] = desktop.opened();
  expect(opened).toMatch(LINK);
  // Another user of this computer can read a program's arguments: the link in them is worth nothing afterwards.
  expect(opened).not.toBe(link);
  const statuses = [];
  for (const url of [opened, opened, link, link]) statuses.push((await fetch(url)).status);
  expect(statuses).toEqual([200, 401, 200, 200]);
  expect(desktop.environment()).not.toContain(stage.sandbox.credentials.secretAccessKey);
  child.kill('SIGINT');
  expect(await result).toMatchObject({ code: 0, stdout: `${link}\n` });
  expect(printed.stderr).toContain('The gallery runs until Ctrl-C.');
  expect(readdirSync(stage.stateDir).filter((name) => name.startsWith('gallery'))).toEqual([]);
});

it('opens no browser with --no-open, and says so where there is none', async (context) => {
  const stage = await setStage(context);
  const desktop = fakeDesktop(stage);
  const { child, result } = await start(context, { ...stage, env: desktop.env }, '--no-open');
  child.kill('SIGINT');
  await result;
  expect(desktop.opened()).toEqual([]);
  const bare = await start(context, { ...stage, env: { ...stage.env, PATH: '/nonexistent' } });
  await bare.seen('stderr', /No browser could be started: open the link yourself\./);
});

it('a second one says where the first is, whatever became of an earlier one', async (context) => {
  const stage = await setStage(context);
  const killed = await start(context, stage, '--no-open');
  killed.child.kill('SIGKILL');
  await killed.result;
  const [left = ''] = readdirSync(stage.stateDir).filter((name) => name.startsWith('gallery'));
  expect(statSync(join(stage.stateDir, left)).mode & 0o777).toBe(0o600);
  const first = await start(context, stage, '--no-open');
  expect(first.link).not.toBe(killed.link);
  const second = await stage.run('gallery', '--no-open');
  expect(second).toMatchObject({ code: 0, stdout: `${first.link}\n` });
  expect(second.stderr).toContain('already runs');
});

it('a program that took an ended gallery’s port is not taken for it, and is not given its secret', async (context) => {
  const stage = await setStage(context);
  const killed = await start(context, stage, '--no-open');
  killed.child.kill('SIGKILL');
  await killed.result;
  const asked: string[] = [];
  const other = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('yes, it is me');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  context.onTestFinished(() => void other.close());
  const [name = ''] = readdirSync(stage.stateDir).filter((file) => file.startsWith('gallery'));
  const note = JSON.parse(readFileSync(join(stage.stateDir, name), 'utf8'));
  const origin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  writeFileSync(join(stage.stateDir, name), JSON.stringify({ ...note, origin }));
  const next = await start(context, stage, '--no-open');
  expect(next.link).not.toContain(origin);
  expect(asked).toHaveLength(1);
  expect(asked.join()).not.toContain(note.secret);
});

it.for(['0.0.0.0', '192.168.1.7', '::', 'example.com', ''])(
  '--host beyond this computer is refused: %j',
  async (host, context) => {
    const stage = await setStage(context);
    const { code, stdout, stderr } = await stage.run('gallery', '--no-open', '--host', host);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--host ".*" is not this computer alone: .*\nUse 127\.0\.0\.1 or ::1;/);
  },
);

it('a port that is in use is refused, with what to do', async (context) => {
  const stage = await setStage(context);
  const port = new URL(stage.sandbox.url).port;
  const { code, stderr } = await stage.run('gallery', '--no-open', '--port', port);
  expect(code).toBe(2);
  expect(stderr).toContain(`--port ${port} is in use.`);
});

it('runs without keys, and says what to set', async (context) => {
  const stage = await setStage(context);
  const { VOLC_ACCESSKEY: _, VOLC_SECRETKEY: __, ...env } = stage.env;
  const { link } = await start(context, { ...stage, env }, '--no-open');
  const { origin = '', cookie = '' } = await enter(link);
  const overview = await (await fetch(`${origin}/api/overview`, { headers: { cookie } })).json();
  expect(overview).toMatchObject({ isAccountKnown: false, notice: { code: 'missing_credentials' } });
});

it('shows the folder of a saved video, and of nothing else', async (context) => {
  const stage = await setStage(context);
  const desktop = fakeDesktop(stage);
  const { json } = await stage.runJson('generate', 'a cat');
  const { link } = await start(context, { ...stage, env: desktop.env }, '--no-open');
  const { origin = '', ...headers } = await enter(link);
  const show = async (id: string) =>
    (await fetch(`${origin}/api/videos/${id}/folder`, { method: 'POST', headers: { origin, ...headers } })).status;
  expect(await show(json.task_id)).toBe(200);
  await until(() => desktop.opened().length === 1);
  expect(desktop.opened()).toEqual([stage.outputDir]);
  expect(await show('jv-00000000-aaaaa')).toBe(404);
  expect(desktop.opened()).toHaveLength(1);
});

const SCRIPT = '/usr/bin/script';
const canMakeTerminal =
  process.platform === 'linux' && existsSync(SCRIPT) && spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux');

it.runIf(canMakeTerminal).for(["generate 'a cat'", 'list'])(
  'is mentioned once, at the end, on a terminal only: %s',
  async (command, context) => {
    const stage = await setStage(context);
    const place = { env: { ...stage.env, TERM: 'xterm' }, workingDir: stage.workingDir };
    const onTerminal = (more = '') =>
      startCommand(['-qec', `${process.execPath} ${PROGRAM} ${command}${more}`, '/dev/null'], place, SCRIPT).result;
    const { stdout } = await onTerminal();
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^To see all videos, run: node .* gallery$/);
    expect(stdout.match(/gallery\s*$/gm)).toHaveLength(1);
    expect((await onTerminal(' --json')).stdout).not.toContain('To see all videos');
    const piped = await stage.run('list');
    expect(piped.stdout + piped.stderr).not.toContain('To see all videos');
  },
);
