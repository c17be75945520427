/** Decides what another take makes of a film and of the takes that it replaces. Pure. */
import { Problem } from '../problems.ts';
import type { FilmAdmission, RetakeAdmission } from '../store/store.ts';
import { sameRequest } from '../tasks/admission.ts';
import { recordOf, type Task, type TaskRecord } from '../tasks/record.ts';
import type { Film } from './film.ts';
import { kept, type PreparedShot } from './prepare-film.ts';

export interface Take {
  /** The film that the take was prepared for. */
  readonly known: Film;
  /** The first shot that is made again, from 1. */
  readonly number: number;
  /** It, and with `cascade` those that continue from it. */
  readonly made: readonly PreparedShot[];
}

/** @param tasks of the film's current takes */
export function admitTake(
  film: Film,
  tasks: readonly (Task | undefined)[],
  now: number,
  { known, number, made }: Take,
): RetakeAdmission {
  const replaced = tasks.slice(number - 1, number - 1 + made.length);
  const isRepeated = (film.shots[number - 1]?.takes.length ?? 0) > 1 && isSame(replaced[0], made[0], now);
  if (isRepeated) return { kind: 'join', film };
  if (JSON.stringify(film.shots) !== JSON.stringify(known.shots)) return refused(new Problem('film_changed'));
  const running = replaced.find((task) => task?.status === 'submitting' || task?.status === 'generating');
  if (running !== undefined) {
    return refused(
      new Problem('invalid_input', {
        what: `Shot ${number + replaced.indexOf(running)} is being made now, as task ${running.id}.`,
        hint: 'wait for it before another take is made',
        getFirst: running.id,
      }),
    );
  }
  return { kind: 'create', film: retaken(film, number, made), changed: changedTasks(film, tasks, now, number, made) };
}

function refused(problem: Problem): Extract<FilmAdmission, { kind: 'refuse' }> {
  return { kind: 'refuse', problem };
}

/** The take that is there is what this call wants: its client did not get the answer to the same call. */
function isSame(current: Task | undefined, wanted: PreparedShot | undefined, now: number): boolean {
  if (current === undefined || current.fingerprint !== wanted?.prepared.fingerprint) return false;
  return sameRequest({ same: [current], now, reservedFen: 0, roomAt: undefined }) !== undefined;
}

function retaken({ joinProblem: _, ...film }: Film, number: number, made: readonly PreparedShot[]): Film {
  const shots = film.shots.map((shot, index) => {
    const take = index < number - 1 ? undefined : made[index - (number - 1)];
    if (take === undefined) return shot;
    const takes = [...shot.takes, take.record.id];
    return { takes, continues: take.shot.continues, request: kept(take.shot) };
  });
  return { ...film, status: 'running', shots };
}

/** Takes that are replaced before they were sent are withdrawn; a waiting shot continues from the new take. */
function changedTasks(
  film: Film,
  tasks: readonly (Task | undefined)[],
  now: number,
  number: number,
  made: readonly PreparedShot[],
): TaskRecord[] {
  const end = number - 1 + made.length;
  const withdrawn = tasks
    .slice(number - 1, end)
    .flatMap((task) =>
      task?.status === 'queued' ? [{ ...recordOf(task), status: 'cancelled' as const, finishedAt: now }] : [],
    );
  const follower = tasks[end];
  const isWaiting = film.shots[end]?.continues && follower?.status === 'queued' && follower.awaits !== undefined;
  const last = made.at(-1);
  return isWaiting && last !== undefined ? [...withdrawn, continuing(follower, last.record.id)] : withdrawn;
}

function continuing(task: Task, from: string): TaskRecord {
  const [frame, ...others] = task.awaits ?? [];
  const awaits = frame === undefined ? [] : [{ ...frame, taskId: from }, ...others];
  return { ...recordOf(task), awaits };
}
