/** The only step that spends: claim, send once, record the outcome. Sends this process's queue, each when it is its turn. */
import type { Api, SubmitOutcome } from '../jimeng/api.ts';
import { Problem } from '../problems.ts';
import { StoreFailure } from '../store/engine.ts';
import type { Claim } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import { afterSubmit, interrupted } from './outcome.ts';
import type { ServiceParts } from './parts.ts';
import { nextTurn } from './queue.ts';
import { recordOf, type Task } from './record.ts';

/** While nothing leaves this machine nothing can be paid: tried again until the caller's wait is over. */
const FIRST_RETRY_MILLISECONDS = 500;
const LONGEST_RETRY_MILLISECONDS = 10_000;
/** For an entry that was sent from the queue, with no caller waiting for it. */
const UNREACHABLE_MILLISECONDS = 45_000;
/** What was recorded longer ago than this when it is sent has waited in the queue. */
const QUEUED_MILLISECONDS = 5_000;
/** Slots come free in other processes, too. */
const QUEUE_POLL_MILLISECONDS = 500;
/** The claim's lease must be good for so long when the bytes leave, and the check no older than this. */
const CLAIM_MARGIN_MILLISECONDS = 2_000;

export interface SubmitterOptions extends Pick<ServiceParts, 'store' | 'clock' | 'log' | 'ending'> {
  readonly api: Api;
  /** Tasks in flight per capability. */
  readonly concurrency: number;
  readonly onAccepted: (taskId: string) => void;
}

export class Submitter {
  private readonly options: SubmitterOptions;
  /** Claims whose outcome is not recorded yet. */
  private readonly sending = new Map<string, { readonly claim: Claim; readonly done: Promise<void> }>();
  /** Until when an unreachable provider is tried, on the monotonic clock, by task. */
  private readonly tryUntil = new Map<string, number>();
  /** The same, fixed by the first attempt. */
  private readonly retryUntil = new Map<string, number>();
  /** The capabilities that are pumped; true: something was added meanwhile. */
  private readonly pumps = new Map<string, boolean>();
  private readonly pumping = new Set<Promise<void>>();
  /** When an unreachable provider is tried again, on the monotonic clock, by capability. */
  private readonly retryAt = new Map<string, number>();

  constructor(options: SubmitterOptions) {
    this.options = options;
  }

  /** @param tryUntil on the monotonic clock: how long an unreachable provider is tried for this task */
  queue(task: Task, tryUntil: number): void {
    this.tryUntil.set(task.id, tryUntil);
    this.pump(task.reqKey);
  }

  /** Sends this process's queued entries of a capability, each when it is its turn. */
  pump(reqKey: string): void {
    const isRunning = this.pumps.has(reqKey);
    this.pumps.set(reqKey, true);
    if (isRunning) return;
    const pumping: Promise<void> = this.pumpUntilEmpty(reqKey).finally(() => this.pumping.delete(pumping));
    this.pumping.add(pumping);
  }

  /** The process is ending: resolves when every submit that is out is answered and recorded, and nothing is claimed. */
  async answered(): Promise<void> {
    while (this.sending.size + this.pumping.size > 0) {
      await Promise.all([...this.pumping, ...[...this.sending.values()].map(({ done }) => done)]);
    }
  }

  /** Records submits without an answer as unknown: this process ends before their answers. */
  async giveUpAnswers(): Promise<void> {
    const { store } = this.options;
    const settle = ({ claim }: { claim: Claim }) =>
      store.settle(
        claim,
        (task, { now }) =>
          task.status === 'submitting' ? interrupted(task, now) : { record: recordOf(task), slotUntil: undefined },
        false,
      );
    await Promise.allSettled([...this.sending.values()].map(settle));
  }

  /** Never throws: a disk that is full for a while must not strand what is queued. */
  private async pumpUntilEmpty(reqKey: string): Promise<void> {
    const { store, clock, log, concurrency, ending } = this.options;
    while (!ending.aborted) {
      this.pumps.set(reqKey, false);
      const retryIn = (this.retryAt.get(reqKey) ?? 0) - clock.monotonic();
      if (retryIn > 0) {
        await this.waitForTurn(Math.min(retryIn, QUEUE_POLL_MILLISECONDS));
        continue;
      }
      try {
        // Between the claim and the sending a kill leaves the outcome unknown: nothing is loaded then.
        await this.options.api.ready();
        const claimed = await store.claimNext(reqKey, (ledger) => nextTurn(ledger, concurrency));
        if (claimed === 'empty') {
          if (this.pumps.get(reqKey) === false) break;
          continue;
        }
        if ('token' in claimed) this.send(claimed);
        else await this.waitForTurn();
      } catch (error) {
        log.warn('the queue is stuck', { req_key: reqKey, reason: String(error) });
        await this.waitForTurn();
      }
    }
    this.pumps.delete(reqKey);
  }

  private async waitForTurn(milliseconds = QUEUE_POLL_MILLISECONDS): Promise<void> {
    const { store, clock, ending } = this.options;
    await pause(clock, { atMost: milliseconds, signals: [ending], until: (over) => store.changed(over) });
  }

  private send(claim: Claim): void {
    const { id } = claim.task;
    const done = this.sendOnce(claim)
      .catch((error: unknown) => this.options.log.error('sending failed', { task: id, reason: String(error) }))
      .finally(() => this.sending.delete(id));
    this.sending.set(id, { claim, done });
  }

  private async sendOnce(claim: Claim): Promise<void> {
    const { store, clock, log, ending, concurrency } = this.options;
    const { id, reqKey } = claim.task;
    const until = this.retryUntilOf(claim.task);
    // Claimed while the process began to end: no process would await the answer, so the task stays in the queue.
    const isEnding = ending.aborted;
    const outcome = isEnding ? notSent(new Problem('not_sent')) : await this.outcomeOf(claim);
    const attempt = claim.task.sendingProblem?.count ?? 0;
    const wait = Math.min(FIRST_RETRY_MILLISECONDS * 2 ** attempt, LONGEST_RETRY_MILLISECONDS);
    const isReplaced = outcome.kind === 'not_sent' && outcome.problem.code === 'program_replaced';
    // What the store could not give is no reason to give the request up: it stays in the queue.
    const isStoreAway = outcome.kind === 'not_sent' && outcome.problem.cause instanceof StoreFailure;
    const isInTime = clock.monotonic() + wait < until && !ending.aborted;
    const isTriedAgain = isEnding || isStoreAway || (!isReplaced && isInTime);
    if (outcome.kind === 'not_sent') this.retryAt.set(reqKey, clock.monotonic() + wait);
    else this.retryAt.delete(reqKey);
    const isAccepted = outcome.kind === 'accepted';
    const rules = { concurrency, isTriedAgain, random: Math.random() };
    const task = await store.settle(claim, (now, ledger) => afterSubmit(now, ledger, outcome, rules), isAccepted);
    const { status, error, providerTaskId } = task;
    log.info('submit', { task: id, status, code: error?.code, provider: providerTaskId });
    if (status !== 'queued') for (const deadlines of [this.tryUntil, this.retryUntil]) deadlines.delete(id);
    this.pump(reqKey);
    void store.whenWritten(id).then(() => {
      if (isAccepted) this.options.onAccepted(id);
      // Until it was written the queue did not show it.
      else if (status === 'queued') this.pump(reqKey);
    });
  }

  /** An entry that waited in the queue, or that another process left, has no caller whose wait would bound it. */
  private retryUntilOf({ id, sentAt = 0, reservedAt }: Task): number {
    const asked = this.tryUntil.get(id) ?? 0;
    const own = this.options.clock.monotonic() + UNREACHABLE_MILLISECONDS;
    const until = this.retryUntil.get(id) ?? (sentAt - reservedAt > QUEUED_MILLISECONDS ? Math.max(asked, own) : asked);
    this.retryUntil.set(id, until);
    return until;
  }

  /** Nothing is sent when the claim is no longer this process's, or the request cannot be read. */
  private async outcomeOf(claim: Claim): Promise<SubmitOutcome> {
    const { store, api } = this.options;
    try {
      const body = await store.body(claim.task.id);
      if (body === undefined)
        return notSent(new Problem('state_not_writable', { what: 'The recorded request is gone.' }));
      return await api.submit(body, () => this.requireClaim(claim));
    } catch (error) {
      if (error instanceof Problem) return notSent(error);
      const code = error instanceof StoreFailure ? error.problemCode : 'state_not_writable';
      return notSent(new Problem(code, { cause: error }));
    }
  }

  /**
   * The last step before the bytes leave: a process that was suspended must not send what others have given up.
   * @throws Problem claim_lost
   */
  private async requireClaim(claim: Claim): Promise<void> {
    const { store, clock } = this.options;
    const before = { monotonic: clock.monotonic(), wall: clock.now() };
    const isHeld = await store.stillHolds(claim, CLAIM_MARGIN_MILLISECONDS);
    // A suspended computer stops the monotonic clock; a suspended process stops none.
    const passed = Math.max(clock.monotonic() - before.monotonic, clock.now() - before.wall);
    if (!isHeld || passed >= CLAIM_MARGIN_MILLISECONDS) throw new Problem('claim_lost');
  }
}

function notSent(problem: Problem): SubmitOutcome {
  return { kind: 'not_sent', problem, requestId: undefined, raw: undefined, sandbox: false };
}
