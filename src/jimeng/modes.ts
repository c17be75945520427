/** The eight modes of Jimeng Video 3.0: inputs, prices, and the provider's limits. */

/** The values the provider takes in `aspect_ratio` (reference: volcengine.com/docs/85621/1792710). */
export const ASPECT_RATIOS = ['16:9', '4:3', '1:1', '3:4', '9:16', '21:9'] as const;
export type AspectRatio = (typeof ASPECT_RATIOS)[number];

/** The camera templates of i2v_recamera_720p with the provider's own names (volcengine.com/docs/85621/1785201). */
export const CAMERA_TEMPLATES = {
  hitchcock_dolly_in: '希区柯克推进',
  hitchcock_dolly_out: '希区柯克拉远',
  robo_arm: '机械臂',
  dynamic_orbit: '动感环绕',
  central_orbit: '中心环绕',
  crane_push: '起重机',
  quick_pull_back: '超级拉远',
  counterclockwise_swivel: '逆时针回旋',
  clockwise_swivel: '顺时针回旋',
  handheld: '手持运镜',
  rapid_push_pull: '快速推拉',
} as const;
export type CameraTemplate = keyof typeof CAMERA_TEMPLATES;
export const CAMERA_TEMPLATE_IDS = Object.keys(CAMERA_TEMPLATES) as [CameraTemplate, ...CameraTemplate[]];

export const CAMERA_STRENGTHS = ['weak', 'medium', 'strong'] as const;
export type CameraStrength = (typeof CAMERA_STRENGTHS)[number];

/** `required`: must be given; `optional`: may be; `none`: the provider has no such parameter in this mode. */
export type Need = 'required' | 'optional' | 'none';

export type Resolution = '720P' | '1080P' | 'Pro';

export interface Mode {
  /** The provider's name of the capability; a query must use the submit's. */
  readonly reqKey: string;
  readonly summary: string;
  /** Each is opened, and limited, separately in the provider's console. */
  readonly resolution: Resolution;
  /** `required unless image`: one of the two at least. */
  readonly prompt: 'required' | 'required unless image';
  readonly image: Need;
  readonly tailImage: Need;
  /** `aspect_ratio`; where an image is given as well, the image decides. */
  readonly aspectRatio: Need;
  /** `template_id` and `camera_strength`. */
  readonly camera: Need;
}

const TEXT = {
  prompt: 'required',
  image: 'none',
  tailImage: 'none',
  aspectRatio: 'optional',
  camera: 'none',
} as const satisfies Partial<Mode>;
const FIRST_FRAME = { ...TEXT, image: 'required', aspectRatio: 'none' } as const;
const FIRST_AND_TAIL = { ...FIRST_FRAME, tailImage: 'required' } as const;

/** THE table: checks of inputs, request bodies, prices, README tables and the sandbox derive from it. */
export const MODES = {
  t2v_720p: { reqKey: 'jimeng_t2v_v30', summary: 'text to video, 720P', resolution: '720P', ...TEXT },
  i2v_first_720p: {
    reqKey: 'jimeng_i2v_first_v30',
    summary: 'first frame to video, 720P',
    resolution: '720P',
    ...FIRST_FRAME,
  },
  i2v_first_tail_720p: {
    reqKey: 'jimeng_i2v_first_tail_v30',
    summary: 'first and last frame to video, 720P',
    resolution: '720P',
    ...FIRST_AND_TAIL,
  },
  i2v_recamera_720p: {
    reqKey: 'jimeng_i2v_recamera_v30',
    summary: 'camera movement over an image, 720P',
    resolution: '720P',
    ...FIRST_FRAME,
    camera: 'required',
  },
  t2v_1080p: { reqKey: 'jimeng_t2v_v30_1080p', summary: 'text to video, 1080P', resolution: '1080P', ...TEXT },
  i2v_first_1080p: {
    reqKey: 'jimeng_i2v_first_v30_1080',
    summary: 'first frame to video, 1080P',
    resolution: '1080P',
    ...FIRST_FRAME,
  },
  i2v_first_tail_1080p: {
    reqKey: 'jimeng_i2v_first_tail_v30_1080',
    summary: 'first and last frame to video, 1080P',
    resolution: '1080P',
    ...FIRST_AND_TAIL,
  },
  ti2v_pro: {
    reqKey: 'jimeng_ti2v_v30_pro',
    summary: 'text or first frame to video, Pro (1080P, best quality)',
    resolution: 'Pro',
    ...TEXT,
    prompt: 'required unless image',
    image: 'optional',
  },
} as const satisfies Record<string, Mode>;

export type ModeName = keyof typeof MODES;
export const MODE_NAMES = Object.keys(MODES) as [ModeName, ...ModeName[]];

/** The mode's row with the general type. */
export function modeRow(name: ModeName): Mode {
  return MODES[name];
}

export function modeOfReqKey(reqKey: string): ModeName | undefined {
  return MODE_NAMES.find((name) => MODES[name].reqKey === reqKey);
}

/** Frames per second of every clip the provider makes; there is no field for it (reference section 0). */
export const PROVIDER_FPS = 24;

/** `frames` is 24·n+1, and only these two lengths are accepted: seconds → frames. */
export const FRAMES_OF_SECONDS = { 5: 121, 10: 241 } as const;
export type GeneratedSeconds = keyof typeof FRAMES_OF_SECONDS;

/** CNY per second of generated video, billed only for a finished one (price pages, 2026-09). */
const PRICE_CNY_PER_SECOND: Record<Resolution, number> = { '720P': 0.28, '1080P': 0.63, Pro: 1.0 };

/** What one finished video costs, in CNY with two decimals. */
export function priceCny(mode: ModeName, seconds: GeneratedSeconds): number {
  return Math.round(PRICE_CNY_PER_SECOND[modeRow(mode).resolution] * seconds * 100) / 100;
}

/** `prompt` counts Unicode code points after trimming; the provider recommends at most 400. */
export const MAX_PROMPT_CHARACTERS = 800;

/** `seed`: −1 is random, 0 is a seed like any other. */
export const SEED_RANGE = { min: -1, max: 2_147_483_647 } as const;

/** How long the provider keeps a finished link, and a task, alive (reference section 6). */
export const LINK_LIFE_SECONDS = 3600;
export const TASK_LIFE_SECONDS = 12 * 3600;
