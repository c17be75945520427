/** What the gallery's page asks for about films. */
import type { FilmService } from '../films/calls.ts';
import { isFilmId } from '../films/film.ts';
import type { SavedFile } from '../library/library.ts';
import type { TaskView } from '../tasks/calls.ts';
import type { FilmDetail, FilmList } from './api.ts';
import { type Around, filmDetailOf, filmItemOf, type ShownFilm } from './films.ts';
import type { GallerySource } from './gallery-api.ts';
import { isSavedThere, isVideoThere } from './video-file.ts';

/** Newest first: of more, the page shows these. */
const MAX_FILMS = 50;

/** Reading, and withdrawing what was not sent: nothing that costs money. */
export type FilmSource = Pick<FilmService, 'list' | 'read' | 'cancel'>;

export class FilmApi {
  private readonly films: FilmSource;
  private readonly source: Pick<GallerySource, 'videos' | 'library' | 'clock' | 'caller'>;

  constructor(films: FilmSource, source: Pick<GallerySource, 'videos' | 'library' | 'clock' | 'caller'>) {
    this.films = films;
    this.source = source;
  }

  async list(): Promise<FilmList> {
    const films = await this.films.list(MAX_FILMS, this.source.caller);
    const around = await this.around(films);
    return { items: films.map((film) => filmItemOf(film, around)) };
  }

  /** @returns undefined where no such film is recorded */
  async detail(id: string): Promise<FilmDetail | undefined> {
    const film = await this.read(id);
    const isThere = (path: string) => isSavedThere(path, this.source.library);
    return film && filmDetailOf(film, await this.around([film], isThere));
  }

  /** Every take of every shot; none where no such film is recorded. */
  async taskIds(id: string): Promise<readonly string[]> {
    return idsOf(await this.read(id));
  }

  /** Withdraws the shots that were not sent. @returns undefined where no such film is recorded; whether there were any */
  async cancel(id: string): Promise<boolean | undefined> {
    const detail = await this.detail(id);
    if (detail === undefined) return undefined;
    if (detail.hasUnsent) await this.films.cancel(id, this.source.caller);
    return detail.hasUnsent;
  }

  async fileOf(id: string): Promise<SavedFile | undefined> {
    return (await this.read(id))?.film.joins.at(-1)?.file;
  }

  private async read(id: string): Promise<ShownFilm | undefined> {
    return isFilmId(id) ? await this.films.read(id, this.source.caller) : undefined;
  }

  /** @param isJoinThere whether the file of a joined film is there */
  private async around(films: readonly ShownFilm[], isJoinThere = isVideoThere): Promise<Around> {
    const { videos, caller, clock } = this.source;
    const views = await Promise.all(films.flatMap(idsOf).map((id) => videos.read(id, caller)));
    const takes = new Map<string, TaskView>();
    for (const view of views) if (view !== undefined) takes.set(view.task.id, view);
    const there = new Set<string>();
    const look = async (path: string | undefined, isThere: typeof isVideoThere) => {
      if (path !== undefined && (await isThere(path))) there.add(path);
    };
    await Promise.all([
      ...films.map(({ film }) => look(film.joins.at(-1)?.file.path, isJoinThere)),
      ...[...takes.values()].map(({ task }) => look(task.video?.file?.path, isVideoThere)),
    ]);
    return { now: clock.now(), takes, isThere: (path) => path !== undefined && there.has(path) };
  }
}

function idsOf(film: ShownFilm | undefined): readonly string[] {
  return film?.film.shots.flatMap(({ takes }) => takes) ?? [];
}
