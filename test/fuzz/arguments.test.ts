/** Any tool arguments get a proper answer, and only valid ones are paid for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildProgram, type Program } from '../../bench/storm/program.ts';
import { StdioClient, type ToolAnswer } from '../../bench/storm/stdio-client.ts';
import { flawOf } from '../../bench/storm/worker.ts';
import { type App, createApp } from '../../src/app.ts';
import { createLog } from '../../src/log.ts';
import { TOOLS } from '../../src/mcp/tools.ts';
import { readSettings } from '../../src/settings.ts';
import { callInProcess } from '../support/call-tool.ts';
import { type Sandbox, startSandbox } from '../support/sandbox.ts';
import { hostileCall } from './hostile.ts';

/** `npm run fuzz` sets 10000. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 250);
const STDIO_RUNS = Math.min(Math.ceil(RUNS / 10), 500);
const SECRET = 'ZnV6eiBzZWNyZXQsIG5vdC9hIHJlYWwrb25lIQ==';
const NOTHING_SENT = new Set(['refused', 'checked']);

let folder: string;
let sandbox: Sandbox;
let environment: Record<string, string>;
let app: App;
let program: Program;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jimeng-fuzz-'));
  sandbox = await startSandbox({
    credentials: { accessKeyId: 'AKLTfuzz', secretAccessKey: SECRET },
    generationSeconds: 0,
    tasksInFlight: 100_000,
    requestsPerSecond: 1_000_000,
    maxStoredRequests: 1_000_000,
  });
  environment = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    VOLC_ACCESSKEY: 'AKLTfuzz',
    VOLC_SECRETKEY: SECRET,
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    JIMENG_VIDEO_WAIT_SECONDS: '0',
    JIMENG_VIDEO_POLL_INTERVAL: '0.05',
    JIMENG_VIDEO_CONCURRENCY: '100',
    LOG_LEVEL: 'info',
  };
  const read = readSettings({ environment, homeDir: folder, workingDir: folder, platform: process.platform });
  app = createApp(read, createLog('silent'));
  program = await buildProgram();
});

afterAll(async () => {
  await app.end(5000);
  await program.remove();
  await sandbox.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});

const submits = () => sandbox.submits().length;

function expectRight(tool: string, input: unknown, answer: ToolAnswer, submitsBefore: number): void {
  expect(flawOf(answer), JSON.stringify({ tool, input, answer })).toBeUndefined();
  expect(JSON.stringify(answer)).not.toContain(SECRET);
  const { status } = answer.structured;
  if (NOTHING_SENT.has(status) || status === undefined) expect(submits()).toBe(submitsBefore);
}

type CallTool = (name: string, input: unknown) => Promise<ToolAnswer>;

/** A request that waits for one of the 100 slots is submitted later, and would be counted as the next call's. */
async function untilSent({ structured }: ToolAnswer, call: CallTool): Promise<void> {
  // A JSON-RPC error has no structured content.
  let status = structured?.status;
  while (status === 'queued' || status === 'submitting') {
    const answer = await call('get_video_task', { task_id: structured.task_id, wait_seconds: 1 });
    status = answer.structured.status;
  }
}

test(`${RUNS} calls with anything are answered in each tool's own shape, and nothing invalid is sent`, async () => {
  const none = new AbortController().signal;
  const call: CallTool = async (name, input) => {
    return { ...(await callInProcess(app, name, input, { signal: none })), rpcError: undefined };
  };
  await fc.assert(
    fc.asyncProperty(hostileCall, async ({ tool: name, input }) => {
      const tool = TOOLS.find((known) => known.name === name) ?? expect.fail();
      const before = submits();
      const answer = await call(name, input);
      expect(tool.output.safeParse(answer.structured).error).toBeUndefined();
      expectRight(name, input, answer, before);
      await untilSent(answer, call);
    }),
    { numRuns: RUNS, endOnFailure: false },
  );
  // The sandbox is strict: what it refuses would have been refused by the service, after it was recorded here.
  const refused = sandbox.requests.filter(({ operation, answer }) => operation === 'submit' && answer?.status !== 200);
  expect(refused.map(({ rawBody, answer }) => [rawBody, answer])).toEqual([]);
}, 600_000);

test(`${STDIO_RUNS} of them over stdio get JSON-RPC and nothing else, and no secret is written`, async () => {
  const client = new StdioClient(
    [process.execPath, program.path],
    { ...environment, JIMENG_VIDEO_STATE_DIR: join(folder, 'other') },
    folder,
  );
  await client.initialize();
  await fc.assert(
    fc.asyncProperty(hostileCall, async ({ tool, input }) => {
      const before = submits();
      const answer = await client.call(tool, input);
      // Arguments that are no object are no valid request: the SDK says so.
      if (answer.rpcError !== undefined) expect([-32600, -32601, -32602, -32603]).toContain(answer.rpcError.code);
      else expectRight(tool, input, answer, before);
      await untilSent(answer, (name, given) => client.call(name, given));
    }),
    { numRuns: STDIO_RUNS, endOnFailure: false },
  );
  await client.close();
  expect(client.badLines).toEqual([]);
  expect(client.stdout + client.stderr).not.toContain(SECRET);
}, 600_000);
