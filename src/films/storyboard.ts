/** The inputs of a film, the rules between them, and the requests of its shots. Pure. */
import * as z from 'zod';
import { compact } from '../compact.ts';
import { modeRow } from '../jimeng/modes.ts';
import {
  modeOfQuality,
  modeProblems,
  QUALITIES,
  QUALITY_NAMES,
  type Quality,
  settleRequest,
  type VideoInput,
  type VideoRequest,
  videoShape,
} from '../tasks/video-request.ts';

export const MAX_SHOTS = 24;
export const MIN_SHOTS = 2;

/** One shot. The descriptions are short: tools/list is read in every conversation. */
export const shotShape = {
  prompt: videoShape.prompt.describe('As in generate_video.'),
  duration: videoShape.duration.meta({ type: 'integer', description: '4, 5, 6, 8 or 10, nothing between; default 5.' }),
  image: videoShape.image.describe('First frame; not with continue.'),
  tail_image: videoShape.tail_image.describe('Last frame.'),
  seed: videoShape.seed.meta({ type: 'integer', description: 'Left out: random.' }),
  template_id: videoShape.template_id.describe('720p, with a first frame.'),
  camera_strength: videoShape.camera_strength.describe('With template_id.'),
  continue: z
    .boolean('must be true or false')
    .optional()
    .describe('true: begins with the last frame of the shot before.'),
};
export type ShotInput = z.output<z.ZodObject<typeof shotShape>>;

const SHOT_NUMBER = 'must be the number of a shot, from 1';
export const shotNumber = z.number(SHOT_NUMBER).refine((shot) => Number.isInteger(shot) && shot >= 1, SHOT_NUMBER);

export const filmShape = {
  title: z.string('must be a text').trim().optional().describe('Names the file.'),
  shots: z
    .array(z.strictObject(shotShape), 'must be a list of shots')
    .describe(`${MIN_SHOTS} to ${MAX_SHOTS} shots, in their order.`),
  keyframes: z
    .array(z.string('must be a text: a path or a URL'), 'must be a list of pictures')
    .optional()
    .describe(
      'One picture more than shots, instead of pictures in the shots: shot k goes from picture k to k+1, so that the cuts fit. Not in pro.',
    ),
  quality: z
    .enum(QUALITY_NAMES, `must be one of ${QUALITY_NAMES.join(', ')}`)
    .optional()
    .describe('Of all shots; default 720p.'),
  aspect_ratio: videoShape.aspect_ratio.describe('Of shots without a picture; default 16:9.'),
  audio: z.string('must be a text: a path').optional().describe('Path of an m4a or mp3 to lay under the film.'),
};

export type FilmInput = z.output<z.ZodObject<typeof filmShape>>;

/** One shot with its mode settled. A continuing shot has no image yet. */
export interface PlannedShot {
  readonly request: VideoRequest;
  readonly continues: boolean;
}

interface Fault {
  readonly path: readonly (string | number)[];
  /** Continues the input's name. */
  readonly message: string;
}

/** Adds the rules between the inputs; the schema that is advertised stays the object's. */
export function withFilmRules<Shape extends typeof filmShape>(schema: z.ZodObject<Shape>): z.ZodObject<Shape> {
  return schema.superRefine((value, context) => {
    for (const { path, message } of filmFaults(value as unknown as FilmInput)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });
}

function filmFaults(film: FilmInput): Fault[] {
  const { shots, keyframes } = film;
  const count = shots.length;
  const faults: Fault[] = [];
  if (count < MIN_SHOTS || count > MAX_SHOTS) {
    const hint = count === 1 ? ': one shot alone is made by generate_video' : '';
    faults.push({ path: ['shots'], message: `must have ${MIN_SHOTS} to ${MAX_SHOTS} shots, but has ${count}${hint}` });
  }
  if (keyframes !== undefined) {
    if (keyframes.length !== count + 1) {
      faults.push({
        path: ['keyframes'],
        message: `must have one picture more than there are shots: ${count + 1} for ${count} shots, but has ${keyframes.length}`,
      });
    }
    if (film.quality === 'pro')
      faults.push({
        path: ['keyframes'],
        message: 'cannot be used with quality pro, which takes no last frame: use 720p or 1080p',
      });
  }
  for (const [index, shot] of shots.entries()) {
    for (const { path, message } of shotFaults(film, shot, index))
      faults.push({ path: ['shots', index, ...path], message });
  }
  return faults;
}

function shotFaults(film: FilmInput, shot: ShotInput, index: number): Fault[] {
  if (film.keyframes !== undefined) {
    const given = (['image', 'tail_image', 'continue', 'template_id'] as const).filter(
      (name) => shot[name] !== undefined && shot[name] !== false,
    );
    if (given.length > 0)
      return given.map((name) => ({ path: [name], message: 'cannot be combined with `keyframes`' }));
  }
  if (shot.continue === true && index === 0) {
    return [{ path: ['continue'], message: 'is true, and there is no shot before the first one' }];
  }
  if (shot.continue === true && shot.image !== undefined) {
    return [
      { path: ['image'], message: 'cannot be combined with `continue`, which takes the last frame of the shot before' },
    ];
  }
  const input = inputOf(film, shot, index);
  if (input.mode === undefined) return [withoutMode(film, shot)];
  return modeProblems(input).map(({ input: name, message }) => ({ path: [name], message }));
}

function withoutMode({ quality = '720p' }: FilmInput, shot: ShotInput): Fault {
  if (shot.template_id !== undefined) {
    const message =
      quality === '720p'
        ? 'needs `image` or `continue`: it moves the camera over a picture'
        : `is only made in 720p, not in ${quality}: write the movement into the prompt`;
    return {
      path: ['template_id'],
      message: shot.tail_image !== undefined ? 'cannot be combined with `tail_image`' : message,
    };
  }
  if (quality === 'pro') return { path: ['tail_image'], message: 'is not taken by quality pro: use 720p or 1080p' };
  return { path: ['tail_image'], message: 'needs `image` or `continue`, the first frame' };
}

/** Stands for the frame that is not there yet. */
const CONTINUED = 'task:previous';

function inputOf(film: FilmInput, shot: ShotInput, index: number): VideoInput {
  const { keyframes, quality = '720p', aspect_ratio: ratio } = film;
  const { continue: continues, ...rest } = shot;
  const image = continues === true ? CONTINUED : (keyframes?.[index] ?? shot.image);
  const tail = keyframes?.[index + 1] ?? shot.tail_image;
  const mode = modeOfQuality(quality, {
    image: image !== undefined,
    tailImage: tail !== undefined,
    camera: shot.template_id !== undefined,
  });
  const aspectRatio = image === undefined ? ratio : undefined;
  return { ...rest, ...compact({ image, tail_image: tail, mode, aspect_ratio: aspectRatio }) } as VideoInput;
}

/** @param film one that has passed `withFilmRules` */
export function plannedShots(film: FilmInput): PlannedShot[] {
  return film.shots.map((shot, index) => {
    const { image, ...request } = settleRequest(inputOf(film, shot, index));
    return {
      continues: shot.continue === true,
      request: { ...request, image: image === CONTINUED ? undefined : image },
    };
  });
}

export const retakeShape = {
  prompt: shotShape.prompt.describe('Left out: as before.'),
  duration: shotShape.duration.meta({
    type: 'integer',
    description: '4, 5, 6, 8 or 10, nothing between; left out: as before.',
  }),
  seed: shotShape.seed,
  image: shotShape.image.describe('Another first frame.'),
  tail_image: shotShape.tail_image.describe('Another last frame.'),
  cascade: z
    .boolean('must be true or false')
    .optional()
    .describe('true: the shots that continue from it are made again, too.'),
};
export type RetakeInput = z.output<z.ZodObject<typeof retakeShape>>;

/** The shot as it is to be made now. @returns the faults where the changes do not fit it */
export function retakenShot(shot: PlannedShot, changes: RetakeInput): PlannedShot | { readonly faults: string[] } {
  const { request } = shot;
  const image = changes.image ?? (shot.continues ? CONTINUED : request.image);
  const continues = shot.continues && changes.image === undefined;
  const tail = changes.tail_image ?? request.tailImage;
  const given = { image: image !== undefined, tailImage: tail !== undefined, camera: request.templateId !== undefined };
  const mode = modeOfQuality(qualityOf(request), given);
  if (mode === undefined)
    return { faults: ['`tail_image` is not taken by this shot: it has no first frame, or its quality is pro.'] };
  const input = {
    mode,
    prompt: changes.prompt ?? request.prompt,
    duration: changes.duration ?? request.duration,
    image,
    tail_image: tail,
    seed: changes.seed ?? request.seed,
    aspect_ratio: image === undefined ? request.aspectRatio : undefined,
    template_id: request.templateId,
    camera_strength: request.cameraStrength,
  };
  const filled = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as VideoInput;
  const faults = modeProblems(filled).map(({ input: name, message }) => `\`${name}\` ${message}.`);
  if (faults.length > 0) return { faults };
  const settled = settleRequest(filled);
  return { continues, request: { ...settled, image: continues ? undefined : settled.image } };
}

function qualityOf({ mode }: VideoRequest): Quality {
  const { resolution } = modeRow(mode);
  return QUALITY_NAMES.find((name) => QUALITIES[name] === resolution) ?? '720p';
}
