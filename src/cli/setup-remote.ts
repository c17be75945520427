/**
 * The configuration of each client for a server that runs elsewhere (`serve`). Looked up in November 2026, where
 * setup-clients.ts names the sources.
 */
import { NAME } from '../version.ts';
import { CLIENT_LIMITS, CLIENTS, type ClientName, jsonText, type Platform } from './setup-clients.ts';

export interface RemoteServer {
  /** Of the MCP endpoint. */
  readonly url: string;
  readonly token: string;
}

interface RemoteClient {
  readonly config: (server: RemoteServer, platform: Platform) => string;
  /** Sentences. */
  readonly notes: readonly string[];
  /** It prints a command, which adds to the file on its own. */
  readonly isCommand?: true;
}

const TOKEN_PLACEHOLDER = 'your token';

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

function mcpServers(server: object): string {
  return jsonText({ mcpServers: { [NAME]: server } });
}

const REMOTE: Readonly<Record<ClientName, RemoteClient>> = {
  'claude-desktop': {
    // Its own connectors have no field for a token.
    config: ({ url, token }, platform) => {
      const npx = ['npx', '-y', 'mcp-remote', url, '--header', 'Authorization:$' + '{AUTHORIZATION}'];
      const [command = '', ...args] = platform === 'windows' ? ['cmd', '/c', ...npx] : npx;
      return mcpServers({ command, args, env: { AUTHORIZATION: bearer(token).Authorization } });
    },
    notes: [
      'Where people sign in (JIMENG_VIDEO_OAUTH_ISSUER), no file is needed: Settings → Connectors → Add custom connector, with the address above.',
      'With a token, Claude Desktop reaches the server through the package mcp-remote, which npx loads; an http:// address of another computer needs its option --allow-http.',
    ],
  },
  'claude-code': {
    config: ({ url, token }) =>
      `claude mcp add --transport http ${NAME} ${url} --scope user --header 'Authorization: ${bearer(token).Authorization}'`,
    notes: [
      'Run this command: it adds the server to that file. Where people sign in, leave --header out, and use /mcp.',
    ],
    isCommand: true,
  },
  cursor: {
    config: ({ url, token }) => mcpServers({ url, headers: bearer(token) }),
    notes: ['Where people sign in, leave headers out: Cursor opens the browser.'],
  },
  vscode: {
    config: ({ url, token }) => {
      const input = {
        type: 'promptString',
        id: 'jimeng-token',
        description: 'Token of the Jimeng server',
        password: true,
      };
      const isGiven = token !== TOKEN_PLACEHOLDER;
      const value = isGiven ? token : '$' + '{input:jimeng-token}';
      const servers = { [NAME]: { type: 'http', url, headers: bearer(value) } };
      return jsonText(isGiven ? { servers } : { inputs: [input], servers });
    },
    notes: ['Where people sign in, leave headers out: VS Code opens the browser.'],
  },
  codex: {
    config: ({ url, token }) =>
      [
        `[mcp_servers.${NAME}]`,
        `url = ${JSON.stringify(url)}`,
        `http_headers = { Authorization = ${JSON.stringify(bearer(token).Authorization)} }`,
        `tool_timeout_sec = ${CLIENT_LIMITS.codex.toolSeconds}`,
      ].join('\n'),
    notes: ['Instead of http_headers, bearer_token_env_var can name a variable that holds the token.'],
  },
  windsurf: {
    config: ({ url, token }) => mcpServers({ serverUrl: url, headers: bearer(token) }),
    notes: [],
  },
  cline: {
    config: ({ url, token }) => mcpServers({ type: 'streamableHttp', url, headers: bearer(token) }),
    notes: [],
  },
  gemini: {
    config: ({ url, token }) =>
      mcpServers({ httpUrl: url, headers: bearer(token), timeout: CLIENT_LIMITS.gemini.toolMilliseconds }),
    notes: [],
  },
};

/** @returns the address of the endpoint; undefined for what is no http(s) address */
export function endpointIn(text: string): string | undefined {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.hash !== '') return undefined;
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path.endsWith('/mcp') ? path : `${path}/mcp`}`;
}

export function remoteText(name: ClientName, platform: Platform, url: string, token: string | undefined): string {
  const { config, notes, isCommand = false } = REMOTE[name];
  const { title, file } = CLIENTS[name];
  return [
    `${title}, ${platform}: ${file[platform]}`,
    '',
    config({ url, token: token ?? TOKEN_PLACEHOLDER }, platform),
    '',
    ...(isCommand ? [] : ['Keep what the file already holds, and add the server to it.']),
    ...notes,
    ...(token === undefined ? ['The server’s operator makes the token: jimeng-video-mcp serve token add NAME.'] : []),
  ].join('\n');
}
