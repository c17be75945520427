/** The figures at /metrics, and the report of a queue that no process works on. */
import { expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { countedLog, Metrics, type StoreFigures } from '../../../src/serve/metrics.ts';
import { watchWorkers } from '../../../src/serve/worker.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const SPENDING = { last24hFen: 140, allTimeFen: 280, pendingFen: 0 };

function metricsOf(read: () => Partial<StoreFigures>) {
  const metrics = new Metrics(
    async () => ({ counts: {}, spending: SPENDING, workers: undefined, ...read() }),
    async () => 0,
  );
  return {
    metrics,
    async figure(name: string) {
      const line = (await metrics.text()).body.split('\n').find((one) => one.startsWith(`${name} `));
      return line?.slice(name.length + 1);
    },
  };
}

it('an answer holds what the store holds then, and not what it held for the answer before', async () => {
  let queued = 0;
  const { figure } = metricsOf(() => ({ counts: { queued: ++queued } }));
  for (const value of ['1', '2', '3']) expect(await figure('jimeng_tasks{status="queued"}')).toBe(value);
});

it('what does not exist has no figure: a budget that is not set, workers of a store that is not shared', async () => {
  const none = metricsOf(() => ({}));
  expect(await none.figure('jimeng_budget_left_cny')).toBeUndefined();
  expect(await none.figure('jimeng_workers')).toBeUndefined();
  const some = metricsOf(() => ({ workers: 0, spending: { ...SPENDING, budget: { fen: 500, leftFen: 0 } } }));
  expect(await some.figure('jimeng_budget_left_cny')).toBe('0');
  expect(await some.figure('jimeng_workers')).toBe('0');
});

it('every counter begins at 0, so that `increase` in an alert counts the first event, too', async () => {
  const { figure } = metricsOf(() => ({}));
  for (const outcome of ['generating', 'queued', 'failed', 'unknown'])
    expect(await figure(`jimeng_submits_total{outcome="${outcome}"}`), outcome).toBe('0');
  for (const saved of ['true', 'false']) expect(await figure(`jimeng_videos_total{saved="${saved}"}`), saved).toBe('0');
  for (const status of ['401', '403', '429', '503'])
    expect(await figure(`jimeng_denied_total{status="${status}"}`), status).toBe('0');
  for (const kind of ['record_not_written', 'lease_not_renewed', 'declared_dead', 'video_not_saved', 'no_worker'])
    expect(await figure(`jimeng_troubles_total{kind="${kind}"}`), kind).toBe('0');
});

it('where the store cannot be read, no figure of it is left', async () => {
  let isAway = false;
  const { figure } = metricsOf(() => {
    if (isAway) throw new Error('away');
    return { workers: 2, counts: { queued: 1 } };
  });
  const names = ['jimeng_workers', 'jimeng_pending_cny', 'jimeng_tasks{status="queued"}', 'jimeng_store_up'];
  const all = async () => await Promise.all(names.map(figure));
  expect(await all()).toEqual(['2', '0', '1', '1']);
  isAway = true;
  expect(await all()).toEqual([undefined, undefined, undefined, '0']);
});

it('a queue that no process works on is a trouble once, and again after one did; a restart and a store that is away are none', async () => {
  const { metrics, figure } = metricsOf(() => ({}));
  const clock = new ManualClock();
  const over = new AbortController();
  const counts = [0, 1, 0, 'away', 0, 0, 0, 1, 0, 0, undefined, 0] as const;
  let asked = 0;
  const count = async () => {
    const now = counts[asked++];
    if (now === 'away') throw new Error('away');
    return now;
  };
  const log = countedLog(silentLog, (event, fields) => metrics.event(event, fields));
  const watching = watchWorkers(count, { clock, log, over: over.signal });
  const troubles: number[] = [];
  while (asked < counts.length) {
    await clock.advance(10_000);
    troubles.push(Number((await figure('jimeng_troubles_total{kind="no_worker"}')) ?? 0));
  }
  expect(troubles).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
  over.abort();
  await watching;
});
