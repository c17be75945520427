/** `setup` prints what each client reads, so that the server really starts from it, and writes nothing. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  CLIENT_NAMES,
  CLIENTS,
  type ClientName,
  clientNamed,
  launchOn,
  PLATFORMS,
  type SetupClient,
} from '../../../src/cli/setup-clients.ts';
import { PROGRAM, runCommand } from '../../support/run-command.ts';
import { makeWorkspace, type Workspace } from '../../support/workspace.ts';

const REAL_KEY = 'AKLTreal';
const KEYS = { VOLC_ACCESSKEY: 'your access key', VOLC_SECRETKEY: 'your secret key' };
const HERE = { path: '/opt/my clone/it’s $HOME/dist/main.js', node: '/usr/bin/node' };

function workspaceOf({ onTestFinished }: TestContext): Workspace {
  const workspace = makeWorkspace(undefined, { VOLC_ACCESSKEY: REAL_KEY, VOLC_SECRETKEY: REAL_KEY });
  onTestFinished(() => workspace.remove());
  return workspace;
}

/** The configuration in the middle of what was printed. */
function configIn(stdout: string): string {
  return stdout.split('\n\n').slice(1, -1).join('\n\n');
}

function configOf(name: ClientName, platform: (typeof PLATFORMS)[number], program?: typeof HERE): string {
  const { config, command }: SetupClient = CLIENTS[name];
  const launch = launchOn(platform, program);
  return command?.(launch, platform) ?? config(launch);
}

describe.concurrent('the command', () => {
  it('lists the clients with their files when none is named', async (context) => {
    const { code, stdout } = await runCommand(['setup', '--platform', 'windows'], workspaceOf(context));
    expect(stdout).toContain('claude-desktop  Claude Desktop: %APPDATA%\\Claude\\claude_desktop_config.json\n');
    for (const name of CLIENT_NAMES) expect(stdout).toMatch(new RegExp(`^${name} +\\S`, 'm'));
    expect(code).toBe(0);
  });

  it('prints a configuration from which the server starts, writes nothing, and shows no real key', async (context) => {
    const workspace = workspaceOf(context);
    const { code, stdout } = await runCommand(['setup', 'Cursor'], workspace);
    expect(stdout).not.toContain(REAL_KEY);
    expect(await readdir(workspace.folder)).toEqual(['work']);
    expect(code).toBe(0);
    const { command, args, env } = JSON.parse(configIn(stdout)).mcpServers['jimeng-video-mcp'];
    expect(args).toEqual([PROGRAM]);
    expect(env).toEqual(KEYS);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransport({ command, args, env, cwd: workspace.workingDir }));
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('generate_video');
    await client.close();
  });

  it('says which clients and platforms there are, and exits 2, when it does not know one', async (context) => {
    const workspace = workspaceOf(context);
    const unknown = await runCommand(['setup', 'zed'], workspace);
    expect([unknown.code, unknown.stdout]).toEqual([2, '']);
    expect(unknown.stderr).toContain(`setup does not know "zed"; it knows ${CLIENT_NAMES.join(', ')}.`);
    expect(unknown.stderr).not.toContain('sent or charged');
    const platform = await runCommand(['setup', 'cursor', '--platform', 'beos'], workspace);
    expect([platform.code, platform.stderr]).toEqual([2, expect.stringContaining('macos, windows, linux')]);
  });

  it('says what to do with a command that it prints, and not that a file has to be edited', async (context) => {
    const { stdout } = await runCommand(['setup', 'claude-code', '--platform', 'linux'], workspaceOf(context));
    expect(stdout).toContain('Run this command: it adds the server to that file.');
    expect(stdout).not.toContain('Keep what the file already holds');
  });

  it('prints for another computer what npx starts there', async (context) => {
    const other = process.platform === 'win32' ? 'linux' : 'windows';
    const { stdout } = await runCommand(['setup', 'gemini', '--platform', other], workspaceOf(context));
    expect(stdout).toContain('"npx", "-y", "jimeng-video-mcp"');
    expect(stdout).not.toContain(PROGRAM);
  });
});

describe('the configuration', () => {
  it.each(CLIENT_NAMES)('of %s has a file, placeholders and npx on every platform', (name) => {
    for (const platform of PLATFORMS) {
      const config = configOf(name, platform);
      expect(CLIENTS[name].file[platform]).toMatch(platform === 'windows' ? /^%[A-Z]+%\\[^/]+$/ : /^~\/[^\\]+$/);
      expect(config).toMatch(/VOLC_ACCESSKEY[\s\S]*VOLC_SECRETKEY/);
      expect(config).toMatch(
        platform === 'windows' ? /\bcmd\b[\s\S]{1,20}\/c\W+npx\W+-y\W+jimeng-/ : /\bnpx\b[\s\S]{1,20}-y\W+jimeng-/,
      );
    }
  });

  it.each(['claude-desktop', 'cursor'] as const)('of %s is mcpServers, and keeps the default wait', (name) => {
    const env = KEYS;
    const server = { command: HERE.node, args: [HERE.path], env };
    expect(JSON.parse(configOf(name, 'linux', HERE))).toEqual({ mcpServers: { 'jimeng-video-mcp': server } });
  });

  it('of VS Code asks for the keys, and names both in the server', () => {
    const { inputs, servers } = JSON.parse(configOf('vscode', 'macos'));
    const env = servers['jimeng-video-mcp'].env;
    for (const { id, type, password, description } of inputs) {
      expect([type, password, env[description]]).toEqual(['promptString', true, `\${input:${id}}`]);
    }
    expect(Object.keys(env)).toEqual(Object.keys(KEYS));
    expect(servers['jimeng-video-mcp'].type).toBe('stdio');
  });

  it('of Gemini CLI waits longer, under its own limit', () => {
    const { env, timeout } = JSON.parse(configOf('gemini', 'linux')).mcpServers['jimeng-video-mcp'];
    expect([env.JIMENG_VIDEO_WAIT_SECONDS, timeout]).toEqual(['500', 600_000]);
  });

  it('of Codex CLI is TOML that waits longer, under its own limit', () => {
    const path = 'C:\\my "clone"\\dist\\main.js';
    expect(configOf('codex', 'windows', { path, node: 'C:\\node.exe' })).toBe(`[mcp_servers.jimeng-video-mcp]
command = "C:\\\\node.exe"
args = ["C:\\\\my \\"clone\\"\\\\dist\\\\main.js"]
startup_timeout_sec = 60
tool_timeout_sec = 300

[mcp_servers.jimeng-video-mcp.env]
VOLC_ACCESSKEY = "your access key"
VOLC_SECRETKEY = "your secret key"
JIMENG_VIDEO_WAIT_SECONDS = "240"`);
  });

  it.skipIf(process.platform === 'win32')(
    'of Claude Code is a command that a shell hands on as it is meant',
    async (context) => {
      const { folder } = workspaceOf(context);
      const commands = join(folder, 'commands');
      mkdirSync(commands);
      writeFileSync(join(commands, 'claude'), '#!/bin/sh\nprintf "%s\\n" "$@"\n');
      chmodSync(join(commands, 'claude'), 0o755);
      const env = { PATH: `${commands}:${process.env.PATH}` };
      const { stdout } = await promisify(execFile)('/bin/sh', ['-c', configOf('claude-code', 'macos', HERE)], { env });
      const keys = Object.entries(KEYS).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
      const expected = ['mcp', 'add', 'jimeng-video-mcp', '--scope', 'user', ...keys, '--', HERE.node, HERE.path];
      expect(stdout.trimEnd().split('\n')).toEqual(expected);
    },
  );
});

it.each([
  ['Claude Desktop', 'claude-desktop'],
  ['claude_code', 'claude-code'],
  ['vs-code', 'vscode'],
  ['codex-cli', 'codex'],
  ['GEMINI', 'gemini'],
  ['', undefined],
  ['claude', undefined],
])('%j names %s', (text, name) => {
  expect(clientNamed(text)).toBe(name);
});

it('what npm installed is started by npx, and a clone by its path', () => {
  const installed = { path: '/usr/lib/node_modules/jimeng-video-mcp/dist/main.js', node: '/usr/bin/node' };
  expect(launchOn('linux', installed)).toEqual({ command: 'npx', args: ['-y', 'jimeng-video-mcp'] });
  const cache = { path: 'C:\\npm\\_npx\\1\\node_modules\\jimeng-video-mcp\\dist\\main.js', node: 'node.exe' };
  expect(launchOn('windows', cache).args).toEqual(['/c', 'npx', '-y', 'jimeng-video-mcp']);
  expect(launchOn('macos', HERE)).toEqual({ command: HERE.node, args: [HERE.path] });
});
