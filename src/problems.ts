/** What can go wrong, who can mend it, was money spent, and what is to be done next? */
import { BUSINESS, GATEWAY, type ProblemRow, row, type Who } from './provider-problems.ts';

export { GATEWAY_NUMBERS, type ProblemRow, type Who } from './provider-problems.ts';

/** Our own: what no answer of the provider says. Whoever raises one adds the numbers and names. */
const OWN = {
  invalid_input: row('you', 'none', false, 'The input is not valid.', 'correct it'),
  invalid_image: row('you', 'none', false, 'The image cannot be used.', 'use a JPEG or PNG within the limits'),
  image_not_allowed: row('you', 'none', false, 'The image may not be read.', 'use an image from an allowed folder'),
  image_not_found: row('you', 'none', false, 'The image is not there.', 'give the path of an image on this computer'),
  output_not_allowed: row(
    'you',
    'none',
    false,
    'The video may not be saved there.',
    'leave `output` out, or name a place inside the output folder',
  ),
  output_not_writable: row(
    'operator',
    'none',
    false,
    'The place to save to cannot be written.',
    'make it writable, or set JIMENG_VIDEO_OUTPUT_DIR to a folder that is',
  ),
  ffmpeg_missing: row(
    'operator',
    'none',
    false,
    'This needs ffmpeg, which was not found.',
    'install ffmpeg, or set JIMENG_VIDEO_FFMPEG to its path',
  ),
  conversion_failed: row(
    'operator',
    'none',
    false,
    'The video could not be converted; the original is kept.',
    'use the original file',
  ),
  save_failed: row('operator', 'none', true, 'The video could not be saved.', 'call get_video_task to try again'),
  unplayable_video: row(
    'provider',
    'none',
    true,
    'The file is not a playable MP4.',
    'call get_video_task to fetch it again',
  ),
  invalid_settings: row('operator', 'none', false, "The server's settings are not valid.", 'correct the settings'),
  missing_credentials: row(
    'operator',
    'none',
    false,
    'The Volcengine keys are missing.',
    'set VOLC_ACCESSKEY and VOLC_SECRETKEY (keys are made at console.volcengine.com/iam/keymanage), and restart the server',
  ),
  state_not_writable: row(
    'operator',
    'none',
    false,
    'The state folder cannot be written, and nothing is sent before it is recorded.',
    'make the folder writable, or set JIMENG_VIDEO_STATE_DIR to one that is',
  ),
  state_busy: row(
    'operator',
    'none',
    true,
    'The state folder is locked by another process, so nothing was sent.',
    'wait a minute; if no other jimeng-video-mcp is running, remove the lock file that is named',
  ),
  budget_exceeded: row(
    'operator',
    'none',
    true,
    'The daily budget does not allow another video.',
    'wait until there is room, or raise JIMENG_VIDEO_DAILY_BUDGET_CNY',
  ),
  too_many_calls: row(
    'you',
    'none',
    true,
    'The server is working on too many calls, so this one was not begun.',
    'wait until others have been answered',
  ),
  preparation_too_long: row(
    'you',
    'none',
    true,
    'Preparing the pictures took longer than the call may wait, so nothing was sent.',
    'use smaller pictures, or a longer wait_seconds',
  ),
  no_record: row(
    'you',
    'none',
    false,
    'No task with this id is recorded for this account.',
    'call list_video_tasks for the ids; for a task made elsewhere or with other keys, give the task id of the provider and its mode',
  ),
  not_sent: row(
    'operator',
    'none',
    true,
    'The provider could not be reached, so nothing was sent.',
    'check the network, the proxy and JIMENG_VIDEO_API_URL',
  ),
  timeout: row(
    'unknown',
    'possible',
    true,
    'No answer came within JIMENG_VIDEO_API_TIMEOUT.',
    'check the network, or increase JIMENG_VIDEO_API_TIMEOUT',
  ),
  connection_lost: row(
    'unknown',
    'possible',
    true,
    'The connection was cut before the answer came.',
    'check the network',
  ),
  unreadable_answer: row(
    'unknown',
    'possible',
    true,
    "The answer was not the provider's, or not whole.",
    'check the network and the proxy',
  ),
  interrupted: row(
    'unknown',
    'possible',
    false,
    'The process ended while the answer to the submit was awaited.',
    "look into the provider's console",
  ),
  no_video: row(
    'provider',
    'none',
    true,
    'The provider finished the task without a video.',
    'try again, or change the prompt',
  ),
  not_found: row('provider', 'possible', false, 'The provider does not know this task.', 'make a new request'),
  expired: row(
    'provider',
    'possible',
    false,
    'The task is past its life at the provider (12 hours).',
    'make a new request',
  ),
  program_replaced: row(
    'operator',
    'none',
    false,
    "The server's program was changed or removed since it was started.",
    'restart the server',
  ),
  internal_error: row(
    'operator',
    'possible',
    false,
    'Something unexpected happened in jimeng-video-mcp; the log on stderr has it.',
    'call list_video_tasks before anything is paid again: whatever was sent is recorded there',
  ),
  unknown_code: row(
    'unknown',
    'none',
    false,
    'The provider answered with a code that is not documented.',
    'read what the provider says',
  ),
} satisfies Record<string, ProblemRow>;

export const PROBLEMS = { ...BUSINESS, ...GATEWAY, ...OWN } as const;
export type ProblemCode = keyof typeof PROBLEMS;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export interface ProblemDetails {
  /** Replaces the row's sentence where numbers and names are known. */
  readonly what?: string;
  /** Replaces the row's advice; an imperative without a full stop. */
  readonly mend?: string;
  /** Replaces the row's word where this case differs. */
  readonly retryable?: boolean;
  /** What the provider called it: a number or a name, as text. */
  readonly providerCode?: string;
  /** The provider's own words; data, never shown unescaped or whole. */
  readonly providerText?: string;
  /** A provider code that has no row is kept, and explained by `unknown_code`. */
  readonly code?: string;
  readonly cause?: unknown;
}

/** Something that did not go as asked, told so that whoever reads it knows what to do. Never holds a secret. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: string;
  readonly who: Who;
  readonly charge: 'none' | 'possible';
  readonly retryable: boolean;
  readonly mend: string;
  readonly providerCode: string | undefined;
  readonly providerText: string | undefined;

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    const known: ProblemRow = PROBLEMS[code];
    super(details.what ?? known.what, { cause: details.cause });
    this.code = details.code ?? code;
    this.who = known.who;
    this.charge = known.charge;
    this.retryable = details.retryable ?? known.retryable;
    this.mend = details.mend ?? known.mend;
    this.providerCode = details.providerCode;
    this.providerText = details.providerText;
  }
}

/** Several things that are wrong with one call, each with what mends it. The code is the first one's. */
export function together([first, ...others]: readonly Problem[]): Problem {
  if (first === undefined) throw new RangeError('no problem');
  const more = others.filter(({ message }) => message !== first.message);
  if (more.length === 0) return first;
  return new Problem(first.code as ProblemCode, {
    what: [first, ...more].map(({ message }) => message).join(' '),
    mend: [first, ...more].map(({ mend }) => mend).join('; '),
  });
}
