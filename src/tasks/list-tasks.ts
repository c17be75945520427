/** Reads what a list shows: tasks, what the queued ones wait for, and what was spent. */
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import type { Caller } from '../library/library.ts';
import type { Store, Sums } from '../store/store.ts';
import type { ListOptions, ListView, QueueState, Spending } from './calls.ts';
import { budgetOf, ownerShownTo, seenBy, warningFor } from './person.ts';
import { isOpen, type Task, type TaskStatus } from './record.ts';

/** Open tasks that a list returns at the most. */
const MAX_OPEN = 200;
/** In flight, or with an unknown outcome: may be charged. */
const PENDING: readonly TaskStatus[] = ['submitting', 'generating', 'unknown', 'not_found', 'expired'];

interface ListSource {
  readonly store: Store;
  readonly clock: Clock;
  readonly sandbox: boolean;
  /** The account's. */
  readonly budgetFen: number | undefined;
  readonly caller: Caller;
  readonly queueState: (task: Task) => Promise<QueueState | undefined>;
  readonly stuck: ReadonlySet<string>;
}

interface ListedTasks extends Pick<ListOptions, 'limit' | 'status'> {
  /** After waiting: the tasks that ended meanwhile, which are shown with all that are still open. */
  readonly changed: readonly string[] | undefined;
}

/** @throws StoreFailure */
export async function readList(
  { store, clock, sandbox, budgetFen, caller, queueState, stuck }: ListSource,
  { limit, status, changed }: ListedTasks,
): Promise<ListView> {
  const person = seenBy(caller);
  const listed = changed === undefined ? { limit, status } : { limit: MAX_OPEN, open: true };
  const newest = await store.lists.tasks({ ...listed, person });
  const ended = await Promise.all((changed ?? []).map((id) => store.find(id, person)));
  const tasks = [...ended.filter((task) => task !== undefined && !isOpen(task.status)), ...newest] as Task[];
  const sums = await store.lists.sums(person);
  const { byStatus } = sums;
  const budget = await shownBudget(store, sums, budgetFen, caller);
  const counts = Object.fromEntries([...byStatus].map(([name, { count }]) => [name, count]));
  const warning = warningFor(caller, store.warning());
  const counted = status === undefined ? Object.values(counts) : [counts[status] ?? 0];
  return compact({
    now: clock.now(),
    tasks,
    queue: await queueStates(tasks, queueState),
    persons: personsOf(tasks, caller),
    total: counted.reduce((all, count) => all + count, 0),
    counts,
    stuck: stuck.size,
    spending: compact({ ...spendingOf(sums), budget }),
    ...{ changed, sandbox, warning },
  });
}

function spendingOf({ byStatus, doneLast24hFen }: Sums): Spending {
  const sumOf = (name: TaskStatus) => byStatus.get(name)?.fen ?? 0;
  return {
    last24hFen: doneLast24hFen,
    allTimeFen: sumOf('done'),
    pendingFen: PENDING.reduce((all, name) => all + sumOf(name), 0),
  };
}

/**
 * The account's budget, and what is left of it. To a person it is not shown, because it would show what others spent:
 * the person's own is, where there is one, with what both have room for.
 */
async function shownBudget(
  store: Store,
  shown: Sums,
  accountFen: number | undefined,
  caller: Caller,
): Promise<Spending['budget']> {
  const leftOf = (budgetFen: number, { reservedFen }: Sums) => Math.max(0, budgetFen - reservedFen);
  if (seenBy(caller) === undefined) {
    return accountFen === undefined ? undefined : { fen: accountFen, leftFen: leftOf(accountFen, shown) };
  }
  const ownFen = budgetOf(caller);
  if (ownFen === undefined) return undefined;
  const ownLeft = leftOf(ownFen, shown);
  const left = accountFen === undefined ? ownLeft : Math.min(ownLeft, leftOf(accountFen, await store.lists.sums()));
  return { fen: ownFen, leftFen: left };
}

function personsOf(tasks: readonly Task[], caller: Caller): ReadonlyMap<string, string> {
  const shown = tasks.map((task) => [task.id, ownerShownTo(caller, task).person] as const);
  return new Map(shown.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Without those that cannot be read now. */
async function queueStates(
  tasks: readonly Task[],
  queueState: ListSource['queueState'],
): Promise<ReadonlyMap<string, QueueState>> {
  const states = new Map<string, QueueState>();
  for (const task of tasks) {
    const state = await queueState(task).catch(() => undefined);
    if (state !== undefined) states.set(task.id, state);
  }
  return states;
}
