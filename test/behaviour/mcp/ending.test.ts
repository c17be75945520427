/** When its client goes, the server ends promptly with exit code 0 and with everything paid on disk. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawServer, startRaw, until } from '../../support/mcp-client.ts';
import { expectWithin } from '../../support/promptly.ts';
import { readRows } from '../../support/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

/** SDK clients send SIGTERM 2 s after they closed stdin. */
const PROMPTLY_MILLISECONDS = 2_000;

const WAYS = [
  ['stdin closed', (server: RawServer) => void server.child.stdin?.end()],
  ['SIGTERM', (server: RawServer) => void server.child.kill('SIGTERM')],
  ['SIGINT', (server: RawServer) => void server.child.kill('SIGINT')],
] as const;

let sandbox: Sandbox;
const workspaces: Workspace[] = [];
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 30, tasksInFlight: 100, requestsPerSecond: 10_000 });
});
afterAll(async () => {
  await sandbox.close();
  await Promise.all(workspaces.map((workspace) => workspace.remove()));
});

async function start(): Promise<{ server: RawServer; workspace: Workspace }> {
  const workspace = await makeWorkspace();
  workspaces.push(workspace);
  const server = startRaw(workspace.environment(sandbox.url));
  await server.initialize();
  return { server, workspace };
}

function callVideo(server: RawServer, prompt: string): void {
  const params = { name: 'generate_video', arguments: { prompt, wait_seconds: 600 } };
  server.send({ id: 1, method: 'tools/call', params });
}

const recordIn = ({ stateDir }: Workspace) => readRows(stateDir)[0];

const acceptedFor = (prompt: string) => sandbox.accepted.find(({ request }) => request.body?.prompt === prompt);

describe.each(WAYS)('%s', (way, end) => {
  it.concurrent('while idle: exit code 0, promptly', async () => {
    await expectWithin(PROMPTLY_MILLISECONDS, async () => {
      const { server } = await start();
      const ended = server.exit();
      end(server);
      const { code, milliseconds } = await ended;
      expect([code, server.stderr()]).toEqual([0, '']);
      return milliseconds;
    });
  });

  it.concurrent('in the middle of a call: exit code 0, promptly, the task on disk', async () => {
    await expectWithin(PROMPTLY_MILLISECONDS, async (round) => {
      const prompt = `${way} in a call, round ${round}`;
      const { server, workspace } = await start();
      callVideo(server, prompt);
      await until('polling', () => recordIn(workspace)?.provider_task_id != null);
      const ended = server.exit();
      end(server);
      const { code, milliseconds } = await ended;
      expect(code).toBe(0);
      const { provider_task_id, holder } = recordIn(workspace) ?? {};
      expect(provider_task_id).toBe(acceptedFor(prompt)?.taskId);
      expect(holder, 'another process may hold it immediately').toBeNull();
      return milliseconds;
    });
  });

  it.concurrent('with a submit’s answer outstanding: it is awaited and recorded', async () => {
    const prompt = `${way} before the answer`;
    const { server, workspace } = await start();
    const when = ({ body }: { body?: Readonly<Record<string, unknown>> | undefined }) => body?.prompt === prompt;
    sandbox.faults.add({ on: 'submit', when, fault: { kind: 'slow', milliseconds: 1_000 } });
    callVideo(server, prompt);
    await until('the submit', () => acceptedFor(prompt) !== undefined);
    const ended = server.exit();
    end(server);
    expect((await ended).code).toBe(0);
    expect(recordIn(workspace)).toMatchObject({
      status: 'generating',
      provider_task_id: acceptedFor(prompt)?.taskId,
    });
  });
});

it.concurrent.each(['SIGTERM', 'SIGINT', 'SIGHUP'])(
  '%s before the protocol’s part is read: exit code 0',
  async (signal) => {
    const workspace = await makeWorkspace();
    workspaces.push(workspace);
    const preload = join(workspace.folder, 'signal.cjs');
    await writeFile(
      preload,
      `const fs = require('node:fs');
     const { readFileSync } = fs;
     fs.readFileSync = (file, ...options) => {
       if (/server\\.js$/.test(String(file))) process.kill(process.pid, '${signal}');
       return readFileSync(file, ...options);
     };`,
    );
    const NODE_OPTIONS = `--require ${JSON.stringify(preload)}`;
    const server = startRaw({ ...workspace.environment(sandbox.url), NODE_OPTIONS }, workspace.folder);
    const { code } = await server.exit();
    expect([code, server.stdoutLines, server.stderr()]).toEqual([0, [], '']);
  },
);
