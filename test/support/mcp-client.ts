/** A real client, the SDK's, over real stdio to the built server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { expect } from 'vitest';
import type { ZodType } from 'zod';
import { clipSchema } from '../../src/report/clip-report.ts';
import { listSchema } from '../../src/report/list-report.ts';
import { type Report, reportSchema } from '../../src/report/report.ts';
import { rewriteRecord } from './records.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';
import { type Environment, makeWorkspace, type Workspace } from './server-workspace.ts';

const SERVER = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Reported {
  readonly report: Report;
  /** The structuredContent as it came. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
  readonly structured: any;
  readonly text: string;
  readonly isError: boolean;
  /** Of the image blocks, in base64. */
  readonly pictures: readonly string[];
}

export type Arguments = Readonly<Record<string, unknown>>;

export interface Session {
  readonly client: Client;
  readonly pid: number;
  /** Every result is checked: it conforms, strictly, and the text says what the report says. */
  call(tool: string, given: Arguments, options?: RequestOptions): Promise<Reported>;
  stderr(): string;
  close(): Promise<void>;
}

/**
 * Starts the server and initializes it. The client knows the output schemas, and rejects what does not conform.
 *
 * @param launch the command and its arguments; left out: the built server
 */
export async function connect(
  env: Environment,
  cwd?: string,
  [command, ...args]: readonly [string, ...string[]] = [process.execPath, SERVER],
): Promise<Session> {
  const transport = new StdioClientTransport({
    command,
    args,
    env: { ...env },
    stderr: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  await client.listTools();
  return {
    client,
    pid: transport.pid ?? 0,
    async call(tool, given, options) {
      const result = await client.callTool({ name: tool, arguments: { ...given } }, undefined, options);
      return checked(tool, result as Parameters<typeof checked>[1]);
    },
    stderr: () => stderr,
    close: () => client.close(),
  };
}

interface CallResult {
  readonly content: readonly { readonly type: string; readonly text?: string; readonly data?: string }[];
  readonly structuredContent?: Record<string, unknown>;
  readonly isError?: boolean;
}

const SCHEMAS: Readonly<Record<string, ZodType>> = {
  list_video_tasks: listSchema,
  join_videos: clipSchema,
  preview_video: clipSchema,
};

function checked(tool: string, result: CallResult): Reported {
  const structured = result.structuredContent ?? {};
  const text = result.content.map((part) => part.text ?? '').join('\n');
  const schema = SCHEMAS[tool] ?? reportSchema;
  expect(schema.parse(structured)).toEqual(structured);
  const said = [structured.task_id, structured.message, structured.next_step].filter((part) => part !== undefined);
  for (const part of said) expect(text).toContain(part);
  const kind = structured.film_id === undefined && structured.shots === undefined ? 'Video' : 'Film';
  const pictures = result.content.flatMap(({ type, data }) => (type === 'image' && data !== undefined ? [data] : []));
  if (structured.status !== undefined && schema === reportSchema) {
    expect(text).toContain(
      structured.status === 'done'
        ? `**Generated ${kind}:**`
        : `**${kind === 'Film' ? kind : 'Video Task'}:** ${structured.status}`,
    );
  }
  return { report: structured as Report, structured, text, isError: result.isError === true, pictures };
}

export interface Stage extends Session {
  readonly sandbox: Sandbox;
  readonly workspace: Workspace;
  /** The provider's id of the task with this prompt; undefined while there is none. */
  providerIdOf(prompt: string): string | undefined;
  /** Changes the record of a finished task on disk. */
  // biome-ignore lint/suspicious/noExplicitAny: a test writes any record.
  rewriteRecord(taskId: string, change: (record: any) => void): Promise<void>;
}

/** A sandbox that is quick, a workspace and a server that belong together. */
export async function openStage(sandboxOptions: SandboxOptions = {}, settings: Environment = {}): Promise<Stage> {
  const sandbox = await startSandbox({
    generationSeconds: 0.2,
    tasksInFlight: 1000,
    requestsPerSecond: 100_000,
    ...sandboxOptions,
  });
  const workspace = await makeWorkspace();
  const session = await connect(
    { ...workspace.environment(sandbox.url, sandbox.credentials), ...settings },
    workspace.folder,
  );
  return {
    ...session,
    sandbox,
    workspace,
    providerIdOf: (prompt) => sandbox.accepted.find(({ request }) => request.body?.prompt === prompt)?.taskId,
    async rewriteRecord(taskId, change) {
      rewriteRecord(workspace.stateDir, taskId, change);
    },
    async close() {
      await session.close();
      await sandbox.close();
      await workspace.remove();
    },
  };
}

/** Hits the queries for the task with this prompt, and no other's. */
export function whenAskedFor(stage: Stage, prompt: string): (request: Sandbox['requests'][number]) => boolean {
  return ({ body }) => body?.task_id !== undefined && body.task_id === stage.providerIdOf(prompt);
}

/** Hits the submits with this prompt. */
export function whenSubmitted(prompt: string): (request: Sandbox['requests'][number]) => boolean {
  return ({ body }) => body?.prompt === prompt;
}

/** Looks every 10 ms. @throws Error after the time, with what was awaited */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  milliseconds = 60_000,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface RawServer {
  readonly child: ChildProcess;
  /** Whole lines, as they came. */
  readonly stdoutLines: readonly string[];
  stderr(): string;
  send(message: object): void;
  /** Does the handshake. */
  initialize(): Promise<void>;
  /** The answer with this id. */
  answer(
    id: number | string,
  ): Promise<{ readonly result?: CallResult; readonly error?: { readonly code: number; readonly message: string } }>;
  /** Exit code or signal, and how long after this call it came. */
  exit(): Promise<{ readonly code: number | null; readonly milliseconds: number }>;
}

/** The server without a client around it: for what a client hides, such as the exit code and the bytes on stdout. */
export function startRaw(env: Environment, cwd?: string, program = SERVER): RawServer {
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH ?? '', ...env }, cwd });
  const stdoutLines: string[] = [];
  let rest = '';
  let stderr = '';
  // Decoded by the stream: a character of several bytes may come in two pieces.
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    stdoutLines.push(...lines);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const raw: RawServer = {
    child,
    stdoutLines,
    stderr: () => stderr,
    send: (message) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    async initialize() {
      const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
      raw.send({ id: 0, method: 'initialize', params });
      await raw.answer(0);
      raw.send({ method: 'notifications/initialized' });
    },
    async answer(id) {
      const found = () => stdoutLines.map((line) => JSON.parse(line)).find((message) => message.id === id);
      await until(`an answer to request ${id}`, () => found() !== undefined);
      return found();
    },
    async exit() {
      const from = performance.now();
      const code = await exited;
      return { code, milliseconds: performance.now() - from };
    },
  };
  return raw;
}
