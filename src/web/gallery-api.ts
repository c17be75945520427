/** What the gallery's page asks for: pages of videos, one video, sums, and the two things that it may have done. */
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import { MODE_NAMES } from '../jimeng/modes.ts';
import type { Caller, Library, SavedFile } from '../library/library.ts';
import { Problem } from '../problems.ts';
import type { KnownKeys } from '../report/next-step.ts';
import type { TaskFilter } from '../store/store.ts';
import type { Call, TaskView, VideoService } from '../tasks/calls.ts';
import { isTaskId } from '../tasks/record.ts';
import { type Overview, STATES, type StateName, type VideoDetail, type VideoItem, type VideoPage } from './api.ts';
import type { FilmApi } from './film-api.ts';
import { isTakeOf, itemOf } from './items.ts';
import { noticeOf } from './respond.ts';
import { isSavedThere, isVideoThere } from './video-file.ts';

const PAGE_SIZE = 60;
/** Of one request by ids: what the page shows and may have changed. */
const MAX_IDS = 200;
const MAX_TEXT_CHARACTERS = 800;
const MAX_TAKES = 24;

export interface GallerySource {
  readonly videos: VideoService;
  /** Who looks: only what this caller may see is shown. */
  readonly caller: Caller;
  readonly library: Pick<Library, 'isThere'>;
  readonly keys: KnownKeys;
  readonly clock: Clock;
  /** Starts this program in the reader's shell; left out where the reader has none. */
  readonly command?: string;
  /** The account is one of a sandbox, however it was started. */
  readonly isSandbox?: boolean;
  /** False: the page is shown on another computer than the one with the files. */
  readonly isHere: boolean;
}

export class GalleryApi {
  private readonly source: GallerySource;
  private readonly token: string;

  /** @param token sent with the overview, and expected with each POST */
  constructor(source: GallerySource, token: string) {
    this.source = source;
    this.token = token;
  }

  async overview(): Promise<Overview> {
    const { videos, caller, keys, clock, command, isHere, isSandbox = false } = this.source;
    // The list, as every surface reads it: it resumes what a dead process left open, with queries and downloads only.
    const { now, counts, spending, ...list } = await videos.list({ limit: 1 }, readingCall(clock, caller));
    const { whyNotPolled, isAccountKnown } = keys;
    return compact({
      ...{ now, counts, spending, sandbox: list.sandbox || isSandbox, isHere, isAccountKnown, token: this.token },
      command,
      notice: whyNotPolled && noticeOf(whyNotPolled),
    });
  }

  /** @throws Problem invalid_input */
  async page(query: URLSearchParams, films: FilmApi): Promise<VideoPage> {
    const { videos, caller, clock } = this.source;
    const after = query.get('after') ?? undefined;
    if (after !== undefined && !isTaskId(after)) throw wrong('after', 'the id of a video');
    const { views, total, next } = await videos.page(await filterOf(query, films), after, pageSize(query), caller);
    return compact({ now: clock.now(), items: await itemsOf(views), total, next });
  }

  /** @returns undefined where no such task is recorded */
  async detail(id: string): Promise<VideoDetail | undefined> {
    const { videos, library, caller, clock } = this.source;
    const view = await videos.read(id, caller);
    if (view === undefined) return undefined;
    const path = view.task.video?.file?.path;
    const item = itemOf(view, path === undefined || !(await isSavedThere(path, library)));
    const { prompt, mode } = item.request;
    const alike =
      prompt === undefined ? [] : (await videos.page({ text: prompt, mode }, undefined, MAX_TAKES, caller)).views;
    return {
      now: clock.now(),
      item,
      takes: (await itemsOf(alike)).filter((other) => isTakeOf(other, item)),
    };
  }

  /** Of a task that is still queued only. @returns undefined where no such task is recorded; whether it was withdrawn */
  async cancel(id: string): Promise<boolean | undefined> {
    const { videos, caller } = this.source;
    const view = await videos.read(id, caller);
    if (view === undefined) return undefined;
    if (view.task.status !== 'queued') return false;
    return (await videos.cancel(view.task.id, caller)).withdrawn;
  }

  /** @returns the file that the record names; undefined where there is none */
  async fileOf(id: string): Promise<SavedFile | undefined> {
    const { videos, caller } = this.source;
    return (await videos.read(id, caller))?.task.video?.file;
  }

  async changed(signal: AbortSignal): Promise<void> {
    await this.source.videos.changed(signal);
  }
}

async function itemsOf(views: readonly TaskView[]): Promise<VideoItem[]> {
  return await Promise.all(views.map(async (view) => itemOf(view, !(await isThere(view)))));
}

async function isThere({ task }: TaskView): Promise<boolean> {
  const path = task.video?.file?.path;
  return path !== undefined && (await isVideoThere(path));
}

/** @throws Problem invalid_input */
async function filterOf(query: URLSearchParams, films: FilmApi): Promise<TaskFilter> {
  const names = ['text', 'mode', 'state', 'ids', 'film'];
  const [text, mode, state, ids, film] = names.map((name) => query.get(name) || undefined);
  if (mode !== undefined && !MODE_NAMES.some((name) => name === mode)) throw wrong('mode', MODE_NAMES.join(', '));
  if (state !== undefined && !Object.hasOwn(STATES, state)) throw wrong('state', Object.keys(STATES).join(', '));
  const listed = ids?.split(',').slice(0, MAX_IDS);
  if (listed?.some((id) => !isTaskId(id))) throw wrong('ids', 'ids of videos, with commas between them');
  return {
    text: text?.slice(0, MAX_TEXT_CHARACTERS),
    mode,
    ids: film === undefined ? listed : within(await films.taskIds(film), listed),
    statuses: state === undefined ? undefined : STATES[state as StateName],
  };
}

/** Those of the film that are asked for. */
function within(ofFilm: readonly string[], asked: readonly string[] | undefined): readonly string[] {
  return asked === undefined ? ofFilm : ofFilm.filter((id) => asked.includes(id));
}

function pageSize(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? PAGE_SIZE);
  return Number.isInteger(limit) && limit >= 1 && limit <= MAX_IDS ? limit : PAGE_SIZE;
}

function wrong(name: string, right: string): Problem {
  return new Problem('invalid_input', { what: `${name} is not valid.`, hint: `use ${right}` });
}

/** Waits for nothing. */
export function readingCall(clock: Clock, caller: Caller): Call {
  const arrivedAt = clock.monotonic();
  return { signal: new AbortController().signal, arrivedAt, deadline: arrivedAt, caller };
}
