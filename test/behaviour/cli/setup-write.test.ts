/** `setup --write` adds the server to a client's own file: once, with a backup, and with everything else left as it was. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'jsonc-parser';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  CLIENT_NAMES,
  CLIENTS,
  type ClientName,
  fileHere,
  platformOf,
  type SetupClient,
} from '../../../src/cli/setup-clients.ts';
import { PROGRAM, runCommand } from '../../support/run-command.ts';
import { makeWorkspace } from '../../support/workspace.ts';

const PLACEHOLDERS = { VOLC_ACCESSKEY: 'your access key', VOLC_SECRETKEY: 'your secret key' };
const KEYS = { VOLC_ACCESSKEY: 'AKLTreal', VOLC_SECRETKEY: 'cmVhbC1zZWNyZXQ==' };
const START = { command: process.execPath, args: [PROGRAM] };

function stageOf({ onTestFinished }: TestContext, client: ClientName, content?: string) {
  const workspace = makeWorkspace(undefined, { APPDATA: '' });
  onTestFinished(() => workspace.remove());
  workspace.env.APPDATA = join(workspace.folder, 'AppData');
  workspace.env.USERPROFILE = workspace.folder;
  const from = {
    environment: workspace.env,
    homeDir: workspace.folder,
    workingDir: undefined,
    platform: process.platform,
  };
  const file = fileHere(CLIENTS[client].file[platformOf(process.platform)], from) ?? '';
  if (content !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  const write = async (keys: Record<string, string> = {}) =>
    await runCommand(['setup', client, '--write'], { ...workspace, env: { ...workspace.env, ...keys } });
  const text = () => readFileSync(file, 'utf8');
  return { workspace, file, write, text, json: () => parse(text()) };
}

describe.concurrent('a file that does not exist', () => {
  it.for(CLIENT_NAMES)('is made for %s, with what setup prints, and only once', async (client, context) => {
    const { file, write, text } = stageOf(context, client);
    const first = await write();
    expect(first.stdout).toContain(`The server was added to ${file}.`);
    const made = text();
    const { config }: SetupClient = CLIENTS[client];
    const printed = config(START);
    if (client === 'codex') expect(made).toBe(`${printed}\n`);
    else expect(parse(made)).toEqual(JSON.parse(printed));
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    const second = await write();
    expect(second.stdout).toContain(`${file} has the server already; nothing was changed.`);
    expect([first.code, second.code, text()]).toEqual([0, 0, made]);
    expect(
      readdirSync(dirname(file)).filter((name) => name.startsWith(`${file.slice(dirname(file).length + 1)}.`)),
    ).toEqual([]);
    const asksForKeys = client !== 'vscode';
    expect(second.stdout.includes('Enter the keys in it.')).toBe(asksForKeys);
  });
});

describe.concurrent('a JSON file', () => {
  const BEFORE = `{
  // my servers
  "mcpServers": {
    "other": { "command": "other" }, // stays
  },
  "theme": "dark"
}
`;

  it('keeps its comments, its order and the other servers, and is backed up', async (context) => {
    const { file, write, text, json } = stageOf(context, 'cursor', BEFORE);
    await write();
    expect(json().mcpServers['jimeng-video-mcp']).toEqual({ ...START, env: PLACEHOLDERS });
    for (const part of ['// my servers', '"other": { "command": "other" }', '// stays', '"theme": "dark"\n}\n']) {
      expect(text()).toContain(part);
    }
    expect(readFileSync(`${file}.backup`, 'utf8')).toBe(BEFORE);
    const made = text();
    await write(KEYS);
    expect(json().mcpServers['jimeng-video-mcp'].env).toEqual(KEYS);
    expect(readFileSync(`${file}.backup-2`, 'utf8')).toBe(made);
  });

  it('keeps what its user changed in the server’s entry', async (context) => {
    const entry = {
      command: 'npx',
      args: ['old'],
      env: { ...KEYS, JIMENG_VIDEO_WAIT_SECONDS: '99' },
      disabled: true,
      timeout: 900_000,
    };
    const { write, json } = stageOf(context, 'gemini', JSON.stringify({ mcpServers: { 'jimeng-video-mcp': entry } }));
    const { stdout } = await write();
    expect(json().mcpServers['jimeng-video-mcp']).toEqual({ ...entry, ...START });
    expect(stdout).not.toContain('Enter the keys');
    expect(stdout).not.toContain(KEYS.VOLC_SECRETKEY);
  });

  it('that has the server already keeps its layout to the letter', async (context) => {
    const content = `{"mcpServers":{"jimeng-video-mcp":${JSON.stringify({ ...START, env: KEYS })}}}`;
    const { write, text } = stageOf(context, 'cursor', content);
    expect((await write()).stdout).toContain('nothing was changed');
    expect(text()).toBe(content);
  });

  it('of VS Code keeps its own inputs, and gets ours once', async (context) => {
    const { write, json } = stageOf(
      context,
      'vscode',
      '{ "inputs": [{ "id": "mine" }, { "id": "volc-access", "type": "x" }] }',
    );
    await write(KEYS);
    expect(json().inputs.map(({ id }: { id: string }) => id)).toEqual(['mine', 'volc-access', 'volc-secret']);
    expect(JSON.stringify(json())).not.toContain(KEYS.VOLC_ACCESSKEY);
  });

  it.for(['{ "mcpServers": { ', '[]', 'hello'])('that is %j is left as it is', async (content, context) => {
    const { file, write, text } = stageOf(context, 'claude-desktop', content);
    const { code, stderr } = await write();
    expect(stderr).toMatch(
      /(is not valid JSON \(line 1\)|does not hold a JSON object): correct it first\. Nothing was written\./,
    );
    expect([code, text(), existsSync(`${file}.backup`)]).toEqual([1, content, false]);
  });

  it.skipIf(process.platform === 'win32').for([
    ['claude-desktop', '{}'],
    ['codex', 'model = "gpt"\n'],
  ] as const)(
    "that others may read is the user's alone once keys are in it: %s",
    async ([client, content], context) => {
      const { file, write } = stageOf(context, client, content);
      chmodSync(file, 0o644);
      const modes = () => [file, `${file}.backup`].map((path) => statSync(path).mode & 0o777);
      await write();
      expect(modes()).toEqual([0o644, 0o644]);
      const { stdout } = await write(KEYS);
      expect(stdout).toContain(`${file}.backup-2`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(`${file}.backup-2`).mode & 0o777).toBe(0o600);
    },
  );

  it.skipIf(process.platform === 'win32')(
    'that is a link stays one: the file behind it is changed',
    async (context) => {
      const { workspace, file, write, json } = stageOf(context, 'cursor');
      const real = join(workspace.folder, 'dotfiles.json');
      writeFileSync(real, '{}', { mode: 0o644 });
      mkdirSync(dirname(file), { recursive: true });
      symlinkSync(real, file);
      await write();
      expect(lstatSync(file).isSymbolicLink()).toBe(true);
      expect(json().mcpServers['jimeng-video-mcp'].command).toBe(process.execPath);
      expect(statSync(real).mode & 0o777).toBe(0o644);
    },
  );
});

describe.concurrent('the TOML file of Codex', () => {
  const BEFORE = `model = "gpt" # mine

[mcp_servers.jimeng-video-mcp]
command = "npx"
args = ["-y", "jimeng-video-mcp@0.1.0"]
tool_timeout_sec = 900 # patience

[mcp_servers.jimeng-video-mcp.env]
VOLC_ACCESSKEY = "your access key"
VOLC_SECRETKEY = "my-own"

[projects."/home/mei/jimeng-video-mcp"]
args = "not ours"
`;

  it('gets another start and the given keys, and keeps the rest', async (context) => {
    const { write, text } = stageOf(context, 'codex', BEFORE);
    await write({ ...KEYS });
    const expected = BEFORE.replace('"npx"', JSON.stringify(START.command))
      .replace('["-y", "jimeng-video-mcp@0.1.0"]', JSON.stringify(START.args))
      .replace('"your access key"', `"${KEYS.VOLC_ACCESSKEY}"`)
      .replace('"my-own"', `"${KEYS.VOLC_SECRETKEY}"`);
    expect(text()).toBe(expected);
  });

  it('gets the tables behind what it holds', async (context) => {
    const { write, text } = stageOf(context, 'codex', 'model = "gpt"\n');
    await write();
    expect(text()).toBe(`model = "gpt"\n\n${CLIENTS.codex.config(START)}\n`);
  });

  it.for([
    'mcp_servers = { jimeng-video-mcp = { command = "x" } }\n',
    '[mcp_servers]\njimeng-video-mcp.command = "x"\n',
  ])('in another form is left as it is: %j', async (content, context) => {
    const { write, text } = stageOf(context, 'codex', content);
    const { code, stderr } = await write();
    expect([code, text()]).toEqual([1, content]);
    expect(stderr).toContain('has the server in another form: change it by hand');
  });
});

it('needs a client, and writes for this computer only', async (context) => {
  const { workspace } = stageOf(context, 'cursor');
  const other = process.platform === 'win32' ? 'linux' : 'windows';
  for (const args of [['--write'], ['cursor', '--write', '--platform', other]]) {
    const { code, stderr } = await runCommand(['setup', ...args], workspace);
    expect([code, stderr]).toEqual([2, 'setup --write needs a client, and writes for this computer only.\n']);
  }
  expect(readdirSync(workspace.folder)).toEqual(['work']);
});
