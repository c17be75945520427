/** Decides whether a request is created, joins an existing one, or is refused. Pure. */
import { createHash } from 'node:crypto';
import { jsonPieces } from '../jimeng/body-bytes.ts';
import { MODE_NAMES, priceCny } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import type { Admission, ReservationLedger } from '../store/store.ts';
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

/** The limit that the call itself sets. */
export function aboveLimit(fen: number, limitFen: number, videos = 1): Problem {
  const what = `${priced(videos)} about ${cny(fen)}, and the limit of this call is ${cny(limitFen)}.`;
  return new Problem('cost_too_high', { what });
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
  readonly budgetFen: number | undefined;
}

export function admit(ledger: ReservationLedger, { fen, allowDuplicate, budgetFen }: AdmissionLimits): Admission {
  const same = allowDuplicate ? undefined : sameRequest(ledger);
  if (same !== undefined) return { kind: 'join', task: same };
  const problem = beyondBudget(ledger, { fen, budgetFen });
  return problem === undefined ? { kind: 'create' } : { kind: 'refuse', problem };
}

/** @param videos that are reserved together @returns why the daily budget does not allow it; undefined: it does */
export function beyondBudget(
  { reservedFen, roomAt }: Pick<ReservationLedger, 'reservedFen' | 'roomAt'>,
  { fen, budgetFen, videos = 1 }: Pick<AdmissionLimits, 'fen' | 'budgetFen'> & { readonly videos?: number },
): Problem | undefined {
  if (budgetFen === undefined || reservedFen + fen <= budgetFen) return undefined;
  const what = `${priced(videos)} about ${cny(fen)}, and ${cny(reservedFen)} of the daily budget of ${cny(budgetFen)} are used or reserved in the last 24 hours.`;
  if (fen <= budgetFen && roomAt !== undefined) {
    return new Problem('budget_exceeded', { what, retryAt: roomAt });
  }
  const raise = 'raise JIMENG_VIDEO_DAILY_BUDGET_CNY';
  return new Problem('budget_exceeded', {
    what: `${what} ${videos === 1 ? 'This video alone costs' : 'They alone cost'} more than the budget.`,
    hint: budgetFen < CHEAPEST_FEN ? raise : `choose a cheaper mode or a shorter duration, or ${raise}`,
    retryable: false,
  });
}
