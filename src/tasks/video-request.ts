/** The inputs of a video request, the rules between them, and the request that follows. Pure. */
import * as z from 'zod';
import {
  ASPECT_RATIOS,
  CAMERA_STRENGTHS,
  CAMERA_TEMPLATE_IDS,
  type GeneratedSeconds,
  MAX_PROMPT_CHARACTERS,
  MODE_NAMES,
  type Mode,
  type ModeName,
  modeRow,
  type Resolution,
  SEED_RANGE,
} from '../jimeng/modes.ts';

export const DURATIONS = [4, 5, 6, 8, 10] as const;
export const FRAME_RATES = [24, 25, 30] as const;

/** What is generated, and billed, for each length that may be requested. */
export const GENERATED_SECONDS: Readonly<Record<(typeof DURATIONS)[number], GeneratedSeconds>> = {
  4: 5,
  5: 5,
  6: 10,
  8: 10,
  10: 10,
};

/** What a caller may write for a resolution → the resolution in the modes' table. */
export const QUALITIES = { '720p': '720P', '1080p': '1080P', pro: 'Pro' } as const satisfies Record<string, Resolution>;
export type Quality = keyof typeof QUALITIES;
export const QUALITY_NAMES = Object.keys(QUALITIES) as [Quality, ...Quality[]];

/** Unicode code points, as the provider's limit counts them. */
export function promptLength(prompt: string): number {
  let length = 0;
  // Counted without collecting: an array of the characters of a 40 MB line takes 1 GB.
  for (const _character of prompt.trim()) length += 1;
  return length;
}

/** Spaces, control characters, zero-width characters and U+FFFD show nothing. */
const SHOWS_NOTHING = /^[\s\p{Cc}\p{Z}\p{Default_Ignorable_Code_Point}\uFFFD]*$/u;

/** The provider's own advice (reference section 2). */
const RECOMMENDED_PROMPT_CHARACTERS = 400;

/** What a caller should know of a valid prompt before paying. */
export function promptNotes(prompt = ''): string[] {
  const length = promptLength(prompt);
  return [
    ...(prompt.includes('\uFFFD') ? ['the prompt contains a damaged character (U+FFFD)'] : []),
    ...(length > RECOMMENDED_PROMPT_CHARACTERS
      ? [`the prompt has ${length} characters; the provider recommends at most ${RECOMMENDED_PROMPT_CHARACTERS}`]
      : []),
  ];
}

function mustBeOneOf(values: readonly (string | number)[]): string {
  return `must be one of ${values.join(', ')}`;
}

/** A number from a list. The model APIs take no enumeration of numbers, so the schema says `integer`. */
function numberFrom(values: readonly number[], description: string) {
  return z
    .number(mustBeOneOf(values))
    .refine((value) => values.includes(value), {
      error: ({ input }) => `${mustBeOneOf(values)}, but is ${String(input)}`,
    })
    .optional()
    .meta({ type: 'integer', description });
}

const WHOLE_SEED = `must be a whole number from ${SEED_RANGE.min} to ${SEED_RANGE.max}`;

function oneImage(description: string) {
  return z
    .string({
      error: ({ input }) =>
        Array.isArray(input) && input.length > 1
          ? 'takes one image; the last frame of a video goes into `tail_image`'
          : 'must be a text: a path, a URL or a data URL',
    })
    .trim()
    .refine((image) => image !== '', 'is empty: give an image, or leave it out')
    .optional()
    .describe(description);
}

/** The inputs that name the video; MCP tools and the command line take these. Models read the descriptions. */
export const videoShape = {
  prompt: z
    .string('must be a text')
    .trim()
    .refine((text) => promptLength(text) <= MAX_PROMPT_CHARACTERS, {
      error: ({ input }) =>
        `has ${promptLength(String(input))} characters, at most ${MAX_PROMPT_CHARACTERS} are accepted: shorten it`,
    })
    .optional()
    .describe(
      `What the video shows, as one shot: subject, action, scene, camera movement, light. Chinese or English, best under ${RECOMMENDED_PROMPT_CHARACTERS}, at most ${MAX_PROMPT_CHARACTERS} characters. With an image, too: what moves in it; only ti2v_pro with an image works without.`,
    ),
  mode: z
    .enum(MODE_NAMES, mustBeOneOf(MODE_NAMES))
    .optional()
    .describe(
      'Left out: 720p, chosen by the inputs (template_id: recamera; image and tail_image: first_tail; image: first; else t2v). For 1080p or pro name it: t2v_… without image, i2v_first_… with it, i2v_first_tail_… with both, ti2v_pro with or without image.',
    ),
  duration: numberFrom(
    DURATIONS,
    'Seconds: 4, 5, 6, 8 or 10, nothing between; default 5. 4 is billed as 5, 6 and 8 as 10 (generated and trimmed).',
  ),
  fps: numberFrom(FRAME_RATES, 'Frames per second: 24, 25 or 30; default 24; 25 and 30 are converted with ffmpeg.'),
  image: oneImage(
    'First frame: public http(s) URL (JPEG or PNG), path on this computer or data URL (also WebP, AVIF, GIF, HEIC), or task:TASK_ID for the last frame of that video (to continue from it; waits until it is made).',
  ),
  tail_image: oneImage(
    'Last frame, only together with image and never in pro: as image, but task:TASK_ID is that video’s first frame (a loop); a URL only if image is one.',
  ),
  seed: z
    .number(WHOLE_SEED)
    .refine((seed) => Number.isInteger(seed) && seed >= SEED_RANGE.min && seed <= SEED_RANGE.max, {
      error: ({ input }) => `${WHOLE_SEED}, but is ${String(input)}`,
    })
    .optional()
    .meta({
      type: 'integer',
      description: `Whole number, 0 to ${SEED_RANGE.max}; the same seed and inputs give nearly the same clip. Left out or -1: random.`,
    }),
  aspect_ratio: z
    .enum(ASPECT_RATIOS, mustBeOneOf(ASPECT_RATIOS))
    .optional()
    .describe(
      'Only without an image; 9:16 is upright, default 16:9. With an image leave it out: the video has its ratio.',
    ),
  template_id: z
    .enum(CAMERA_TEMPLATE_IDS, mustBeOneOf(CAMERA_TEMPLATE_IDS))
    .optional()
    .describe(
      'Camera movement over a picture: needs image, 720p only. Without an image, or in another mode, write the movement into the prompt.',
    ),
  camera_strength: z
    .enum(CAMERA_STRENGTHS, mustBeOneOf(CAMERA_STRENGTHS))
    .optional()
    .describe('With template_id; default medium.'),
};

/** A limit on what one call may cost. */
export const maxCostInput = z
  .number('must be an amount in CNY')
  .refine((cny) => cny >= 0, 'must be 0 or more')
  .optional()
  .describe('CNY; the call is refused, and nothing sent, when its estimated cost is higher.');

export type VideoInput = z.output<z.ZodObject<typeof videoShape>>;

/** A request with its mode and lengths settled; every rule between the inputs holds. */
export interface VideoRequest {
  readonly mode: ModeName;
  readonly prompt: string | undefined;
  readonly duration: (typeof DURATIONS)[number];
  readonly fps: (typeof FRAME_RATES)[number];
  readonly generatedSeconds: GeneratedSeconds;
  readonly image: string | undefined;
  readonly tailImage: string | undefined;
  readonly seed: number | undefined;
  readonly aspectRatio: (typeof ASPECT_RATIOS)[number] | undefined;
  readonly templateId: (typeof CAMERA_TEMPLATE_IDS)[number] | undefined;
  readonly cameraStrength: (typeof CAMERA_STRENGTHS)[number] | undefined;
}

function isModeName(value: unknown): value is ModeName {
  return MODE_NAMES.some((name) => name === value);
}

/** The inputs that a mode is chosen by: whether each is given. */
export interface GivenPictures {
  readonly image: boolean;
  readonly tailImage: boolean;
  readonly camera: boolean;
}

/** @returns the mode of this quality that takes exactly these pictures; undefined where there is none */
export function modeOfQuality(quality: Quality, given: GivenPictures): ModeName | undefined {
  const fits = (need: Mode['image'], isGiven: boolean) => need === 'optional' || (need === 'required') === isGiven;
  return MODE_NAMES.find((name) => {
    const { resolution, image, tailImage, camera } = modeRow(name);
    const isFitting = fits(image, given.image) && fits(tailImage, given.tailImage) && fits(camera, given.camera);
    return isFitting && resolution === QUALITIES[quality];
  });
}

export function inferMode(input: VideoInput): ModeName {
  if (input.mode !== undefined) return input.mode;
  if (input.template_id !== undefined) return 'i2v_recamera_720p';
  if (input.image !== undefined && input.tail_image !== undefined) return 'i2v_first_tail_720p';
  return input.image === undefined ? 't2v_720p' : 'i2v_first_720p';
}

/** Which column of the modes' table rules which input. */
const COLUMN_OF_INPUT = {
  image: 'image',
  tail_image: 'tailImage',
  aspect_ratio: 'aspectRatio',
  template_id: 'camera',
  camera_strength: 'camera',
} as const satisfies Partial<Record<keyof VideoInput, keyof Mode>>;
type RuledInput = keyof typeof COLUMN_OF_INPUT;

/** Clients that fill in a form send every default; where it does not apply, it is ignored. */
function withoutIdleDefaults(input: VideoInput): VideoInput {
  const row = modeRow(inferMode(input));
  const given: VideoInput = { ...input };
  const isRatioIdle = row.aspectRatio === 'none' || (row.image !== 'none' && given.image !== undefined);
  if (given.aspect_ratio === '16:9' && isRatioIdle) delete given.aspect_ratio;
  if (given.camera_strength === 'medium' && row.camera === 'none') delete given.camera_strength;
  return given;
}

export interface InputProblem {
  readonly input: string;
  /** Continues the input's name: "is not taken by …". */
  readonly message: string;
}

/** The rules between the inputs, from the table. A mode is named only where the caller named it. */
export function modeProblems(given: VideoInput): InputProblem[] {
  const input = withoutIdleDefaults(given);
  const row = modeRow(inferMode(input));
  const problems: InputProblem[] = [];
  for (const [name, column] of Object.entries(COLUMN_OF_INPUT) as [RuledInput, keyof Mode][]) {
    const isGiven = input[name] !== undefined;
    if (isGiven && row[column] === 'none') {
      const takers = MODE_NAMES.filter((other) => modeRow(other)[column] !== 'none');
      problems.push({ input: name, message: `${notTaken(name, input)}; modes that take it: ${takers.join(', ')}` });
    }
    // camera_strength has a default of ours, so only the other ruled inputs can be missing.
    if (!isGiven && row[column] === 'required' && name !== 'camera_strength') {
      problems.push({ input: name, message: missing(name, input) });
    }
  }
  return [...problems, ...promptProblems(input, row)];
}

function notTaken(name: RuledInput, input: VideoInput): string {
  if (name === 'aspect_ratio' && input.image !== undefined && modeRow(inferMode(input)).image !== 'none')
    return "cannot be combined with `image`, because the video has the image's ratio";
  if (name === 'camera_strength' && input.template_id === undefined)
    return 'needs `template_id`, the camera movement that it applies to';
  if (input.mode !== undefined) return `is not taken by mode ${input.mode}`;
  if (name === 'tail_image' && input.image === undefined) return 'needs `image`, the first frame';
  // Without a mode, an input is in the way only of the template, which chose the mode.
  return 'cannot be combined with `template_id`';
}

function missing(name: RuledInput, { mode }: VideoInput): string {
  const choices = name === 'template_id' ? `, one of ${CAMERA_TEMPLATE_IDS.join(', ')}` : '';
  if (mode !== undefined) return `is missing: mode ${mode} needs it${choices}`;
  return 'is missing: `template_id` moves the camera over a picture (without one write the movement into the prompt)';
}

function promptProblems(input: VideoInput, row: Mode): InputProblem[] {
  // The rules also run where an input has the wrong type, which is reported separately.
  const isEmpty = input.prompt === undefined || (typeof input.prompt === 'string' && SHOWS_NOTHING.test(input.prompt));
  if (!isEmpty || (row.prompt === 'required unless image' && input.image !== undefined)) return [];
  const state = input.prompt === undefined ? 'missing' : 'empty';
  const exception = input.image === undefined ? '' : ' (only mode ti2v_pro with an image works without)';
  return [{ input: 'prompt', message: `is ${state}: say what the video shows, in 1 to 800 characters${exception}` }];
}

function generatedSecondsOf({ duration }: VideoInput): GeneratedSeconds {
  return GENERATED_SECONDS[DURATIONS.find((known) => known === duration) ?? 5];
}

/** Adds the rules between the inputs to a strict object; the schema that is advertised stays the object's. */
export function withModeRules<Shape extends typeof videoShape>(schema: z.ZodObject<Shape>): z.ZodObject<Shape> {
  // Also when a single input is invalid, so that all errors are reported together; without a valid mode there are no rules.
  const when = ({ value }: { value: unknown }) => {
    const mode = typeof value === 'object' && value !== null && 'mode' in value ? value.mode : undefined;
    return typeof value === 'object' && value !== null && (mode === undefined || isModeName(mode));
  };
  return schema.superRefine(
    (value, context) => {
      for (const problem of modeProblems(value as VideoInput)) {
        context.addIssue({ code: 'custom', path: [problem.input], message: problem.message });
      }
    },
    { when },
  );
}

/** @param given one that has passed `withModeRules` */
export function settleRequest(given: VideoInput): VideoRequest {
  const input = withoutIdleDefaults(given);
  const mode = inferMode(input);
  return {
    mode,
    prompt: input.prompt === undefined || SHOWS_NOTHING.test(input.prompt) ? undefined : input.prompt,
    duration: DURATIONS.find((known) => known === input.duration) ?? 5,
    fps: FRAME_RATES.find((known) => known === input.fps) ?? 24,
    generatedSeconds: generatedSecondsOf(input),
    image: input.image,
    tailImage: input.tail_image,
    seed: input.seed,
    aspectRatio: input.aspect_ratio,
    templateId: input.template_id,
    cameraStrength: modeRow(mode).camera === 'required' ? (input.camera_strength ?? 'medium') : undefined,
  };
}
