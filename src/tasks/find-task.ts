/** Finds the task that a call names, and records one that was made elsewhere. */
import type { Clock } from '../clock.ts';
import { isProviderTaskId } from '../jimeng/answers.ts';
import { type ModeName, modeRow } from '../jimeng/modes.ts';
import type { Caller, Library, Place } from '../library/library.ts';
import { Problem } from '../problems.ts';
import type { Person, Store } from '../store/store.ts';
import { personOf, seenBy, warningFor } from './person.ts';
import { isAdopted, isTaskId, newTaskId, type Task, type TaskRecord } from './record.ts';

/** @param taskId ours or the provider's @param person as for `Store.find` */
export async function lookUpTask(
  store: Pick<Store, 'find' | 'findByProviderId'>,
  taskId: string,
  person: Person,
): Promise<Task | undefined> {
  if (isTaskId(taskId)) return await store.find(taskId, person);
  return isProviderTaskId(taskId) ? await store.findByProviderId(taskId, person) : undefined;
}

/** @param taskId undefined: the caller's newest task @throws Problem no_record */
export async function findTask(store: Store, taskId: string | undefined, caller: Caller): Promise<Task> {
  if (taskId === undefined) {
    const [newest] = await store.lists.tasks({ limit: 1, person: personOf(caller) });
    if (newest !== undefined) return newest;
    if (caller.kind === 'remote-agent') {
      throw new Problem('no_record', { what: 'You have not made a video here yet.', hint: 'make one first' });
    }
    const warning = store.warning();
    if (warning !== undefined) {
      throw new Problem('no_record', {
        what: `No video is recorded here. ${warning}`,
        hint: 'inspect the state folder',
      });
    }
    throw new Problem('no_record', {
      what: 'No video has been made with this account and service yet.',
      hint: 'make one first',
    });
  }
  const task = await lookUpTask(store, taskId, seenBy(caller));
  if (task !== undefined) return task;
  const what = `No task ${JSON.stringify(taskId.slice(0, 60))} is recorded for this account and service.`;
  // Only whoever sees all tasks can name one of the provider that has no record.
  const hint = seenBy(caller) === undefined ? undefined : 'use an id from the list of tasks';
  throw new Problem('no_record', { what: [what, warningFor(caller, store.warning()) ?? []].flat().join(' '), hint });
}

interface NamedTask {
  readonly taskId: string | undefined;
  readonly mode: ModeName | undefined;
  /** Where the call wants it saved; undefined: at the usual place. */
  readonly place: Place | undefined;
  readonly caller: Caller;
}

interface Records {
  readonly store: Store;
  readonly library: Library;
  readonly clock: Clock;
  readonly sandbox: boolean;
}

/**
 * A task that the provider has but no record names is recorded now, as the account's. Not for a person's call: the
 * provider would answer it of others' tasks, too.
 * @throws Problem no_record, output_not_writable
 */
export async function findOrAdopt(
  { taskId, mode, place, caller }: NamedTask,
  { store, library, clock, sandbox }: Records,
): Promise<Task> {
  const isLookedUp = taskId === undefined || mode === undefined || isTaskId(taskId);
  if (isLookedUp || seenBy(caller) !== undefined) return await findTask(store, taskId, caller);
  const found = await lookUpTask(store, taskId, undefined);
  if (found !== undefined) return found;
  if (!/^\d{10,24}$/.test(taskId)) {
    const id = JSON.stringify(taskId.slice(0, 60));
    throw new Problem('no_record', {
      what: `No task ${id} is recorded here, and it cannot be an id of the provider: those have 10 to 24 digits.`,
      hint: 'check the id',
    });
  }
  const chosen = place ?? (await library.choose(undefined, caller));
  const now = clock.now();
  const record: TaskRecord = {
    id: newTaskId(now),
    status: 'generating',
    request: { mode, notes: ['made elsewhere: the prompt and the price are not known here'] },
    // Two calls for one provider task share a record.
    fingerprint: `provider task ${taskId}`,
    reqKey: modeRow(mode).reqKey,
    sandbox,
    reservedAt: now,
    sentAt: now,
    attempts: 0,
    providerTaskId: taskId,
    place: chosen ?? null,
  };
  const adopted = await store.reserve({ record }, ({ same: [same] }) =>
    same === undefined ? { kind: 'create' } : { kind: 'join', task: same },
  );
  if (adopted.kind === 'refuse') throw adopted.problem;
  return adopted.task ?? { ...record, ownerAlive: false };
}

/** The mode of a task that was made elsewhere is its user's word, and can be corrected as long as it has found nothing. */
export function withMode(task: TaskRecord, mode: ModeName): TaskRecord {
  const hasFoundNothing = task.status === 'not_found' || task.firstNotFoundAt !== undefined;
  if (!isAdopted(task) || !hasFoundNothing || task.request.mode === mode) return task;
  const { error: _e, pollingProblem: _p, finishedAt: _f, firstNotFoundAt: _n, ...rest } = task;
  return { ...rest, status: 'generating', request: { ...rest.request, mode }, reqKey: modeRow(mode).reqKey };
}
