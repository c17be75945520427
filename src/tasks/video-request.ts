/** What may a caller ask for, and what is wrong with what was asked? */
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
  SEED_RANGE,
} from '../jimeng/modes.ts';

export const DURATIONS = [4, 5, 6, 8, 10] as const;
export const FRAME_RATES = [24, 25, 30] as const;

/** What is generated, and billed, for each length that may be asked for. */
export const GENERATED_SECONDS: Readonly<Record<(typeof DURATIONS)[number], GeneratedSeconds>> = {
  4: 5,
  5: 5,
  6: 10,
  8: 10,
  10: 10,
};

/** Unicode code points, as the limit counts them. */
export function promptLength(prompt: string): number {
  let length = 0;
  // Counted, not collected: a list of the characters of a 40 MB line takes 1 GB.
  for (const _character of prompt.trim()) length += 1;
  return length;
}

const oneOf = <const Values extends readonly (string | number)[]>(values: Values) =>
  `must be one of ${values.join(', ')}`;

/** The inputs that name the video; every surface (tools, command line) takes these. Descriptions are what a model reads. */
export const videoShape = {
  prompt: z
    .string('must be a text')
    .trim()
    .refine((text) => promptLength(text) <= MAX_PROMPT_CHARACTERS, {
      error: ({ input }) =>
        `has ${promptLength(String(input))} characters, at most ${MAX_PROMPT_CHARACTERS} are taken: shorten it`,
    })
    .optional()
    .describe(
      `What the video shows, as one shot: subject, action, scene, camera movement, light. Chinese or English, best under 400, at most ${MAX_PROMPT_CHARACTERS} characters. With an image, too: what moves in it; only ti2v_pro with an image may go without.`,
    ),
  mode: z
    .enum(MODE_NAMES, oneOf(MODE_NAMES))
    .optional()
    .describe(
      'Left out: 720p, by the inputs (template_id: recamera; image and tail_image: first_tail; image: first; else t2v). For 1080p or pro name it: t2v_… without image, i2v_first_… with it, i2v_first_tail_… with both, ti2v_pro with or without image.',
    ),
  duration: z
    .literal(DURATIONS, oneOf(DURATIONS))
    .optional()
    .describe(
      'Seconds, default 5; for any other length the nearest. 4 is billed as 5, 6 and 8 as 10 (generated so and trimmed).',
    ),
  fps: z
    .literal(FRAME_RATES, oneOf(FRAME_RATES))
    .optional()
    .describe('Frames per second, default 24; 25 and 30 are converted with ffmpeg.'),
  image: z
    .string('must be a text')
    .trim()
    .min(1, 'is empty: give an image, or leave it out')
    .optional()
    .describe(
      'First frame, JPEG or PNG: public http(s) URL, path on this computer, data URL, or task:TASK_ID for the last frame of that saved video (to go on from it).',
    ),
  tail_image: z
    .string('must be a text')
    .trim()
    .min(1, 'is empty: give an image, or leave it out')
    .optional()
    .describe(
      'Last frame, only together with image and never in pro: URL, path or data URL; a URL only if image is one.',
    ),
  seed: z
    .int(`must be a whole number from ${SEED_RANGE.min} to ${SEED_RANGE.max}`)
    .min(SEED_RANGE.min, `must be at least ${SEED_RANGE.min}`)
    .max(SEED_RANGE.max, `must be at most ${SEED_RANGE.max}`)
    .optional()
    .describe('Same seed and inputs: nearly the same clip. Left out or -1: random.'),
  aspect_ratio: z
    .enum(ASPECT_RATIOS, oneOf(ASPECT_RATIOS))
    .optional()
    .describe(
      'Only without an image; 9:16 is upright, default 16:9. With an image leave it out: the video has its ratio.',
    ),
  template_id: z
    .enum(CAMERA_TEMPLATE_IDS, oneOf(CAMERA_TEMPLATE_IDS))
    .optional()
    .describe(
      'Camera movement over a picture: needs image, 720p only. Without an image, or in another mode, write the movement into the prompt.',
    ),
  camera_strength: z
    .enum(CAMERA_STRENGTHS, oneOf(CAMERA_STRENGTHS))
    .optional()
    .describe('With template_id; default medium.'),
};

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

export interface InputProblem {
  readonly input: string;
  /** Continues the input's name: "is not taken by …". */
  readonly message: string;
}

/** The rules between the inputs, from the table. */
export function modeProblems(input: VideoInput): InputProblem[] {
  const mode = inferMode(input);
  const row = modeRow(mode);
  const problems: InputProblem[] = [];
  for (const [name, column] of Object.entries(COLUMN_OF_INPUT) as [RuledInput, keyof Mode][]) {
    const given = input[name] !== undefined;
    if (given && row[column] === 'none') {
      const takers = MODE_NAMES.filter((other) => modeRow(other)[column] !== 'none');
      problems.push({
        input: name,
        message: `is not taken by mode ${mode}; modes that take it: ${takers.join(', ')}`,
      });
    }
    // camera_strength has a default of ours, so only the other ruled inputs can be missing.
    if (!given && row[column] === 'required' && name !== 'camera_strength') {
      problems.push({ input: name, message: `is missing: mode ${mode} needs it${choices(name)}` });
    }
  }
  return [...problems, ...promptProblems(input, mode, row)];
}

function choices(name: RuledInput): string {
  return name === 'template_id' ? `, one of ${CAMERA_TEMPLATE_IDS.join(', ')}` : '';
}

function promptProblems(input: VideoInput, mode: ModeName, row: Mode): InputProblem[] {
  if (input.prompt !== undefined && input.prompt !== '') return [];
  if (row.prompt === 'required unless image' && input.image !== undefined) return [];
  const unless = row.prompt === 'required unless image' ? ' when there is no image' : '';
  const state = input.prompt === undefined ? 'missing' : 'empty';
  return [{ input: 'prompt', message: `is ${state}: mode ${mode} needs one${unless}, 1 to 800 characters` }];
}

/** Puts the rules between the inputs on a strict object; the schema that is advertised stays the object's. */
export function withModeRules<Shape extends typeof videoShape>(schema: z.ZodObject<Shape>): z.ZodObject<Shape> {
  // Also when an input is wrong by itself, so that everything is told in one go; without a mode there are no rules.
  const when = ({ value }: { value: unknown }) => {
    const mode = typeof value === 'object' && value !== null && 'mode' in value ? value.mode : undefined;
    return typeof value === 'object' && value !== null && (mode === undefined || isModeName(mode));
  };
  return schema.superRefine(
    (input, context) => {
      for (const problem of modeProblems(input as VideoInput)) {
        context.addIssue({ code: 'custom', path: [problem.input], message: problem.message });
      }
    },
    { when },
  );
}

/** @param input one that has passed `withModeRules` */
export function settleRequest(input: VideoInput): VideoRequest {
  const mode = inferMode(input);
  const duration = input.duration ?? 5;
  return {
    mode,
    prompt: input.prompt === '' ? undefined : input.prompt,
    duration,
    fps: input.fps ?? 24,
    generatedSeconds: GENERATED_SECONDS[duration],
    image: input.image,
    tailImage: input.tail_image,
    seed: input.seed,
    aspectRatio: input.aspect_ratio,
    templateId: input.template_id,
    cameraStrength: modeRow(mode).camera === 'required' ? (input.camera_strength ?? 'medium') : undefined,
  };
}
