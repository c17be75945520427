/** The only step that spends: claim, send once, record the outcome. There is no policy for sending it again. */
import type { SubmitOutcome } from '../jimeng/api.ts';
import { Problem } from '../problems.ts';
import { iso, type TaskContext, withLock } from './context.ts';
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
 * @param onAnswer called when the outcome is known, before it is recorded
 * @throws Problem state_not_writable when the claim cannot be made: nothing is sent then
 */
export async function sendOnce(
  context: TaskContext,
  record: TaskRecord,
  written: Uint8Array | undefined,
  onAnswer: () => void,
): Promise<Sending> {
  const { journal } = context;
  const body = written ?? (await journal.body(record.id));
  // Between the claim and the sending a kill leaves the outcome unknown: nothing is loaded then.
  await context.api.ready();
  if (!(await journal.claim(record.id, record.attempts, JSON.stringify(context.identity)))) {
    return { kind: 'claimed_elsewhere' };
  }
  // Whoever slept just before its claim may have been taken for dead, and the request sent, closed and its claims removed.
  if (await isTakenElsewhere(context, record)) return { kind: 'claimed_elsewhere' };
  const outcome = await context.api.submit(body);
  onAnswer();
  return await recordOutcome(context, record, outcome);
}

/** Another process took this one for dead while it slept, and has sent the request itself or told what became of it. */
export async function isTakenElsewhere({ journal }: TaskContext, { id, attempts }: TaskRecord): Promise<boolean> {
  const now = await journal.read(id);
  return now !== undefined && (now.status !== 'submitting' || now.attempts > attempts);
}

/** Told as unknown by who could not know that this very sending never left. */
async function isInDoubt({ journal }: TaskContext, { id, attempts }: TaskRecord): Promise<boolean> {
  const now = await journal.read(id);
  return now?.status === 'unknown' && now.attempts === attempts;
}

async function recordOutcome(context: TaskContext, sent: TaskRecord, outcome: SubmitOutcome): Promise<Sending> {
  const { journal, clock, log, changes } = context;
  const now = iso(clock.now());
  const { hindrance: _, ...known } = sent;
  const answered: TaskRecord = {
    ...known,
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

/**
 * Not a byte has left this machine yet, and it is tried again: whoever asks is told so, and a kill meanwhile costs nothing.
 * @returns the record as it is from now on
 */
export async function noteNotSent(context: TaskContext, record: TaskRecord, problem: Problem): Promise<TaskRecord> {
  const noted: TaskRecord = { ...record, hindrance: { ...errorOf(problem), count: record.attempts } };
  try {
    await withLock(context, async () => {
      if (await isTakenElsewhere(context, record)) return;
      await context.journal.write(noted);
      await context.journal.voidClaim(record.id, record.attempts);
    });
    context.changes.notify();
  } catch (error) {
    context.log.warn('not noted', { task: record.id, reason: String(error) });
  }
  return noted;
}

/** Given up without a byte sent, unless somebody else has taken it up since. */
export async function recordNotSent(context: TaskContext, record: TaskRecord, problem: Problem): Promise<void> {
  const isOthers = async () => (await isTakenElsewhere(context, record)) && !(await isInDoubt(context, record));
  if (await isOthers().catch(() => false)) return;
  // First: what cannot be recorded as failed is told as failed all the same, and without its body is never sent.
  await context.journal.dropBody(record.id);
  const { sent_at: _s, hindrance: _h, ...rest } = record;
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
