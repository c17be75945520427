/** Checks everything about a request before anything is recorded or paid, and makes the exact bytes that are sent. */
import type { Clock } from '../clock.ts';
import { bodyBytes } from '../jimeng/body-bytes.ts';
import { type GeneratedSeconds, modeRow, PROVIDER_FPS, priceCny } from '../jimeng/modes.ts';
import { type BodyImages, requestBody } from '../jimeng/request-body.ts';
import { otherExtension } from '../library/file-name.ts';
import type { Caller, Library, Place } from '../library/library.ts';
import { encoderOrProblem, type Ffmpeg } from '../media/clip/ffmpeg.ts';
import { type ImageRules, type LoadedImage, loadImage, requireSameTransport, shapeNotes } from '../media/image/load.ts';
import { type ImageInput, shownInput, taskIdIn } from '../media/image/source.ts';
import { loadFrame } from '../media/video-frame.ts';
import { Problem, together } from '../problems.ts';
import type { Store } from '../store/store.ts';
import { fenOf, fingerprintOf } from './admission.ts';
import { lookUpTask } from './find-task.ts';
import type { TaskRequest } from './record.ts';
import { promptNotes, type VideoRequest } from './video-request.ts';

export interface Prepared {
  /** Serialised once: these bytes are hashed, signed, kept and sent. */
  readonly body: Buffer;
  readonly reqKey: string;
  readonly fingerprint: string;
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

  /** @throws Problem with what is wrong and what to do; the signal's reason */
  async prepare(
    request: VideoRequest,
    output: string | undefined,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const [place, { images, notes }] = await bothOrProblems(
      async () => {
        const chosen = await this.options.library.choose(output, caller);
        await this.requireConvertible(request, chosen, signal);
        return chosen;
      },
      () => this.loadImages(request, caller, signal),
    );
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
    return {
      body: bodyBytes(body),
      reqKey: modeRow(request.mode).reqKey,
      fingerprint: fingerprintOf(body, request.duration, request.fps),
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

  private async loadImages(
    { image, tailImage }: VideoRequest,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<{ images: BodyImages | undefined; notes: string[] }> {
    if (image === undefined) return { images: undefined, notes: [] };
    const { imageRules, clock, ffmpeg } = this.options;
    const isTerminal = caller.kind === 'terminal';
    const rules: ImageRules = { ...imageRules, unrestricted: isTerminal, heic: { clock, ffmpeg } };
    const [firstName, tailName] = isTerminal
      ? (['--image', '--tail-image'] as const)
      : (['image', 'tail_image'] as const);
    const [first, tail] = await bothOrProblems(
      () => this.loadFirst(image, firstName, rules, signal),
      async () => (tailImage === undefined ? undefined : await loadImage(tailImage, tailName, rules, signal)),
    );
    if (tail !== undefined) requireSameTransport(first, tail, [firstName, tailName]);
    const all = tail === undefined ? [first] : [first, tail];
    // A note begins with the file's name, which would be changed where a sentence is given its capital.
    const shapes = tail === undefined ? [] : shapeNotes(first, tail);
    const notes = [...all.flatMap((loaded) => loaded.notes), ...shapes].map((note) => `picture: ${note}`);
    return { images: bodyImages(all), notes };
  }

  private async loadFirst(
    image: string,
    name: ImageInput,
    rules: ImageRules,
    signal: AbortSignal,
  ): Promise<LoadedImage> {
    const id = taskIdIn(image);
    if (id === undefined) return await loadImage(image, name, rules, signal);
    const { clock } = this.options;
    const { id: taskId, path } = await this.savedVideo(id, name);
    const ffmpeg = await this.options.ffmpeg();
    try {
      return await loadFrame({ which: 'last', video: path, ffmpeg, rules, clock, signal });
    } catch (error) {
      throw !signal.aborted && error instanceof Problem && error.code === 'invalid_image'
        ? withoutLastFrame(error, taskId, name)
        : error;
    }
  }

  private async savedVideo(id: string, name: ImageInput): Promise<{ readonly id: string; readonly path: string }> {
    const { store, library } = this.options;
    const task = await lookUpTask(store, id);
    if (task === undefined) {
      throw new Problem('no_record', {
        what: `${shownInput(name)} names the task ${JSON.stringify(id.slice(0, 60))}, which is not recorded for this account.`,
      });
    }
    const file = task.video?.file;
    if (file !== undefined && (await library.isThere(file))) return { id: task.id, path: file.path };
    if (file !== undefined) {
      throw new Problem('image_not_found', {
        what: `${shownInput(name)} names the task ${task.id}, whose video is no longer at ${file.path}.`,
        getFirst: task.id,
      });
    }
    const isComing = ['queued', 'submitting', 'generating', 'done'].includes(task.status);
    throw new Problem('invalid_input', {
      what: `${shownInput(name)} names the task ${task.id}, which has no saved video (its status is ${task.status}).`,
      ...(isComing ? { getFirst: task.id } : { hint: 'give another task, or a picture: that task will have no video' }),
    });
  }
}

/** As long as its file exists, however broken, the video is not saved again. */
function withoutLastFrame(problem: Problem, id: string, name: ImageInput): Problem {
  return new Problem('invalid_image', {
    what: `${shownInput(name)} names the task ${id}. ${problem.message}`,
    hint: `${problem.hint}; or, if the file does not play, move it away and get that task again`,
    cause: problem,
  });
}

/**
 * One after the other, because two pictures in parallel take twice the memory; and both, because a caller who fixes one must not
 * find the other at the next call. @throws Problem of either, or of both
 */
async function bothOrProblems<First, Second>(
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  const [one] = await Promise.allSettled([first()]);
  const [other] = await Promise.allSettled([second()]);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value];
  const reasons = [one, other].flatMap((settled) => (settled.status === 'rejected' ? [settled.reason] : []));
  const unexpected = reasons.find((reason) => !(reason instanceof Problem));
  throw unexpected ?? together(reasons);
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

function bodyImages(images: readonly LoadedImage[]): BodyImages {
  const urls = images.flatMap((image) => (image.kind === 'url' ? [image.url] : []));
  if (urls.length > 0) return { kind: 'urls', urls };
  const data = images.flatMap((image) => (image.kind === 'bytes' ? [image.bytes] : []));
  return { kind: 'base64', data };
}

/** A data URL is megabytes long; everything else is kept as it was given. */
function shownImage(image: string): string {
  return /^data:/i.test(image) || image.length > 2_000 ? 'data URL' : image;
}

function shownRequest(request: VideoRequest, notes: readonly string[]): TaskRequest {
  const { mode, prompt, duration, fps, image, tailImage, seed, aspectRatio, templateId, cameraStrength } = request;
  return {
    mode,
    duration,
    fps,
    ...(prompt === undefined ? {} : { prompt }),
    ...(seed === undefined ? {} : { seed }),
    ...(aspectRatio === undefined ? {} : { aspectRatio }),
    ...(templateId === undefined ? {} : { templateId }),
    ...(cameraStrength === undefined ? {} : { cameraStrength }),
    ...(image === undefined ? {} : { image: shownImage(image) }),
    ...(tailImage === undefined ? {} : { tailImage: shownImage(tailImage) }),
    notes,
  };
}
