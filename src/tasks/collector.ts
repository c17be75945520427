/** Saves what the provider has finished, keeps its link fresh, and closes the record. The caller holds the task. */
import type { Api, QueryOutcome } from '../jimeng/api.ts';
import { modeOfReqKey, priceCny } from '../jimeng/modes.ts';
import { fileNameFor } from '../library/file-name.ts';
import type { Caller, Place } from '../library/library.ts';
import type { Delivery } from '../media/deliver.ts';
import { DownloadProblem } from '../media/download/failures.ts';
import { Problem } from '../problems.ts';
import { LeaseLost } from '../store/lease.ts';
import type { Hold } from '../store/store.ts';
import { PlaceElsewhere } from '../system/file-problems.ts';
import type { FileContent } from '../system/files.ts';
import { fenOf } from './admission.ts';
import { pauseBefore, QUERY_BACKOFF, SAVING_BACKOFF } from './backoff.ts';
import type { ServiceParts } from './parts.ts';
import type { QueryBudget } from './poll-timing.ts';
import { ageOf, isPastLife, linkOf } from './polling.ts';
import { type ClipFacts, errorOf, recordOf, type SavedVideo, type TaskRecord, type TaskVideo } from './record.ts';

/** A fresh link is worth this many queries: one blip must not leave a finished video unsaved. */
const FRESH_LINK_QUERIES = 5;
/** Until another process is given the chance to save it. */
const ELSEWHERE_PAUSE_MILLISECONDS = 60_000;
/**
 * The provider keeps a video for 12 hours. In the first 10 only a process that has the video's place saves it; afterwards
 * any process does, among its own videos.
 */
const OWN_PLACE_HOURS = 10;
const LEFT_TO_OTHERS = ` Whichever has it saves it when it runs again; after ${OWN_PLACE_HOURS} hours any computer does.`;
/** Beside a file it is a convenience that nobody should wait long for. */
const FILE_LINK_QUERIES = 2;

export interface CollectorOptions extends Pick<ServiceParts, 'library' | 'clock' | 'log'> {
  /** Another process may have the place that this one does not have. */
  readonly isStoreShared: boolean;
  readonly delivery: Delivery;
  readonly api: Api;
  readonly queryBudget: QueryBudget;
}

export class Collector {
  private readonly options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.options = options;
  }

  /** A process died between the file's name and the record of it: the video is saved, whatever the provider answers now. */
  async isPublished(task: TaskRecord): Promise<boolean> {
    // Where the library cannot say so now, saving it finds out, and is tried again.
    return await this.findPublished(task).then(
      (found) => found !== undefined,
      () => true,
    );
  }

  /**
   * Saves the video and closes the record. A video that cannot be saved is `done` all the same: the record has its link,
   * the reason, and when saving is tried again.
   * @throws LeaseLost; the signal's reason
   */
  async collect(hold: Hold, ending: AbortSignal): Promise<void> {
    const { clock, log } = this.options;
    const signal = AbortSignal.any([ending, hold.lost]);
    // What is saved on the way keeps `saveAgainAt`: without it, and without a file, the video would count as lost.
    const { error: _e, ...task } = recordOf(hold.task);
    let saved: TaskRecord = withoutSaving(task);
    const { place, video } = task;
    if (place !== null && video !== undefined) {
      try {
        const here = await this.placeHere(task, place);
        saved = withoutSaving(await this.save(hold, { ...task, place: here }, { place: here, video }, signal));
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof LeaseLost) throw error;
        const problem = error instanceof Problem ? error : new Problem('save_failed', { cause: error });
        if (problem instanceof PlaceElsewhere) log.info('video left to another computer', { task: task.id });
        else log.warn('video not saved', { task: task.id, code: problem.code });
        // The link may have been refreshed on the way.
        saved = { ...withoutSaving(recordOf(hold.task)), error: errorOf(problem), ...this.nextSaving(task, problem) };
      }
    }
    const { providerStatus: _p, pollingProblem: _q, ...finished } = { ...saved, ...priceOfAdopted(saved) };
    await hold.save({ ...finished, status: 'done', finishedAt: task.finishedAt ?? clock.now() });
    log.info('done', { task: task.id, saved: finished.video?.file !== undefined });
  }

  /** @throws PlaceElsewhere: another process is to save it */
  private async placeHere(task: TaskRecord, place: Place): Promise<Place> {
    const { library, isStoreShared, clock } = this.options;
    if (await library.has(place)) return place;
    const isOthers = isStoreShared && ageOf(task, clock.now()) < OWN_PLACE_HOURS * 3600_000;
    const own = isOthers ? undefined : await library.choose(undefined, callerOf(task));
    if (own === undefined) throw new PlaceElsewhere(place.folder, LEFT_TO_OTHERS);
    return place.name === undefined ? own : { ...own, name: place.name };
  }

  /** @throws Problem not_found, save_failed: why there is no fresh link; LeaseLost; the signal's reason */
  async refreshLink(hold: Hold, ending: AbortSignal): Promise<void> {
    const task = recordOf(hold.task);
    const queries = task.video?.file === undefined ? FRESH_LINK_QUERIES : FILE_LINK_QUERIES;
    const url = await this.freshUrl(task, queries, AbortSignal.any([ending, hold.lost]));
    await hold.save({ ...task, video: { ...task.video, ...linkOf(url, this.options.clock.now()) } });
  }

  private async save(
    hold: Hold,
    task: TaskRecord,
    { place, video }: { readonly place: Place; readonly video: TaskVideo },
    signal: AbortSignal,
  ): Promise<TaskRecord> {
    const { library, delivery, clock } = this.options;
    const { publishing, ...unpublished } = video;
    const earlier = publishing && (await this.publishEarlier(hold, task, place, publishing));
    if (earlier !== undefined) return { ...task, video: { ...unpublished, file: earlier } };
    let current: TaskVideo = unpublished;
    const delivered = await delivery.fetch({
      id: task.id,
      url: video.url,
      freshUrl: async (abort) => {
        const url = await this.freshUrl(task, FRESH_LINK_QUERIES, abort);
        current = { ...current, ...linkOf(url, clock.now()) };
        await hold.save({ ...task, video: current });
        return url;
      },
      place,
      duration: task.request.duration,
      fps: task.request.fps,
      signal,
    });
    const facts = delivered.facts && { facts: recordedFacts(delivered.facts) };
    const notes = delivered.note === undefined ? task.request.notes : [...task.request.notes, delivered.note];
    const error = delivered.problem && { error: errorOf(delivered.problem) };
    const name = fileNameAt(place, task);
    const made = { ...current, ...(delivered.original && { delivered: recordedFacts(delivered.original) }) };
    const almost = { ...task, request: { ...task.request, notes }, ...error };
    // Recorded before the file gets its name: a process that takes over finds it by this, and saves it no second time.
    await hold.save({ ...almost, video: { ...made, publishing: { ...delivered.content, name, ...facts } } });
    const file = await library.publish(delivered.path, place, name, lastCheckOf(hold, delivered.content));
    await delivery.remove(delivered.leftovers);
    return { ...almost, video: { ...made, file: { ...file, ...facts } } };
  }

  /** The file that an earlier attempt named, or staged whole and could not name. */
  private async publishEarlier(
    hold: Hold,
    task: TaskRecord,
    place: Place,
    publishing: NonNullable<TaskVideo['publishing']>,
  ): Promise<SavedVideo | undefined> {
    const { library, delivery } = this.options;
    const facts = publishing.facts && { facts: publishing.facts };
    const found = await this.findPublished(task);
    if (found !== undefined) {
      await delivery.removeStaged(task.id, place);
      return { ...found, ...facts };
    }
    const staged = await delivery.staged(task.id, place, publishing);
    if (staged === undefined) return undefined;
    return { ...(await library.publish(staged, place, publishing.name, lastCheckOf(hold, publishing))), ...facts };
  }

  private async findPublished({ place, video }: TaskRecord) {
    if (place === null || video?.publishing === undefined) return undefined;
    const { name, bytes, sha256 } = video.publishing;
    return await this.options.library.find({ bytes, sha256 }, place, name);
  }

  /** While the provider keeps the task, ever more slowly: the file host may be late, or the disk full for hours. */
  private nextSaving(task: TaskRecord, problem: Problem): Partial<TaskRecord> {
    const now = this.options.clock.now();
    if (problem instanceof PlaceElsewhere) {
      return { saveAgainAt: Math.round(now + ELSEWHERE_PAUSE_MILLISECONDS * (0.75 + Math.random() * 0.25)) };
    }
    const savingFailures = (task.savingFailures ?? 0) + 1;
    const isHopeless = problem instanceof DownloadProblem && problem.retry === 'never';
    if (isPastLife(task, now) || problem.code === 'not_found' || isHopeless) return { savingFailures };
    return {
      savingFailures,
      saveAgainAt: Math.round(now + pauseBefore(savingFailures, SAVING_BACKOFF, Math.random())),
    };
  }

  /** @throws Problem not_found, save_failed: why there is none, and what to do; the signal's reason */
  private async freshUrl(task: TaskRecord, queries: number, signal: AbortSignal): Promise<string> {
    const { clock } = this.options;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.queryNow(task, signal);
      if (outcome.kind === 'done') return outcome.url;
      const tried = 'The link had expired, and no fresh one was available';
      // A young task's not_found may last a moment only.
      const isOver = isPastLife(task, clock.now());
      if (outcome.kind === 'expired' || (isOver && (outcome.kind === 'not_found' || outcome.kind === 'failed'))) {
        const what = `${tried}: the provider no longer has the video.`;
        throw new Problem('not_found', { what, hint: 'ask the user before paying for it again' });
      }
      // What the operator has to fix is reported immediately.
      const isOperators = 'problem' in outcome && outcome.problem.who === 'operator';
      if (attempt === queries || isOperators) throw noFreshLink(tried, outcome);
      await clock.sleep(pauseBefore(attempt, QUERY_BACKOFF, Math.random()), signal);
    }
  }

  /** A caller or a download waits for the answer. */
  private async queryNow(task: TaskRecord, signal: AbortSignal): Promise<QueryOutcome> {
    await this.options.queryBudget.take(true, signal).come;
    signal.throwIfAborted();
    return await this.options.api.query(task.reqKey, task.providerTaskId ?? '', signal);
  }
}

function withoutSaving({ saveAgainAt: _, ...task }: TaskRecord): TaskRecord {
  return task;
}

function callerOf({ person }: TaskRecord): Caller {
  return person === undefined ? { kind: 'local-agent' } : { kind: 'remote-agent', person, isAdmin: false };
}

/** A process that was suspended must not name a file that is another one's by now. */
export function lastCheckOf(
  hold: Pick<Hold, 'verify'>,
  expected: FileContent,
): (content: FileContent) => Promise<void> {
  return async ({ sha256 }) => {
    await hold.verify();
    if (sha256 !== expected.sha256) {
      throw new Problem('save_failed', { what: 'The file was changed before it was saved.' });
    }
  };
}

/** The name that the video of this task gets there. */
export function fileNameAt(place: Place, { request, id, reservedAt }: TaskRecord): string {
  return place.name ?? fileNameFor(request.prompt ?? '', id, new Date(reservedAt));
}

/** Beside its price, which is known then. */
const MADE_ELSEWHERE = 'made elsewhere: the prompt is not known here';

/** What a task that was made elsewhere cost is shown by its file: the provider makes 5 or 10 seconds. */
function priceOfAdopted(task: TaskRecord): Partial<TaskRecord> {
  const seconds = task.video?.file?.facts?.durationSeconds;
  const mode = modeOfReqKey(task.reqKey);
  if (task.fen !== undefined || seconds === undefined || mode === undefined) return {};
  const billedSeconds = seconds > 7.5 ? 10 : 5;
  return {
    billedSeconds,
    fen: fenOf(priceCny(mode, billedSeconds)),
    request: { ...task.request, notes: [MADE_ELSEWHERE] },
  };
}

function noFreshLink(tried: string, outcome: Exclude<QueryOutcome, { kind: 'done' }>): Problem {
  if (!('problem' in outcome)) {
    return new Problem('save_failed', { what: `${tried}: the provider answered "${outcome.kind}".` });
  }
  const { message, hint, who, providerCode } = outcome.problem;
  return new Problem('save_failed', { what: `${tried}: ${message}`, hint, who, providerCode });
}

/** What a record keeps of a clip's facts. */
export function recordedFacts({ width, height, durationSeconds, fps }: ClipFacts): ClipFacts {
  return { width, height, durationSeconds, fps };
}
