/** A film: several shots, each a task of its own, and the files that they were joined into. Pure. */
import type { Place } from '../library/library.ts';
import type { FileContent } from '../system/files.ts';
import { type SavedVideo, type Task, type TaskError, type VideoState, videoStateOf } from '../tasks/record.ts';
import type { VideoRequest } from '../tasks/video-request.ts';

/** `waiting`: it needs a retake, or a change on this computer, to continue. */
export const FILM_STATUSES = ['running', 'waiting', 'done', 'failed', 'cancelled'] as const;
export type FilmStatus = (typeof FILM_STATUSES)[number];

export interface FilmShot {
  /** Ids of its tasks, oldest first: the last one is in the film. */
  readonly takes: readonly string[];
  /** Its first frame is the last one of the shot before it. */
  readonly continues: boolean;
  /** For another take. A picture that was given as a data URL is not kept. */
  readonly request: VideoRequest;
}

export interface FilmJoin {
  readonly file: SavedVideo;
  /** The task of each shot that it was joined of. */
  readonly takes: readonly string[];
  /** What was changed, to be reported: clauses. */
  readonly notes: readonly string[];
  /** Milliseconds since 1970. */
  readonly joinedAt: number;
}

/** Times are milliseconds since 1970, money is integer fen. */
export interface Film {
  readonly id: string;
  readonly status: FilmStatus;
  /** Equal for the same storyboard. */
  readonly fingerprint: string;
  /** Whose it is, as a task's. */
  readonly person?: string;
  readonly reservedAt: number;
  readonly sandbox: boolean;
  readonly title?: string;
  readonly place: Place;
  /** Without `.mp4`; the shots are named after it. */
  readonly baseName: string;
  /** An absolute path. */
  readonly audio?: string;
  readonly shots: readonly FilmShot[];
  /** Oldest first: the last one is the film. */
  readonly joins: readonly FilmJoin[];
  /** The joined file just before it got its name: a process that takes over finds it by this. */
  readonly publishing?: FileContent & { readonly name: string } & Omit<FilmJoin, 'file'> & {
      readonly facts: SavedVideo['facts'];
    };
  /** Why these takes could not be joined. */
  readonly joinProblem?: TaskError & { readonly takes: readonly string[] };
}

export function currentTakes({ shots }: Pick<Film, 'shots'>): string[] {
  return shots.map(({ takes }) => takes.at(-1) ?? '');
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}

/** The newest file, where it has the current takes. */
export function currentJoin(film: Film): FilmJoin | undefined {
  const join = film.joins.at(-1);
  return join !== undefined && isSame(join.takes, currentTakes(film)) ? join : undefined;
}

/** A sandbox in another process is known by its answers alone. @param tasks of its takes */
export function isOfSandbox({ sandbox }: Pick<Film, 'sandbox'>, tasks: readonly (Task | undefined)[]): boolean {
  return sandbox || tasks.some((task) => task?.sandbox);
}

/** `stuck`: it waits for one that is lost. */
export type ShotState = VideoState | 'stuck';

/** @param tasks of its current takes, in their order */
export function shotStates(tasks: readonly (Task | undefined)[]): ShotState[] {
  const states: ShotState[] = [];
  for (const task of tasks) {
    const before = states.at(-1);
    const isStuck = task?.status === 'queued' && task.awaits !== undefined && (before === 'lost' || before === 'stuck');
    states.push(isStuck ? 'stuck' : videoStateOf(task));
  }
  return states;
}

/** What is to be done with a film. @param tasks of its current takes, in their order */
export function nextOf(film: Film, tasks: readonly (Task | undefined)[]): 'join' | 'wait' | 'nothing' {
  if (film.status === 'cancelled') return 'nothing';
  const states = shotStates(tasks);
  if (states.every((state) => state === 'saved')) {
    const isRefused = film.joinProblem !== undefined && isSame(film.joinProblem.takes, currentTakes(film));
    return currentJoin(film) === undefined && !isRefused ? 'join' : 'nothing';
  }
  return states.includes('open') ? 'wait' : 'nothing';
}

/** @param tasks of its current takes, in their order */
export function statusOf(film: Film, tasks: readonly (Task | undefined)[]): FilmStatus {
  if (film.status === 'cancelled') return 'cancelled';
  const states = shotStates(tasks);
  if (states.every((state) => state === 'saved')) {
    if (currentJoin(film) !== undefined) return 'done';
    return nextOf(film, tasks) === 'join' ? 'running' : 'waiting';
  }
  if (states.every((state) => state === 'lost')) return 'failed';
  return states.includes('lost') ? 'waiting' : 'running';
}

/** `jf-` where a task has `jv-`. */
export function isFilmId(text: string): boolean {
  return /^jf-[0-9a-z]{8}-[0-9a-z]{5}$/.test(text);
}

/** A finished film is what a repeated call wants for this long. */
const DONE_MILLISECONDS = 30 * 60_000;

/** The newest film of the same storyboard that a second call joins instead of paying. */
export function sameFilm(films: readonly Film[], now: number): Film | undefined {
  return films.find(({ status, joins, reservedAt }) => {
    if (status === 'running' || status === 'waiting') return true;
    return status === 'done' && now - (joins.at(-1)?.joinedAt ?? reservedAt) < DONE_MILLISECONDS;
  });
}
