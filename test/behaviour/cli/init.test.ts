/** `init` leads through three questions on a real terminal, and asks nothing where nobody can answer. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import { expect, it, type TestContext } from 'vitest';
import { PROGRAM, runCommand } from '../../support/run-command.ts';
import { SANDBOX_CREDENTIALS, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/workspace.ts';

/** util-linux's; others of the same name have other options. */
const SCRIPT = '/usr/bin/script';
const canMakeTerminal =
  process.platform === 'linux' && existsSync(SCRIPT) && spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux');
const onTerminal = it.runIf(canMakeTerminal);

/** Control-C and Control-D, as a terminal sends them. */
const [CTRL_C, CTRL_D] = ['\u0003', '\u0004'];

async function stageOf({ onTestFinished }: TestContext, changes: Record<string, string> = {}) {
  const sandbox = await startSandbox();
  const workspace = makeWorkspace(undefined, { TERM: 'xterm', ...changes });
  onTestFinished(async () => {
    await workspace.remove();
    await sandbox.close();
  });
  const file = join(workspace.folder, '.cursor', 'mcp.json');
  const entry = () => parse(readFileSync(file, 'utf8')).mcpServers['jimeng-video-mcp'];
  return { sandbox, workspace, file, entry };
}

/** Types each answer when its question is there. @returns what the terminal showed, and the exit code */
async function converse(
  { env, workingDir }: Workspace,
  answers: readonly (readonly [question: string, answer: string])[],
  args: readonly string[] = ['init'],
) {
  // Without exec the shell would be interrupted, too, and end with a code of its own.
  const command = ['exec', process.execPath, PROGRAM, ...args].join(' ');
  const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], { env, cwd: workingDir });
  let [shown, from, next] = ['', 0, 0];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    const answer = answers[next];
    const place = answer === undefined ? -1 : shown.indexOf(answer[0], from);
    if (answer === undefined || place === -1) return;
    from = place + answer[0].length;
    next += 1;
    child.stdin.write([CTRL_C, CTRL_D].includes(answer[1]) ? answer[1] : `${answer[1]}\n`);
  });
  const [code] = await once(child, 'close');
  return { code, shown, asked: next };
}

onTerminal('what is neither 1 nor 2 is asked again, and does not choose the sandbox', async (context) => {
  const { workspace } = await stageOf(context);
  const { code, shown, asked } = await converse(workspace, [
    ['1 or 2 [1]: ', 'real'],
    ['1 or 2 [1]: ', '2'],
    ['Access key: ', CTRL_C],
  ]);
  expect(shown).toContain('"real" is not 1 or 2.');
  expect([asked, code]).toEqual([3, 1]);
});

onTerminal('the sandbox and a client are two answers, and the server then needs no keys', async (context) => {
  const { workspace, entry } = await stageOf(context);
  const { code, shown } = await converse(workspace, [
    ['1 or 2 [1]: ', ''],
    ['Enter for none: ', 'Cursor'],
  ]);
  expect(shown).toContain('2 of 3: The sandbox needs no keys.');
  expect(shown).toContain('Then ask Cursor: “Make a 5-second video');
  expect(entry()).toEqual({
    command: process.execPath,
    args: [PROGRAM],
    env: { JIMENG_VIDEO_API_URL: 'sandbox' },
  });
  expect(code).toBe(0);
});

onTerminal(
  'keys are checked free of charge, not shown, and replace the sandbox in the client’s file',
  async (context) => {
    const { sandbox, workspace, file, entry } = await stageOf(context);
    workspace.env.JIMENG_VIDEO_API_URL = sandbox.url;
    mkdirSync(join(workspace.folder, '.cursor'));
    const before =
      '{\n  // mine\n  "mcpServers": { "jimeng-video-mcp": { "env": { "JIMENG_VIDEO_API_URL": "sandbox" } } }\n}\n';
    writeFileSync(file, before);
    const { accessKeyId, secretAccessKey } = SANDBOX_CREDENTIALS;
    const { code, shown } = await converse(workspace, [
      ['1 or 2 [1]: ', '2'],
      ['Access key: ', accessKeyId],
      ['not shown): ', 'wrong'],
      ['Enter other keys? [Y/n] ', 'y'],
      ['Access key: ', accessKeyId],
      ['not shown): ', secretAccessKey],
      ['Enter for none: ', '3'],
    ]);
    expect(shown).toContain('No video can be made yet: The secret key does not belong to the access key.');
    expect(shown).toMatch(/You can (make 720P, 1080P and Pro videos|try everything in the sandbox)/);
    expect(shown).not.toContain(secretAccessKey);
    expect(entry().env).toEqual({ VOLC_ACCESSKEY: accessKeyId, VOLC_SECRETKEY: secretAccessKey });
    expect(readFileSync(file, 'utf8')).toContain('// mine');
    expect(readFileSync(`${file}.backup`, 'utf8')).toBe(before);
    // Free: the provider was asked for tasks that do not exist, and for nothing else.
    expect(new Set(sandbox.requests.map(({ operation }) => operation))).toEqual(new Set(['query']));
    expect(code).toBe(0);
  },
);

onTerminal('keys of the shell are used after a yes', async (context) => {
  const { accessKeyId, secretAccessKey } = SANDBOX_CREDENTIALS;
  const { sandbox, workspace, entry } = await stageOf(context, {
    VOLC_ACCESSKEY: accessKeyId,
    VOLC_SECRETKEY: secretAccessKey,
  });
  workspace.env.JIMENG_VIDEO_API_URL = sandbox.url;
  const { shown } = await converse(workspace, [
    ['1 or 2 [1]: ', '2'],
    [`(${accessKeyId})? [Y/n] `, ''],
    ['Enter for none: ', 'zed'],
    ['Enter for none: ', 'cursor'],
  ]);
  expect(shown).toContain('"zed" is not in the list.');
  expect(entry().env).toEqual({ VOLC_ACCESSKEY: accessKeyId, VOLC_SECRETKEY: secretAccessKey });
});

onTerminal('the first start without keys at a terminal asks the same', async (context) => {
  const { workspace, entry } = await stageOf(context);
  const { code } = await converse(
    workspace,
    [
      ['1 or 2 [1]: ', '1'],
      ['Enter for none: ', 'cursor'],
    ],
    [],
  );
  expect(entry().env).toEqual({ JIMENG_VIDEO_API_URL: 'sandbox' });
  expect(code).toBe(0);
});

onTerminal('a start with keys, or in the sandbox, is the server, which says what it waits for', async (context) => {
  for (const env of [{ JIMENG_VIDEO_API_URL: 'sandbox' }, { VOLC_ACCESSKEY: 'a', VOLC_SECRETKEY: 'b' }]) {
    const { workspace } = await stageOf(context, env);
    const { code, shown } = await converse(workspace, [['it waits for a client', CTRL_C]], []);
    expect(shown).not.toContain('1 of 3');
    expect(code).toBe(0);
  }
});

onTerminal.for([
  ['Ctrl-C', CTRL_C],
  ['Ctrl-D', CTRL_D],
])('%s ends it, and nothing was written', async ([, key], context) => {
  const { workspace } = await stageOf(context);
  const before = readdirSync(workspace.folder);
  for (const answers of [
    [['1 or 2 [1]: ', key]],
    [
      ['1 or 2 [1]: ', '2'],
      ['Access key: ', key],
    ],
  ] as [string, string][][]) {
    const { code, shown } = await converse(workspace, answers);
    expect(shown).toContain('Interrupted: nothing was written.');
    expect(code).toBe(1);
  }
  expect(readdirSync(workspace.folder)).toEqual(before);
});

onTerminal(
  'in CI nothing is asked, even at a terminal: init says what to do, and a bare start is the server',
  async (context) => {
    const { workspace } = await stageOf(context, { CI: 'true' });
    const { code, shown } = await converse(workspace, []);
    expect(shown).toContain('set VOLC_ACCESSKEY and VOLC_SECRETKEY and run: setup CLIENT --write');
    expect(code).toBe(2);
    const started = await converse(workspace, [['it waits for a client', CTRL_C]], []);
    expect([started.code, started.shown.includes('1 of 3')]).toEqual([0, false]);
  },
);

it('in a pipe init asks nothing and exits 2, and a bare start is the server without a word', async (context) => {
  const { workspace } = await stageOf(context);
  const { code, stdout, stderr } = await runCommand(['init'], workspace);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('nobody can answer here');
  const started = await runCommand([], workspace);
  expect(started).toMatchObject({ code: 0, stdout: '', stderr: '' });
});
