/** The built server over HTTP, as a process of its own, with real clients and with raw requests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { until } from './mcp-client.ts';
import { startCommand } from './run-command.ts';
import type { Environment } from './server-workspace.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface HttpServer {
  readonly child: ChildProcess;
  readonly url: string;
  stderr(): string;
  /** Resolves when it is in the log: a line may come after the answer that it belongs to. */
  logged(part: string | RegExp): Promise<void>;
  /** One message as it is given; of a stream, the last message. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
  post(message: unknown, headers?: Record<string, string>): Promise<{ status: number; headers: Headers; body: any }>;
  /** @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** @param args after `serve --port 0` */
export async function startHttp(env: Environment, args: readonly string[] = [], cwd?: string): Promise<HttpServer> {
  const options = { env: { PATH: process.env.PATH ?? '', ...env }, ...(cwd === undefined ? {} : { cwd }) };
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0', ...args], options);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const address = () => /listening on (http:\S+)\n/.exec(stderr)?.[1];
  await until('the server to listen', () => address() !== undefined || child.exitCode !== null);
  const url = address();
  if (url === undefined) throw new Error(`the server ended: ${stderr}`);
  return {
    ...{ child, url },
    stderr: () => stderr,
    logged: (part) =>
      until(`${part} in the log`, () => (typeof part === 'string' ? stderr.includes(part) : part.test(stderr))),
    async post(message, headers = {}) {
      const response = await fetch(`${url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...(message as object) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: lastMessage(text) };
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return await exited;
    },
  };
}

/**
 * @param people each a name, and options of `serve token add`
 * @returns their tokens by name; the file of `env` (JIMENG_VIDEO_TOKENS) has them
 */
export async function addPeople(
  env: Environment,
  workingDir: string,
  ...people: readonly (readonly [name: string, ...options: string[]])[]
): Promise<Map<string, string>> {
  const tokens = new Map<string, string>();
  for (const person of people) {
    const { stdout } = await startCommand(['serve', 'token', 'add', ...person], { env, workingDir }).result;
    tokens.set(person[0], stdout.trim());
  }
  return tokens;
}

function lastMessage(text: string): unknown {
  const events = [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => data);
  const last = events.at(-1) ?? text;
  return last === '' ? undefined : JSON.parse(last);
}

const headersFor = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** The SDK's first line: protocol revision 2025-11-25. */
export async function connectV1(url: string, token?: string, capabilities: object = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers: headersFor(token) } }),
  );
  return client;
}

/** The SDK's second line, held to revision 2026-07-28. */
export async function connectV2(url: string, token?: string, capabilities: object = {}): Promise<ClientV2> {
  const client = new ClientV2(
    { name: 'test', version: '1' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await client.connect(new TransportV2(new URL(`${url}/mcp`), { requestInit: { headers: headersFor(token) } }));
  return client;
}
