/** Starts a stdio server and speaks to it line by line, with minimal overhead. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { residentBytes } from './measure.mjs';

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'jimeng-bench', version: '1' },
};

/** The yardstick of every start: bare Node. */
export const BARE_PROGRAM = [fileURLToPath(new URL('bare-program.cjs', import.meta.url))];

export class PlainClient {
  #child;
  #answers = new Map();
  #lastId = 0;
  #exit;
  #stderr = '';

  constructor(command, args, options) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    this.#exit = once(this.#child, 'close');
    this.#exit.catch(() => undefined);
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    let rest = '';
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) this.#read(line);
    });
    const gone = (reason) => () => {
      for (const { reject } of this.#answers.values())
        reject(new Error(`${reason}: ${this.#stderr.trim().slice(-300)}`));
      this.#answers.clear();
    };
    this.#child.on('close', gone('it ended without an answer'));
    this.#child.on('error', gone('it could not be started'));
  }

  get pid() {
    return this.#child.pid;
  }

  #read(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    const waiting = this.#answers.get(message.id);
    if (waiting === undefined) return;
    this.#answers.delete(message.id);
    if (message.error === undefined) waiting.resolve({ result: message.result, bytes: Buffer.byteLength(line) });
    else waiting.reject(new Error(message.error.message));
  }

  /** @returns the result, and the bytes of its line */
  async ask(method, params, timeoutMilliseconds = 30_000) {
    this.#lastId += 1;
    const id = this.#lastId;
    let timer;
    const answer = new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      timer = setTimeout(
        () => reject(new Error(`no answer in ${timeoutMilliseconds / 1000} s: ${this.#stderr.trim().slice(-300)}`)),
        timeoutMilliseconds,
      );
    });
    this.notify({ jsonrpc: '2.0', id, method, params });
    return await answer.finally(() => clearTimeout(timer));
  }

  notify(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async initialize() {
    await this.ask('initialize', INITIALIZE);
    this.notify({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** Closes stdin; a server that does not end within a second is killed. */
  async close() {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1000);
    await this.#exit.catch(() => undefined);
    clearTimeout(timer);
  }
}

/** From the spawn to the whole answer to initialize, and what is in memory once tools/list is answered. */
export async function measureStart(command, args, options) {
  const startedAt = performance.now();
  const client = new PlainClient(command, args, options);
  try {
    await client.initialize();
    const startMilliseconds = performance.now() - startedAt;
    const { bytes } = await client.ask('tools/list', {});
    return { startMilliseconds, rssBytes: await residentBytes(client.pid), listBytes: bytes };
  } finally {
    await client.close();
  }
}
