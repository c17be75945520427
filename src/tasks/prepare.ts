/** Is everything right about a request before anything is recorded or paid, and what exactly would be sent? */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bodyBytes } from '../jimeng/body-bytes.ts';
import { type GeneratedSeconds, modeRow, PROVIDER_FPS, priceCny } from '../jimeng/modes.ts';
import { type BodyImages, requestBody } from '../jimeng/request-body.ts';
import { extractFrame } from '../media/clip/convert.ts';
import { encoderOrProblem } from '../media/clip/ffmpeg.ts';
import { type ImageRules, type LoadedImage, loadImage, requireSameTransport } from '../media/image.ts';
import { chooseDestination, type Destination, type OutputRules } from '../media/output.ts';
import { Problem, together } from '../problems.ts';
import type { TaskContext } from './context.ts';
import { fingerprintOf } from './duplicates.ts';
import { isThere } from './save.ts';
import type { VideoRequest } from './video-request.ts';

export interface Prepared {
  readonly request: VideoRequest;
  /** Serialised once: these bytes are hashed, signed, kept and sent. */
  readonly body: Buffer;
  readonly reqKey: string;
  readonly fingerprint: string;
  /** Undefined: links only. */
  readonly destination: Destination | undefined;
  readonly billedSeconds: GeneratedSeconds;
  readonly estimatedCny: number;
  /** What the caller should know of what was done with the input. */
  readonly notes: readonly string[];
}

export interface PrepareOptions {
  readonly output: string | undefined;
  /** A person gave the paths, on the command line. */
  readonly unrestricted: boolean;
  readonly signal: AbortSignal;
}

const LAST_FRAME_LIMIT_MILLISECONDS = 30_000;

export function outputRules(context: TaskContext, unrestricted: boolean): OutputRules {
  const { outputDir, allowedDirs, workingDir } = context.settings;
  return { outputDir, allowedDirs, workingDir, unrestricted };
}

/** @throws Problem with what is wrong and what to do; the signal's reason */
export async function prepare(context: TaskContext, request: VideoRequest, options: PrepareOptions): Promise<Prepared> {
  const [destination, { images, notes }] = await bothOrProblems(
    async () => {
      const place = await chooseDestination(options.output, outputRules(context, options.unrestricted));
      await requireConvertible(context, request, place, options.signal);
      return place;
    },
    () => loadImages(context, request, options),
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
  return {
    request,
    body: bodyBytes(body),
    reqKey: modeRow(request.mode).reqKey,
    fingerprint: fingerprintOf(body, request.duration, request.fps),
    destination,
    billedSeconds: request.generatedSeconds,
    estimatedCny: priceCny(request.mode, request.generatedSeconds),
    notes: [...notes, ...requestNotes(request)],
  };
}

/**
 * One after the other, because two pictures at once take twice the memory; and both, because whoever mends what is wrong
 * with one must not find the other at the next call. @throws Problem of either, or of both
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

function requestNotes(request: VideoRequest): string[] {
  const notes: string[] = [];
  if (request.duration !== request.generatedSeconds) {
    const { duration, generatedSeconds } = request;
    notes.push(`${generatedSeconds} s are generated and billed, and trimmed to ${duration} s`);
  }
  if (request.fps !== PROVIDER_FPS) notes.push(`${PROVIDER_FPS} fps are generated, and converted to ${request.fps}`);
  if (request.aspectRatio !== undefined && request.image !== undefined) {
    notes.push('the provider takes the ratio from the image and ignores aspect_ratio');
  }
  return notes;
}

/** What has to be done to the file afterwards must be possible before it is paid for. */
async function requireConvertible(
  context: TaskContext,
  { duration, generatedSeconds, fps }: VideoRequest,
  destination: Destination | undefined,
  signal: AbortSignal,
): Promise<void> {
  const trimmed = duration !== generatedSeconds;
  const converted = fps !== PROVIDER_FPS;
  if (!trimmed && !converted) return;
  if (destination === undefined) {
    const asked = [trimmed ? `duration ${duration}` : '', converted ? `fps ${fps}` : ''].filter(Boolean).join(' and ');
    throw new Problem('invalid_input', {
      what: `${asked} needs the file to be saved here, and videos are not saved (JIMENG_VIDEO_OUTPUT_DIR is "none").`,
      mend: 'use duration 5 or 10 at 24 fps, or give `output`',
    });
  }
  if (!converted) return;
  const ffmpeg = await context.ffmpeg();
  if (ffmpeg === undefined) {
    throw new Problem('ffmpeg_missing', {
      what: `${fps} fps needs ffmpeg, which was not found on this computer; the provider makes 24 fps only.`,
      mend: 'use fps 24 (4, 5, 6, 8 and 10 seconds work without ffmpeg), or install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path',
    });
  }
  await encoderOrProblem(ffmpeg, { clock: context.clock, signal });
}

async function loadImages(
  context: TaskContext,
  request: VideoRequest,
  options: PrepareOptions,
): Promise<{ images: BodyImages | undefined; notes: string[] }> {
  if (request.image === undefined) return { images: undefined, notes: [] };
  const { image, tailImage } = request;
  const rules = imageRules(context, options.unrestricted);
  const [first, tail] = await bothOrProblems(
    () => loadFirst(context, image, options),
    async () => (tailImage === undefined ? undefined : await loadImage(tailImage, 'tail_image', rules, options.signal)),
  );
  if (tail !== undefined) requireSameTransport(first, tail);
  const all = tail === undefined ? [first] : [first, tail];
  // A note begins with the file's name, which would be changed where a sentence is given its capital.
  const notes = all.flatMap((image) =>
    image.kind === 'bytes' && image.note !== undefined ? [`picture: ${image.note}`] : [],
  );
  return { images: bodyImages(all), notes };
}

function bodyImages(images: readonly LoadedImage[]): BodyImages {
  const urls = images.flatMap((image) => (image.kind === 'url' ? [image.url] : []));
  if (urls.length > 0) return { kind: 'urls', urls };
  const data = images.flatMap((image) => (image.kind === 'bytes' ? [image.bytes] : []));
  return { kind: 'base64', data };
}

function imageRules(context: TaskContext, unrestricted: boolean): ImageRules {
  const { workingDir, imageDirs, outputDir, homeDir } = context.settings;
  return { workingDir, imageDirs, outputDir, homeDir, unrestricted };
}

async function loadFirst(context: TaskContext, image: string, options: PrepareOptions): Promise<LoadedImage> {
  const id = /^task:(.*)$/s.exec(image)?.[1]?.trim();
  if (id === undefined)
    return await loadImage(image, 'image', imageRules(context, options.unrestricted), options.signal);
  const video = await savedVideo(context, id);
  const ffmpeg = await context.ffmpeg();
  if (ffmpeg === undefined) {
    throw new Problem('ffmpeg_missing', {
      what: 'Taking the last frame of an earlier video needs ffmpeg, which was not found on this computer.',
      mend: 'install ffmpeg or set JIMENG_VIDEO_FFMPEG to its path, or give a picture of that frame as `image`',
    });
  }
  const scratch = await mkdtemp(join(tmpdir(), 'jimeng-last-frame-')).catch((cause: unknown) => {
    throw new Problem('invalid_image', {
      what: `The last frame needs a temporary folder in ${tmpdir()}, which cannot be made.`,
      mend: 'set TMPDIR (TEMP on Windows) to a folder that can be written, and restart the server, or give a picture of that frame as `image`',
      cause,
    });
  });
  try {
    const picture = join(scratch, 'last-frame.png');
    await extractFrame('last', video.path, picture, ffmpeg, {
      clock: context.clock,
      signal: options.signal,
      timeLimitMilliseconds: LAST_FRAME_LIMIT_MILLISECONDS,
    }).catch((error: unknown) => {
      // Not the signal's reason, which may be a Problem, too.
      throw error instanceof Problem && error.code === 'invalid_image' ? withoutLastFrame(error, video.id) : error;
    });
    // Our own file: the folders that a caller may name do not apply to it, every other rule does.
    return await loadImage(picture, 'image', { ...imageRules(context, true), imageDirs: undefined }, options.signal);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As long as its file is there, however broken, the video is not saved again. */
function withoutLastFrame(problem: Problem, id: string): Problem {
  return new Problem('invalid_image', {
    what: `\`image\` names the task ${id}. ${problem.message}`,
    mend: `${problem.mend}; or, if the file does not play, move it away and ${getCall(id)} to save the video again`,
    cause: problem,
  });
}

function getCall(id: string): string {
  return `call get_video_task with {"task_id":"${id}"}`;
}

interface SavedVideo {
  /** Ours, whichever was given. */
  readonly id: string;
  readonly path: string;
}

async function savedVideo(context: TaskContext, id: string): Promise<SavedVideo> {
  const record = (await context.journal.read(id)) ?? (await context.journal.findByProviderId(id));
  if (record === undefined) {
    throw new Problem('no_record', {
      what: `\`image\` names the task ${JSON.stringify(id.slice(0, 60))}, which is not recorded for this account.`,
      mend: 'call list_video_tasks for the ids of earlier videos',
    });
  }
  const path = record.video?.file?.path;
  if (path === undefined) {
    throw new Problem('invalid_input', {
      what: `\`image\` names the task ${record.id}, which has no saved video (its status is ${record.status}).`,
      mend: `${getCall(record.id)} until it is saved, then make this request again`,
    });
  }
  if (await isThere(path)) return { id: record.id, path };
  throw new Problem('image_not_found', {
    what: `\`image\` names the task ${record.id}, whose video is not at ${path} any more.`,
    mend: `${getCall(record.id)} to save it again, then make this request again`,
  });
}
