/** Decides whether a request is created, joins an existing one, or is refused. Pure. */
import { createHash } from 'node:crypto';
import { MODE_NAMES, priceCny } from '../jimeng/modes.ts';
import { jsonPieces } from '../jimeng/request-body.ts';
import { Problem } from '../problems.ts';
import type { Admission, ReservationLedger, UsedBudget } from '../store/store.ts';
import { isOpen, type Task } from './record.ts';

/** A finished video is what a repeated call wants for this long. */
const DONE_MILLISECONDS = 30 * 60_000;
/** A submit whose answer was lost may be a video for as long as a task lives. */
const UNKNOWN_MILLISECONDS = 12 * 3600_000;
/** An entry that its process left behind is no longer what its user expects to pay for. */
export const LEFT_ENTRY_MILLISECONDS = 3600_000;
/** A film of many shots that continue from each other takes hours. */
export const LEFT_SHOT_MILLISECONDS = 12 * 3600_000;
const CHEAPEST_FEN = Math.min(...MODE_NAMES.map((mode) => fenOf(priceCny(mode, 5))));

export function fenOf(cny: number): number {
  return Math.round(cny * 100);
}

/**
 * @param body the submit's, images by content
 * @returns the same for the same body, duration and rate; no seed is seed −1
 */
export function fingerprintOf(body: Readonly<Record<string, unknown>>, duration: number, fps: number): string {
  const { seed = -1, ...rest } = body;
  const sorted = Object.entries({ ...rest, seed }).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  for (const piece of jsonPieces([sorted, duration, fps])) hash.update(piece);
  return hash.digest('hex');
}

/** The newest task that a second call joins instead of paying. */
export function sameRequest({ same, now }: ReservationLedger): Task | undefined {
  return same.find((task) => {
    if (task.status === 'queued' && !task.ownerAlive) return now - task.reservedAt <= LEFT_ENTRY_MILLISECONDS;
    if (isOpen(task.status)) return true;
    const age = now - (task.finishedAt ?? task.reservedAt);
    if (task.status === 'done') return age < DONE_MILLISECONDS;
    return task.status === 'unknown' && age < UNKNOWN_MILLISECONDS;
  });
}

function cny(fen: number): string {
  return `¥${(fen / 100).toFixed(2)}`;
}

/** The limit that the call itself sets. @throws Problem cost_too_high */
export function requireWithin(limitCny: number | undefined, fen: number, videos = 1): void {
  if (limitCny === undefined || fen <= fenOf(limitCny)) return;
  const what = `${priced(videos)} about ${cny(fen)}, and the limit of this call is ${cny(fenOf(limitCny))}.`;
  throw new Problem('cost_too_high', { what });
}

/** Above this price a person has to agree, and here none can be asked. */
export function unconfirmed(fen: number, aboveFen: number, videos = 1): Problem {
  const limit = `above the ${cny(aboveFen)} of JIMENG_VIDEO_CONFIRM_ABOVE_CNY`;
  const what = `${priced(videos)} about ${cny(fen)}, ${limit}, and nobody can be asked here to confirm it.`;
  return new Problem('confirmation_unavailable', { what });
}

function priced(videos: number): string {
  return videos === 1 ? 'This video costs' : `These ${videos} videos together cost`;
}

export interface AdmissionLimits {
  readonly fen: number;
  readonly allowDuplicate: boolean;
  /** The account's daily budget. */
  readonly budgetFen: number | undefined;
  /** The person's own. */
  readonly personBudgetFen: number | undefined;
}

export function admit(ledger: ReservationLedger, { allowDuplicate, ...price }: AdmissionLimits): Admission {
  const same = allowDuplicate ? undefined : sameRequest(ledger);
  if (same !== undefined) return { kind: 'join', task: same };
  const problem = beyondBudget(ledger, price);
  return problem === undefined ? { kind: 'create' } : { kind: 'refuse', problem };
}

interface Priced extends Omit<AdmissionLimits, 'allowDuplicate'> {
  /** That are reserved together. */
  readonly videos?: number;
}

/** One budget that has no room. */
interface Exceeded extends UsedBudget {
  readonly name: string;
  readonly limitFen: number;
}

/** @returns why the daily budget, the person's or the account's, does not allow it; undefined: both do */
export function beyondBudget(
  { own, ...account }: UsedBudget & Pick<ReservationLedger, 'own'>,
  { fen, budgetFen, personBudgetFen, videos = 1 }: Priced,
): Problem | undefined {
  const exceeded = [
    own && exceededBy(fen, { ...own, name: 'your own daily budget', limitFen: personBudgetFen }),
    exceededBy(fen, { ...account, name: 'the daily budget', limitFen: budgetFen }),
  ].filter((budget) => budget !== undefined);
  const hopeless = exceeded.find(({ limitFen, roomAt }) => fen > limitFen || roomAt === undefined);
  const reported = hopeless ?? exceeded[0];
  if (reported === undefined) return undefined;
  const { name, reservedFen, limitFen } = reported;
  const isOthers = own !== undefined && name === 'the daily budget';
  // What others spent is not reported, and so no amount of the account's budget either.
  const used = isOthers
    ? 'the daily budget of the account, which is shared here, is exhausted for now.'
    : `${cny(reservedFen)} of ${name} of ${cny(limitFen)} are used or reserved in the last 24 hours.`;
  const what = `${priced(videos)} about ${cny(fen)}, and ${used}`;
  const raise =
    own === undefined ? 'raise JIMENG_VIDEO_DAILY_BUDGET_CNY' : 'ask the operator of this server to raise it';
  if (hopeless === undefined) {
    // Room in one budget is of no use as long as the other has none.
    const retryAt = Math.max(...exceeded.map(({ roomAt = 0 }) => roomAt));
    const hint = own && `wait until the budget has room again, or ${raise}`;
    return new Problem('budget_exceeded', { what, retryAt, hint });
  }
  return new Problem('budget_exceeded', {
    what: `${what} ${videos === 1 ? 'This video alone costs' : 'They alone cost'} more than the budget.`,
    hint: limitFen < CHEAPEST_FEN ? raise : `choose a cheaper mode or a shorter duration, or ${raise}`,
    retryable: false,
  });
}

function exceededBy(
  fen: number,
  { limitFen, ...budget }: Omit<Exceeded, 'limitFen'> & { readonly limitFen: number | undefined },
): Exceeded | undefined {
  if (limitFen === undefined || budget.reservedFen + fen <= limitFen) return undefined;
  return { ...budget, limitFen };
}
