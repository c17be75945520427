/** The server starts wherever it is started; what is missing or wrong is reported by the first call that needs it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { connect, until } from '../../support/mcp-client.ts';
import { PROGRAM, runCommand } from '../../support/run-command.ts';
import { startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/workspace.ts';

const SANDBOX = { JIMENG_VIDEO_API_URL: 'sandbox', JIMENG_VIDEO_SANDBOX_SECONDS: '0.1' };
const REQUEST = { prompt: 'a red kite', wait_seconds: 60 };

function workspaceOf({ onTestFinished }: TestContext, changes: Record<string, string | undefined>): Workspace {
  const workspace = makeWorkspace(undefined, { ...SANDBOX, ...changes });
  onTestFinished(() => workspace.remove());
  return workspace;
}

type Launch = [string, ...string[]];

async function connected(context: TestContext, { env, workingDir }: Workspace, launch?: Launch) {
  const session = await connect(env, workingDir, launch);
  context.onTestFinished(() => session.close());
  return session;
}

function canChangeUser(): boolean {
  try {
    execFileSync('setpriv', ['--reuid', '54321', '--clear-groups', process.execPath, '--version']);
    return true;
  } catch {
    return false;
  }
}

describe('a wrong setting', () => {
  it('stops a paid call, and lets the list go on', async (context) => {
    const workspace = workspaceOf(context, { JIMENG_VIDEO_BUDGET: '5', JIMENG_VIDEO_CONCURRENCY: 'two' });
    const session = await connected(context, workspace);
    const paid = await session.call('generate_video', REQUEST);
    expect(paid.report).toMatchObject({ status: 'refused', error: { code: 'invalid_settings' } });
    for (const text of ['JIMENG_VIDEO_CONCURRENCY must be', 'did you mean JIMENG_VIDEO_DAILY_BUDGET_CNY?']) {
      expect(paid.report.message).toContain(text);
    }
    const list = await session.call('list_video_tasks', {});
    expect([list.isError, list.structured.tasks]).toEqual([false, []]);
  });

  it('that nothing needs stops nothing, and is logged', async (context) => {
    const wrong = {
      HTTPS_PROXY: 'socks5://mei:hidden@proxy:1080',
      NO_PROXY: '*',
      LOG_LEVEL: 'loud',
      VOLC_ACCESSKEY: '"x"',
    };
    const session = await connected(context, workspaceOf(context, wrong));
    expect((await session.call('generate_video', REQUEST)).report.status).toBe('done');
    for (const name of ['HTTPS_PROXY', 'LOG_LEVEL', 'VOLC_ACCESSKEY'])
      await until(`${name} in the log`, () => session.stderr().includes(`"${name}"`));
    expect(session.stderr()).not.toContain('hidden');
  });
});

describe('without the secret key', () => {
  const cases = [
    ['', 'until the settings are right'],
    ['"copied with its quotes"', 'until it is corrected. Tell the user'],
  ] as const;
  it.for(cases)('%j: the account’s tasks are listed, and left alone', async ([secret, until], context) => {
    const sandbox = await startSandbox({ generationSeconds: 3600 });
    context.onTestFinished(() => sandbox.close());
    const workspace = makeWorkspace(sandbox, { JIMENG_VIDEO_POLL_INTERVAL: '0.05' });
    context.onTestFinished(() => workspace.remove());
    const first = await connect(workspace.env, workspace.workingDir);
    const { report } = await first.call('submit_video_task', { prompt: 'a red kite' });
    await first.close();
    const session = await connected(context, { ...workspace, env: { ...workspace.env, VOLC_SECRETKEY: secret } });
    // Only now: the last query of the first server may have been on its way when that ended.
    const queries = sandbox.requests.length;
    const list = await session.call('list_video_tasks', {});
    expect(list.structured.tasks).toMatchObject([{ task_id: report.task_id, status: 'generating' }]);
    expect(list.structured.next_step).toContain(`Open videos are neither polled nor saved ${until}`);
    await session.call('list_video_tasks', { wait_seconds: 2 });
    expect(sandbox.requests.length).toBe(queries);
    expect((await session.call('get_video_task', {})).report.status).toBe('refused');
  });
});

describe.skipIf(process.platform === 'win32')('the server', () => {
  it('works in a folder that was deleted', async (context) => {
    const command = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1"';
    const workspace = workspaceOf(context, {});
    const session = await connected(context, workspace, ['/bin/sh', '-c', command, process.execPath, PROGRAM]);
    expect((await session.call('generate_video', REQUEST)).report.status).toBe('done');
    await until('the reason in the log', () => session.stderr().includes('no longer exists'));
    expect(readdirSync(workspace.workingDir)).toEqual([]);
  });

  it.for(['', 'relative'])('takes the account’s home folder where HOME is %j', async (home, context) => {
    // Shown by doctor, which looks for this folder and makes none.
    const workspace = workspaceOf(context, { HOME: home, JIMENG_VIDEO_ALLOWED_DIRS: '~/clips' });
    const { stdout } = await runCommand(['doctor', '--json'], workspace);
    const settings: { name: string; value: string }[] = JSON.parse(stdout).settings;
    const shown = settings.find(({ name }) => name === 'JIMENG_VIDEO_ALLOWED_DIRS');
    expect(shown?.value).toBe(join(userInfo().homedir, 'clips'));
    expect(readdirSync(workspace.workingDir)).toEqual([]);
  });

  it.skipIf(!canChangeUser())('says what to set for a user without an account and a home', async (context) => {
    const workspace = workspaceOf(context, { JIMENG_VIDEO_STATE_DIR: undefined, JIMENG_VIDEO_OUTPUT_DIR: undefined });
    // The program may be in a folder that this user cannot read.
    const program = join(workspace.folder, 'program');
    cpSync(dirname(PROGRAM), program, { recursive: true });
    chmodSync(workspace.folder, 0o755);
    const changed = [
      '--reuid',
      '54321',
      '--clear-groups',
      'env',
      '-u',
      'HOME',
      process.execPath,
      join(program, 'main.js'),
    ];
    const launch: Launch = ['setpriv', ...changed];
    const session = await connected(context, workspace, launch);
    const list = await session.call('list_video_tasks', {});
    expect(list.text).toContain('JIMENG_VIDEO_STATE_DIR must be set to an absolute path');
    const paid = await session.call('generate_video', REQUEST);
    expect(paid.report.error?.code).toBe('invalid_settings');
    expect(paid.report.message).toContain('JIMENG_VIDEO_OUTPUT_DIR must be set to an absolute path');
    expect(session.stderr()).not.toMatch(/\n\s+at /);

    mkdirSync(workspace.stateDir);
    chmodSync(workspace.stateDir, 0o777);
    Object.assign(workspace.env, {
      JIMENG_VIDEO_STATE_DIR: join(workspace.stateDir, 'own'),
      JIMENG_VIDEO_OUTPUT_DIR: 'none',
    });
    const again = await connected(context, workspace, launch);
    expect((await again.call('generate_video', REQUEST)).report.status).toBe('done');
  });
});
