/** Checks everything of a film, or of another take, before anything is recorded or paid. */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import { fileNameFor } from '../library/file-name.ts';
import type { Library, Place } from '../library/library.ts';
import { aboutPart, allOrProblems, Problem } from '../problems.ts';
import { requireWithin } from '../tasks/admission.ts';
import type { MakeOptions } from '../tasks/calls.ts';
import { preparedInTime } from '../tasks/paid-call.ts';
import { personOf } from '../tasks/person.ts';
import { type Prepared, type Preparer, queuedRecord } from '../tasks/prepare.ts';
import { NOT_KEPT, newTaskId, type TaskRecord } from '../tasks/record.ts';
import type { FilmCall, RetakeOptions } from './calls.ts';
import type { Film } from './film.ts';
import { type FilmInput, type PlannedShot, plannedShots, retakenShot } from './storyboard.ts';

export interface PreparedShot {
  readonly shot: PlannedShot;
  readonly prepared: Prepared;
  readonly record: TaskRecord;
}

export interface PreparedFilm {
  readonly film: Film;
  readonly shots: readonly PreparedShot[];
  readonly fen: number;
}

export interface FilmPreparerOptions {
  readonly preparer: Preparer;
  readonly library: Library;
  readonly clock: Clock;
  readonly sandbox: boolean;
}

export class FilmPreparer {
  private readonly options: FilmPreparerOptions;

  constructor(options: FilmPreparerOptions) {
    this.options = options;
  }

  async prepare(input: FilmInput, options: MakeOptions, call: FilmCall): Promise<PreparedFilm> {
    const { clock, sandbox } = this.options;
    const prepared = await preparedInTime(call, clock, async (signal): Promise<PreparedFilm> => {
      const now = clock.now();
      const id = newTaskId(now).replace('jv-', 'jf-');
      const person = personOf(call.caller);
      const place = await this.placeOf(options.output, call);
      const audio =
        input.audio === undefined ? undefined : await this.options.preparer.soundFile(input.audio, call.caller);
      const planned = plannedShots(input);
      const named =
        input.title || planned.map(({ request }) => request.prompt).find((prompt) => prompt !== undefined) || 'film';
      const baseName = (place.name ?? fileNameFor(named, id, new Date(now))).replace(/\.mp4$/i, '');
      const ids = planned.map(() => newTaskId(now));
      const folder = { folder: place.folder };
      const shots = await this.prepareShots(
        planned,
        { ids, person, takes: planned.map(() => 1), before: undefined, folder, baseName, filmId: id },
        call,
        signal,
      );
      const film: Film = compact({
        ...{ id, status: 'running' as const, reservedAt: now, sandbox, place: folder, baseName },
        fingerprint: fingerprintOf(shots, audio),
        ...{ person, title: input.title, audio },
        shots: shots.map(({ shot, record }) => ({
          takes: [record.id],
          continues: shot.continues,
          request: kept(shot),
        })),
        joins: [],
      });
      return { film, shots, fen: fenOfAll(shots) };
    });
    requireWithin(options.maxCostCny, prepared.fen, prepared.shots.length);
    return prepared;
  }

  private async placeOf(output: string | undefined, call: FilmCall): Promise<Place> {
    const place = await this.options.library.choose(output, call.caller);
    if (place !== undefined) return place;
    throw new Problem('invalid_input', {
      what: 'A film is made of saved videos, and videos are not saved (JIMENG_VIDEO_OUTPUT_DIR is "none").',
      hint: 'name a place to save to',
    });
  }

  private async prepareShots(
    planned: readonly PlannedShot[],
    { ids, person, takes, before, folder, baseName, filmId, first = 1 }: ShotNames,
    call: FilmCall,
    signal: AbortSignal,
  ): Promise<PreparedShot[]> {
    const { preparer, clock, sandbox } = this.options;
    const coming = new Set(ids);
    const prepareShot = async (shot: PlannedShot, index: number): Promise<PreparedShot> => {
      const previous = index === 0 ? before : ids[index - 1];
      const image = shot.continues ? `task:${previous}` : shot.request.image;
      const take = takes[index] ?? 1;
      const name = `${baseName} shot ${first + index}${take === 1 ? '' : ` take ${take}`}.mp4`;
      const place = { ...folder, name };
      const request = { ...shot.request, image };
      const prepared = await preparer.prepare(request, undefined, call.caller, signal, { coming, place });
      const record = queuedRecord(prepared, { id: ids[index] ?? '', person, now: clock.now(), sandbox });
      return { shot, prepared, record: { ...record, filmId } };
    };
    return await allOrProblems(
      planned.map((shot, index) => () => aboutPart(`Shot ${first + index}`, () => prepareShot(shot, index))),
    );
  }

  /** The shot, and with `cascade` those that continue from it. */
  async prepareRetake(
    film: Film,
    number: number,
    { cascade, maxCostCny, ...changes }: RetakeOptions,
    call: FilmCall,
  ): Promise<PreparedShot[]> {
    const { clock, library } = this.options;
    const shot = film.shots[number - 1];
    if (shot === undefined) {
      throw new Problem('invalid_input', {
        what: `\`shot\` is ${number}, and the film has the shots 1 to ${film.shots.length}.`,
      });
    }
    for (const [name, image] of [
      ['image', changes.image ?? shot.request.image],
      ['tail_image', changes.tail_image ?? shot.request.tailImage],
    ] as const) {
      if (image !== NOT_KEPT) continue;
      throw new Problem('invalid_input', {
        what: `The \`${name}\` of shot ${number} was given as a data URL, which is not kept.`,
        hint: `give \`${name}\` again`,
      });
    }
    const first = retakenShot(shot, changes);
    if ('faults' in first)
      throw new Problem('invalid_input', { what: first.faults.join(' '), hint: 'correct the input' });
    const planned = [first];
    for (const next of cascade ? film.shots.slice(number) : []) {
      if (!next.continues) break;
      planned.push(next);
    }
    // Proves that it can be written there, before anything is paid.
    const place = await library.choose(`${film.place.folder}/`, { kind: 'terminal' });
    const now = clock.now();
    const names: ShotNames = {
      ids: planned.map(() => newTaskId(now)),
      person: film.person,
      takes: planned.map((_, index) => (film.shots[number - 1 + index]?.takes.length ?? 0) + 1),
      before: film.shots[number - 2]?.takes.at(-1),
      folder: { folder: place?.folder ?? film.place.folder },
      baseName: film.baseName,
      filmId: film.id,
      first: number,
    };
    const shots = await preparedInTime(call, clock, (signal) => this.prepareShots(planned, names, call, signal));
    requireWithin(maxCostCny, fenOfAll(shots), shots.length);
    return shots;
  }
}

interface ShotNames {
  readonly ids: readonly string[];
  /** Whose the film is, whoever makes a shot of it again. */
  readonly person: string | undefined;
  /** The number of each take. */
  readonly takes: readonly number[];
  /** The task that the first one continues from. */
  readonly before: string | undefined;
  readonly folder: { readonly folder: string };
  readonly baseName: string;
  readonly filmId: string;
  /** The number of the first shot. */
  readonly first?: number;
}

export function fenOfAll(shots: readonly PreparedShot[]): number {
  return shots.reduce((sum, { prepared }) => sum + prepared.fen, 0);
}

function fingerprintOf(shots: readonly PreparedShot[], audio: string | undefined): string {
  const parts = shots.map(({ shot, prepared }) => [prepared.awaiting ?? prepared.fingerprint, shot.continues]);
  return createHash('sha256')
    .update(JSON.stringify([parts, audio ?? null]))
    .digest('hex');
}

/** A picture in the text itself is left out. */
export function kept({ request }: PlannedShot): PlannedShot['request'] {
  const short = (image: string | undefined) =>
    image !== undefined && (/^data:/i.test(image) || image.length > 8_192) ? NOT_KEPT : image;
  return { ...request, image: short(request.image), tailImage: short(request.tailImage) };
}
