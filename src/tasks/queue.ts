/** Decides whether the head of a capability's queue may be sent now. Which entry that is: QueueLedger. Pure. */
import { compact } from '../compact.ts';
import type { Pacing, QueueLedger, Turn } from '../store/store.ts';
import type { QueueState } from './calls.ts';

/** How long a task whose answer was lost holds a slot: the provider may be generating it. */
export const UNKNOWN_HOLDS_SLOT_MILLISECONDS = 10 * 60_000;
/** Where only unknown tasks are in the way: a 50430 costs nothing, and proves that the slot is taken. */
const PROBE_AFTER_MILLISECONDS = 60_000;
/** How long a limit that was learned from the provider holds before one more task is tried. */
const LEARNED_LIMIT_MILLISECONDS = 5 * 60_000;
/** After a definite "not now" nothing was made, so the queue sends again, ever more slowly. */
const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 30_000;

/** @param concurrency tasks in flight per capability, as the operator set it */
export function nextTurn(ledger: QueueLedger, concurrency: number): Turn {
  const { now, pacing, inFlight, unknowns } = ledger;
  if (!ledger.headIsOurs) return { kind: 'wait', waitsFor: 'turn' };
  // A clock that was turned back must not stretch a pause of seconds into hours.
  const pause = pacing.pausedUntil - now;
  if (pause > 0 && pause <= LONGEST_PAUSE_MILLISECONDS) {
    return { kind: 'wait', waitsFor: 'pause', until: pacing.pausedUntil };
  }
  const limit = limitNow(pacing, concurrency, now);
  if (inFlight + unknowns.length < limit) return { kind: 'send' };
  if (inFlight >= limit) return { kind: 'wait', waitsFor: 'slot' };
  const probeAt = Math.max(pacing.probedAt, ...unknowns.map(({ since }) => since)) + PROBE_AFTER_MILLISECONDS;
  if (now >= probeAt || probeAt - now > PROBE_AFTER_MILLISECONDS) {
    return { kind: 'send', pacing: { ...pacing, probedAt: now } };
  }
  const until = Math.min(probeAt, ...unknowns.map((unknown) => unknown.until));
  return { kind: 'wait', waitsFor: 'unknown', until };
}

/**
 * What a queued task of a living process waits for.
 * @param before entries of living processes before it
 */
export function queueStateOf(ledger: QueueLedger, before: number, concurrency: number): QueueState {
  const asHead = { ...ledger, headIsOurs: true };
  // There is a slot for it beside those before it: it is about to be sent.
  const beside = nextTurn({ ...asHead, inFlight: ledger.inFlight + before }, concurrency);
  if (beside.kind === 'send') return { before, unknowns: [] };
  const turn = nextTurn(asHead, concurrency);
  if (turn.kind === 'send') return { before, waitsFor: 'turn', unknowns: [] };
  const { waitsFor, until } = turn;
  const unknowns = waitsFor === 'unknown' ? ledger.unknowns.map(({ id }) => id) : [];
  return compact({ before, waitsFor, unknowns, until });
}

function limitNow({ limit, limitUntil }: Pacing, concurrency: number, now: number): number {
  if (limit === undefined) return concurrency;
  const left = limitUntil - now;
  const isProbing = left <= 0 || left > LEARNED_LIMIT_MILLISECONDS;
  return Math.min(concurrency, limit + (isProbing ? 1 : 0));
}

/**
 * The provider said "not now": the pace follows what was learned.
 * @param code 50430 teaches the limit; anything else is a rate that was exceeded
 * @param random 0 to 1, for jitter
 */
export function pacingAfterBusy({ pacing, inFlight, now }: QueueLedger, code: string, random: number): Pacing {
  // The refused task is still counted in flight.
  const others = Math.max(inFlight - 1, 0);
  const refusals = pacing.refusals + 1;
  const doubled = Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** (refusals - 1), LONGEST_PAUSE_MILLISECONDS);
  // With nothing of ours in flight no slot of ours will come free: another program uses the account.
  const pause = code === '50430' && others > 0 ? 0 : doubled * (0.75 + random * 0.25);
  const learned = { limit: Math.max(1, others), limitUntil: now + LEARNED_LIMIT_MILLISECONDS };
  return { ...pacing, ...(code === '50430' ? learned : {}), refusals, pausedUntil: now + pause };
}

/** Accepted: the pace is right, and a probe that passed raises the limit. @returns undefined when nothing was learned */
export function pacingAfterAccepted({ pacing, inFlight }: QueueLedger, concurrency: number): Pacing | undefined {
  if (pacing.refusals === 0 && pacing.limit === undefined) return undefined;
  const isPassed = pacing.limit !== undefined && inFlight > pacing.limit;
  const limit = !isPassed ? pacing.limit : inFlight < concurrency ? inFlight : undefined;
  return { ...pacing, limit, limitUntil: limit === undefined ? 0 : pacing.limitUntil, pausedUntil: 0, refusals: 0 };
}
