/**
 * The configuration of each client: its file, its format, and the command that starts this server. Looked up in November 2026:
 * modelcontextprotocol.io (Claude Desktop), code.claude.com/docs/en/mcp, cursor.com/docs/mcp,
 * code.visualstudio.com/docs/copilot/reference/mcp-configuration, developers.openai.com/codex/mcp,
 * geminicli.com/docs/tools/mcp-server, docs.windsurf.com/windsurf/cascade/mcp, docs.cline.bot/mcp/configuring-mcp-servers.
 */
import { shellWord } from '../report/text.ts';
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

/** Variables of the server with their values. */
export type Variables = Readonly<Record<string, string>>;

export interface SetupClient {
  readonly title: string;
  /** The user's own file: of all projects. */
  readonly file: Readonly<Record<Platform, string>>;
  /** How to open the file, and what else to know; sentences. */
  readonly notes: (platform: Platform) => readonly string[];
  /**
   * What the file has to hold: JSON, or TOML.
   * @param variables instead of the keys
   */
  readonly config: (launch: Launch, variables?: Variables) => string;
  /** Prints a command that writes it, where the client has one. */
  readonly command?: (launch: Launch, platform: Platform) => string | undefined;
}

export const KEYS = { VOLC_ACCESSKEY: 'your access key', VOLC_SECRETKEY: 'your secret key' } as const;

/**
 * How long the server waits for a video where the client waits longer than a minute for a tool, with time for the answer to travel:
 * 300 and 600 s are the limits of Codex and Gemini CLI; Cline waits as long as its entry says, at most an hour.
 */
export const CLIENT_LIMITS = {
  codex: { waitSeconds: 240, toolSeconds: 300, startSeconds: 60 },
  gemini: { waitSeconds: 500, toolMilliseconds: 600_000 },
  cline: { waitSeconds: 240, toolSeconds: 300 },
} as const;

/** Lists of texts on one line, as people write them. */
export function jsonText(value: object): string {
  return JSON.stringify(value, null, 2).replace(/\[\s+("[^[\]{}]*")\s+\]/g, (_, texts: string) => {
    return `[${texts.replace(/,\n\s+/g, ', ')}]`;
  });
}

function mcpServers(launch: object, variables: Variables = KEYS, rest: object = {}): string {
  return jsonText({ mcpServers: { [NAME]: { ...launch, env: variables, ...rest } } });
}

/** The wait is shorter than what the client waits for the tool. */
function withWait({ waitSeconds }: { readonly waitSeconds: number }, variables: Variables = KEYS): Variables {
  return { ...variables, JIMENG_VIDEO_WAIT_SECONDS: String(waitSeconds) };
}

/** @param path below the home folder, its parts separated by slashes */
function atHome(path: string): Record<Platform, string> {
  return { macos: `~/${path}`, linux: `~/${path}`, windows: `%USERPROFILE%\\${path.replaceAll('/', '\\')}` };
}

function inApplicationData(folders: readonly string[], file: string): Record<Platform, string> {
  return {
    macos: `~/Library/Application Support/${[...folders, file].join('/')}`,
    windows: `%APPDATA%\\${[...folders, file].join('\\')}`,
    linux: `~/.config/${[...folders, file].join('/')}`,
  };
}

function claudeCommand({ command, args }: Launch): string {
  // The name first: -e takes everything that follows it as one more variable.
  const keys = Object.entries(KEYS).map(([name, value]) => `-e ${name}='${value}'`);
  const start = [command, ...args].map(shellWord).join(' ');
  return `claude mcp add ${NAME} --scope user ${keys.join(' ')} -- ${start}`;
}

function vscodeConfig(launch: Launch, variables?: Variables): string {
  if (variables !== undefined) return jsonText({ servers: { [NAME]: { type: 'stdio', ...launch, env: variables } } });
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
function codexConfig({ command, args }: Launch, variables?: Variables): string {
  const environment = withWait(CLIENT_LIMITS.codex, variables);
  return [
    `[mcp_servers.${NAME}]`,
    `command = ${JSON.stringify(command)}`,
    `args = [${args.map((text) => JSON.stringify(text)).join(', ')}]`,
    `startup_timeout_sec = ${CLIENT_LIMITS.codex.startSeconds}`,
    `tool_timeout_sec = ${CLIENT_LIMITS.codex.toolSeconds}`,
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
    config: (launch, variables) => mcpServers(launch, variables),
  },
  'claude-code': {
    title: 'Claude Code',
    file: atHome('.claude.json'),
    notes: (platform) => [
      platform === 'windows'
        ? 'For one project, the same goes into .mcp.json in its folder.'
        : 'Run this command: it adds the server to that file. For one project, leave --scope user out.',
    ],
    config: (launch, variables) => mcpServers({ type: 'stdio', ...launch }, variables),
    // PowerShell keeps a bare -- for itself, so on Windows it is the file.
    command: (launch, platform) => (platform === 'windows' ? undefined : claudeCommand(launch)),
  },
  cursor: {
    title: 'Cursor',
    file: atHome('.cursor/mcp.json'),
    notes: () => ['For one project, the same goes into .cursor/mcp.json in its folder.'],
    config: (launch, variables) => mcpServers(launch, variables),
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
    file: atHome('.codex/config.toml'),
    notes: () => [
      `Codex waits ${CLIENT_LIMITS.codex.toolSeconds} s for a tool here, so the server waits ${CLIENT_LIMITS.codex.waitSeconds} s for a video.`,
    ],
    config: codexConfig,
  },
  gemini: {
    title: 'Gemini CLI',
    file: atHome('.gemini/settings.json'),
    notes: () => [
      `Gemini CLI waits ${CLIENT_LIMITS.gemini.toolMilliseconds / 1000} s for a tool, so the server waits ${CLIENT_LIMITS.gemini.waitSeconds} s for a video.`,
    ],
    config: (launch, variables) =>
      mcpServers(launch, withWait(CLIENT_LIMITS.gemini, variables), { timeout: CLIENT_LIMITS.gemini.toolMilliseconds }),
  },
  windsurf: {
    title: 'Windsurf',
    file: atHome('.codeium/windsurf/mcp_config.json'),
    notes: () => ['Windsurf Settings → Cascade → MCP Servers opens the file.'],
    config: (launch, variables) => mcpServers(launch, variables),
  },
  cline: {
    title: 'Cline',
    file: inApplicationData(
      ['Code', 'User', 'globalStorage', 'saoudrizwan.claude-dev', 'settings'],
      'cline_mcp_settings.json',
    ),
    notes: () => [
      'MCP Servers → Configure → Configure MCP Servers opens the file. The Cline CLI reads ~/.cline/data/settings/cline_mcp_settings.json instead.',
      `Cline waits ${CLIENT_LIMITS.cline.toolSeconds} s for a tool here, so the server waits ${CLIENT_LIMITS.cline.waitSeconds} s for a video.`,
    ],
    config: (launch, variables) =>
      mcpServers(launch, withWait(CLIENT_LIMITS.cline, variables), { timeout: CLIENT_LIMITS.cline.toolSeconds }),
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
