/**
 * What a paid call costs beside the provider's answer, and what the list costs.
 * Ours: dist/main.js. Before: the tree of an earlier commit (BENCH_BEFORE, default the last one with a journal of JSON
 * files), built beside it. Both submit to the same sandbox, in turn; a bare signed POST of the same body on a fresh
 * connection is the provider's share, and is subtracted.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './import-bundled.mjs';
import { interleave, median, milliseconds, printTable, verdict } from './measure.mjs';
import { PlainClient } from './plain-client.mjs';
import { environmentIn, importSource, PROGRAM, startSandbox } from './server-under-test.mjs';
import { scopeIn, writeTasks } from './state.mjs';

const BEFORE = process.env.BENCH_BEFORE ?? '0adb088';
const CALLS = 60;
const OPEN = 95;
const QUEUED = 80;
const CLOSED = 10_000;

const { createApi } = await importSource('src/jimeng/api.ts');
const { createNetwork } = await importSource('src/system/network.ts');
const { systemClock } = await importSource('src/clock.ts');
const { silentLog } = await importSource('src/log.ts');
const { newTaskId } = await importSource('src/tasks/record.ts');

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-paid-'));
const busy = { tasksInFlight: 100_000, requestsPerSecond: 1_000_000, generationSeconds: 36_000 };
const sandbox = await startSandbox(busy);
const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
const clients = [];
let prompts = 0;

/** @returns the built program of the earlier tree; undefined where git does not have it */
async function buildBefore() {
  const folder = join(scratch, 'before');
  const run = (command, args, cwd) => spawnSync(command, args, { cwd, stdio: 'ignore' }).status === 0;
  if (!run('git', ['worktree', 'add', '--detach', folder, BEFORE], root)) return undefined;
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return run(process.execPath, ['scripts/build.mjs'], folder) ? join(folder, 'dist', 'main.js') : undefined;
}

async function start(program, name, concurrency = 100) {
  const env = { ...environmentIn(join(scratch, name), sandbox), JIMENG_VIDEO_CONCURRENCY: String(concurrency) };
  const client = new PlainClient(process.execPath, [program], { env });
  clients.push(client);
  await client.initialize();
  return client;
}

/** Each capability has slots of its own. */
async function submit(client, mode = 't2v_720p') {
  prompts += 1;
  const startedAt = performance.now();
  const given = { prompt: `number ${prompts}`, mode };
  const { result } = await client.ask('tools/call', { name: 'submit_video_task', arguments: given });
  const took = performance.now() - startedAt;
  const { status } = result.structuredContent;
  if (!['in_queue', 'generating', 'queued'].includes(status)) throw new Error(JSON.stringify(result).slice(0, 300));
  return { took };
}

async function list(client) {
  const startedAt = performance.now();
  const { result } = await client.ask('tools/call', { name: 'list_video_tasks', arguments: {} });
  if (result.structuredContent.tasks.length !== 10) throw new Error(JSON.stringify(result).slice(0, 300));
  return { took: performance.now() - startedAt };
}

/** Of an account that has made so many videos. */
async function addClosed(name, count) {
  const file = join(scratch, name, 'state', 'jimeng.db');
  const closed = Array.from({ length: count }, (_, number) => {
    const at = Date.now() - 40 * 86_400_000 - number * 60_000;
    const request = { mode: 't2v_720p', prompt: `an old one, number ${number}`, duration: 5, fps: 24, notes: [] };
    const times = { reservedAt: at, finishedAt: at + 90_000, acceptedAt: at, sentAt: at };
    const ids = { id: newTaskId(at), fingerprint: `old ${number}`, reqKey: 'jimeng_t2v_v30', attempts: 1 };
    return { ...ids, ...times, fen: 140, billedSeconds: 5, status: 'done', request, sandbox: false, place: null };
  });
  await writeTasks(file, await scopeIn(file), closed);
}

try {
  const before = await buildBefore();
  const api = createApi({
    endpoint: async () => new URL(sandbox.url),
    credentials: sandbox.credentials,
    apiTimeoutSeconds: 20,
    network,
    clock: systemClock,
    log: silentLog,
  });
  const bare = async () => {
    prompts += 1;
    const body = { req_key: 'jimeng_t2v_v30', prompt: `number ${prompts}`, seed: -1, frames: 121 };
    const startedAt = performance.now();
    await api.submit(Buffer.from(JSON.stringify(body)));
    return { took: performance.now() - startedAt };
  };
  const sidesOf = async (name, mode) => {
    const ours = await start(PROGRAM, `${name}-ours`);
    const old = before && (await start(before, `${name}-before`));
    return {
      clients: { ours, old },
      sides: { ours: () => submit(ours, mode), ...(old && { old: () => submit(old, mode) }), bare },
    };
  };
  const rows = [];
  const report = (what, values, target) => {
    const own = (name) => values[name] && Math.max(0, median(values[name].took) - median(values.bare.took));
    const old = own('old');
    const [mine, theirs] = [`${milliseconds(own('ours'))} ms`, old === undefined ? '–' : `${milliseconds(old)} ms`];
    const share = old === undefined ? '–' : `${(old / own('ours')).toFixed(1)} × faster`;
    rows.push([what, mine, theirs, share, `≤ ${target} ms`, verdict(own('ours') <= target)]);
  };

  const few = await sidesOf('few', 't2v_720p');
  await interleave(few.sides, 5);
  report('a paid call’s own time, p50', await interleave(few.sides, Math.min(CALLS, 40)), 10);

  const many = await sidesOf('many', 't2v_1080p');
  for (let number = 0; number < OPEN; number += 1) await submit(many.clients.ours);
  if (many.clients.old) for (let number = 0; number < OPEN; number += 1) await submit(many.clients.old);
  report(`the same with ${OPEN} open tasks`, await interleave(many.sides, 30), 15);

  const { ours, old } = many.clients;
  const lists = { ours: () => list(ours), ...(old && { old: () => list(old) }) };
  await interleave(lists, 10);
  const listed = await interleave(lists, CALLS);
  const short = median(listed.ours.took);
  const oldList = listed.old && median(listed.old.took);
  rows.push([
    'list_video_tasks with over 100 open, p50',
    `${milliseconds(short)} ms`,
    oldList === undefined ? '–' : `${milliseconds(oldList)} ms`,
    oldList === undefined ? '–' : `${(oldList / short).toFixed(1)} × faster`,
    '≤ 4 ms',
    verdict(short <= 4),
  ]);
  const twin = await start(PROGRAM, 'twin-ours');
  for (let number = 0; number < OPEN; number += 1) await submit(twin);
  for (let number = 0; number < 30; number += 1) await submit(twin, 't2v_1080p');
  await addClosed('twin-ours', CLOSED);
  const both = { twin: () => list(twin), ours: () => list(ours) };
  await interleave(both, 10);
  const compared = await interleave(both, CALLS);
  const ratio = median(compared.twin.took) / median(compared.ours.took);
  rows.push([
    `the same with ${CLOSED.toLocaleString('en')} closed, beside it`,
    `${milliseconds(median(compared.twin.took))} ms`,
    '–',
    `${ratio.toFixed(2)} × of none`,
    '≤ 1.3 ×',
    verdict(ratio <= 1.3),
  ]);

  const line = await start(PROGRAM, 'line-ours', 1);
  const oldLine = before && (await start(before, 'line-before', 1));
  const queued = { ours: () => submit(line), ...(oldLine && { old: () => submit(oldLine) }) };
  const grown = await interleave(queued, QUEUED);
  const growth = ({ took }) => median(took.slice(-15)) / median(took.slice(5, 20));
  rows.push([
    `a submit behind ${QUEUED - 15} to ${QUEUED} queued, beside one behind 5 to 20`,
    `${growth(grown.ours).toFixed(2)} ×`,
    grown.old ? `${growth(grown.old).toFixed(2)} ×` : '–',
    '–',
    '≤ 1.5 ×',
    verdict(growth(grown.ours) <= 1.5),
  ]);
  printTable(['What', 'Ours', `Before (${BEFORE})`, 'Ratio', 'Target', ''], rows);
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await sandbox.close();
  await network.close();
  spawnSync('git', ['worktree', 'remove', '--force', join(scratch, 'before')], { cwd: root, stdio: 'ignore' });
  await rm(scratch, { recursive: true, force: true });
}
