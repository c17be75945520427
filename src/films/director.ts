/** Joins the shots of a film as soon as they are all saved, and records what became of it. Sends and pays nothing. */
import { withLocalCopies } from '../library/library.ts';
import type { Ffmpeg } from '../media/clip/ffmpeg.ts';
import { joinClips } from '../media/clip/join.ts';
import { Problem } from '../problems.ts';
import { LeaseLost } from '../store/lease.ts';
import type { FilmHold, Person } from '../store/store.ts';
import { contentOf } from '../system/files.ts';
import { pause } from '../system/wait.ts';
import { lastCheckOf, recordedFacts } from '../tasks/collector.ts';
import type { ServiceParts } from '../tasks/parts.ts';
import { errorOf, type SavedVideo, type Task } from '../tasks/record.ts';
import { currentTakes, type Film, type FilmJoin, nextOf, shotStates, statusOf } from './film.ts';

/** Notifications of other processes may be missed: the film is read again at this interval. */
const LOOK_MILLISECONDS = 1_000;
/** Of the newest films; older ones that wait are not considered. */
const MAX_WAITING = 20;

export interface DirectorOptions extends ServiceParts {
  /** Another process may have the film's place, and its shots. */
  readonly isStoreShared: boolean;
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
}

export class Director {
  private readonly options: DirectorOptions;
  private readonly followed = new Map<string, Promise<void>>();

  constructor(options: DirectorOptions) {
    this.options = options;
  }

  /** Runs until no live process works on any part of the film. */
  follow(id: string): void {
    const { ending, log } = this.options;
    if (ending.aborted || this.followed.has(id)) return;
    const loop = this.run(id)
      .catch((error: unknown) => {
        if (!ending.aborted) log.error('film not followed', { film: id, reason: String(error) });
      })
      .finally(() => this.followed.delete(id));
    this.followed.set(id, loop);
  }

  /**
   * Shots of films that wait for a retake, and are open because they continue from the shot that is lost.
   * @param person as for the store's lists
   * @throws StoreFailure
   */
  async stuckShots(person?: Person): Promise<ReadonlySet<string>> {
    const { films } = this.options.store;
    const stuck = new Set<string>();
    for (const film of await films.newest(MAX_WAITING, person)) {
      if (film.status !== 'waiting') continue;
      const takes = currentTakes(film);
      for (const [index, state] of shotStates(await films.tasks(takes)).entries()) {
        if (state === 'stuck') stuck.add(takes[index] ?? '');
      }
    }
    return stuck;
  }

  async ended(): Promise<void> {
    await Promise.all(this.followed.values());
  }

  private async run(id: string): Promise<void> {
    const { store, library, isStoreShared, log, ending } = this.options;
    for (;;) {
      const film = await store.films.find(id);
      if (film === undefined || ending.aborted) return;
      if (isStoreShared && !(await library.has(film.place))) return;
      const tasks = await store.films.tasks(currentTakes(film));
      const next = nextOf(film, tasks);
      if (next === 'nothing') return await store.films.settle(id, settled);
      if (next === 'wait' && tasks.every((task) => !goesOn(task))) return;
      try {
        if (next === 'join' && (await this.join(id))) continue;
      } catch (error) {
        if (ending.aborted) return;
        log.warn('film not joined', { film: id, reason: String(error) });
      }
      await this.pause();
    }
  }

  private async pause(): Promise<void> {
    const { clock, store, ending } = this.options;
    await pause(clock, { atMost: LOOK_MILLISECONDS, signals: [ending], until: (over) => store.changed(over) });
  }

  /** @returns false where another process joins it */
  private async join(id: string): Promise<boolean> {
    const { store, log, ending } = this.options;
    const hold = await store.films.hold(id);
    if (hold === undefined) return false;
    try {
      const { film } = hold;
      const tasks = await store.films.tasks(currentTakes(film));
      if (nextOf(film, tasks) !== 'join') return true;
      await this.joinHeld(hold, tasks, AbortSignal.any([ending, hold.lost]));
      log.info('film joined', { film: id });
      return true;
    } finally {
      await hold.release();
    }
  }

  private async joinHeld(hold: FilmHold, tasks: readonly (Task | undefined)[], signal: AbortSignal): Promise<void> {
    const takes = currentTakes(hold.film);
    try {
      const file = (await this.earlier(hold.film)) ?? (await this.joined(hold, tasks, signal));
      await hold.update((film) => withJoin(film, file));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Problem) || error instanceof LeaseLost) throw error;
      await hold.update((film) => ({ ...film, status: 'waiting', joinProblem: { ...errorOf(error), takes } }));
    }
  }

  /** A process died between the file's name and the record of it. */
  private async earlier({ publishing, place }: Film): Promise<FilmJoin | undefined> {
    if (publishing === undefined) return undefined;
    const { name, bytes, sha256, facts, ...join } = publishing;
    const found = await this.options.library.find({ bytes, sha256 }, place, name);
    return found && { ...join, file: withFacts(found, facts) };
  }

  private async joined(hold: FilmHold, tasks: readonly (Task | undefined)[], signal: AbortSignal): Promise<FilmJoin> {
    const { library, clock } = this.options;
    const { id, place, baseName, audio } = hold.film;
    const paths = await this.pathsOf(tasks);
    // A name of its own: a process that was suspended while it joined must not write into another one's file.
    const part = await library.staging(place, `${id}-join-${crypto.randomUUID().slice(0, 8)}`);
    const ffmpeg = await this.options.ffmpeg();
    const wanted = { audio, fps: tasks[0]?.request.fps };
    const result = await withLocalCopies(library, paths, signal, (local) =>
      joinClips(local, part, { clock, signal, ffmpeg, ...wanted }),
    );
    if (!result.joined) throw misfit(result.misfit.difference);
    const facts = recordedFacts(result.facts);
    const content = await contentOf(part);
    const join = { takes: currentTakes(hold.film), notes: result.notes, joinedAt: clock.now() };
    const name = `${baseName}.mp4`;
    // Recorded before the file gets its name: a process that takes over finds it by this, and joins it no second time.
    await hold.update((film) => ({ ...film, publishing: { ...content, ...join, name, facts } }));
    const file = await library.publish(part, place, name, lastCheckOf(hold, content));
    return { ...join, file: withFacts(file, facts) };
  }

  /** @throws Problem where one is gone */
  private async pathsOf(tasks: readonly (Task | undefined)[]): Promise<string[]> {
    const paths: string[] = [];
    for (const [index, task] of tasks.entries()) {
      const file = task?.video?.file;
      if (file === undefined || !(await this.options.library.isThere(file))) {
        throw new Problem('save_failed', {
          what: `The video of shot ${index + 1} is no longer at ${file?.path ?? 'its place'}.`,
          hint: 'put it back, or get that task again',
          getFirst: task?.id,
        });
      }
      paths.push(file.path);
    }
    return paths;
  }
}

function withFacts(file: SavedVideo, facts: SavedVideo['facts']): SavedVideo {
  return facts === undefined ? file : { ...file, facts };
}

/** A retake that came while it was joined lets it run on. */
function withJoin({ publishing: _, joinProblem: _p, ...film }: Film, join: FilmJoin): Film {
  const joined: Film = { ...film, joins: [...film.joins, join] };
  const isCurrent = currentTakes(film).every((id, index) => id === join.takes[index]);
  return isCurrent && film.status === 'running' ? { ...joined, status: 'done' } : joined;
}

function settled(film: Film, tasks: readonly (Task | undefined)[]): Film | undefined {
  const status = statusOf(film, tasks);
  return nextOf(film, tasks) !== 'nothing' || status === film.status ? undefined : { ...film, status };
}

/** Some process sends, awaits, polls or saves it. */
function goesOn(task: Task | undefined): boolean {
  if (task === undefined || task.video?.file !== undefined) return false;
  if (task.status === 'queued') return task.ownerAlive;
  return task.status !== 'failed' && task.status !== 'cancelled' && task.status !== 'unknown';
}

function misfit(difference: string): Problem {
  return new Problem('ffmpeg_missing', {
    what: `The shots cannot be joined as they are (${difference}), and ffmpeg was not found on this computer; the shots are kept.`,
    hint: 'install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path',
  });
}
