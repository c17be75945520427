/** What became of a task that the provider has? Asked until it is known, then saved. */
import type { QueryOutcome } from '../jimeng/api.ts';
import { Problem } from '../problems.ts';
import { afterQuery, inThisCase, type Looked, NOT_FOUND_BELIEVED_MILLISECONDS } from './after-query.ts';
import { notLeased, type TaskContext } from './context.ts';
import { finish } from './finish.ts';
import { type Lease, LeaseLost, renewedWhile, tryLease } from './lease.ts';
import type { Turn } from './query-budget.ts';
import { isAdopted, isWatched, type TaskRecord } from './record.ts';
import { delayBefore, HINDRANCE_DELAYS, QUERY_DELAYS } from './retry.ts';
import { isPublished } from './save.ts';
import { chooseSchedule, DEFAULT_POLL_SECONDS } from './schedule.ts';
import { type Moment, TaskAge } from './task-age.ts';

/** After JIMENG_VIDEO_MAX_POLL_ATTEMPTS answers the quick watch is over. */
const SLOW_POLL_SECONDS = 300;

/** `accepted`: just now, by the provider. `left`: open on disk, and nobody watches it. `asked`: somebody waits for the answer. */
type Occasion = 'accepted' | 'left' | 'asked';

/** What is remembered between two queries and not worth writing down. */
interface Watch {
  /** By this process: written into the record it would cost an fsync a query, to be a little less quick after a takeover. */
  answered: number;
  failedInRow: number;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** On the monotonic clock: the first not_found in a row. */
  notFoundSince: number | undefined;
  readonly age: TaskAge;
  /** The req_key of the last question. */
  askedAs: string | undefined;
  /** Somebody waits for the next look. */
  isAsked: boolean;
  isLooking: boolean;
  /** Ends the pause before the next look. */
  endPause: () => void;
  /** Its place in the line of questions. */
  turn: Turn | undefined;
  /** Told after the next look. */
  readonly looked: Set<() => void>;
}

export class Watcher {
  private readonly context: TaskContext;
  private readonly watches = new Map<string, Watch>();
  private readonly loops = new Set<Promise<void>>();
  /** What keeps this process from asking, though nobody else does. */
  private readonly standstills = new Map<string, Problem>();

  constructor(context: TaskContext) {
    this.context = context;
    context.ending.addEventListener('abort', () => {
      for (const watch of this.watches.values()) watch.endPause();
    });
  }

  /**
   * Begins to watch, unless this or another process does already; asks at once where this one does and somebody asks.
   * @returns resolves when the lease is taken, or found taken
   */
  watch(id: string, occasion: Occasion = 'asked'): Promise<void> {
    const running = this.watches.get(id);
    if (running !== undefined && occasion === 'asked') hurry(running);
    if (running !== undefined || this.context.ending.aborted) return Promise.resolve();
    const watch: Watch = {
      answered: 0,
      failedInRow: 0,
      startedAt: this.context.clock.monotonic(),
      notFoundSince: undefined,
      askedAs: undefined,
      age: new TaskAge(),
      isAsked: occasion === 'asked',
      isLooking: false,
      endPause: () => undefined,
      turn: undefined,
      looked: new Set(),
    };
    let begun: () => void = () => undefined;
    const whenBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    this.watches.set(id, watch);
    const loop = this.run(id, watch, occasion === 'accepted', begun)
      .catch((error: unknown) => {
        if (this.context.ending.aborted) return;
        // Tried again every few seconds: told once.
        if (!this.standstills.has(id)) this.context.log.error('watch failed', { task: id, reason: String(error) });
        if (error instanceof Problem) this.standstills.set(id, error);
      })
      .finally(() => {
        begun();
        tellLooked(watch);
        this.watches.delete(id);
        this.loops.delete(loop);
        this.context.changes.notify();
      });
    this.loops.add(loop);
    return whenBegun;
  }

  /** Resolves when the look that `watch` began is over; at once where another process looks. */
  async whenLooked(id: string): Promise<void> {
    const watch = this.watches.get(id);
    if (watch !== undefined) await new Promise<void>((resolve) => watch.looked.add(resolve));
  }

  standstillOf(id: string): Problem | undefined {
    return this.standstills.get(id);
  }

  isWatching(id: string): boolean {
    return this.watches.has(id);
  }

  /** Resolves when every loop has let go of its lease. */
  async ended(): Promise<void> {
    await Promise.allSettled([...this.loops]);
  }

  private async run(id: string, watch: Watch, isNew: boolean, begun: () => void): Promise<void> {
    const lease = await leaseTask(this.context, id);
    this.standstills.delete(id);
    begun();
    if (lease === undefined) return;
    try {
      const first = await this.context.journal.read(id);
      if (first === undefined) return;
      watch.age.begin(first, isNew, this.moment());
      // What was accepted this moment cannot be finished yet.
      let delayMilliseconds = isNew ? await this.scheduled(first, watch) : 0;
      for (let last = first; ; ) {
        await this.pause(watch, delayMilliseconds);
        await this.turn(watch);
        if (this.context.ending.aborted) return;
        const record = await this.context.journal.read(id);
        // Somebody removed the state folder. The task is paid for all the same: written again, it is taken up again.
        if (record === undefined) return this.context.journal.keep(last, 'the record is gone');
        if (!isWatched(record.status) || !(await lease.renew())) return;
        last = record;
        // Whether another process has it now, or the folder is gone, the next reading tells.
        const next = await renewedWhile(lease, (lost) => this.look(record, watch, lost)).catch(againWhenLost);
        watch.isLooking = false;
        tellLooked(watch);
        if (next === undefined) return;
        delayMilliseconds = next;
      }
    } finally {
      await lease.release();
    }
  }

  private async pause(watch: Watch, milliseconds: number): Promise<void> {
    if (milliseconds <= 0 || watch.isAsked) return;
    const over = new AbortController();
    watch.endPause = () => over.abort();
    await this.context.clock.sleep(milliseconds, over.signal).catch(() => undefined);
    watch.endPause = () => undefined;
  }

  private async turn(watch: Watch): Promise<void> {
    watch.turn = this.context.queryBudget.take(watch.isAsked, this.context.ending);
    await watch.turn.come;
    watch.turn = undefined;
    watch.isAsked = false;
    watch.isLooking = true;
  }

  /** One query and what follows from it. @returns milliseconds until the next; undefined when it is over */
  private async look(record: TaskRecord, watch: Watch, lost: AbortSignal): Promise<number | undefined> {
    const { api, ending } = this.context;
    if (await isPublished(record)) return await this.finish(record, lost);
    if (watch.askedAs !== record.req_key) watch.notFoundSince = undefined;
    watch.askedAs = record.req_key;
    const askedAt = this.moment();
    const answer = await api.query(record.req_key, record.provider_task_id ?? '', ending);
    // Its mode was corrected meanwhile: the answer is another key's.
    const isCorrected = isAdopted(record) && (await this.context.journal.read(record.id))?.req_key !== record.req_key;
    if (isCorrected) return 0;
    // The time that was signed, and what has passed since: a clock that jumps in between changes nothing.
    const now = askedAt.wall + this.context.clock.monotonic() - askedAt.monotonic;
    const outcome = inThisCase(record, answer, now);
    const answered = outcome.kind === 'running' || outcome.kind === 'not_found';
    if (answered) watch.answered++;
    watch.failedInRow = UNINFORMATIVE.has(outcome.kind) ? watch.failedInRow + 1 : 0;
    if (outcome.kind === 'running') watch.age.stillRunning(askedAt);
    const next = afterQuery(record, outcome, this.looked(record, outcome, watch, now));
    if (next.status === 'generating' && next.video !== undefined && outcome.kind === 'done') {
      await this.record(record, next);
      await this.learn(record, watch);
      return await this.finish(next, lost);
    }
    await this.record(record, next);
    return isWatched(next.status) ? await this.delay(outcome, next, watch) : undefined;
  }

  private async finish(record: TaskRecord, lost: AbortSignal): Promise<undefined> {
    await finish(this.context, record, AbortSignal.any([this.context.ending, lost]));
  }

  /** A link again is not a video again. */
  private async learn(record: TaskRecord, watch: Watch): Promise<void> {
    const span = record.video === undefined ? watch.age.finishedWithin(this.moment()) : undefined;
    if (span !== undefined) await this.context.pastTimes.learn(record.request.mode, span);
  }

  private moment(): Moment {
    const { clock } = this.context;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  private looked(record: TaskRecord, outcome: QueryOutcome, watch: Watch, now: number): Looked {
    const monotonic = this.context.clock.monotonic();
    if (outcome.kind === 'not_found') watch.notFoundSince ??= monotonic - notFoundBefore(record, now);
    else if (outcome.kind !== 'unanswered' && outcome.kind !== 'hindered') watch.notFoundSince = undefined;
    return {
      now,
      failedInRow: watch.failedInRow,
      notFoundMilliseconds: monotonic - (watch.notFoundSince ?? monotonic),
      watchedMilliseconds: monotonic - watch.startedAt,
    };
  }

  private async record(before: TaskRecord, after: TaskRecord): Promise<void> {
    if (before === after) return;
    await this.context.journal.writeOrKeep(after);
    this.context.changes.notify();
  }

  private async delay(outcome: QueryOutcome, record: TaskRecord, watch: Watch): Promise<number> {
    if (watch.answered >= this.context.settings.maxPollAttempts) {
      // What the provider does not know is given up after two minutes, and not after the next look or the one after that.
      return (outcome.kind === 'not_found' ? DEFAULT_POLL_SECONDS : SLOW_POLL_SECONDS) * 1000;
    }
    // What the user sets is what is done, after a failed query, too.
    if (this.context.settings.pollIntervalSeconds !== undefined) return await this.scheduled(record, watch);
    if (outcome.kind === 'unanswered' || outcome.kind === 'done_without_link')
      return delayBefore(watch.failedInRow, QUERY_DELAYS, Math.random());
    if (outcome.kind === 'hindered') return delayBefore(watch.failedInRow, HINDRANCE_DELAYS, Math.random());
    return outcome.kind === 'not_found' ? DEFAULT_POLL_SECONDS * 1000 : await this.scheduled(record, watch);
  }

  /** @returns milliseconds until the next question. A task of unknown age tells nothing of when it is finished. */
  private async scheduled(record: TaskRecord, watch: Watch): Promise<number> {
    const { settings, pastTimes } = this.context;
    const ageSeconds = watch.age.secondsAt(this.moment());
    const learned = ageSeconds === undefined ? undefined : await pastTimes.schedule(record.request.mode);
    const schedule = chooseSchedule(settings.pollIntervalSeconds, learned);
    return schedule.delaySeconds(ageSeconds ?? 0, Math.random()) * 1000;
  }
}

/** Outcomes that are queried again with back-off. */
const UNINFORMATIVE: ReadonlySet<QueryOutcome['kind']> = new Set(['unanswered', 'hindered', 'done_without_link']);

/** @returns milliseconds until the next look */
function againWhenLost(error: unknown): number {
  if (error instanceof LeaseLost) return 0;
  throw error;
}

/** A look that is under way answers whoever asks now. */
function hurry(watch: Watch): void {
  if (watch.isLooking) return;
  watch.isAsked = true;
  watch.endPause();
  watch.turn?.hurry();
}

function tellLooked({ looked }: Watch): void {
  for (const tell of looked) tell();
  looked.clear();
}

/** Only whoever holds it asks, saves and writes a task's record once the provider has it. @throws Problem state_not_writable */
async function leaseTask(context: TaskContext, id: string): Promise<Lease | undefined> {
  return await tryLease(context.journal.leasePath(id), context.identity).catch((error: unknown) => {
    throw notLeased(context, error);
  });
}

/** What an earlier process saw of it; its wall clock may have been another. */
function notFoundBefore({ first_not_found_at: first }: TaskRecord, now: number): number {
  if (first === undefined) return 0;
  return Math.min(Math.max(now - Date.parse(first), 0), NOT_FOUND_BELIEVED_MILLISECONDS);
}
