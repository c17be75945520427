/** What became of a task that the provider has? Asked until it is known, then saved. */
import type { QueryOutcome } from '../jimeng/api.ts';
import { modeOfReqKey, priceCny } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import { afterQuery, type Looked, linkOf, NOT_FOUND_BELIEVED_MILLISECONDS } from './after-query.ts';
import { iso, type TaskContext } from './context.ts';
import { type Lease, tryLease } from './lease.ts';
import { isWatched, type TaskRecord } from './record.ts';
import { delayBefore, HINDRANCE_DELAYS, QUERY_DELAYS } from './retry.ts';
import { saveVideo } from './save.ts';
import { errorOf } from './submit.ts';

export const DEFAULT_POLL_SECONDS = 5;
/** After JIMENG_VIDEO_MAX_POLL_ATTEMPTS answers the quick watch is over. */
const SLOW_POLL_SECONDS = 300;
/** A fresh link is worth this many queries: one blip must not leave a finished video unsaved. */
const FRESH_LINK_QUERIES = 5;

/** What is remembered between two queries and not worth writing down. */
interface Watch {
  /** By this process: written into the record it would cost an fsync a query, to be a little less quick after a takeover. */
  answered: number;
  failedInRow: number;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** On the monotonic clock: the first not_found in a row. */
  notFoundSince: number | undefined;
  /** Looks at once when called. */
  wake: () => void;
  /** Told after the next look. */
  readonly looked: Set<() => void>;
}

export class Watcher {
  private readonly context: TaskContext;
  private readonly watches = new Map<string, Watch>();
  private readonly loops = new Set<Promise<void>>();

  constructor(context: TaskContext) {
    this.context = context;
  }

  /** Begins to watch, unless this or another process does already; asks at once where this one does. */
  watch(id: string): void {
    const running = this.watches.get(id);
    running?.wake();
    if (running !== undefined || this.context.ending.aborted) return;
    const watch: Watch = {
      answered: 0,
      failedInRow: 0,
      startedAt: this.context.clock.monotonic(),
      notFoundSince: undefined,
      wake: () => undefined,
      looked: new Set(),
    };
    this.watches.set(id, watch);
    const loop = this.run(id, watch)
      .catch((error: unknown) => {
        if (!this.context.ending.aborted) this.context.log.error('watch failed', { task: id, reason: String(error) });
      })
      .finally(() => {
        tellLooked(watch);
        this.watches.delete(id);
        this.loops.delete(loop);
        this.context.changes.notify();
      });
    this.loops.add(loop);
  }

  /** Resolves when the look that `watch` began is over; at once where another process looks. */
  async whenLooked(id: string): Promise<void> {
    const watch = this.watches.get(id);
    if (watch !== undefined) await new Promise<void>((resolve) => watch.looked.add(resolve));
  }

  isWatching(id: string): boolean {
    return this.watches.has(id);
  }

  /** Resolves when every loop has let go of its lease. */
  async ended(): Promise<void> {
    await Promise.allSettled([...this.loops]);
  }

  private async run(id: string, watch: Watch): Promise<void> {
    const lease = await leaseTask(this.context, id);
    if (lease === undefined) return;
    try {
      while (!this.context.ending.aborted) {
        if (!(await lease.renew())) return;
        const record = await this.context.journal.read(id);
        if (record === undefined || !isWatched(record.status)) return;
        const delayMilliseconds = await this.look(record, watch);
        tellLooked(watch);
        if (delayMilliseconds === undefined) return;
        await this.pause(watch, delayMilliseconds);
      }
    } finally {
      await lease.release();
    }
  }

  private async pause(watch: Watch, milliseconds: number): Promise<void> {
    const woken = new AbortController();
    watch.wake = () => woken.abort();
    const signal = AbortSignal.any([woken.signal, this.context.ending]);
    await this.context.clock.sleep(milliseconds, signal).catch(() => undefined);
    watch.wake = () => undefined;
  }

  /** One query and what follows from it. @returns milliseconds until the next; undefined when it is over */
  private async look(record: TaskRecord, watch: Watch): Promise<number | undefined> {
    const { api, clock, ending } = this.context;
    const askedAt = { wall: clock.now(), monotonic: clock.monotonic() };
    const outcome = await api.query(record.req_key, record.provider_task_id ?? '', ending);
    const answered = outcome.kind === 'running' || outcome.kind === 'not_found';
    if (answered) watch.answered++;
    watch.failedInRow = outcome.kind === 'unanswered' || outcome.kind === 'hindered' ? watch.failedInRow + 1 : 0;
    // The time that was signed, and what has passed since: a clock that jumps in between changes nothing.
    const now = askedAt.wall + clock.monotonic() - askedAt.monotonic;
    const next = afterQuery(record, outcome, this.looked(record, outcome, watch, now));
    if (next.status === 'generating' && next.video !== undefined && outcome.kind === 'done') {
      await this.record(record, next);
      await finish(this.context, next, ending);
      return undefined;
    }
    await this.record(record, next);
    return isWatched(next.status) ? this.delay(outcome, watch) : undefined;
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

  private delay(outcome: QueryOutcome, watch: Watch): number {
    const { pollIntervalSeconds, maxPollAttempts } = this.context.settings;
    if (watch.answered >= maxPollAttempts) return SLOW_POLL_SECONDS * 1000;
    // What the user sets is what is done, after a failed query, too.
    if (pollIntervalSeconds !== undefined) return pollIntervalSeconds * 1000;
    if (outcome.kind === 'unanswered') return delayBefore(watch.failedInRow, QUERY_DELAYS, Math.random());
    if (outcome.kind === 'hindered') return delayBefore(watch.failedInRow, HINDRANCE_DELAYS, Math.random());
    return DEFAULT_POLL_SECONDS * 1000;
  }
}

function tellLooked({ looked }: Watch): void {
  for (const tell of looked) tell();
  looked.clear();
}

/** Only whoever holds it asks, saves and writes a task's record once the provider has it. */
async function leaseTask(context: TaskContext, id: string): Promise<Lease | undefined> {
  return await tryLease(context.journal.leasePath(id), context.identity);
}

/** What an earlier process saw of it; its wall clock may have been another. */
function notFoundBefore({ first_not_found_at: first }: TaskRecord, now: number): number {
  if (first === undefined) return 0;
  return Math.min(Math.max(now - Date.parse(first), 0), NOT_FOUND_BELIEVED_MILLISECONDS);
}

/**
 * Saves what is done, and closes the record. The caller holds the task's lease. A video that cannot be saved is
 * `done` all the same: the record has its link, and why.
 */
export async function finish(context: TaskContext, record: TaskRecord, signal: AbortSignal): Promise<TaskRecord> {
  const { journal, clock, changes } = context;
  const { destination, video } = record;
  let saved = record;
  if (destination !== null && video !== undefined) {
    try {
      const { error: _, ...unsaved } = record;
      saved = await saveVideo(context, {
        record: { ...unsaved, video },
        destination: { folder: destination.folder, fileName: destination.file_name },
        freshUrl: (abort) => freshUrl(context, record, abort),
        signal,
        // A state folder that is full for a while must not keep a paid video from its place.
        remember: (remembered) => journal.writeOrKeep(remembered),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = error instanceof Problem ? error : new Problem('save_failed', { cause: error });
      context.log.warn('video not saved', { task: record.id, code: problem.code });
      saved = { ...record, error: errorOf(problem) };
    }
  }
  const done: TaskRecord = {
    ...saved,
    ...priceOfAdopted(saved),
    status: 'done',
    finished_at: record.finished_at ?? iso(clock.now()),
  };
  await journal.writeOrKeep(done);
  context.log.info('done', { task: record.id, saved: done.video?.file !== undefined });
  changes.notify();
  return done;
}

/** What a task that was made elsewhere cost is told by its file: the provider makes 5 or 10 seconds. */
function priceOfAdopted(record: TaskRecord): Partial<TaskRecord> {
  const seconds = record.video?.file?.facts?.duration_seconds;
  const mode = modeOfReqKey(record.req_key);
  if (record.estimated_cny !== undefined || seconds === undefined || mode === undefined) return {};
  const billed = seconds > 7.5 ? 10 : 5;
  return { billed_seconds: billed, estimated_cny: priceCny(mode, billed) };
}

/** @throws Problem save_failed when the provider gives no link any more, or does not answer for a while */
async function freshUrl(context: TaskContext, record: TaskRecord, signal: AbortSignal): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await context.api.query(record.req_key, record.provider_task_id ?? '', signal);
    if (outcome.kind === 'done') return outcome.url;
    const isBlip = outcome.kind === 'unanswered' || outcome.kind === 'hindered';
    if (!isBlip || attempt === FRESH_LINK_QUERIES) {
      const reason = 'problem' in outcome ? outcome.problem.message : `the provider says ${outcome.kind}`;
      throw new Problem('save_failed', { what: `The link had expired, and no fresh one was to be had: ${reason}` });
    }
    await context.clock.sleep(delayBefore(attempt, QUERY_DELAYS, Math.random()), signal);
  }
}

/** @returns the record with a link that is good for an hour again; the same record when none was to be had */
export async function refreshLink(context: TaskContext, record: TaskRecord, signal?: AbortSignal): Promise<TaskRecord> {
  const outcome = await context.api.query(record.req_key, record.provider_task_id ?? '', signal);
  if (outcome.kind !== 'done' || record.video === undefined) return record;
  return { ...record, video: { ...record.video, ...linkOf(outcome.url, context.clock.now()) } };
}
