/** Reads what a list shows: tasks, what the queued ones wait for, and what was spent. */
import type { Clock } from '../clock.ts';
import type { Store } from '../store/store.ts';
import type { ListOptions, ListView, QueueState } from './calls.ts';
import { isOpen, type Task, type TaskStatus } from './record.ts';

/** Open tasks that a list returns at the most. */
const MAX_OPEN = 200;
/** In flight, or with an unknown outcome: may be charged. */
const PENDING: readonly TaskStatus[] = ['submitting', 'generating', 'unknown', 'not_found', 'expired'];

interface ListSource {
  readonly store: Store;
  readonly clock: Clock;
  readonly sandbox: boolean;
  readonly budgetFen: number | undefined;
  readonly queueState: (task: Task) => Promise<QueueState | undefined>;
  readonly stuck: ReadonlySet<string>;
}

interface ListQuery extends Pick<ListOptions, 'limit' | 'status'> {
  /** After waiting: the tasks that ended meanwhile, which are shown with all that are still open. */
  readonly changed: readonly string[] | undefined;
}

/** @throws StoreFailure */
export async function readList(
  { store, clock, sandbox, budgetFen, queueState, stuck }: ListSource,
  { limit, status, changed }: ListQuery,
): Promise<ListView> {
  const newest = await store.lists.tasks(changed === undefined ? { limit, status } : { limit: MAX_OPEN, open: true });
  const ended = await Promise.all((changed ?? []).map((id) => store.find(id)));
  const tasks = [...ended.filter((task) => task !== undefined && !isOpen(task.status)), ...newest] as Task[];
  const { byStatus, doneLast24hFen, reservedFen } = await store.lists.sums();
  const sumOf = (name: TaskStatus) => byStatus.get(name)?.fen ?? 0;
  const counts = Object.fromEntries([...byStatus].map(([name, { count }]) => [name, count]));
  const warning = store.warning();
  const counted = status === undefined ? Object.values(counts) : [counts[status] ?? 0];
  return {
    now: clock.now(),
    tasks,
    queue: await queueStates(tasks, queueState),
    total: counted.reduce((all, count) => all + count, 0),
    counts,
    ...(changed === undefined ? {} : { changed }),
    stuck: stuck.size,
    spending: {
      last24hFen: doneLast24hFen,
      allTimeFen: sumOf('done'),
      pendingFen: PENDING.reduce((all, name) => all + sumOf(name), 0),
      reservedFen,
      ...(budgetFen === undefined ? {} : { budgetFen }),
    },
    sandbox,
    ...(warning === undefined ? {} : { warning }),
  };
}

/** A queue entry of a process that is gone stays as it is until a call names it: waiting for nothing else is in vain. */
export async function isWaitInVain(
  store: Store,
  open: readonly { readonly id: string; readonly status: string }[],
  stuckShots: () => Promise<ReadonlySet<string>>,
): Promise<boolean> {
  // A film whose tasks are over is being joined.
  const tasks = open.filter(({ status }) => status !== 'running');
  if (tasks.length === 0 || tasks.some(({ status }) => status !== 'queued')) return false;
  const found = await Promise.all(tasks.map(({ id }) => store.find(id)));
  const stuck = await stuckShots();
  return found.every((task) => task?.status === 'queued' && (!task.ownerAlive || stuck.has(task.id)));
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
