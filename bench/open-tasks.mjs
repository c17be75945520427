/** Tasks that a sandbox has accepted and nobody polls, and what a server that takes them over does to it and to itself. */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { importSource } from './server-under-test.mjs';

const { createApi } = await importSource('src/jimeng/api.ts');
const { createNetwork } = await importSource('src/system/network.ts');
const { scopeOf } = await importSource('src/app.ts');
const { newTaskId } = await importSource('src/tasks/record.ts');
const { systemClock: clock } = await importSource('src/clock.ts');
const { silentLog: log } = await importSource('src/log.ts');

const REQ_KEY = 'jimeng_t2v_v30';

export function scopeFor({ url, credentials }) {
  return scopeOf(url, credentials.accessKeyId);
}

/** @param place where they are to be saved; null: links only @returns whole TaskRecords */
export async function acceptedTasks(count, { url, credentials }, place) {
  const network = createNetwork({});
  const endpoint = async () => new URL(url);
  const api = createApi({ endpoint, credentials, apiTimeoutSeconds: 60, network, clock, log });
  const records = [];
  for (let number = 0; number < count; number++) {
    const prompt = `video ${number}`;
    const { providerTaskId } = await api.submit(Buffer.from(JSON.stringify({ req_key: REQ_KEY, prompt })));
    const at = Date.now();
    records.push({
      ...{ id: newTaskId(at), status: 'generating', providerStatus: 'in_queue', sandbox: true, attempts: 1 },
      ...{ reservedAt: at, sentAt: at, acceptedAt: at, fingerprint: randomBytes(8).toString('hex'), providerTaskId },
      ...{ reqKey: REQ_KEY, billedSeconds: 5, fen: 140, place },
      request: { mode: 't2v_720p', prompt, duration: 5, fps: 24, notes: [] },
    });
  }
  await network.close();
  return records;
}

/** The most that arrived within any second. */
export function mostInASecond(arrivals) {
  let most = 0;
  let from = 0;
  arrivals.forEach((at, index) => {
    while (at - arrivals[from] >= 1000) from++;
    most = Math.max(most, index - from + 1);
  });
  return most;
}

/** What a program is started with, so that `delaysOf` works. */
export function probeEnvironment(probeFile) {
  const probe = fileURLToPath(new URL('event-loop-probe.mjs', import.meta.url));
  return { NODE_OPTIONS: `--import ${probe}`, BENCH_EVENT_LOOP_FILE: probeFile };
}

/** @returns the event loop's delays since it was last called @param probeFile as `probeEnvironment` was given */
export async function delaysOf(pid, probeFile) {
  await rm(probeFile, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    await sleep(50);
    const text = await readFile(probeFile, 'utf8').catch(() => '');
    if (text.endsWith('}')) return JSON.parse(text);
  }
}
