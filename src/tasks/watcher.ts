/** Polls tasks that the provider has until their outcome is known, then has them saved. */
import type { Api, QueryOutcome } from '../jimeng/api.ts';
import { Problem } from '../problems.ts';
import type { Hold } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import { OPERATOR_BACKOFF, pauseBefore, QUERY_BACKOFF } from './backoff.ts';
import type { Collector } from './collector.ts';
import type { ServiceParts } from './parts.ts';
import {
  DEFAULT_POLL_SECONDS,
  LONGEST_PAUSE_SECONDS,
  learnedPause,
  type QueryBudget,
  type QueryTurn,
  type UsualTimes,
} from './poll-timing.ts';
import { afterQuery, inThisCase, NOT_FOUND_BELIEVED_MILLISECONDS, type PollState } from './polling.ts';
import { recordOf, type TaskRecord } from './record.ts';

/** After JIMENG_VIDEO_MAX_POLL_ATTEMPTS answers. */
const SLOW_POLL_SECONDS = 300;
/** The two clocks may differ by so much between two answers: more, and the computer slept, or the wall clock was set. */
const CLOCKS_APART_MILLISECONDS = 2_000;
/** As wide as the longest pause, its jitter and a slow answer; wider spans (a process away) show nothing of the usual time. */
const WIDEST_SPAN_MILLISECONDS = (LONGEST_PAUSE_SECONDS + 10) * 1000;

/** `accepted`: just now, by the provider. `resumed`: open, and not polled. `asked`: a caller waits for the answer. */
type Occasion = 'accepted' | 'resumed' | 'asked';

interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** What is remembered between two queries and not worth writing down. */
interface Watch {
  answered: number;
  failedInRow: number;
  readonly startedAt: Moment;
  /** On the monotonic clock: the first not_found in a row. */
  notFoundSince: number | undefined;
  /** When it surely was not finished yet. */
  running: Moment | undefined;
  /** Somebody waits for the next poll. */
  isAsked: boolean;
  isPolling: boolean;
  /** Ends the pause before the next poll. */
  hurry: AbortController;
  /** Its place in the line of queries. */
  turn: QueryTurn | undefined;
  /** Called after the next poll. */
  readonly polled: Set<() => void>;
  /** A change of the record that a caller requested: made by the holder, before the next poll. */
  correction: ((task: TaskRecord) => TaskRecord) | undefined;
}

export interface WatcherOptions extends Pick<ServiceParts, 'store' | 'clock' | 'log' | 'ending'> {
  readonly collector: Collector;
  readonly api: Api;
  readonly queryBudget: QueryBudget;
  readonly usualTimes: UsualTimes;
  /** Seconds; undefined: by what was learned. */
  readonly pollIntervalSeconds: number | undefined;
  readonly maxPollAttempts: number;
}

export class Watcher {
  private readonly options: WatcherOptions;
  private readonly watches = new Map<string, Watch>();
  private readonly loops = new Set<Promise<void>>();
  /** What keeps this process from polling, though nobody else does. */
  private readonly problems = new Map<string, Problem>();

  constructor(options: WatcherOptions) {
    this.options = options;
    options.ending.addEventListener('abort', () => {
      for (const watch of this.watches.values()) watch.hurry.abort();
    });
  }

  /**
   * Begins to poll, unless this or another process does; where this one does and the reason is `asked`, polls immediately.
   * @returns resolves when the task is held, or found held
   */
  async watch(id: string, occasion: Occasion = 'asked', correction?: (task: TaskRecord) => TaskRecord): Promise<void> {
    const { ending, store } = this.options;
    const running = this.watches.get(id);
    if (running !== undefined) {
      running.correction = correction ?? running.correction;
      if (occasion === 'asked') hurry(running);
    }
    if (running !== undefined || ending.aborted) return;
    const watch = this.begin(id, { isAsked: occasion === 'asked', correction });
    let hold: Hold | undefined;
    try {
      hold = await store.hold(id);
      this.problems.delete(id);
    } catch (error) {
      this.fail(id, error);
    }
    if (hold === undefined) this.end(id, watch);
    else this.poll(hold, watch, occasion === 'accepted');
  }

  /** Polls what no process polled, and this one holds now. */
  takeOver(hold: Hold): void {
    const { id } = hold.task;
    this.problems.delete(id);
    this.poll(hold, this.begin(id, { isAsked: false, correction: undefined }), false);
  }

  /** Resolves when the poll that `watch` began is over; immediately where another process polls. */
  async whenPolled(id: string): Promise<void> {
    const watch = this.watches.get(id);
    if (watch !== undefined) await new Promise<void>((resolve) => watch.polled.add(resolve));
  }

  problemOf(id: string): Problem | undefined {
    return this.problems.get(id);
  }

  isWatching(id: string): boolean {
    return this.watches.has(id);
  }

  /** Resolves when every loop has let go of its task. */
  async ended(): Promise<void> {
    await Promise.allSettled([...this.loops]);
  }

  private begin(id: string, asked: Pick<Watch, 'isAsked' | 'correction'>): Watch {
    const watch: Watch = {
      answered: 0,
      failedInRow: 0,
      startedAt: this.moment(),
      notFoundSince: undefined,
      running: undefined,
      isPolling: false,
      hurry: new AbortController(),
      turn: undefined,
      polled: new Set(),
      ...asked,
    };
    this.watches.set(id, watch);
    return watch;
  }

  private poll(hold: Hold, watch: Watch, isNew: boolean): void {
    const { id } = hold.task;
    const loop: Promise<void> = this.run(hold, watch, isNew)
      .catch((error: unknown) => this.fail(id, error))
      .finally(() => {
        this.loops.delete(loop);
        this.end(id, watch);
      });
    this.loops.add(loop);
  }

  private end(id: string, watch: Watch): void {
    // A call that found it held may end after the one that holds it began.
    if (this.watches.get(id) === watch) this.watches.delete(id);
    reportPolled(watch);
  }

  private fail(id: string, error: unknown): void {
    const { ending, log } = this.options;
    if (ending.aborted) return;
    // Tried again every few seconds: logged once.
    if (!this.problems.has(id)) log.error('polling stopped', { task: id, reason: String(error) });
    if (error instanceof Problem) this.problems.set(id, error);
  }

  private async run(hold: Hold, watch: Watch, isNew: boolean): Promise<void> {
    const { ending, collector } = this.options;
    try {
      if (isNew) watch.running = watch.startedAt;
      // What was accepted just now cannot be finished yet.
      let delay = isNew ? await this.scheduled(hold.task, watch) : 0;
      for (;;) {
        if (delay > 0 && !watch.isAsked && !ending.aborted) await this.pauseBeforePoll(hold, watch, delay);
        if (watch.correction !== undefined) await this.correct(hold, watch, watch.correction);
        if (ending.aborted || hold.lost.aborted) return;
        const { status, video, saveAgainAt } = hold.task;
        // Finished by another process since it was found: only what could not be saved is left to do.
        if (status === 'done' && saveAgainAt === undefined) return;
        if (status === 'done' && video !== undefined) return await collector.collect(hold, ending);
        if (status !== 'generating' && status !== 'done') return;
        await this.takeTurn(hold.task.id, watch);
        if (ending.aborted || hold.lost.aborted) return;
        const next = await this.pollOnce(hold, watch);
        watch.isPolling = false;
        reportPolled(watch);
        if (next === undefined) return;
        delay = next;
      }
    } finally {
      await hold.release();
    }
  }

  private async pauseBeforePoll(hold: Hold, watch: Watch, atMost: number): Promise<void> {
    watch.hurry = new AbortController();
    await pause(this.options.clock, { atMost, signals: [watch.hurry.signal, hold.lost] });
  }

  private async correct(hold: Hold, watch: Watch, correction: NonNullable<Watch['correction']>): Promise<void> {
    watch.correction = undefined;
    const task = recordOf(hold.task);
    const corrected = correction(task);
    if (corrected === task) return;
    watch.notFoundSince = undefined;
    await hold.save(corrected);
  }

  private async takeTurn(id: string, watch: Watch): Promise<void> {
    const { clock, log } = this.options;
    const dueAt = clock.monotonic();
    watch.turn = this.options.queryBudget.take(watch.isAsked, this.options.ending);
    await watch.turn.come;
    watch.turn = undefined;
    watch.isAsked = false;
    watch.isPolling = true;
    log.trace('poll', { task: id, lag_ms: Math.round(clock.monotonic() - dueAt) });
  }

  /** One query and what follows from it. @returns milliseconds until the next; undefined when it is over */
  private async pollOnce(hold: Hold, watch: Watch): Promise<number | undefined> {
    const { api, collector, ending, clock } = this.options;
    const task = recordOf(hold.task);
    if (await collector.isPublished(task)) {
      await collector.collect(hold, ending);
      return undefined;
    }
    const askedAt = this.moment();
    const answer = await api.query(task.reqKey, task.providerTaskId ?? '', ending);
    // Its mode was corrected meanwhile: the answer is another capability's.
    if (watch.correction !== undefined) return 0;
    // The time that was signed, and what has passed since: a clock that jumps in between changes nothing.
    const now = Math.round(askedAt.wall + clock.monotonic() - askedAt.monotonic);
    const outcome = inThisCase(task, answer, now);
    this.count(outcome, watch, askedAt);
    const next = afterQuery(task, outcome, this.stateOf(task, outcome, watch, now));
    const finishedBetween = outcome.kind === 'done' ? this.finishedBetween(task, watch) : undefined;
    if (next !== task) await hold.save(finishedBetween === undefined ? next : { ...next, finishedBetween });
    if (outcome.kind === 'done') {
      await collector.collect(hold, ending);
      return undefined;
    }
    return next.status === 'generating' ? await this.delayAfter(outcome, next, watch) : undefined;
  }

  private count(outcome: QueryOutcome, watch: Watch, askedAt: Moment): void {
    const isFailed = outcome.kind === 'unanswered' || outcome.kind === 'blocked';
    if (outcome.kind === 'running' || outcome.kind === 'not_found') watch.answered++;
    watch.failedInRow = isFailed ? watch.failedInRow + 1 : 0;
    if (outcome.kind === 'running') watch.running = askedAt;
  }

  /** A refreshed link is not a new duration sample, and a task of unknown age is none. */
  private finishedBetween(task: TaskRecord, { running }: Watch): readonly [number, number] | undefined {
    const { acceptedAt, video } = task;
    if (acceptedAt === undefined || running === undefined || video !== undefined) return undefined;
    const done = this.moment();
    const passed = done.wall - running.wall;
    if (Math.abs(passed - (done.monotonic - running.monotonic)) > CLOCKS_APART_MILLISECONDS) return undefined;
    if (passed > WIDEST_SPAN_MILLISECONDS || running.wall < acceptedAt - CLOCKS_APART_MILLISECONDS) return undefined;
    return [Math.max(0, Math.round(running.wall - acceptedAt)), Math.round(done.wall - acceptedAt)];
  }

  private moment(): Moment {
    const { clock } = this.options;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  private stateOf(task: TaskRecord, outcome: QueryOutcome, watch: Watch, now: number): PollState {
    const monotonic = this.options.clock.monotonic();
    if (outcome.kind === 'not_found') watch.notFoundSince ??= monotonic - notFoundBefore(task, now);
    else if (outcome.kind !== 'unanswered' && outcome.kind !== 'blocked') watch.notFoundSince = undefined;
    return {
      now,
      failedInRow: watch.failedInRow,
      notFoundMilliseconds: monotonic - (watch.notFoundSince ?? monotonic),
      polledMilliseconds: monotonic - watch.startedAt.monotonic,
    };
  }

  private async delayAfter(outcome: QueryOutcome, task: TaskRecord, watch: Watch): Promise<number> {
    const { maxPollAttempts, pollIntervalSeconds } = this.options;
    // What the provider does not know is given up after two minutes, and not after the next slow poll.
    const isUnknown = outcome.kind === 'not_found';
    if (watch.answered >= maxPollAttempts) return (isUnknown ? DEFAULT_POLL_SECONDS : SLOW_POLL_SECONDS) * 1000;
    // What the user sets is done, after a failed query, too.
    if (pollIntervalSeconds !== undefined) return pollIntervalSeconds * 1000;
    if (outcome.kind === 'unanswered') return pauseBefore(watch.failedInRow, QUERY_BACKOFF, Math.random());
    if (outcome.kind === 'blocked') return pauseBefore(watch.failedInRow, OPERATOR_BACKOFF, Math.random());
    return isUnknown || outcome.kind === 'failed' ? DEFAULT_POLL_SECONDS * 1000 : await this.scheduled(task, watch);
  }

  /** @returns milliseconds until the next query. A task of unknown age shows nothing of when it is finished. */
  private async scheduled({ request, acceptedAt }: TaskRecord, { startedAt }: Watch): Promise<number> {
    const { pollIntervalSeconds, usualTimes, clock } = this.options;
    if (pollIntervalSeconds !== undefined) return pollIntervalSeconds * 1000;
    const usual = acceptedAt === undefined ? undefined : await usualTimes.of(request.mode);
    if (usual === undefined || acceptedAt === undefined) return DEFAULT_POLL_SECONDS * 1000;
    const age = Math.max(0, startedAt.wall - acceptedAt) + clock.monotonic() - startedAt.monotonic;
    return learnedPause(usual, age / 1000, Math.random()) * 1000;
  }
}

/** A poll that is under way serves new callers, too. */
function hurry(watch: Watch): void {
  if (watch.isPolling) return;
  watch.isAsked = true;
  watch.hurry.abort();
  watch.turn?.hurry();
}

function reportPolled({ polled }: Watch): void {
  for (const report of polled) report();
  polled.clear();
}

/** What an earlier process saw of it; its wall clock may have been another. */
function notFoundBefore({ firstNotFoundAt }: TaskRecord, now: number): number {
  if (firstNotFoundAt === undefined) return 0;
  return Math.min(Math.max(now - firstNotFoundAt, 0), NOT_FOUND_BELIEVED_MILLISECONDS);
}
