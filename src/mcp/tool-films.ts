/** What the tools need of films, as plain functions of plain values. */
import type { App } from '../app.ts';
import type { Clock } from '../clock.ts';
import type { FilmCall, FilmView, RetakeOptions } from '../films/calls.ts';
import type { FilmInput } from '../films/storyboard.ts';
import type { Caller } from '../library/library.ts';
import {
  cancelledFilmReport,
  checkedFilmReport,
  type FilmItem,
  filmItem,
  filmProgress,
  filmReport,
} from '../report/film-report.ts';
import type { Phrasing } from '../report/phrasing-tools.ts';
import type { Report } from '../report/report.ts';
import type { Call, MakeOptions } from '../tasks/calls.ts';
import { createProgress } from './progress.ts';
import type { ToolCall } from './tool.ts';

/** More than a model reads; older ones are found by their ids. */
const MAX_LISTED = 10;

export class ToolFilms {
  private readonly app: App;
  private readonly phrasing: Phrasing;

  constructor(app: App, phrasing: Phrasing) {
    this.app = app;
    this.phrasing = phrasing;
  }

  async check(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<Report> {
    const films = await this.app.films('check');
    return checkedFilmReport(await films.check(input, options, call), this.phrasing);
  }

  async make(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<Report> {
    const films = await this.app.films('paid');
    const made = await films.make(input, options, call);
    return filmReport(await films.waitUntilOver(made, call), this.phrasing);
  }

  async retake(filmId: string, shot: number, options: RetakeOptions, call: FilmCall): Promise<Report> {
    const films = await this.app.films('paid');
    const made = await films.retake(filmId, shot, options, call);
    return filmReport(await films.waitUntilOver(made, call), this.phrasing);
  }

  async get(filmId: string, call: FilmCall): Promise<Report> {
    const films = await this.app.films('query');
    return filmReport(await films.get(filmId, call), this.phrasing);
  }

  async cancel(filmId: string, caller: Caller): Promise<Report> {
    const films = await this.app.films('read');
    return cancelledFilmReport(await films.cancel(filmId, caller), this.phrasing);
  }

  /** Newest first. @param changed after a wait: only those that are not over, and these */
  async items(limit: number, caller: Caller, changed?: readonly string[]): Promise<FilmItem[]> {
    const films = await (await this.app.films('read')).list(Math.min(limit, MAX_LISTED), caller);
    const isNews = ({ film, status }: (typeof films)[number]) =>
      changed === undefined || status === 'running' || status === 'waiting' || changed.includes(film.id);
    return films.filter(isNews).map(filmItem);
  }
}

/** The call of a single video, with the progress of a film. */
export function filmCall(
  { onWait: _, ...call }: Call,
  { progress }: Pick<ToolCall, 'progress'>,
  clock: Clock,
): FilmCall {
  const read = (view: FilmView) => ({
    progress: (view.now - view.film.reservedAt) / 1000,
    message: filmProgress(view),
  });
  return { ...call, onWait: createProgress(clock, progress, read) };
}
