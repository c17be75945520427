/** The only step that spends: claim, send once, record the outcome. There is no policy for sending it again. */
import type { SubmitOutcome } from '../jimeng/api.ts';
import { Problem } from '../problems.ts';
import { iso, type TaskContext } from './context.ts';
import type { TaskError, TaskRecord } from './record.ts';

export function errorOf(problem: Problem): TaskError {
  return {
    code: problem.code,
    message: problem.message,
    mend: problem.mend,
    who: problem.who,
    retryable: problem.retryable,
    ...(problem.providerCode === undefined ? {} : { provider_code: problem.providerCode }),
    ...(problem.providerText ? { provider_text: problem.providerText.slice(0, 1000) } : {}),
  };
}

export type Sending =
  /** The record says how it ended or goes on: accepted, failed or unknown. */
  | { readonly kind: 'recorded'; readonly record: TaskRecord }
  /** The provider said "not now"; nothing was made. */
  | { readonly kind: 'busy'; readonly record: TaskRecord; readonly code: string }
  /** No byte left this machine. */
  | { readonly kind: 'not_sent'; readonly record: TaskRecord; readonly problem: Problem }
  /** Another process has the claim for this sending: it is not ours to send. */
  | { readonly kind: 'claimed_elsewhere' };

/**
 * Sends a record that says `submitting` on disk. The claim, made just before, is what tells a later process that
 * the request may have left this machine: without it a kill here costs nothing, with it the outcome is unknown.
 * @param written the body that this process has just recorded: read from the disk when it is not given
 * @throws Problem state_not_writable when the claim cannot be made: nothing is sent then
 */
export async function sendOnce(context: TaskContext, record: TaskRecord, written?: Uint8Array): Promise<Sending> {
  const { journal } = context;
  const body = written ?? (await journal.body(record.id));
  if (!(await journal.claim(record.id, record.attempts, JSON.stringify(context.identity)))) {
    return { kind: 'claimed_elsewhere' };
  }
  const outcome = await context.api.submit(body);
  return await recordOutcome(context, record, outcome);
}

async function recordOutcome(context: TaskContext, sent: TaskRecord, outcome: SubmitOutcome): Promise<Sending> {
  const { journal, clock, log, changes } = context;
  const now = iso(clock.now());
  const answered: TaskRecord = {
    ...sent,
    sandbox: sent.sandbox || outcome.sandbox,
    ...(outcome.requestId === undefined ? {} : { request_id: outcome.requestId }),
    ...(outcome.raw === undefined ? {} : { raw: outcome.raw }),
  };
  if (outcome.kind === 'busy') return { kind: 'busy', record: answered, code: outcome.problem.code };
  if (outcome.kind === 'not_sent') return { kind: 'not_sent', record: answered, problem: outcome.problem };
  const record: TaskRecord =
    outcome.kind === 'accepted'
      ? { ...answered, status: 'in_queue', submitted_at: now, provider_task_id: outcome.providerTaskId }
      : {
          ...answered,
          status: outcome.kind === 'refused' ? 'failed' : 'unknown',
          finished_at: now,
          error: errorOf(outcome.problem),
        };
  await journal.writeOrKeep(record);
  await journal.dropBody(record.id);
  log.info('submit', {
    task: record.id,
    status: record.status,
    code: record.error?.code,
    provider: record.provider_task_id,
  });
  changes.notify();
  return { kind: 'recorded', record };
}

/** Given up without a byte sent. */
export async function recordNotSent(context: TaskContext, record: TaskRecord, problem: Problem): Promise<void> {
  const { sent_at: _, ...rest } = record;
  const error = errorOf(problem);
  await context.journal.writeOrKeep({ ...rest, status: 'failed', finished_at: iso(context.clock.now()), error });
  context.changes.notify();
}

/** An intent with a claim but no outcome, whose process is gone: it may have been charged, and is not sent again. */
export async function recordInterrupted(context: TaskContext, record: TaskRecord): Promise<void> {
  const error = errorOf(new Problem('interrupted'));
  const finished = iso(context.clock.now());
  await context.journal.write({ ...record, status: 'unknown', finished_at: finished, error });
  context.log.warn('submit without an outcome', { task: record.id });
  context.changes.notify();
}
