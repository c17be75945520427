/** Brings a finished video to where a call wants it: saved, copied, and with a link that is good. */
import { basename, dirname } from 'node:path';
import type { Place } from '../library/library.ts';
import type { Delivery } from '../media/deliver.ts';
import { Problem } from '../problems.ts';
import { LeaseLost } from '../store/lease.ts';
import type { Hold } from '../store/store.ts';
import { pause } from '../system/wait.ts';
import type { Call, TaskView } from './calls.ts';
import { type Collector, fileNameAt } from './collector.ts';
import type { ServiceParts } from './parts.ts';
import { errorOf, type SavedVideo, type Task, type TaskRecord } from './record.ts';

/** At least so long, because an earlier save may be about to release the task. */
const HOLD_WAIT_MILLISECONDS = 1_000;
const HOLD_RETRY_MILLISECONDS = 100;
/** A link that expires within this time is refreshed. */
const LINK_MARGIN_MILLISECONDS = 60_000;

export interface RefresherOptions extends ServiceParts {
  readonly delivery: Delivery;
  readonly collector: Collector;
}

export type Refreshed = Pick<TaskView, 'task' | 'problem' | 'copy' | 'missingFile'>;

/** What of the record is to be done again, under the task's lease. */
type Job = { readonly save: Place } | 'link';

export class Refresher {
  private readonly options: RefresherOptions;
  /** What is being saved, or given a fresh link, again. */
  private readonly jobs = new Map<string, Promise<Problem | undefined>>();

  constructor(options: RefresherOptions) {
    this.options = options;
  }

  async bringUpToDate(known: Task, wanted: Place | undefined, call: Call): Promise<Refreshed> {
    const { clock, store, library } = this.options;
    let task = known;
    let problem: Problem | undefined;
    let missing: string | undefined;
    for (let isTried = false; !isTried; ) {
      if (task.status !== 'done' || task.video === undefined) return { task };
      const file = await this.fileOf(task);
      // The record forgets it as soon as it is saved again.
      if (file === undefined) missing ??= task.video.file?.path;
      // Where the library gives links itself, nobody needs the provider's.
      const link = file && (await library.link(file, task.id).catch(() => undefined));
      const isStale = link === undefined && task.video.urlValidUntil - clock.now() < LINK_MARGIN_MILLISECONDS;
      const place = wanted ?? task.place;
      const job: Job | undefined =
        file === undefined && place !== null ? { save: place } : isStale ? 'link' : undefined;
      if (job === undefined) break;
      // The job of another call may do less than this one wants: then this call begins its own afterwards.
      const others = this.jobs.get(task.id);
      const running = others ?? this.begin(task, job, call);
      let isOver = false;
      const done = running.then((failure) => {
        isOver = true;
        if (others === undefined) problem = failure;
      });
      await pause(clock, { atMost: call.deadline - clock.monotonic(), signals: [call.signal], until: () => done });
      isTried = others === undefined || !isOver;
      task = (await store.find(task.id).catch(() => undefined)) ?? task;
    }
    return await this.asItIs(task, problem, wanted, missing);
  }

  /** Resolves when nothing is being saved here any more. */
  async ended(): Promise<void> {
    await Promise.all(this.jobs.values());
  }

  /** A file that was moved away or deleted is not reported as the place of the video. */
  private async asItIs(
    task: Task,
    problem: Problem | undefined,
    wanted: Place | undefined,
    missing: string | undefined,
  ): Promise<Refreshed> {
    const failed = problem === undefined ? {} : { problem: errorOf(problem) };
    const file = await this.fileOf(task);
    if (file === undefined) {
      return { task, ...failed, ...(missing === undefined ? {} : { missingFile: missing }) };
    }
    if (wanted === undefined || !isElsewhere(file, task.place, wanted)) return { task, ...failed };
    // A failed copy leaves the task done.
    try {
      const { delivery, library } = this.options;
      const name = fileNameAt(wanted, task);
      const { bytes, sha256 } = file;
      // An earlier call may have made this copy.
      const { path } =
        (await library.find({ bytes, sha256 }, wanted, name)) ?? (await delivery.copy(task.id, file, wanted, name));
      return { task, ...failed, copy: { path } };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { task, problem: errorOf(error) };
    }
  }

  private async fileOf({ video }: TaskRecord): Promise<SavedVideo | undefined> {
    if (video?.file === undefined) return undefined;
    return (await this.options.library.isThere(video.file)) ? video.file : undefined;
  }

  private begin(task: Task, job: Job, call: Call): Promise<Problem | undefined> {
    const running = this.run(task, job, call).finally(() => this.jobs.delete(task.id));
    this.jobs.set(task.id, running);
    return running;
  }

  /** Never throws. @returns why it failed, where the record does not hold the reason */
  private async run(task: Task, job: Job, call: Call): Promise<Problem | undefined> {
    const { collector, ending, log } = this.options;
    let hold: Hold | undefined;
    try {
      hold = await this.hold(task.id, call);
      if (hold === undefined) return savedElsewhere();
      // Another process may have saved it before this one held the task.
      const isSaved = (await this.fileOf(hold.task)) !== undefined;
      if (job !== 'link' && !isSaved) {
        await hold.save(toBeSavedAt(hold.task, job.save, this.options.clock.now()));
        await collector.collect(hold, ending);
      } else if (job === 'link') {
        await collector.refreshLink(hold, ending);
      }
      return undefined;
    } catch (error) {
      if (ending.aborted) return undefined;
      log.warn('not refreshed', { task: task.id, reason: String(error) });
      // The provider may have dropped a video that is already saved: nothing to report.
      if (job === 'link' && error instanceof Problem && error.code === 'not_found' && (await this.fileOf(task)))
        return undefined;
      if (error instanceof Problem) return error;
      return error instanceof LeaseLost ? savedElsewhere() : new Problem('save_failed', { cause: error });
    } finally {
      await hold?.release();
    }
  }

  /** Another process, or an earlier save, may still hold the task: tried again for as long as the call waits. */
  private async hold(id: string, call: Call): Promise<Hold | undefined> {
    const { store, clock, ending } = this.options;
    const until = Math.max(call.deadline, clock.monotonic() + HOLD_WAIT_MILLISECONDS);
    for (;;) {
      const hold = await store.hold(id);
      if (hold !== undefined || call.signal.aborted || ending.aborted || clock.monotonic() > until) return hold;
      await pause(clock, { atMost: HOLD_RETRY_MILLISECONDS, signals: [ending] });
    }
  }
}

/** Its file is gone, or was never saved. */
function toBeSavedAt({ ownerAlive: _o, error: _e, video, ...task }: Task, place: Place, now: number): TaskRecord {
  const wanted = { ...task, place, saveAgainAt: now };
  if (video === undefined) return wanted;
  const { file: _f, delivered: _d, ...link } = video;
  return { ...wanted, video: link };
}

function savedElsewhere(): Problem {
  return new Problem('save_failed', {
    what: 'Another process is saving it now.',
    who: 'you',
    hint: 'wait a few seconds',
  });
}

/** Whether the video was saved for another place than this one, where its name may have got a number. */
function isElsewhere(file: SavedVideo, place: Place | null, wanted: Place): boolean {
  if (dirname(file.path) !== wanted.folder) return true;
  return wanted.name !== undefined && basename(file.path) !== wanted.name && place?.name !== wanted.name;
}
