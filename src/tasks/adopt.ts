/** Which record does an id mean: ours, the provider's, or one of a task that was made elsewhere and is taken in now? */
import { type ModeName, modeRow } from '../jimeng/modes.ts';
import type { Place } from '../library/library.ts';
import { Problem } from '../problems.ts';
import { iso, type TaskContext, withLock } from './context.ts';
import { callerOf } from './prepare.ts';
import { isAdopted, isTaskId, newTaskId, type TaskRecord } from './record.ts';
import { keptDestination } from './save.ts';

export interface Wanted {
  readonly taskId: string;
  /** Of a task that was made elsewhere. */
  readonly mode: ModeName | undefined;
  readonly destination: Place | undefined;
  readonly sandbox: boolean;
}

/** @throws Problem no_record */
export async function findTask({ journal }: TaskContext, taskId: string): Promise<TaskRecord> {
  const record = (await journal.read(taskId)) ?? (await journal.findByProviderId(taskId));
  if (record !== undefined) return record;
  throw new Problem('no_record', {
    what: `No task ${JSON.stringify(taskId.slice(0, 60))} is recorded for this account and service.`,
  });
}

/** @throws Problem no_record, or output_not_writable for the default place */
export async function findOrAdopt(context: TaskContext, wanted: Wanted): Promise<TaskRecord> {
  const { taskId, mode } = wanted;
  try {
    return await withMode(context, await findTask(context, taskId), mode);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'no_record') throw error;
    if (mode === undefined || isTaskId(taskId) || !/^\d{10,24}$/.test(taskId)) throw error;
  }
  const place = wanted.destination ?? (await context.library.choose(undefined, callerOf(false)));
  const now = context.clock.now();
  const adopted: TaskRecord = {
    version: 1,
    id: newTaskId(now),
    status: 'generating',
    ...context.journal.scope,
    sandbox: wanted.sandbox,
    created_at: iso(now),
    sent_at: iso(now),
    request: { mode, notes: ['made elsewhere: the prompt and the price are not known here'] },
    fingerprint: `provider task ${taskId}`,
    req_key: modeRow(mode).reqKey,
    destination: keptDestination(place),
    owner: context.identity,
    attempts: 0,
    provider_task_id: taskId,
  };
  // Two calls for one provider task must not make two records, each of which saves a file.
  return await withLock(context, async () => {
    const there = await context.journal.findByProviderId(taskId);
    if (there === undefined) await context.journal.adopt(adopted);
    return there ?? adopted;
  });
}

/** The mode of a task that was made elsewhere is its user's word, and can be corrected as long as it has found nothing. */
async function withMode(context: TaskContext, found: TaskRecord, mode: ModeName | undefined): Promise<TaskRecord> {
  if (mode === undefined) return found;
  const isRight = (record: TaskRecord) => {
    const hasFoundNothing = record.status === 'not_found' || record.first_not_found_at !== undefined;
    return !isAdopted(record) || !hasFoundNothing || record.request.mode === mode;
  };
  if (isRight(found)) return found;
  return await withLock(context, async () => {
    const record = await findTask(context, found.id);
    if (isRight(record)) return record;
    const { error: _e, hindrance: _h, finished_at: _f, first_not_found_at: _n, ...rest } = record;
    const corrected: TaskRecord = {
      ...rest,
      status: 'generating',
      request: { ...rest.request, mode },
      req_key: modeRow(mode).reqKey,
    };
    await context.journal.write(corrected);
    return corrected;
  });
}
