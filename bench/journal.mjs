/**
 * Does a journal of 10,000 closed tasks answer as fast as one of 10?
 * Both sides: the built program on a state folder of records as it writes them itself (one real video's, told anew with
 * other ids and times), asked the same by the same client in turn. Warm: after calls that do not count; told beside it, and
 * no reach of its own: when the folder changed just before each call, as it does once a task. Looked up: another
 * old task at each call. Fresh: the first call of a new process, from asking to its answer, the start before it left out.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interleave, median, milliseconds, printTable, verdict } from './measure.mjs';
import { PlainClient } from './plain-client.mjs';
import { environmentIn, importSource, PROGRAM, startSandbox } from './server-under-test.mjs';

const FEW = 10;
const MANY = 10_000;
const CALLS = 60;
const STARTS = 12;
const MAX_RATIO = 3;
const HOUR_MILLISECONDS = 3600_000;

const { closedFileName } = await importSource('src/tasks/closed-name.ts');
const { newTaskId } = await importSource('src/tasks/record.ts');

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-journal-'));
const sandbox = await startSandbox();
const clients = [];

function startIn(folder) {
  const client = new PlainClient(process.execPath, [PROGRAM], { env: environmentIn(folder, sandbox) });
  clients.push(client);
  return client;
}

async function listOnce(client, total) {
  const startedAt = performance.now();
  const { result } = await client.ask('tools/call', { name: 'list_video_tasks', arguments: {} });
  const took = performance.now() - startedAt;
  const { tasks, spent } = result.structuredContent;
  const expected = Math.round(total * centsOfOne) / 100;
  if (tasks.length !== 10 || spent.all_time_cny !== expected) {
    throw new Error(`${tasks.length} tasks, ${spent.all_time_cny} instead of ${expected}`);
  }
  return { took };
}

async function lookUpOnce(client, ids) {
  const task_id = ids.shift();
  ids.push(task_id);
  const startedAt = performance.now();
  const { result } = await client.ask('tools/call', {
    name: 'get_video_task',
    arguments: { task_id, wait_seconds: 0 },
  });
  const took = performance.now() - startedAt;
  if (result.structuredContent.task_id !== task_id) throw new Error(JSON.stringify(result).slice(0, 300));
  return { took };
}

let centsOfOne;
/** @returns the folder of a program that has made so many videos, one an hour, and their ids */
async function makeHistory(name, count) {
  const folder = join(scratch, name);
  const client = startIn(folder);
  await client.initialize();
  const made = await client.ask('tools/call', { name: 'generate_video', arguments: { prompt: 'one of many' } });
  const id = made.result.structuredContent.task_id;
  await client.close();
  const [account] = await readdir(join(folder, 'state'));
  const closed = join(folder, 'state', account, 'closed');
  const provider = join(folder, 'state', account, 'provider');
  const record = JSON.parse(await readFile(join(closed, (await readdir(closed))[0]), 'utf8'));
  centsOfOne = Math.round(record.estimated_cny * 100);
  const ids = [id];
  await mkdir(provider, { recursive: true });
  for (let number = 1; number < count; number += 1) {
    const at = Date.parse(record.created_at) - number * HOUR_MILLISECONDS;
    const times = { created_at: new Date(at).toISOString(), finished_at: new Date(at + 90_000).toISOString() };
    const another = { ...record, ...times, id: newTaskId(at), provider_task_id: String(10n ** 18n + BigInt(number)) };
    ids.push(another.id);
    await writeFile(join(closed, closedFileName(another, undefined)), `${JSON.stringify(another, null, 2)}\n`);
    await writeFile(join(provider, another.provider_task_id), `${another.id}\n`);
  }
  return { folder, closed, count, ids: ids.toReversed() };
}

async function firstCall({ folder, count, ids }, ask) {
  const client = startIn(folder);
  try {
    await client.initialize();
    return await (ask === 'list' ? listOnce(client, count) : lookUpOnce(client, ids));
  } finally {
    await client.close();
  }
}

try {
  const few = await makeHistory('few', FEW);
  const many = await makeHistory('many', MANY);
  const [withFew, withMany] = [startIn(few.folder), startIn(many.folder)];
  await Promise.all([withFew.initialize(), withMany.initialize()]);
  const lists = { few: () => listOnce(withFew, FEW), many: () => listOnce(withMany, MANY) };
  const lookUps = { few: () => lookUpOnce(withFew, few.ids), many: () => lookUpOnce(withMany, many.ids) };
  await interleave(lists, CALLS);
  const listed = await interleave(lists, CALLS);
  // Any change of the folder does: the program is to see it at its next call.
  const afterChange = (side, list) => async () => {
    await mkdir(join(side.closed, 'made just now'));
    await rm(join(side.closed, 'made just now'), { recursive: true });
    return await list();
  };
  const listedAgain = await interleave(
    { few: afterChange(few, lists.few), many: afterChange(many, lists.many) },
    CALLS,
  );
  await interleave(lookUps, CALLS);
  const lookedUp = await interleave(lookUps, CALLS);
  await Promise.all([withFew.close(), withMany.close()]);
  const fresh = (ask) => ({ few: () => firstCall(few, ask), many: () => firstCall(many, ask) });
  const listedFirst = await interleave(fresh('list'), STARTS);
  const lookedUpFirst = await interleave(fresh('look up'), STARTS);

  const row = (what, values, hasReach = true) => {
    const [some, all] = [median(values.few.took), median(values.many.took)];
    const ratio = all / some;
    const told = [`${milliseconds(all)} ms`, `${milliseconds(some)} ms`, `${ratio.toFixed(2)} ×`];
    return [what, ...told, ...(hasReach ? [`≤ ${MAX_RATIO} ×`, verdict(ratio <= MAX_RATIO)] : ['–', 'told'])];
  };
  printTable(
    ['What', '10,000 tasks', '10 tasks', 'Ratio', 'Reach', ''],
    [
      row('the newest ten, and the sums of all time', listed),
      row('the same, a task ended just before', listedAgain, false),
      row('one looked up', lookedUp),
      row('the newest ten, first call of a fresh process', listedFirst),
      row('one looked up, first call of a fresh process', lookedUpFirst),
    ],
  );
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await sandbox.close();
  await rm(scratch, { recursive: true, force: true });
}
