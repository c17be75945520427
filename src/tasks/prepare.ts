/** Checks everything about a request before anything is recorded or paid, and makes the exact bytes that are sent. */
import type { Clock } from '../clock.ts';
import { compact } from '../compact.ts';
import { type GeneratedSeconds, modeRow, PROVIDER_FPS, priceCny } from '../jimeng/modes.ts';
import { type BodyImages, bodyBytes, requestBody } from '../jimeng/request-body.ts';
import { otherExtension } from '../library/file-name.ts';
import { type Caller, type Library, type Place, withLocalCopies } from '../library/library.ts';
import { encoderOrProblem, type Ffmpeg } from '../media/clip/ffmpeg.ts';
import { type ImageRules, type LoadedImage, loadImage, requireSameTransport, shapeNotes } from '../media/image/load.ts';
import { type ImageInput, shownInput, taskNamedIn } from '../media/image/source.ts';
import { findLocalFile } from '../media/local-file.ts';
import { loadFrame, noFfmpeg } from '../media/video-frame.ts';
import { allOrProblems, Problem } from '../problems.ts';
import type { Person, Store } from '../store/store.ts';
import { fenOf, fingerprintOf } from './admission.ts';
import { type FrameOfVideo, fillBody, marked, markOf } from './awaited-frames.ts';
import { lookUpTask } from './find-task.ts';
import { seenBy } from './person.ts';
import {
  type AwaitedFrame,
  isOpen,
  NOT_KEPT,
  type Task,
  type TaskRecord,
  type TaskRequest,
  videoStateOf,
} from './record.ts';
import { promptNotes, type VideoRequest } from './video-request.ts';

export interface Prepared {
  /** Serialised once: these bytes are hashed, signed, kept and sent. */
  readonly body: Buffer;
  readonly reqKey: string;
  readonly fingerprint: string;
  /** The fingerprint while a picture that comes from another task's video was not there; absent without such a picture. */
  readonly awaiting?: string;
  /** What it has to wait for; the body has a mark in the place of each. */
  readonly awaits?: readonly AwaitedFrame[];
  /** Undefined: links only. */
  readonly place: Place | undefined;
  readonly billedSeconds: GeneratedSeconds;
  readonly fen: number;
  /** What of the request is kept in its record, and shown; with what the caller should know of what was done to the input. */
  readonly shown: TaskRequest;
}

export interface PreparerOptions {
  readonly store: Pick<Store, 'find' | 'findByProviderId'>;
  readonly library: Library;
  readonly imageRules: Omit<ImageRules, 'unrestricted' | 'heic'>;
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
  readonly clock: Clock;
}

export class Preparer {
  private readonly options: PreparerOptions;

  constructor(options: PreparerOptions) {
    this.options = options;
  }

  /**
   * @param of what is known of a shot of a film: its place, and the ids that are recorded together with it, which are
   * awaited like tasks that are being made
   * @throws Problem with what is wrong and what to do; the signal's reason
   */
  async prepare(
    request: VideoRequest,
    output: string | undefined,
    caller: Caller,
    signal: AbortSignal,
    of: ShotOf = { coming: new Set() },
  ): Promise<Prepared> {
    const { coming } = of;
    const [place, { images, frames, awaits, notes }] = await allOrProblems([
      async () => {
        const chosen = of.place ?? (await this.options.library.choose(output, caller));
        await this.requireConvertible(request, chosen, signal);
        return chosen;
      },
      () => this.loadImages(request, caller, signal, coming),
    ]);
    const body = requestBody({
      mode: request.mode,
      prompt: request.prompt,
      seconds: request.generatedSeconds,
      images,
      seed: request.seed,
      aspectRatio: request.aspectRatio,
      templateId: request.templateId,
      cameraStrength: request.cameraStrength,
    });
    const all = [...notes, ...formatNotes(output, place), ...ratioNotes(request), ...promptNotes(request.prompt)];
    const { duration, fps } = request;
    const awaiting =
      frames.length === 0 ? {} : { awaiting: fingerprintOf(marked(body, frames, coming), duration, fps) };
    return {
      body: bodyBytes(body),
      reqKey: modeRow(request.mode).reqKey,
      fingerprint:
        awaits.length > 0 && awaiting.awaiting !== undefined ? awaiting.awaiting : fingerprintOf(body, duration, fps),
      ...awaiting,
      ...(awaits.length === 0 ? {} : { awaits }),
      place,
      billedSeconds: request.generatedSeconds,
      fen: fenOf(priceCny(request.mode, request.generatedSeconds)),
      shown: shownRequest(request, all),
    };
  }

  /** What has to be done to the file afterwards must be possible before it is paid for. */
  private async requireConvertible(
    { duration, generatedSeconds, fps }: VideoRequest,
    place: Place | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const isTrimmed = duration !== generatedSeconds;
    const isConverted = fps !== PROVIDER_FPS;
    if (!isTrimmed && !isConverted) return;
    if (place === undefined) {
      const asked = [isTrimmed ? `duration ${duration}` : '', isConverted ? `fps ${fps}` : ''].filter(Boolean);
      throw new Problem('invalid_input', {
        what: `${asked.join(' and ')} needs the file to be saved here, and videos are not saved (JIMENG_VIDEO_OUTPUT_DIR is "none").`,
        hint: 'use a duration of 5 or 10 s at 24 fps, or name a place to save to',
      });
    }
    if (!isConverted) return;
    const ffmpeg = await this.options.ffmpeg();
    if (ffmpeg === undefined) {
      throw new Problem('ffmpeg_missing', {
        what: `${fps} fps needs ffmpeg, which was not found on this computer; the provider makes 24 fps only.`,
        hint: 'use 24 fps (4, 5, 6, 8 and 10 seconds work without ffmpeg), or install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path',
      });
    }
    await encoderOrProblem(ffmpeg, { clock: this.options.clock, signal });
  }

  /**
   * The body and fingerprint of a request that waited, now that its pictures can be made.
   * @param body with a mark in the place of each picture that was awaited
   * @throws Problem ffmpeg_missing, invalid_image; the signal's reason
   */
  async fill(
    task: Task,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly body: Buffer; readonly fingerprint: string }> {
    const pictures: Uint8Array[] = [];
    for (const frame of task.awaits ?? []) {
      const { path } = await this.savedVideo(frame.taskId, 'image', undefined);
      const loaded = await this.loadFrameOf(frame, path, 'image', signal);
      if (loaded.kind === 'bytes') pictures.push(loaded.bytes);
    }
    const filled = fillBody(body, pictures);
    const { duration = 5, fps = PROVIDER_FPS } = task.request;
    return { body: bodyBytes(filled), fingerprint: fingerprintOf(filled, duration, fps) };
  }

  /** A sound that the caller names, by the rules for pictures of this computer. @returns its path @throws Problem */
  async soundFile(audio: string, caller: Caller): Promise<string> {
    const name = typesOptions(caller) ? '--audio' : 'audio';
    return await findLocalFile(audio, name, this.rulesFor(caller));
  }

  private async loadImages(
    { image, tailImage }: VideoRequest,
    caller: Caller,
    signal: AbortSignal,
    coming: ReadonlySet<string>,
  ): Promise<Pictures> {
    if (image === undefined) return { images: undefined, frames: [], awaits: [], notes: [] };
    const of = { rules: this.rulesFor(caller), coming, person: seenBy(caller) };
    const [firstName, tailName] = typesOptions(caller)
      ? (['--image', '--tail-image'] as const)
      : (['image', 'tail_image'] as const);
    // Two pictures in parallel would take twice the memory.
    const [first, tail] = await allOrProblems([
      () => this.loadOne(image, firstName, of, signal),
      async () => (tailImage === undefined ? undefined : await this.loadOne(tailImage, tailName, of, signal)),
    ]);
    const all = tail === undefined ? [first] : [first, tail];
    const isAwaited = (picture: Picture): picture is Awaited => picture.kind === 'awaited';
    const loaded = all.filter((picture): picture is Exclude<Picture, Awaited> => !isAwaited(picture));
    if (tail !== undefined) requireSameTransport(asSent(first), asSent(tail), [firstName, tailName]);
    // A note begins with the file's name, which would be changed where a sentence is given its capital.
    const shapes = tail === undefined || loaded.length < 2 ? [] : shapeNotes(asSent(first), asSent(tail));
    const later = all.filter(isAwaited).flatMap(({ frame: { taskId, which } }) => {
      const place = which === 'last' ? 'first' : 'last';
      return coming.has(taskId) ? [] : [`the ${place} frame comes from the video of ${taskId}, once it is saved`];
    });
    const pictures = [...loaded.flatMap((picture) => picture.notes), ...shapes, ...later];
    const notes = pictures.map((note) => `picture: ${note}`);
    return {
      images: bodyImages(all),
      frames: all.flatMap(({ frame }, index) => (frame === undefined ? [] : [{ index, frame }])),
      awaits: all.filter(isAwaited).map(({ frame }) => frame),
      notes,
    };
  }

  private rulesFor(caller: Caller): ImageRules {
    const { imageRules, clock, ffmpeg } = this.options;
    const [unrestricted, isRemote] = [caller.kind === 'terminal', caller.kind === 'remote-agent'];
    return { ...imageRules, unrestricted, isRemote, heic: { clock, ffmpeg } };
  }

  private async loadOne(
    source: string,
    input: ImageInput,
    { rules, coming, person }: LoadedFor,
    signal: AbortSignal,
  ): Promise<Picture> {
    const id = taskNamedIn(source);
    if (id === undefined) return await loadImage(source, input, rules, signal);
    const which = input === 'image' || input === '--image' ? 'last' : 'first';
    if (coming.has(id) || (await this.isComing(id, person))) {
      // Said before anything is paid, not when the other video is there.
      if ((await this.options.ffmpeg()) === undefined) throw noFfmpeg(which);
      const task = coming.has(id) ? undefined : await lookUpTask(this.options.store, id, person);
      return { kind: 'awaited', frame: { taskId: task?.id ?? id, which } };
    }
    const { id: taskId, path } = await this.savedVideo(id, input, person);
    const frame = { taskId, which } as const;
    return { ...(await this.loadFrameOf(frame, path, input, signal)), frame };
  }

  /** It is being made, or saved, here. */
  private async isComing(id: string, person: Person): Promise<boolean> {
    const task = await lookUpTask(this.options.store, id, person);
    return task !== undefined && task.place !== null && videoStateOf(task) === 'open';
  }

  private async loadFrameOf(
    { taskId, which }: AwaitedFrame,
    path: string,
    input: ImageInput,
    signal: AbortSignal,
  ): Promise<LoadedImage> {
    const { clock, library } = this.options;
    const rules = this.rulesFor({ kind: 'terminal' });
    const ffmpeg = await this.options.ffmpeg();
    try {
      return await withLocalCopies(library, [path], signal, ([video = path]) =>
        loadFrame({ which, video, ffmpeg, rules, clock, signal }),
      );
    } catch (error) {
      throw !signal.aborted && error instanceof Problem && error.code === 'invalid_image'
        ? withoutFrame(error, input, taskId)
        : error;
    }
  }

  private async savedVideo(
    id: string,
    input: ImageInput,
    person: Person,
  ): Promise<{ readonly id: string; readonly path: string }> {
    const { store, library } = this.options;
    const task = await lookUpTask(store, id, person);
    if (task === undefined) {
      throw new Problem('no_record', {
        what: `${shownInput(input)} names the task ${JSON.stringify(id.slice(0, 60))}, which is not recorded for this account.`,
      });
    }
    const file = task.video?.file;
    if (file !== undefined && (await library.isThere(file))) return { id: task.id, path: file.path };
    if (file !== undefined) {
      throw new Problem('image_not_found', {
        what: `${shownInput(input)} names the task ${task.id}, whose video is no longer at ${file.path}.`,
        getFirst: task.id,
      });
    }
    const isComing = isOpen(task.status) || task.status === 'done';
    throw new Problem('invalid_input', {
      what: `${shownInput(input)} names the task ${task.id}, which has no saved video (its status is ${task.status}).`,
      ...(isComing ? { getFirst: task.id } : { hint: 'give another task, or a picture: that task will have no video' }),
    });
  }
}

interface LoadedFor {
  readonly rules: ImageRules;
  readonly coming: ReadonlySet<string>;
  /** Whose tasks may give a frame. */
  readonly person: Person;
}

interface ShotOf {
  readonly coming: ReadonlySet<string>;
  readonly place?: Place;
}

interface QueuedBy extends Pick<TaskRecord, 'id' | 'sandbox'> {
  readonly person: string | undefined;
  readonly now: number;
}

/** The record of a request that is about to be reserved. */
export function queuedRecord(prepared: Prepared, { id, person, now, sandbox }: QueuedBy): TaskRecord {
  return compact({
    ...{ id, person },
    status: 'queued',
    request: prepared.shown,
    fingerprint: prepared.fingerprint,
    reqKey: prepared.reqKey,
    billedSeconds: prepared.billedSeconds,
    fen: prepared.fen,
    sandbox,
    reservedAt: now,
    attempts: 0,
    place: prepared.place ?? null,
    awaits: prepared.awaits,
  });
}

/** A picture that comes from another task's video, which is still being made. */
interface Awaited {
  readonly kind: 'awaited';
  readonly frame: AwaitedFrame;
}

/** `frame`: where it comes from another task's video. */
type Picture = (LoadedImage & { readonly frame?: AwaitedFrame }) | Awaited;

interface Pictures {
  readonly images: BodyImages | undefined;
  readonly frames: readonly FrameOfVideo[];
  readonly awaits: readonly AwaitedFrame[];
  readonly notes: readonly string[];
}

/** A frame is sent as bytes. */
function asSent(picture: Picture): LoadedImage {
  if (picture.kind !== 'awaited') return picture;
  return { kind: 'bytes', bytes: Buffer.alloc(0), sha256: '', width: 1, height: 1, format: 'png', notes: [] };
}

/** As long as its file exists, however broken, the video is not saved again. */
function withoutFrame(problem: Problem, input: ImageInput, id: string): Problem {
  return new Problem('invalid_image', {
    what: `${shownInput(input)} names the task ${id}. ${problem.message}`,
    hint: `${problem.hint}; or, if the file does not play, move it away and get that task again`,
    cause: problem,
  });
}

/** The name of another format is changed: the file is what it says. */
function formatNotes(output: string | undefined, place: Place | undefined): string[] {
  const extension = place?.name === undefined ? undefined : otherExtension(output ?? '');
  return extension === undefined ? [] : [`the video is an MP4 file, so its name ends in .mp4 instead of ${extension}`];
}

/** Only ti2v_pro takes both. */
function ratioNotes({ aspectRatio, image }: VideoRequest): string[] {
  if (aspectRatio === undefined || image === undefined) return [];
  return ['the provider takes the ratio from the image and ignores aspect_ratio'];
}

function bodyImages(images: readonly Picture[]): BodyImages {
  const urls = images.flatMap((image) => (image.kind === 'url' ? [image.url] : []));
  if (urls.length > 0) return { kind: 'urls', urls };
  const awaited = images.filter(({ kind }) => kind === 'awaited');
  const data = images.flatMap((image): (string | Uint8Array)[] => {
    if (image.kind === 'awaited') return [markOf(awaited.indexOf(image))];
    return image.kind === 'bytes' ? [image.bytes] : [];
  });
  return { kind: 'base64', data };
}

/** A data URL is megabytes long; everything else is kept as it was given. */
function shownImage(image: string): string {
  return /^data:/i.test(image) || image.length > 2_000 ? NOT_KEPT : image;
}

function shownRequest(request: VideoRequest, notes: readonly string[]): TaskRequest {
  const { mode, prompt, duration, fps, image, tailImage, seed, aspectRatio, templateId, cameraStrength } = request;
  return compact({
    ...{ mode, duration, fps, prompt, seed, aspectRatio, templateId, cameraStrength },
    image: image && shownImage(image),
    tailImage: tailImage && shownImage(tailImage),
    notes,
  });
}

function typesOptions(caller: Caller): boolean {
  return caller.kind === 'terminal' && caller.fromFile !== true;
}
