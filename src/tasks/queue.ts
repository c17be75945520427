/** Decides whether the head of a capability's queue may be sent now (which entry that is: QueueLedger), and what a queued request waits for. */
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import type { Caller } from '../library/library.ts';
import type { Pacing, QueueLedger, Store, Turn } from '../store/store.ts';
import type { Call, QueueState } from './calls.ts';
import { seenBy } from './person.ts';
import type { Task } from './record.ts';

/** How long a task whose answer was lost holds a slot: the provider may be generating it. */
export const UNKNOWN_HOLDS_SLOT_MILLISECONDS = 10 * 60_000;
/** Where only unknown tasks are in the way: a 50430 costs nothing, and proves that the slot is taken. */
const PROBE_AFTER_MILLISECONDS = 60_000;
/** How long a limit that was learned from the provider holds before one more task is tried. */
const LEARNED_LIMIT_MILLISECONDS = 5 * 60_000;
/** After a definite "not now" nothing was made, so the queue sends again, ever more slowly. */
const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 30_000;
/** A worker that is started again is back by then: until it is, a call waits on. */
const RESTART_MILLISECONDS = 5_000;

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
function queueStateOf(ledger: QueueLedger, before: number, concurrency: number): QueueState {
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

/** @returns what a queued task waits for, as the caller may see it; undefined: it is not queued @throws StoreFailure */
export async function queueStateFor(
  { store, concurrency }: { readonly store: Store; readonly concurrency: number },
  task: Task,
  caller: Caller,
): Promise<QueueState | undefined> {
  if (task.status !== 'queued') return undefined;
  const [awaited] = task.awaits ?? [];
  // Its picture is made by the process that queued it, whether that one sends or not.
  if (awaited !== undefined && task.ownerAlive) {
    return { before: 0, waitsFor: 'task', task: awaited.taskId, unknowns: [] };
  }
  if (await store.isUnsent(task)) return { before: 0, waitsFor: 'worker', unknowns: [] };
  if (!task.ownerAlive) return { before: 0, waitsFor: 'process', unknowns: [] };
  const before = await store.queuedBefore(task);
  const ledger = await store.queueLedger(task.reqKey);
  const state = queueStateOf(ledger, before, concurrency);
  const person = seenBy(caller);
  const isSeen = (id: string) => ledger.unknowns.some((slot) => slot.id === id && slot.person === person);
  return person === undefined ? state : { ...state, unknowns: state.unknowns.filter(isSeen) };
}

/**
 * For a call that waits for what nobody sends.
 * @returns called with whether that is so, each time it is known: whether it has been so for longer than a restart takes,
 * or than the call wants to wait
 */
export function unsentForLong(clock: Clock, { deadline }: Pick<Call, 'deadline'>): (isUnsent: boolean) => boolean {
  let since: number | undefined;
  return (isUnsent) => {
    const now = clock.monotonic();
    since = isUnsent ? (since ?? now) : undefined;
    return since !== undefined && (now - since >= RESTART_MILLISECONDS || now >= deadline);
  };
}

/**
 * Whether no open request goes on. `left`: queue entries of processes that are gone stay as they are until a call names
 * them. `unsent`: no process works on the queue.
 */
export async function isWaitInVain(
  store: Store,
  open: readonly { readonly id: string; readonly status: string }[],
  stuckShots: () => Promise<ReadonlySet<string>>,
): Promise<'left' | 'unsent' | false> {
  // A film whose tasks are over is being joined.
  const tasks = open.filter(({ status }) => status !== 'running');
  if (tasks.length === 0 || tasks.some(({ status }) => status !== 'queued')) return false;
  const found = await Promise.all(tasks.map(({ id }) => store.find(id)));
  const stuck = await stuckShots();
  let isAnyUnsent = false;
  for (const task of found) {
    if (task?.status !== 'queued') return false;
    if (!task.ownerAlive || stuck.has(task.id)) continue;
    if (!(await store.isUnsent(task))) return false;
    isAnyUnsent = true;
  }
  return isAnyUnsent ? 'unsent' : 'left';
}
