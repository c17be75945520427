/** The stage for one client: a sandbox, empty folders, for HTTP a server, and the server's raw answers for comparison. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { importBundled } from '../../bench/import-bundled.mjs';

/** The only part of the build that is relied on: the command that every client starts. */
export const SERVER = {
  command: process.execPath,
  args: [fileURLToPath(new URL('../../dist/main.js', import.meta.url))],
};

/** The client connects to a server that runs, with a bearer token; otherwise it starts one and speaks stdio. */
const OVER_HTTP = process.argv.includes('http');

/** Longer than the time-out under trial, so that a slow machine cannot make the video too early. */
const GENERATION_SECONDS = 5;

/**
 * Starts a sandbox that keeps a record of what arrives.
 *
 * @returns the server's environment; over HTTP `remote`, its address and the headers to send; the submits that arrived for a prompt;
 *   and `close`, which ends and removes all
 */
export async function openStage() {
  const folder = await mkdtemp(join(tmpdir(), 'stage-'));
  const { exports } = await importBundled('test/support/sandbox.ts');
  const sandbox = await exports.startSandbox({ generationSeconds: GENERATION_SECONDS });
  const environment = {
    JIMENG_VIDEO_API_URL: sandbox.url,
    VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
    VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    JIMENG_VIDEO_POLL_INTERVAL: '0.2',
    LOG_LEVEL: 'warn',
  };
  const served = OVER_HTTP ? await serve(folder, environment) : undefined;
  const countSubmits = (prompt) => sandbox.submits(prompt).length;
  return {
    folder,
    environment,
    remote: served?.remote,
    countSubmits,
    async untilSubmitted(prompt) {
      while (countSubmits(prompt) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    async close() {
      await served?.end();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Starts the shared server, for one person. */
async function serve(folder, environment) {
  const env = { ...environment, JIMENG_VIDEO_TOKENS: join(folder, 'people.yaml') };
  const token = (await text(start(env, 'token', 'add', 'tester').stdout)).trim();
  const { url, end } = await serveOpen(env);
  return { remote: { url, headers: { Authorization: `Bearer ${token}` } }, end };
}

const start = (env, ...args) =>
  spawn(SERVER.command, [...SERVER.args, 'serve', ...args], { env: { PATH: process.env.PATH, ...env } });

/** Starts the shared server. @returns the address of its endpoint, and `end` */
export async function serveOpen(environment) {
  const server = start(environment, '--port', '0');
  const ended = new Promise((resolve) => server.once('close', resolve));
  const url = await new Promise((resolve, reject) => {
    let printed = '';
    server.stderr.on('data', (chunk) => {
      printed += chunk;
      const address = /listening on (\S+)/.exec(printed)?.[1];
      if (address) resolve(`${address}/mcp`);
    });
    server.once('close', () => reject(new Error(`the server ended: ${printed}`)));
  });
  return {
    url,
    end: async () => {
      server.kill('SIGTERM');
      await ended;
    },
  };
}

/** The answers to some tool calls, read from the server's own stdout: what a client had in its hands to pass on. */
export async function askWithoutClient(environment, calls) {
  const server = spawn(SERVER.command, SERVER.args, {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const send = (message) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'none', version: '1' };
  send({ id: -1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } });
  send({ method: 'notifications/initialized' });
  for (const [id, [name, given]] of calls.entries()) {
    send({ id, method: 'tools/call', params: { name, arguments: given } });
  }
  const answers = new Map();
  for await (const line of createInterface({ input: server.stdout })) {
    const { id, result, error } = JSON.parse(line);
    if (id >= 0) answers.set(id, result ? result.content[0].text : error);
    if (answers.size === calls.length) break;
  }
  server.stdin.end();
  return calls.map((_call, id) => answers.get(id));
}
