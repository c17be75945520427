/** What was spent, what may still be, and is there room for one more? */
import { MODE_NAMES, priceCny } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import type { TaskContext } from './context.ts';
import type { Snapshot } from './journal.ts';
import { chargeOf, type TaskRecord } from './record.ts';

const DAY_MILLISECONDS = 24 * 3600_000;
const CHEAPEST_CNY = Math.min(...MODE_NAMES.map((mode) => priceCny(mode, 5)));

export interface Spending {
  /** Finished videos only. */
  readonly last24hCny: number;
  readonly allTimeCny: number;
  /** In flight, or with an unknown outcome: may have been or may yet be charged. */
  readonly possibleCny: number;
}

const cny = (fen: number) => Math.round(fen) / 100;
const reservedAt = (record: TaskRecord) => Date.parse(record.created_at);
const fenOf = (record: TaskRecord) => Math.round((record.estimated_cny ?? 0) * 100);

export async function spending({ journal, clock }: TaskContext): Promise<Spending> {
  return spendingOf(await journal.snapshot(), clock.now());
}

/** @param now milliseconds since 1970 */
export function spendingOf({ open, closed }: Snapshot, now: number): Spending {
  const since = now - DAY_MILLISECONDS;
  let last24h = 0;
  let allTime = 0;
  let possible = 0;
  for (const entry of closed) {
    if (entry.status !== 'done') possible += entry.fen;
    else allTime += entry.fen;
    if (entry.status === 'done' && entry.createdAt >= since) last24h += entry.fen;
  }
  for (const record of open) {
    if (chargeOf(record) === 'possible') possible += fenOf(record);
  }
  return { last24hCny: cny(last24h), allTimeCny: cny(allTime), possibleCny: cny(possible) };
}

/**
 * Counts what was reserved in the last 24 hours: queued, in flight, unknown and done. Call it under the lock.
 * @throws Problem budget_exceeded with the sum, and when room comes back; not retryable when it never does
 */
export async function requireRoom(context: TaskContext, estimatedCny: number): Promise<void> {
  const budget = context.settings.dailyBudgetCny;
  if (budget === undefined) return;
  const { journal, clock } = context;
  const since = clock.now() - DAY_MILLISECONDS;
  const { open, closed } = await journal.snapshot();
  const reserved = [
    ...closed.map((entry) => ({ at: entry.createdAt, fen: entry.fen })),
    ...open.map((record) => ({ at: reservedAt(record), fen: fenOf(record) })),
  ].filter(({ at, fen }) => at > since && fen > 0);
  const sum = reserved.reduce((total, { fen }) => total + fen, 0);
  const over = sum + Math.round(estimatedCny * 100) - Math.round(budget * 100);
  if (over <= 0) return;
  const roomAt = whenRoom(reserved, over);
  const what = `This video costs about ¥${estimatedCny.toFixed(2)}, and ¥${cny(sum).toFixed(2)} of the daily budget of ¥${budget.toFixed(2)} are used or reserved in the last 24 hours.`;
  if (roomAt === undefined) throw neverRoom(what, budget);
  throw new Problem('budget_exceeded', {
    what: `${what} Room comes back at ${new Date(roomAt + DAY_MILLISECONDS).toISOString()}.`,
  });
}

/** However long one waits. */
function neverRoom(what: string, budget: number): Problem {
  const raise = 'raise JIMENG_VIDEO_DAILY_BUDGET_CNY';
  return new Problem('budget_exceeded', {
    what: `${what} This video alone costs more than the budget.`,
    mend: budget < CHEAPEST_CNY ? raise : `choose a cheaper mode or a shorter duration, or ${raise}`,
    retryable: false,
  });
}

/** The reservation with whose end enough is free again. */
function whenRoom(reserved: readonly { at: number; fen: number }[], neededFen: number): number | undefined {
  let freed = 0;
  for (const { at, fen } of [...reserved].sort((a, b) => a.at - b.at)) {
    freed += fen;
    if (freed >= neededFen) return at;
  }
  return undefined;
}
