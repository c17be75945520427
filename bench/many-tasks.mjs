/**
 * The cost of a thousand tasks in flight in one process, compared with ten. Each is on disk as if an earlier process had left
 * it, and resumed by the built server. `--whole` waits until all are saved (some four minutes).
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { megabytes, printTable, residentBytes } from './measure.mjs';
import { acceptedTasks, delaysOf, mostInASecond, probeEnvironment, scopeFor } from './open-tasks.mjs';
import { PROGRAM, startSandbox } from './server-under-test.mjs';
import { writeTasks } from './state.mjs';

const FEW = 10;
const MANY = 1000;
const IN_FLIGHT_SECONDS = 25;
const SAVING_SECONDS = process.argv.includes('--whole') ? 180 : 30;
const GENERATION_SECONDS = 300;
const MOST_A_SECOND = 10;
const MOST_DELAY_MILLISECONDS = 50;
const MOST_MEMORY = 1.6;
const GETS = 5;

/** The tasks are at the provider, and open in the state folder. @returns their ids */
async function leaveTasks(count, sandbox, { stateDir, outputDir }) {
  const records = await acceptedTasks(count, sandbox, { folder: outputDir });
  await writeTasks(join(stateDir, 'jimeng.db'), scopeFor(sandbox), records);
  return { ids: records.map(({ id }) => id) };
}

async function startServer(sandbox, { stateDir, outputDir, probeFile }) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM],
    env: {
      JIMENG_VIDEO_API_URL: sandbox.url,
      JIMENG_VIDEO_STATE_DIR: stateDir,
      JIMENG_VIDEO_OUTPUT_DIR: outputDir,
      VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
      VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
      LOG_LEVEL: 'silent',
      ...probeEnvironment(probeFile),
    },
  });
  const client = new Client({ name: 'jimeng-bench', version: '1' });
  await client.connect(transport);
  const call = (name, given) => client.callTool({ name, arguments: given }, undefined, { timeout: 60_000 });
  const delays = () => delaysOf(transport.pid, probeFile);
  const resident = () => residentBytes(transport.pid);
  return { call, delays, resident, close: () => client.close() };
}

async function measure(count, savingSeconds) {
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const sandbox = await startSandbox({
    ...{ generationSeconds: GENERATION_SECONDS, tasksInFlight: MANY, requestsPerSecond: 1e6, now },
  });
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-bench-'));
  const places = {
    stateDir: join(folder, 'state'),
    outputDir: join(folder, 'videos'),
    probeFile: join(folder, 'probe'),
  };
  try {
    const { ids } = await leaveTasks(count, sandbox, places);
    const server = await startServer(sandbox, places);
    try {
      const queries = () => sandbox.requests.filter(({ operation }) => operation === 'query');
      await server.call('list_video_tasks', { limit: 1 });
      // What the start costs is another measurement's.
      await server.delays();
      await sleep(IN_FLIGHT_SECONDS * 1000);
      const inFlight = { delays: await server.delays(), memory: await server.resident() };
      const gets = [];
      // The last ones are the last in line.
      for (const id of ids.slice(-GETS)) {
        const from = performance.now();
        await server.call('get_video_task', { task_id: id, wait_seconds: 0 });
        gets.push(performance.now() - from);
      }
      const before = queries();
      ahead = GENERATION_SECONDS * 1000;
      const startedAt = performance.now();
      const saved = async () => {
        const names = await readdir(places.outputDir).catch(() => []);
        return names.filter((name) => name.endsWith('.mp4')).length;
      };
      while (performance.now() - startedAt < savingSeconds * 1000 && (await saved()) < count) await sleep(500);
      const after = queries().slice(before.length);
      return {
        count,
        ...inFlight,
        gets: gets.sort((a, b) => a - b),
        queries: before.length,
        // In order: no task is queried again before every task was queried once.
        together: new Set(before.slice(0, Math.min(count, before.length) - GETS).map(({ taskId }) => taskId)).size,
        most: Math.max(...[before, after].map((figures) => mostInASecond(figures.map(({ arrivedAt }) => arrivedAt)))),
        savingDelays: await server.delays(),
        savingMemory: await server.resident(),
        savingSeconds: (performance.now() - startedAt) / 1000,
        saved: await saved(),
      };
    } finally {
      await server.close();
    }
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const few = await measure(FEW, 5 + SAVING_SECONDS / 10);
const many = await measure(MANY, SAVING_SECONDS);
const ratio = many.memory / few.memory;
const checks = [
  ['at most 10 queries in any second', Math.max(few.most, many.most) <= MOST_A_SECOND],
  ['event-loop delay p99 at most 50 ms', many.delays.p99 <= MOST_DELAY_MILLISECONDS],
  ['memory at most 1.6 ×', ratio <= MOST_MEMORY],
  ['every task in turn', many.together === Math.min(MANY, many.queries) - GETS],
  [
    'ten are saved, and a thousand as fast as ten queries a second allow',
    few.saved === FEW && many.saved >= Math.min(MANY, 5 * many.savingSeconds),
  ],
];
if (checks.some(([, isMet]) => !isMet)) process.exitCode = 1;
const figure = (name, of) => [name, ...[few, many].map(of)];
const delays = ({ p50, p99, max }) => `${p50.toFixed(1)} / ${p99.toFixed(1)} / ${max.toFixed(1)} ms`;
printTable(
  ['', `${FEW} tasks in flight`, `${MANY} tasks in flight`],
  [
    figure(`queries in ${IN_FLIGHT_SECONDS} s`, ({ queries }) => queries),
    figure('most queries in any second', ({ most }) => most),
    figure('event-loop delay, p50 / p99 / most', (figures) => delays(figures.delays)),
    figure('the same while they are saved', (figures) => delays(figures.savingDelays)),
    figure('memory (RSS)', ({ memory }) => `${megabytes(memory)} MB`),
    figure('the same while they are saved', ({ savingMemory }) => `${megabytes(savingMemory)} MB`),
    figure(
      '`get_video_task`, median / slowest',
      ({ gets }) => `${gets[GETS >> 1].toFixed(0)} / ${gets.at(-1).toFixed(0)} ms`,
    ),
    figure('finished all at once: saved', ({ saved, savingSeconds }) => `${saved} in ${savingSeconds.toFixed(0)} s`),
  ],
);
process.stdout.write(
  `\nMemory ${ratio.toFixed(2)} ×. ${checks.map(([name, isMet]) => `${name}: ${isMet ? 'met' : '**not met**'}`).join('; ')}.\n`,
);
