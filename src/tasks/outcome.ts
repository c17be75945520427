/** What the outcome of an attempt to send makes of a task. Pure. */
import { compact } from '../compact.ts';
import type { SubmitOutcome } from '../jimeng/api.ts';
import { Problem } from '../problems.ts';
import type { QueueLedger, Settlement } from '../store/store.ts';
import { LEFT_ENTRY_MILLISECONDS, LEFT_SHOT_MILLISECONDS } from './admission.ts';
import { pacingAfterAccepted, pacingAfterBusy, UNKNOWN_HOLDS_SLOT_MILLISECONDS } from './queue.ts';
import { errorOf, FOREVER, type Task, type TaskRecord } from './record.ts';

export interface OutcomeRules {
  readonly concurrency: number;
  /** Nothing left this machine: it goes back to the queue and is tried again. False: it is given up. */
  readonly isTriedAgain: boolean;
  /** 0 to 1, for jitter. */
  readonly random: number;
}

export function afterSubmit(task: Task, ledger: QueueLedger, outcome: SubmitOutcome, rules: OutcomeRules): Settlement {
  const { ownerAlive: _o, sendingProblem, error: _e, finishedAt: _f, ...known } = task;
  const answered: TaskRecord = {
    ...known,
    sandbox: task.sandbox || outcome.sandbox,
    ...compact({ requestId: outcome.requestId, raw: outcome.raw }),
  };
  const closed = { finishedAt: ledger.now };
  switch (outcome.kind) {
    case 'accepted': {
      const record: TaskRecord = {
        ...answered,
        status: 'generating',
        providerStatus: 'in_queue',
        acceptedAt: ledger.now,
        providerTaskId: outcome.providerTaskId,
      };
      return compact({ record, slotUntil: FOREVER, pacing: pacingAfterAccepted(ledger, rules.concurrency) });
    }
    case 'refused':
      return {
        record: { ...answered, ...closed, status: 'failed', error: errorOf(outcome.problem) },
        slotUntil: undefined,
      };
    case 'unknown':
      return {
        record: { ...answered, ...closed, status: 'unknown', error: errorOf(outcome.problem) },
        slotUntil: ledger.now + UNKNOWN_HOLDS_SLOT_MILLISECONDS,
      };
    case 'busy':
      return {
        record: unsent(answered),
        slotUntil: undefined,
        pacing: pacingAfterBusy(ledger, outcome.problem.code, rules.random),
      };
    case 'not_sent': {
      const error = errorOf(outcome.problem);
      // Another process declared this one dead and recorded the task as unknown. It cost nothing, and its user may have given it up.
      const isAgain = rules.isTriedAgain && task.status === 'submitting';
      if (!isAgain)
        return { record: { ...unsent(answered), ...closed, status: 'failed', error }, slotUntil: undefined };
      const count = (sendingProblem?.count ?? 0) + 1;
      return { record: { ...unsent(answered), sendingProblem: { ...error, count } }, slotUntil: undefined };
    }
  }
}

/** Back in the queue: nothing has left this machine, or nothing was made. */
function unsent({ sentAt: _s, ...record }: TaskRecord): TaskRecord {
  return { ...record, status: 'queued' };
}

/** A claim without an outcome whose process is gone: it may have been charged, and is not sent again. */
export function interrupted({ ownerAlive: _, ...task }: Task, now: number): Settlement {
  const error = errorOf(new Problem('interrupted'));
  return {
    record: { ...task, status: 'unknown', finishedAt: now, error },
    slotUntil: now + UNKNOWN_HOLDS_SLOT_MILLISECONDS,
  };
}

/** An entry that a dead process left unsent expires after an hour, a film's shot after twelve. @returns undefined: it stays */
export function leftInQueue({ ownerAlive: _, ...task }: Task, now: number): TaskRecord | undefined {
  const limit = task.filmId === undefined ? LEFT_ENTRY_MILLISECONDS : LEFT_SHOT_MILLISECONDS;
  if (now - task.reservedAt <= limit) return undefined;
  return { ...task, status: 'expired', finishedAt: now };
}

/** What `cancel` makes of a task: withdrawn while queued; of an unknown one the slot is given back. */
export function cancelled({ ownerAlive: _, ...task }: Task, now: number): Settlement | undefined {
  if (task.status === 'queued') {
    return { record: { ...task, status: 'cancelled', finishedAt: now }, slotUntil: undefined };
  }
  return task.status === 'unknown' ? { record: task, slotUntil: undefined } : undefined;
}
