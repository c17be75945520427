/** The Inspector's command line, where each call is a new client and a new server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVER } from './stage.mjs';
import { tryClient } from './trial.mjs';

const INSPECTOR = fileURLToPath(
  new URL('node_modules/@modelcontextprotocol/inspector/cli/build/cli.js', import.meta.url),
);

async function connect({ environment, remote, untilSubmitted, callLimitSeconds }) {
  const headers = Object.entries(remote?.headers ?? {}).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  const target = remote ? [remote.url, '--transport', 'http', ...headers] : [SERVER.command, ...SERVER.args];
  /** @param giveUp settles when a person would press Ctrl-C */
  const run = async (options, giveUp) => {
    const args = [INSPECTOR, '--cli', ...target, ...options];
    // A group of its own, because Ctrl-C reaches all of one: the Inspector's two processes and the server.
    const child = spawn(process.execPath, args, { env: { ...process.env, ...environment }, detached: true });
    const printed = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const end = () => {
      process.kill(-child.pid, 'SIGKILL');
      process.exit(1);
    };
    process.once('SIGTERM', end);
    const stopped = giveUp !== undefined && (await Promise.race([giveUp.then(() => true), printed.then(() => false)]));
    if (stopped) process.kill(-child.pid, 'SIGINT');
    const [stdout, stderr] = await printed;
    process.off('SIGTERM', end);
    return { stdout, stderr, stopped };
  };
  const list = async (method, key) => {
    const { stdout } = await run(['--method', method]);
    return stdout === '' ? [] : JSON.parse(stdout)[key];
  };
  return {
    listTools: async () => (await list('tools/list', 'tools')).map(({ name }) => name),
    listExtras: async () => ({
      resources: await list('resources/list', 'resources'),
      prompts: await list('prompts/list', 'prompts'),
    }),
    async call(name, input) {
      const pairs = Object.entries(input).flatMap(([key, value]) => ['--tool-arg', `${key}=${JSON.stringify(value)}`]);
      // The Inspector has no timeout to set: this waits for the submit, then as long as other clients do.
      const isWaiting = callLimitSeconds !== undefined && name === 'generate_video' && input.wait_seconds === undefined;
      const giveUp = isWaiting ? untilSubmitted(input.prompt).then(() => sleep(callLimitSeconds * 1000)) : undefined;
      const { stdout, stderr, stopped } = await run(['--method', 'tools/call', '--tool-name', name, ...pairs], giveUp);
      if (stopped) return { text: stdout, stopped };
      if (stdout === '') return { text: stderr, thrown: true };
      const { content, structuredContent, isError } = JSON.parse(stdout);
      return { text: content.map((part) => part.text).join('\n'), structured: structuredContent, isError };
    },
    close: async () => undefined,
  };
}

await tryClient({ connect, modelSees: 'text and structuredContent, printed', givesStructured: true });
