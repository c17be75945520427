/** Turns films, and the views of their shots' tasks, into what the page shows. Pure. */
import { compact } from '../compact.ts';
import type { FilmView } from '../films/calls.ts';
import { currentTakes, type Film, isOfSandbox, shotStates } from '../films/film.ts';
import { modeRow } from '../jimeng/modes.ts';
import type { TaskView } from '../tasks/calls.ts';
import { chargeOf } from '../tasks/record.ts';
import type { FilmDetail, FilmItem, FilmShotItem, RepeatedCall, VideoFile } from './api.ts';
import { callOf, itemOf } from './items.ts';
import { isStored } from './video-file.ts';

/** What of a film's view is read here. */
export type ShownFilm = Pick<FilmView, 'film' | 'status' | 'person'>;

/** What is known beside the film: its takes, and which files are there. */
export interface Around {
  readonly now: number;
  readonly takes: ReadonlyMap<string, TaskView>;
  readonly isThere: (path: string | undefined) => boolean;
}

export function filmItemOf({ film, status, person }: ShownFilm, around: Around): FilmItem {
  const shots = shotsOf(film, around);
  const all = film.shots.flatMap(({ takes }) => takes.flatMap((id) => around.takes.get(id)?.task ?? []));
  const paid = all.filter((task) => !task.sandbox && chargeOf(task) !== 'none');
  return compact({
    id: film.id,
    title: film.title,
    person,
    status,
    sandbox: isOfSandbox(film, all),
    reservedAt: film.reservedAt,
    shots: film.shots.length,
    savedShots: shots.filter(({ state }) => state === 'saved').length,
    fen: paid.reduce((sum, { fen = 0 }) => sum + fen, 0),
    file: joinedFile(film, around),
    still: shots.find(({ item }) => item.file !== undefined && !item.file.isMissing)?.item.file,
    error: film.joinProblem,
  });
}

export function filmDetailOf(shown: ShownFilm, around: Around): FilmDetail {
  const { film } = shown;
  const shots = shotsOf(film, around);
  return {
    now: around.now,
    item: filmItemOf(shown, around),
    shots,
    notes: film.joins.at(-1)?.notes ?? [],
    hasUnsent: shots.some(({ item }) => item.status === 'queued'),
    call: filmCallOf(film),
  };
}

/** Without those whose task is not recorded. */
function shotsOf(film: Film, around: Around): FilmShotItem[] {
  const shown: FilmShotItem[] = [];
  const states = shotStates(currentTakes(film).map((id) => around.takes.get(id)?.task));
  for (const [index, { takes, continues }] of film.shots.entries()) {
    const [view, ...others] = [...takes].reverse().flatMap((id) => around.takes.get(id) ?? []);
    if (view === undefined) continue;
    shown.push({
      shot: index + 1,
      state: states[index] ?? 'lost',
      continues,
      item: videoOf(view, around),
      otherTakes: others.map((take) => videoOf(take, around)),
    });
  }
  return shown;
}

function videoOf(view: TaskView, { isThere }: Around) {
  return itemOf(view, !isThere(view.task.video?.file?.path));
}

function joinedFile({ id, joins }: Film, { isThere }: Around): VideoFile | undefined {
  const file = joins.at(-1)?.file;
  if (file === undefined) return undefined;
  const { path, bytes, facts } = file;
  // Another join is another file: a player must not keep the one before.
  const source = `files/${id}.mp4?join=${joins.length}`;
  return compact({ path, bytes, facts, isMissing: !isThere(path), isStored: isStored(path), source });
}

/** The arguments of generate_film that make the same film again. Stills between shots come as each shot's pictures. */
function filmCallOf({ title, shots, audio }: Film): RepeatedCall {
  const calls = shots.map(({ request, continues }) =>
    callOf(request, ['mode', 'fps', 'aspectRatio', ...(continues ? (['image'] as const) : [])]),
  );
  const requests = shots.map(({ request }) => request);
  const quality = requests[0] && modeRow(requests[0].mode).resolution.toLowerCase();
  const ratio = requests.find(({ aspectRatio }) => aspectRatio !== undefined)?.aspectRatio;
  const listed = calls.map((call, index) => ({
    ...call.arguments,
    ...(shots[index]?.continues && { continue: true }),
  }));
  return {
    arguments: compact({ title, quality, aspect_ratio: ratio, audio, shots: listed }),
    lacks: calls.flatMap(({ lacks }, index) => lacks.map((name) => `shots[${index}].${name}`)),
  };
}
