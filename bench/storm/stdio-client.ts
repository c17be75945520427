/** A client that sees every byte of the program, and survives its death. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface ToolAnswer {
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the caller inspects whatever came.
  readonly structured: any;
  readonly isError: boolean;
  /** Set instead of a result: a JSON-RPC error. */
  readonly rpcError: { readonly code: number; readonly message: string } | undefined;
}

export class ProcessGone extends Error {
  override readonly name = 'ProcessGone';
}

type Waiting = { resolve: (answer: ToolAnswer) => void; reject: (error: Error) => void };

export class StdioClient {
  readonly child: ChildProcess;
  /** Lines on stdout that are no JSON-RPC answer to something that was asked. */
  readonly badLines: string[] = [];
  stderr = '';
  stdout = '';
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private isGone = false;
  /** By its client: killed, or its stdin closed. */
  isEnded = false;

  /** @param command the program and its arguments */
  constructor(command: readonly string[], environment: Readonly<Record<string, string>>, workingDir: string) {
    const [program = '', ...args] = command;
    this.child = spawn(program, args, { env: { ...environment }, cwd: workingDir });
    let rest = '';
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.read(line);
    });
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.once('close', () => {
      this.isGone = true;
      for (const { reject } of this.waiting.values()) reject(new ProcessGone('the process is gone'));
      this.waiting.clear();
    });
  }

  get alive(): boolean {
    return !this.isGone;
  }

  async initialize(): Promise<void> {
    const clientInfo = { name: 'storm', version: '1' };
    await this.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    this.write({ method: 'notifications/initialized' });
  }

  /** @throws ProcessGone when it dies first */
  async call(tool: string, given: unknown): Promise<ToolAnswer> {
    return await this.request('tools/call', { name: tool, arguments: given });
  }

  kill(): void {
    this.isEnded = true;
    this.child.kill('SIGKILL');
  }

  /** Ends as clients do: stdin is closed. */
  async close(): Promise<void> {
    if (this.isGone) return;
    const gone = new Promise((resolve) => this.child.once('close', resolve));
    this.isEnded = true;
    this.child.stdin?.end();
    await gone;
  }

  private write(message: object): void {
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  private request(method: string, params: object): Promise<ToolAnswer> {
    if (this.isGone) return Promise.reject(new ProcessGone('the process is gone'));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.write({ id, method, params });
    });
  }

  private read(line: string): void {
    let message: { jsonrpc?: unknown; id?: unknown; method?: unknown; result?: unknown; error?: unknown } | undefined;
    try {
      message = JSON.parse(line);
    } catch {
      message = undefined;
    }
    const waiting = typeof message?.id === 'number' ? this.waiting.get(message.id) : undefined;
    const isNotification = message?.jsonrpc === '2.0' && typeof message.method === 'string' && message.id === undefined;
    if (isNotification) return;
    if (message?.jsonrpc !== '2.0' || waiting === undefined) {
      this.badLines.push(line);
      return;
    }
    this.waiting.delete(message.id as number);
    waiting.resolve(answerOf(message));
  }
}

function answerOf({ result, error }: { result?: unknown; error?: unknown }): ToolAnswer {
  const given = (result ?? {}) as { content?: { text?: string }[]; structuredContent?: unknown; isError?: boolean };
  return {
    text: (given.content ?? []).map(({ text = '' }) => text).join('\n'),
    structured: given.structuredContent,
    isError: given.isError === true,
    rpcError: error as ToolAnswer['rpcError'],
  };
}
