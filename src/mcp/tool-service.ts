/** What the tools need of the product, as plain functions of plain values: the only file of mcp/ that calls the task service. */
import type { App } from '../app.ts';
import { systemClock } from '../clock.ts';
import { compact } from '../compact.ts';
import type { FilmCall, FilmView, RetakeOptions } from '../films/calls.ts';
import { isFilmId } from '../films/film.ts';
import type { FilmInput } from '../films/storyboard.ts';
import type { ModeName } from '../jimeng/modes.ts';
import type { Caller } from '../library/library.ts';
import { Problem } from '../problems.ts';
import { type ClipReport, joinReport, previewReport } from '../report/clip-report.ts';
import { cancelledFilmReport, checkedFilmReport, filmItem, filmProgress, filmReport } from '../report/film-report.ts';
import { type ListReport, listReport } from '../report/list-report.ts';
import { type Phrasing, phrasingForTools } from '../report/phrasing-tools.ts';
import { cancelReport, checkedReport, type Report, reportOf } from '../report/report.ts';
import { cut, oneLine, yuan } from '../report/text.ts';
import type { Call, MakeOptions } from '../tasks/calls.ts';
import type { TaskStatus } from '../tasks/record.ts';
import type { VideoRequest } from '../tasks/video-request.ts';
import { createProgress, taskProgress } from './progress.ts';
import type { ToolCall } from './tool.ts';

const LOCAL_AGENT = { kind: 'local-agent' } as const;
/** More films than a model reads; older ones are found by their ids. */
const MAX_LISTED_FILMS = 10;
/** Of what is paid for, in the question to the person. */
const MAX_WHAT_CHARACTERS = 300;

export interface GetOptions {
  /** Undefined: the newest task. */
  readonly taskId: string | undefined;
  /** Of a task of the provider that has no record here. */
  readonly mode: ModeName | undefined;
  readonly output: string | undefined;
  readonly waitSeconds: number | undefined;
}

export interface ListCall {
  readonly limit: number;
  readonly status: TaskStatus | undefined;
  readonly waitSeconds: number;
  readonly waitFor: 'any_finished' | 'all_finished';
}

/** A problem of a call that is about one task, which may have been paid for. */
export class TaskProblem extends Error {
  readonly problem: Problem;
  readonly taskId: string;

  constructor(problem: Problem, taskId: string) {
    super(problem.message, { cause: problem });
    this.problem = problem;
    this.taskId = taskId;
  }
}

async function aboutTask<Value>(taskId: string | undefined, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof Problem && taskId !== undefined ? new TaskProblem(error, taskId) : error;
  }
}

export class ToolService {
  readonly phrasing: Phrasing;
  private readonly app: App;

  constructor(app: App, phrasing = phrasingForTools(undefined, app.settings.storage !== undefined)) {
    this.app = app;
    this.phrasing = phrasing;
  }

  get isSandbox(): boolean {
    return this.app.sandbox;
  }

  /** Checks everything; nothing is recorded or sent. */
  async check(request: VideoRequest, options: MakeOptions, call: ToolCall): Promise<Report> {
    const service = await this.app.service('check');
    const checked = await service.check(request, options, await this.waiting(call, undefined));
    return checkedReport(checked, this.phrasing, this.app.whyNotPaid);
  }

  /**
   * Records and sends the request, or joins the same one.
   * @param until what to wait for, at most `waitSeconds` from the call's arrival
   */
  async make(
    request: VideoRequest,
    options: MakeOptions,
    until: 'accepted' | 'finished',
    waitSeconds: number | undefined,
    call: ToolCall,
  ): Promise<Report> {
    const service = await this.app.service('paid');
    const waiting = await this.waiting(call, waitSeconds);
    const made = await service.make(request, options, waiting);
    return await aboutTask(made.task.id, async () => {
      const waited = await (until === 'accepted'
        ? service.waitUntilTaken(made, waiting)
        : service.waitUntilOver(made, waiting));
      if (!made.joined || waited.task.status !== 'done') return reportOf(waited, this.phrasing);
      // The first call's file may be in another place than this call wants, or be gone.
      const placed = await service.get(waited.task.id, { output: options.output }, waiting);
      return reportOf({ ...placed, joined: true }, this.phrasing);
    });
  }

  async get({ taskId, mode, output, waitSeconds }: GetOptions, call: ToolCall): Promise<Report> {
    return await aboutTask(taskId, async () => {
      if (taskId !== undefined && isFilmId(taskId)) {
        const films = await this.app.films('query');
        return filmReport(await films.get(taskId, await this.filmCall(call, waitSeconds)), this.phrasing);
      }
      const service = await this.app.service('query');
      const view = await service.get(taskId, { mode, output }, await this.waiting(call, waitSeconds));
      return reportOf(view, this.phrasing);
    });
  }

  async cancel(taskId: string, { remote }: Pick<ToolCall, 'remote'>): Promise<Report> {
    return await aboutTask(taskId, async () => {
      this.requireAccount();
      const caller = remote ?? LOCAL_AGENT;
      if (isFilmId(taskId)) {
        const films = await this.app.films('read');
        return cancelledFilmReport(await films.cancel(taskId, caller), this.phrasing);
      }
      const service = await this.app.service('read');
      return cancelReport(await service.cancel(taskId, caller), this.phrasing);
    });
  }

  /** Waits as asked, then lists. */
  async list({ limit, status, waitSeconds, waitFor }: ListCall, call: ToolCall): Promise<ListReport> {
    const service = await this.app.service('read');
    const options = { limit, status, waitFor: waitSeconds > 0 ? waitFor : undefined };
    const view = await service.list(options, await this.waiting(call, waitSeconds));
    const films = status === undefined ? await this.filmsOf(limit, call.remote ?? LOCAL_AGENT, view.changed) : [];
    return listReport(view, this.phrasing, this.app, films.map(filmItem));
  }

  /** Newest first. @param changed after a wait: only those that are not over, and these */
  private async filmsOf(limit: number, caller: Caller, changed: readonly string[] | undefined): Promise<FilmView[]> {
    const films = await (await this.app.films('read')).list(Math.min(limit, MAX_LISTED_FILMS), caller);
    return films.filter(({ film, status }) => {
      const isOpen = status === 'running' || status === 'waiting';
      return changed === undefined || isOpen || changed.includes(film.id);
    });
  }

  async checkFilm(film: FilmInput, options: MakeOptions, call: ToolCall): Promise<Report> {
    const films = await this.app.films('check');
    return checkedFilmReport(await films.check(film, options, await this.filmCall(call, undefined)), this.phrasing);
  }

  async makeFilm(
    film: FilmInput,
    options: MakeOptions,
    waitSeconds: number | undefined,
    call: ToolCall,
  ): Promise<Report> {
    const waiting = await this.filmCall(call, waitSeconds);
    const films = await this.app.films('paid');
    const made = await films.make(film, options, waiting);
    return filmReport(await films.waitUntilOver(made, waiting), this.phrasing);
  }

  async retakeShot(
    filmId: string,
    shot: number,
    options: RetakeOptions,
    waitSeconds: number | undefined,
    call: ToolCall,
  ): Promise<Report> {
    return await aboutTask(filmId, async () => {
      const waiting = await this.filmCall(call, waitSeconds);
      const films = await this.app.films('paid');
      const made = await films.retake(filmId, shot, options, waiting);
      return filmReport(await films.waitUntilOver(made, waiting), this.phrasing);
    });
  }

  /** Writes one MP4 of saved videos; nothing is sent. */
  async join(
    videos: readonly string[],
    options: { readonly audio: string | undefined; readonly output: string | undefined },
    call: ToolCall,
  ): Promise<ClipReport> {
    const clips = await this.app.clips('save', 'read', 'preview');
    return joinReport(await clips.join(videos, options, await this.waiting(call, undefined)), this.phrasing);
  }

  /** Makes a picture of a saved video; nothing is sent. @returns without the picture where the client takes none */
  async preview(
    video: string,
    frames: number | undefined,
    call: ToolCall,
  ): Promise<{ readonly report: ClipReport; readonly jpeg?: Uint8Array }> {
    const clips = await this.app.clips('read', 'preview');
    const keepsPicture = this.app.settings.images === 'omit';
    const view = await clips.preview(video, { frames, keepsPicture }, await this.waiting(call, undefined));
    const report = previewReport(view, this.phrasing);
    return keepsPicture ? { report } : { report, jpeg: view.jpeg };
  }

  /** Reads the record, and does not query the provider. @returns undefined where there is none that the caller may see */
  async read(taskId: string, caller: Caller): Promise<Report | undefined> {
    this.requireAccount();
    const view = await (await this.app.service('read')).read(taskId, caller);
    return view === undefined ? undefined : reportOf(view, this.phrasing);
  }

  /** Our ids with this beginning, newest first. */
  async taskIds(prefix: string, limit: number, caller: Caller): Promise<readonly string[]> {
    return await (await this.app.service('read')).idsThatBegin(prefix, limit, caller);
  }

  /** Resumes what earlier processes left open. */
  async resume(): Promise<void> {
    (await this.app.service('query')).resume();
  }

  /** Without keys, whose task is meant is not known. @throws Problem missing_credentials */
  private requireAccount(): void {
    const { whyNotPolled, isAccountKnown } = this.app;
    if (whyNotPolled !== undefined && !isAccountKnown) throw whyNotPolled;
  }

  /** The call of a single video, with the progress of a film. */
  private async filmCall(call: ToolCall, waitSeconds: number | undefined): Promise<FilmCall> {
    const { onWait: _, ...waiting } = await this.waiting(call, waitSeconds);
    const read = (view: FilmView) => ({
      progress: (view.now - view.film.reservedAt) / 1000,
      message: filmProgress(view),
    });
    return { ...waiting, onWait: createProgress(systemClock, call.progress, read) };
  }

  private async waiting(call: ToolCall, waitSeconds: number | undefined): Promise<Call> {
    const { signal, arrivedAt, progress, elicit, remote, roots } = call;
    const seconds = waitSeconds ?? this.app.settings.waitSeconds;
    const offered = await roots?.();
    return compact({
      ...{ signal, arrivedAt, deadline: arrivedAt + seconds * 1000 },
      caller: remote ?? compact({ ...LOCAL_AGENT, roots: offered }),
      onWait: taskProgress(systemClock, progress),
      confirm: elicit && confirmWith(elicit, signal),
    });
  }
}

function confirmWith(elicit: NonNullable<ToolCall['elicit']>, signal: AbortSignal): NonNullable<Call['confirm']> {
  return async ({ fen, videos, what, over }) => {
    const which = videos === 1 ? 'this video' : `these ${videos} videos`;
    const question = `Generate ${which} for about ${yuan(fen / 100)}? ${cut(oneLine(what), MAX_WHAT_CHARACTERS)}`;
    return await elicit(question, AbortSignal.any([signal, over]));
  };
}
