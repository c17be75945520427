/**
 * The configuration of each client: its file, its format, and the command that starts this server. Looked up in November 2026:
 * modelcontextprotocol.io (Claude Desktop), code.claude.com/docs/en/mcp, cursor.com/docs/mcp,
 * code.visualstudio.com/docs/copilot/reference/mcp-configuration, developers.openai.com/codex/mcp,
 * geminicli.com/docs/tools/mcp-server.
 */
import type { Surroundings } from '../settings.ts';
import { NAME } from '../version.ts';

export const PLATFORMS = ['macos', 'windows', 'linux'] as const;
export type Platform = (typeof PLATFORMS)[number];

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

export function platformOf(system: NodeJS.Platform): Platform {
  return system === 'darwin' ? 'macos' : system === 'win32' ? 'windows' : 'linux';
}

/** This program's own file, and the Node that runs it. */
export interface Program {
  readonly path: string;
  readonly node: string;
}

/** A clone was not installed by npm: npx would start another program, or none. */
export function isClone({ path }: Program): boolean {
  return !/[\\/]node_modules[\\/]/.test(path);
}

/**
 * What npm installed is started by npx everywhere; a clone by its path, and by the Node that runs it now, because a
 * client that was started from the desktop often finds no other.
 * @param program undefined: for another computer
 */
export function launchOn(platform: Platform, program: Program | undefined): Launch {
  if (program !== undefined && isClone(program)) return { command: program.node, args: [program.path] };
  const npx = ['npx', '-y', NAME];
  // On Windows npx is a batch file, which only a shell can start (modelcontextprotocol/servers, README).
  const [command = '', ...args] = platform === 'windows' ? ['cmd', '/c', ...npx] : npx;
  return { command, args };
}

export interface SetupClient {
  readonly title: string;
  /** The user's own file: of all projects. */
  readonly file: Readonly<Record<Platform, string>>;
  /** How to open the file, and what else to know; sentences. */
  readonly notes: (platform: Platform) => readonly string[];
  /** What the file has to hold: JSON, or TOML. */
  readonly config: (launch: Launch) => string;
  /** Prints a command that writes it, where the client has one. */
  readonly command?: (launch: Launch, platform: Platform) => string | undefined;
}

export const KEYS = { VOLC_ACCESSKEY: 'your access key', VOLC_SECRETKEY: 'your secret key' } as const;

/** Under the clients' own limits, of 300 and 600 s (their documentation), with time for the answer to travel. */
const CODEX = { waitSeconds: 240, toolSeconds: 300, startSeconds: 60 } as const;
const GEMINI = { waitSeconds: 500, toolMilliseconds: 600_000 } as const;

/** Lists of texts on one line, as people write them. */
export function jsonText(value: object): string {
  return JSON.stringify(value, null, 2).replace(/\[\s+("[^[\]{}]*")\s+\]/g, (_, texts: string) => {
    return `[${texts.replace(/,\n\s+/g, ', ')}]`;
  });
}

function mcpServers(launch: object, env: object = {}, rest: object = {}): string {
  return jsonText({ mcpServers: { [NAME]: { ...launch, env: { ...KEYS, ...env }, ...rest } } });
}

function atHome(folder: string, file: string): Record<Platform, string> {
  const path = `~/${folder}/${file}`;
  return { macos: path, linux: path, windows: `%USERPROFILE%\\${folder}\\${file}` };
}

function inApplicationData(folders: readonly string[], file: string): Record<Platform, string> {
  return {
    macos: `~/Library/Application Support/${[...folders, file].join('/')}`,
    windows: `%APPDATA%\\${[...folders, file].join('\\')}`,
    linux: `~/.config/${[...folders, file].join('/')}`,
  };
}

function quoted(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function claudeCommand({ command, args }: Launch): string {
  // The name first: -e takes everything that follows it as one more variable.
  const keys = Object.entries(KEYS).map(([name, value]) => `-e ${name}='${value}'`);
  const start = [command, ...args].map(quoted).join(' ');
  return `claude mcp add ${NAME} --scope user ${keys.join(' ')} -- ${start}`;
}

function vscodeConfig(launch: Launch): string {
  const ask = (id: string, description: string) => ({ type: 'promptString', id, description, password: true });
  return jsonText({
    inputs: [ask('volc-access', 'VOLC_ACCESSKEY'), ask('volc-secret', 'VOLC_SECRETKEY')],
    servers: {
      [NAME]: {
        type: 'stdio',
        ...launch,
        env: { VOLC_ACCESSKEY: `\${input:volc-access}`, VOLC_SECRETKEY: `\${input:volc-secret}` },
      },
    },
  });
}

/** A JSON text is a TOML text, too. */
function codexConfig({ command, args }: Launch): string {
  const environment = { ...KEYS, JIMENG_VIDEO_WAIT_SECONDS: String(CODEX.waitSeconds) };
  return [
    `[mcp_servers.${NAME}]`,
    `command = ${JSON.stringify(command)}`,
    `args = [${args.map((text) => JSON.stringify(text)).join(', ')}]`,
    `startup_timeout_sec = ${CODEX.startSeconds}`,
    `tool_timeout_sec = ${CODEX.toolSeconds}`,
    '',
    `[mcp_servers.${NAME}.env]`,
    ...Object.entries(environment).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
  ].join('\n');
}

function desktopNotes(platform: Platform): string[] {
  const open = 'Settings → Developer → Edit Config opens the file; restart Claude Desktop afterwards.';
  // github.com/anthropics/claude-code/issues/26073
  const store =
    'If the server does not appear, this Claude Desktop reads %LOCALAPPDATA%\\Packages\\Claude_…\\LocalCache\\Roaming\\Claude\\claude_desktop_config.json instead: enter it there.';
  return platform === 'windows' ? [open, store] : [open];
}

export const CLIENTS = {
  'claude-desktop': {
    title: 'Claude Desktop',
    file: inApplicationData(['Claude'], 'claude_desktop_config.json'),
    notes: desktopNotes,
    config: (launch) => mcpServers(launch),
  },
  'claude-code': {
    title: 'Claude Code',
    file: { macos: '~/.claude.json', linux: '~/.claude.json', windows: '%USERPROFILE%\\.claude.json' },
    notes: (platform) => [
      platform === 'windows'
        ? 'For one project, the same goes into .mcp.json in its folder.'
        : 'Run this command: it adds the server to that file. For one project, leave --scope user out.',
    ],
    config: (launch) => mcpServers({ type: 'stdio', ...launch }),
    // PowerShell keeps a bare -- for itself, so on Windows it is the file.
    command: (launch, platform) => (platform === 'windows' ? undefined : claudeCommand(launch)),
  },
  cursor: {
    title: 'Cursor',
    file: atHome('.cursor', 'mcp.json'),
    notes: () => ['For one project, the same goes into .cursor/mcp.json in its folder.'],
    config: (launch) => mcpServers(launch),
  },
  vscode: {
    title: 'VS Code',
    file: inApplicationData(['Code', 'User'], 'mcp.json'),
    notes: () => [
      '“MCP: Open User Configuration” in the command palette opens the file. VS Code asks for the keys once and keeps them.',
      'For one project, the same goes into .vscode/mcp.json in its folder.',
    ],
    config: vscodeConfig,
  },
  codex: {
    title: 'Codex CLI',
    file: atHome('.codex', 'config.toml'),
    notes: () => [
      `Codex waits ${CODEX.toolSeconds} s for a tool here, so the server waits ${CODEX.waitSeconds} s for a video.`,
    ],
    config: codexConfig,
  },
  gemini: {
    title: 'Gemini CLI',
    file: atHome('.gemini', 'settings.json'),
    notes: () => [
      `Gemini CLI waits ${GEMINI.toolMilliseconds / 1000} s for a tool, so the server waits ${GEMINI.waitSeconds} s for a video.`,
    ],
    config: (launch) => {
      const env = { JIMENG_VIDEO_WAIT_SECONDS: String(GEMINI.waitSeconds) };
      return mcpServers(launch, env, { timeout: GEMINI.toolMilliseconds });
    },
  },
} as const satisfies Record<string, SetupClient>;

export type ClientName = keyof typeof CLIENTS;
export const CLIENT_NAMES = Object.keys(CLIENTS) as [ClientName, ...ClientName[]];

/** However it is written: `Claude Desktop`, `vs-code`, `codex-cli`. */
export function clientNamed(text: string): ClientName | undefined {
  const letters = (name: string) =>
    name
      .toLowerCase()
      .replace(/[^a-z]/g, '')
      .replace(/cli$/, '');
  return CLIENT_NAMES.find((name) => letters(name) === letters(text));
}

/** The client's file on this computer; undefined without the folder that it is in. */
export function fileHere(file: string, { environment, homeDir }: Surroundings): string | undefined {
  const [, variable, rest = ''] = /^(?:%(\w+)%|~)(.*)$/.exec(file) ?? [];
  const folder = variable === undefined ? homeDir : environment[variable];
  return folder === undefined ? undefined : `${folder}${rest}`;
}
