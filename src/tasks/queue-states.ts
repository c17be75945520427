/** What queued requests wait for, as a caller may see it, and when waiting for them is in vain. */
import type { Clock } from '../clock.ts';
import type { Caller } from '../library/library.ts';
import type { Store } from '../store/store.ts';
import type { Call, QueueState } from './calls.ts';
import { seenBy } from './person.ts';
import { queueStateOf } from './queue.ts';
import type { Task } from './record.ts';

/** A worker that is started again is back by then: until it is, a call waits on. */
const RESTART_MILLISECONDS = 5_000;

export class QueueStates {
  private readonly store: Store;
  private readonly concurrency: number;

  constructor(store: Store, concurrency: number) {
    this.store = store;
    this.concurrency = concurrency;
  }

  /** @returns undefined: it is not queued @throws StoreFailure */
  async of(task: Task, caller: Caller): Promise<QueueState | undefined> {
    const { store, concurrency } = this;
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
