/** Corrects the names of inputs that a tool does not have: finds the intended name and the right arguments. Pure. */
import { ASPECT_RATIOS, MODE_NAMES, PROVIDER_FPS } from '../jimeng/modes.ts';
import { editDistance } from '../nearest-name.ts';
import { shownName } from '../report/invalid-input.ts';
import { DURATIONS, type GivenPictures, modeOfQuality, QUALITY_NAMES, type Quality } from '../tasks/video-request.ts';
import { picturesIn, plainChoice } from './arguments.ts';

type Values = Readonly<Record<string, unknown>>;

export interface CorrectedNames {
  /** One for each unknown name. */
  readonly sentences: readonly string[];
  /** The arguments as they should have been; undefined where a name is not understood. */
  readonly values: Values | undefined;
  /** The tool that does what was wanted, where that is another one. */
  readonly tool?: string | undefined;
}

/** What a wrong name stands for. */
interface Idea {
  /** Continues "`resolution` is not an input". */
  readonly hint: string;
  /** Is added to the arguments; undefined where it contradicts what was given. */
  readonly values: Values | undefined;
  readonly tool?: string;
}

/** A refusal is read by a model: more sentences do not help it. */
const MAX_SENTENCES = 8;

/** Input → names that models and people use for it. */
const ALIASES: Readonly<Record<string, string>> = {
  prompt: 'text description prompt_text text_prompt query instruction content message',
  image:
    'image_url image_urls image_path image_file input_image init_image start_image start_frame first_frame first_image first_frame_image first_frame_url reference_image ref_image source_image img photo picture pic',
  tail_image: 'last_frame last_image end_frame end_image last_frame_image last_frame_url final_frame tail tail_frame',
  duration: 'length seconds video_length duration_seconds duration_sec time clip_length',
  fps: 'frame_rate framerate frames_per_second',
  seed: 'random_seed',
  aspect_ratio: 'ratio aspect orientation',
  template_id: 'camera camera_template camera_movement camera_motion camera_move template movement motion',
  camera_strength: 'strength motion_strength camera_intensity intensity',
  output: 'output_path output_file output_dir save_path save_to path file filename file_name out destination',
  allow_duplicate: 'force regenerate duplicate',
  dry_run: 'dryrun preview estimate estimate_only check_only price_only',
  max_cost_cny: 'max_cost max_price budget cost_limit price_limit',
  wait_seconds: 'wait timeout timeout_seconds wait_time max_wait poll_seconds',
  task_id: 'id task video_id job_id request_id generation_id',
  limit: 'count n max max_results page_size top',
  status: 'state filter',
};

/** Names whose meaning is not another input's. Each gets the arguments that were given beside it. */
const IDEAS: readonly (readonly [names: string, idea: (value: unknown, values: Values) => Idea])[] = [
  ['resolution quality definition video_quality video_resolution', resolutionIdea],
  ['size dimensions video_size width height', sizeIdea],
  ['images image_list input_images reference_images', imagesIdea],
  ['frames num_frames frame_count', framesIdea],
  [
    'negative_prompt negative neg_prompt',
    () => ({ hint: 'there is no negative prompt: write into `prompt` what is to be seen', values: {} }),
  ],
  ['model model_name model_id version engine', modelIdea],
  [
    'audio sound music with_audio generate_audio voice bgm soundtrack',
    () => ({ hint: 'the videos have no sound: leave it out', values: {} }),
  ],
  [
    'n count num num_videos number number_of_videos batch batch_size num_outputs samples',
    () => ({
      hint: 'a call makes one video: for more, call submit_video_task once for each, with different seeds',
      values: {},
      tool: 'submit_video_task',
    }),
  ],
  [
    'style styles mood lighting',
    (value, values) => ({
      hint: 'write it into `prompt`',
      values: { prompt: [values.prompt, value].filter((part) => typeof part === 'string').join(', ') },
    }),
  ],
];

const PICTURE_SHAPES: Readonly<Record<string, string>> = {
  portrait: '9:16',
  vertical: '9:16',
  upright: '9:16',
  竖屏: '9:16',
  landscape: '16:9',
  horizontal: '16:9',
  widescreen: '16:9',
  横屏: '16:9',
  square: '1:1',
  方形: '1:1',
};

/**
 * @param unknown what was given under names that are no inputs of the tool
 * @param values the inputs that were given beside them
 * @param inputs all inputs of the tool
 */
export function correctNames(
  unknown: readonly (readonly [name: string, value: unknown])[],
  values: Values,
  inputs: readonly string[],
): CorrectedNames {
  let corrected: Values | undefined = values;
  let tool: string | undefined;
  const sentences = unknown.slice(0, MAX_SENTENCES).map(([name, value]) => {
    const idea = ideaOf(name, value, values, inputs);
    tool ??= idea?.tool;
    corrected = idea?.values === undefined || corrected === undefined ? undefined : { ...corrected, ...idea.values };
    const hint = idea?.hint ?? `the inputs are ${inputs.join(', ')}`;
    return `\`${shownName(name)}\` is not an input; ${hint}${/[?]$/.test(hint) ? '' : '.'}`;
  });
  const more = unknown.length - MAX_SENTENCES;
  if (more > 0) return { sentences: [...sentences, `${more} more names are not inputs.`], values: undefined };
  return { sentences, values: corrected, tool };
}

function ideaOf(name: string, value: unknown, values: Values, inputs: readonly string[]): Idea | undefined {
  const plain = plainName(name);
  const has = (names: string) => names.split(' ').some((known) => plainName(known) === plain);
  const own = inputs.find((input) => plainName(input) === plain || has(ALIASES[input] ?? ''));
  const idea = inputs.includes('prompt') ? IDEAS.find(([names]) => has(names))?.[1] : undefined;
  if (idea !== undefined) return idea(value, values);
  const meant = own ?? likelyInput(name, inputs);
  if (meant === undefined) return undefined;
  const wanted = valueFor(meant, value, values);
  const isClear = values[meant] === undefined || values[meant] === wanted;
  return { hint: `did you mean \`${meant}\`?`, values: isClear ? { [meant]: wanted } : undefined };
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '');
}

/** The value as the right input takes it, as far as that is clear. */
function valueFor(input: string, value: unknown, values: Values): unknown {
  if (input === 'aspect_ratio') return values.image === undefined ? ratioOf(value) : undefined;
  if (input === 'duration') return lengthOf(value);
  return value;
}

function ratioOf(value: unknown): unknown {
  const plain = plainChoice(value);
  return PICTURE_SHAPES[plain] ?? plain;
}

/** The shortest length that holds what was wanted. */
function lengthOf(value: unknown): unknown {
  const seconds = Number(/\d+(\.\d+)?/.exec(plainChoice(value))?.[0]);
  return Number.isFinite(seconds) ? (DURATIONS.find((known) => known >= seconds) ?? DURATIONS.at(-1)) : value;
}

function resolutionIdea(value: unknown, values: Values): Idea {
  const quality = qualityOf(value);
  const mode = quality === undefined ? undefined : modeOfQuality(quality, picturesIn(values));
  const hint = `the resolution is chosen by \`mode\`: ${tooLarge(value)}${resolutionsWith(picturesIn(values))}`;
  if (values.mode !== undefined) return { hint, values: values.mode === mode ? {} : undefined };
  return { hint, values: mode === undefined || quality === '720p' ? {} : { mode } };
}

/** The modes that take these pictures, by their resolution; Pro makes 1080p, too (reference section 3). */
function resolutionsWith(given: GivenPictures): string {
  const [large, best] = [modeOfQuality('1080p', given), modeOfQuality('pro', given)];
  if (large === undefined && best === undefined) return 'with `template_id` there is only 720p';
  return [
    '720p is the default',
    ...(large === undefined ? [] : [`${large} makes 1080p`]),
    ...(best === undefined ? [] : [`${best} makes 1080p in the best quality`]),
  ].join(', ');
}

/** @returns "there is no 4K, the largest is 1080p; ", for what is larger; else nothing */
function tooLarge(value: unknown): string {
  const plain = plainChoice(value);
  const [wanted] = /[2458]k|uhd|2160|3840|4320|7680|超高清/.exec(plain) ?? [];
  if (wanted === undefined) return '';
  const known = { 4320: '8K', 7680: '8K' }[wanted] ?? (/^\dk$/.test(wanted) ? wanted.toUpperCase() : '4K');
  return `there is no ${known}, the largest is 1080p; `;
}

/** 1920x1080 is a resolution and a ratio; 9:16 only a ratio. */
function sizeIdea(value: unknown, values: Values): Idea {
  const [, first, second] = /^(\d+):(\d+)$/.exec(plainChoice(value)) ?? [];
  const [width, height] = [Number(first), Number(second)];
  const isSize = Math.min(width, height) > 100;
  const ratio = ASPECT_RATIOS.find((known) => {
    const [across = 1, up = 1] = known.split(':').map(Number);
    return Math.abs(width / height / (across / up) - 1) < 0.02;
  });
  const ofResolution = resolutionIdea(isSize ? `${Math.min(width, height)}p` : value, values);
  const takesRatio = ratio !== undefined && values.image === undefined;
  return {
    hint: `${ofResolution.hint}, and the shape is \`aspect_ratio\``,
    values: ofResolution.values && { ...ofResolution.values, ...(takesRatio ? { aspect_ratio: ratio } : {}) },
  };
}

function qualityOf(value: unknown): Quality | undefined {
  const plain = plainChoice(value);
  const exact = QUALITY_NAMES.find((name) => plain === name || `${plain}p` === name);
  if (exact !== undefined) return exact;
  if (/1080|fullhd|fhd|[2458]k|uhd|2160|3840|1440|4320|7680|high|高清/.test(plain)) return '1080p';
  if (/720|hd|standard|low|medium|标清/.test(plain)) return '720p';
  return /pro|best|max|ultra/.test(plain) ? 'pro' : undefined;
}

function imagesIdea(value: unknown): Idea {
  const [first, last] = Array.isArray(value) ? value : [value];
  return {
    hint: 'the first frame is `image`, the last one `tail_image`',
    values: { image: first, ...(last === undefined ? {} : { tail_image: last }) },
  };
}

/** The provider's own parameter: 24 frames a second and one more. */
function framesIdea(value: unknown): Idea {
  const seconds = Math.floor(Number(plainChoice(value) || Number.NaN) / PROVIDER_FPS);
  return {
    hint: 'the length is `duration`, in seconds',
    values: Number.isFinite(seconds) ? { duration: lengthOf(seconds) } : {},
  };
}

function modelIdea(value: unknown, values: Values): Idea {
  const plain = plainChoice(value);
  const mode =
    MODE_NAMES.find((name) => plainChoice(name) === plain) ??
    (/pro/.test(plain) ? modeOfQuality('pro', picturesIn(values)) : undefined);
  const hint =
    'there is one model, Jimeng Video 3.0: `mode` chooses its variant, and is chosen by the inputs when left out';
  return { hint, values: mode === undefined || values.mode !== undefined ? {} : { mode } };
}

/** @returns the known name with the same letters in any order, or the nearest at most two edits away */
function likelyInput(given: string, known: readonly string[]): string | undefined {
  const plain = (text: string) =>
    text
      .slice(0, 80)
      .toLowerCase()
      .replace(/[^a-z]/g, '');
  const wanted = plain(given);
  const ranked = known
    .map((name) => ({ name, distance: isAnagram(wanted, plain(name)) ? 0 : editDistance(wanted, plain(name)) }))
    .filter(({ distance }) => distance === 0 || (wanted.length > 3 && distance <= 2))
    .sort((one, other) => one.distance - other.distance);
  return ranked[0]?.name;
}

function isAnagram(a: string, b: string): boolean {
  return a.length === b.length && [...a].sort().join('') === [...b].sort().join('');
}
