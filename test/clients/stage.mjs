/** The stage for one client: a sandbox, empty folders, and the server's raw answers for comparison. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { importBundled } from '../../bench/import-bundled.mjs';

/** The only part of the build that is relied on: the command that every client starts. */
export const SERVER = {
  command: process.execPath,
  args: [fileURLToPath(new URL('../../dist/main.js', import.meta.url))],
};

/** Longer than the time-out under trial, so that a slow machine cannot make the video too early. */
const GENERATION_SECONDS = 5;

/**
 * Starts a sandbox that keeps a record of what arrives.
 *
 * @returns the server's environment; the submits that arrived for a prompt; and `close`, which ends and removes all
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
  const countSubmits = (prompt) =>
    sandbox.requests.filter(({ operation, body }) => operation === 'submit' && body?.prompt === prompt).length;
  return {
    folder,
    environment,
    countSubmits,
    async untilSubmitted(prompt) {
      while (countSubmits(prompt) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    async close() {
      await sandbox.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
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
