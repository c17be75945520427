/** Joins videos that are saved on this computer, and makes pictures of them. Free: nothing is sent. */
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import { isProviderTaskId } from '../jimeng/answers.ts';
import { fileNameFor } from '../library/file-name.ts';
import { type Caller, type Library, withLocalCopies } from '../library/library.ts';
import { readClip } from '../media/clip/clip.ts';
import { contactSheet } from '../media/clip/contact-sheet.ts';
import type { Ffmpeg } from '../media/clip/ffmpeg.ts';
import { joinClips } from '../media/clip/join.ts';
import { cutsOf, keepPicture, spreadOver } from '../media/clip/preview.ts';
import type { ReadRules } from '../media/image/file.ts';
import { findLocalFile } from '../media/local-file.ts';
import { aboutPart, allOrProblems, Problem } from '../problems.ts';
import type { Person, Store } from '../store/store.ts';
import type { Call } from '../tasks/calls.ts';
import { lookUpTask } from '../tasks/find-task.ts';
import { orProblem } from '../tasks/paid-call.ts';
import { seenBy } from '../tasks/person.ts';
import { isOpen, taskIdIn } from '../tasks/record.ts';
import { type ClipService, type JoinedView, newJoinId, type PreviewView } from './calls.ts';
import { isFilmId } from './film.ts';

/** The whole video is decoded: 24 shots in 1080p take 20 s on two cores. */
const PREVIEW_LIMIT_MILLISECONDS = 3 * 60_000;
const DEFAULT_FRAMES = 9;
const DEFAULT_FILM_FRAMES = 12;

export interface SavedClipsOptions {
  readonly store: Pick<Store, 'find' | 'findByProviderId' | 'films'>;
  readonly library: Library;
  /** @throws Problem ffmpeg_missing for a wrong setting */
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
  /** Of pictures and other files that a caller names. */
  readonly fileRules: Omit<ReadRules, 'unrestricted'> & { readonly homeDir: string };
  readonly clock: Clock;
  readonly ending: AbortSignal;
}

type FileInputName = 'videos' | 'path' | 'audio' | '--audio';

interface Found {
  readonly path: string;
  readonly sandbox: boolean;
  /** How long each of its shots is, in order; none where that is not known. */
  readonly film?: { readonly id: string; readonly shotSeconds: readonly number[] };
}

/** What of a video is shown. */
interface Shown {
  readonly ffmpeg: Ffmpeg;
  readonly frames: number | undefined;
  /** How long each shot is. */
  readonly shots: readonly number[];
  readonly signal: AbortSignal;
}

export class SavedClips implements ClipService {
  private readonly options: SavedClipsOptions;

  constructor(options: SavedClipsOptions) {
    this.options = options;
  }

  async join(
    videos: readonly string[],
    { audio, output }: { readonly audio?: string | undefined; readonly output?: string | undefined },
    call: Call,
  ): Promise<JoinedView> {
    const { library, clock } = this.options;
    const { caller } = call;
    const sound = async () =>
      audio === undefined
        ? undefined
        : await this.localFile(audio, caller.kind === 'terminal' ? '--audio' : 'audio', caller);
    const steps = [
      ...videos.map((video, index) => () => aboutPart(`Video ${index + 1}`, () => this.find(video, 'videos', caller))),
      sound,
    ];
    const found = await allOrProblems(steps);
    const sources = found.slice(0, -1) as Found[];
    const paths = sources.map(({ path }) => path);
    const place = await library.choose(output, caller);
    if (place === undefined) {
      throw new Problem('output_not_allowed', {
        what: 'The joined video needs a place to be saved, and videos are not saved here (JIMENG_VIDEO_OUTPUT_DIR is "none").',
        hint: 'name a place to save to',
      });
    }
    const signal = AbortSignal.any([call.signal, this.options.ending]);
    const id = newJoinId();
    const part = await library.staging(place, id);
    const ffmpeg = await this.options.ffmpeg();
    const result = await withLocalCopies(library, paths, signal, (local) =>
      joinClips(local, part, { clock, signal, ffmpeg, audio: found.at(-1)?.path }),
    );
    if (!result.joined) {
      throw new Problem('ffmpeg_missing', {
        what: `The videos cannot be joined as they are (${result.misfit.difference}), and ffmpeg was not found on this computer.`,
        hint: 'leave out what does not fit, or install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path',
      });
    }
    const name = place.name ?? fileNameFor(`${videos.length} videos joined`, id, new Date(clock.now()));
    const file = await library.publish(part, place, name);
    const link = await library.link(file, id).catch(() => undefined);
    return compact({
      file: { ...file, facts: result.facts },
      link,
      videos: videos.length,
      notes: result.notes,
      sandbox: sources.some(({ sandbox }) => sandbox),
    });
  }

  async preview(
    video: string,
    { frames, keepsPicture }: { readonly frames?: number | undefined; readonly keepsPicture: boolean },
    call: Call,
  ): Promise<PreviewView> {
    const { library, ending } = this.options;
    const ffmpeg = await this.options.ffmpeg();
    if (ffmpeg === undefined) {
      throw new Problem('ffmpeg_missing', {
        what: 'A picture of a video needs ffmpeg, which was not found on this computer.',
        hint: 'install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path, or open the video itself',
      });
    }
    const found = await this.find(video, 'path', call.caller);
    const signal = AbortSignal.any([call.signal, ending]);
    const { path, film, sandbox } = found;
    const shown = await withLocalCopies(library, [path], signal, ([local = path]) =>
      this.framesOf(local, { ffmpeg, frames, shots: film?.shotSeconds ?? [], signal }),
    );
    const picturePath = keepsPicture ? await keepPicture(shown.jpeg) : undefined;
    return compact({ path, filmId: film?.id, ...shown, picturePath, sandbox });
  }

  private async framesOf(path: string, { ffmpeg, frames, shots, signal }: Shown) {
    const { clock } = this.options;
    const facts = await readClip(path, { signal });
    const wanted = frames ?? (shots.length > 1 ? DEFAULT_FILM_FRAMES : DEFAULT_FRAMES);
    const cuts = wanted < 2 ? [] : cutsOf(shots, facts, wanted);
    const times = cuts.length > 0 ? cuts.flatMap(({ seconds }) => seconds) : spreadOver(facts, wanted);
    const limits = { clock, signal, timeLimitMilliseconds: PREVIEW_LIMIT_MILLISECONDS };
    const sheet = await contactSheet(path, times, ffmpeg, limits);
    return {
      facts,
      jpeg: sheet.jpeg,
      seconds: sheet.frames.map(({ seconds }) => seconds),
      cuts,
      hiddenCuts: cuts.length === 0 ? 0 : shots.length - 1 - cuts.length,
    };
  }

  /** A text of letters and digits alone is an id; everything else is a path, unless it names a task or film. */
  private async find(video: string, name: FileInputName, caller: Caller): Promise<Found> {
    const id = taskIdIn(video);
    const person = seenBy(caller);
    if (isFilmId(id)) return await this.filmFile(id, person);
    const isNamed = /^(jv-|\d{10,24}$)/.test(id) || /^\W*task:/i.test(video);
    if (!isNamed) return await this.localFile(video, name, caller);
    const task = isProviderTaskId(id) ? await orProblem(lookUpTask(this.options.store, id, person)) : undefined;
    if (task === undefined) {
      throw new Problem('no_record', {
        what: `The task ${JSON.stringify(id.slice(0, 60))} is not recorded for this account.`,
      });
    }
    const file = task.video?.file;
    if (file !== undefined) {
      const path = await this.present(file.path, `task ${task.id}`, task.id);
      return { path, sandbox: task.sandbox };
    }
    const isComing = isOpen(task.status) || task.status === 'done';
    throw new Problem('invalid_input', {
      what: `The task ${task.id} has no saved video (its status is ${task.status}).`,
      ...(isComing
        ? { getFirst: task.id }
        : { hint: 'leave it out, or give another one: that task will have no video' }),
    });
  }

  /** The newest join, also where a retake is being made. */
  private async filmFile(id: string, person: Person): Promise<Found> {
    const { films } = this.options.store;
    const film = await orProblem(films.find(id, person));
    if (film === undefined) {
      throw new Problem('no_record', { what: `No film ${id} is recorded for this account and service.` });
    }
    const join = film.joins.at(-1);
    if (join === undefined) {
      throw new Problem('invalid_input', { what: `The film ${id} has no joined file yet.`, getFirst: id });
    }
    const shots = (await orProblem(films.tasks(join.takes))).map((task) => task?.video?.file?.facts?.durationSeconds);
    const shotSeconds = shots.filter((seconds) => seconds !== undefined);
    const path = await this.present(join.file.path, `film ${id}`, id);
    return {
      path,
      sandbox: film.sandbox,
      film: { id, shotSeconds: shotSeconds.length === shots.length ? shotSeconds : [] },
    };
  }

  private async present(path: string, owner: string, taskId: string): Promise<string> {
    if (await this.options.library.isThere({ path })) return path;
    throw new Problem('image_not_found', {
      what: `The video of ${owner} is no longer at ${path}.`,
      hint: 'put it back, or give the path where it is now',
      getFirst: taskId,
    });
  }

  private async localFile(text: string, name: FileInputName, caller: Caller): Promise<Found> {
    if (caller.kind === 'remote-agent') {
      // A joined video has no id: its report names the path.
      const own = name === 'audio' ? undefined : await this.options.library.ownVideo(text, caller.person);
      if (own !== undefined) return { path: own.path, sandbox: false };
      throw new Problem('image_not_allowed', {
        what: `${name === 'audio' ? '`audio` is a path, and this' : 'This'} server reads no files by their paths.`,
        hint:
          name === 'audio' ? 'leave it out' : 'give the ids of tasks or films, or the path that join_videos reported',
      });
    }
    const rules = { ...this.options.fileRules, unrestricted: caller.kind === 'terminal' };
    return { path: await findLocalFile(text, name, rules), sandbox: false };
  }
}
