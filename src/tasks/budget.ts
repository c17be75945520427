/** What was spent, what may still be, and is there room for one more? */
import { Problem } from '../problems.ts';
import type { TaskContext } from './context.ts';
import type { ClosedEntry, Journal } from './journal.ts';
import { chargeOf, isOpen, type TaskRecord } from './record.ts';

const DAY_MILLISECONDS = 24 * 3600_000;

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

/** Open first: a record that is moved in between is then seen twice, and counted once, but never missed. */
async function allTasks(journal: Journal): Promise<{ records: TaskRecord[]; entries: ClosedEntry[] }> {
  const records = await journal.openRecords();
  const ids = new Set(records.map((record) => record.id));
  return { records, entries: (await journal.closedEntries()).filter((entry) => !ids.has(entry.id)) };
}

export async function spending({ journal, clock }: TaskContext): Promise<Spending> {
  const since = clock.now() - DAY_MILLISECONDS;
  let last24h = 0;
  let allTime = 0;
  let possible = 0;
  const { records, entries } = await allTasks(journal);
  const charges = [
    ...entries.map(({ status, createdAt, fen }) => ({ made: status === 'done', createdAt, fen })),
    ...records
      .filter((record) => chargeOf(record) !== 'none')
      .map((record) => ({ made: record.status === 'done', createdAt: reservedAt(record), fen: fenOf(record) })),
  ];
  for (const { made, createdAt, fen } of charges) {
    if (!made) possible += fen;
    else allTime += fen;
    if (made && createdAt >= since) last24h += fen;
  }
  return { last24hCny: cny(last24h), allTimeCny: cny(allTime), possibleCny: cny(possible) };
}

/**
 * Counts what was reserved in the last 24 hours: queued, in flight, unknown and done. Call it under the lock.
 * @throws Problem budget_exceeded with the sum, and when room comes back
 */
export async function requireRoom(context: TaskContext, estimatedCny: number): Promise<void> {
  const budget = context.settings.dailyBudgetCny;
  if (budget === undefined) return;
  const { journal, clock } = context;
  const since = clock.now() - DAY_MILLISECONDS;
  const { records, entries } = await allTasks(journal);
  const reserved = [
    ...entries.map((entry) => ({ at: entry.createdAt, fen: entry.fen })),
    // A record that could not be moved yet is no longer open, but counts as it would there.
    ...records
      .filter((record) => isOpen(record.status) || chargeOf(record) !== 'none')
      .map((record) => ({ at: reservedAt(record), fen: fenOf(record) })),
  ].filter(({ at, fen }) => at > since && fen > 0);
  const sum = reserved.reduce((total, { fen }) => total + fen, 0);
  const over = sum + Math.round(estimatedCny * 100) - Math.round(budget * 100);
  if (over <= 0) return;
  const roomAt = whenRoom(reserved, over);
  const back =
    roomAt === undefined
      ? 'This video alone costs more than the budget.'
      : `Room comes back at ${new Date(roomAt + DAY_MILLISECONDS).toISOString()}.`;
  throw new Problem('budget_exceeded', {
    what: `This video costs about ¥${estimatedCny.toFixed(2)}, and ¥${cny(sum).toFixed(2)} of the daily budget of ¥${budget.toFixed(2)} are used or reserved in the last 24 hours. ${back}`,
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
