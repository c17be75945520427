/** Everything that can go wrong: who can fix it, whether money may have been spent, what happened, and what to do. */
import { BUSINESS, GATEWAY, type ProblemRow, rows, type Who } from './provider-problems.ts';

export { GATEWAY_NUMBERS, type ProblemRow, type Who } from './provider-problems.ts';

/** Our own. The code that raises one adds numbers and names. Texts name no tool and no option: a surface adds its calls. */
const OWN = {
  ...rows('you', {
    invalid_input: ['The input is not valid.', 'correct it'],
    invalid_image: ['The image cannot be used.', 'use a JPEG or PNG within the limits'],
    image_not_allowed: ['The image may not be read.', 'use an image from an allowed folder'],
    image_not_found: ['The image does not exist.', 'give the path of an image on this computer'],
    output_not_allowed: [
      'The video may not be saved there.',
      'name a place inside the output folder, or leave the place out',
    ],
    no_record: [
      'No task with this id is recorded for this account.',
      'use an id from the list of tasks; for a task made elsewhere or with other keys, the id of the provider and its mode',
    ],
    cost_too_high: [
      'The estimated cost is above the limit of this call, so nothing was sent.',
      'choose a cheaper mode or a shorter duration, or raise the limit',
    ],
    previous_failed: [
      'The video that was to give the picture was not made.',
      'make that video again, or give another picture',
    ],
    confirmation_declined: [
      'The user declined the price, so nothing was recorded or sent.',
      'agree on the price first',
    ],
  }),
  ...rows(
    'you',
    {
      too_many_calls: [
        'The server is working on too many calls, so this one was not started.',
        'wait until other calls have finished',
      ],
      preparation_too_long: [
        'Preparing the pictures took longer than the call may wait, so nothing was sent.',
        'use smaller pictures, or allow a longer wait',
      ],
      film_changed: ['The film was changed by another call meanwhile, so nothing was sent.', 'look at the film'],
      claim_lost: [
        'This process was suspended before it could send the request, so nothing was sent.',
        'keep the computer awake until the request is sent',
      ],
    },
    { retryable: true },
  ),
  ...rows('operator', {
    output_not_writable: [
      'The place to save to cannot be written.',
      'make that folder writable, or set JIMENG_VIDEO_OUTPUT_DIR to one that is',
    ],
    ffmpeg_missing: [
      'This needs ffmpeg, which was not found.',
      'install ffmpeg, or set JIMENG_VIDEO_FFMPEG to its path',
    ],
    conversion_failed: ['The video could not be converted; the original is kept.', 'use the original file'],
    invalid_settings: ['The settings are not valid.', 'correct the settings'],
    missing_credentials: [
      'The Volcengine keys are missing.',
      'set VOLC_ACCESSKEY and VOLC_SECRETKEY (keys are made at console.volcengine.com/iam/keymanage)',
    ],
    state_not_writable: [
      'The database in the state folder cannot be written, and nothing is sent before it is recorded.',
      'make the database file and its folder writable, or set JIMENG_VIDEO_STATE_DIR to a folder that is',
    ],
    state_damaged: [
      'A damaged database was set aside, and paid calls are refused until a person has looked at it.',
      'inspect the damaged file (it may record videos that were paid for), then move it out of the state folder',
    ],
    store_replaced: [
      'The shared database was replaced, and paid calls are refused until a person has looked at it.',
      'compare the newest tasks with the provider’s bill, then run jimeng-video-mcp doctor --accept-store',
    ],
    confirmation_unavailable: [
      'The price is above JIMENG_VIDEO_CONFIRM_ABOVE_CNY, and this client cannot ask for the confirmation.',
      'raise JIMENG_VIDEO_CONFIRM_ABOVE_CNY, or make this video in a terminal or with a client that can ask',
    ],
    program_replaced: ["The server's program was changed or removed since it was started.", 'restart the server'],
  }),
  ...rows(
    'operator',
    {
      save_failed: ['The video could not be saved.', 'check the place to save to'],
      state_busy: [
        'The database is locked by another process, so nothing was sent.',
        'wait a minute; if it stays locked, end the program that holds the database open',
      ],
      store_unavailable: [
        'The shared database cannot be reached, so nothing was sent.',
        'check JIMENG_VIDEO_STORE and the database server',
      ],
      budget_exceeded: [
        'The daily budget does not allow another video.',
        'wait until the budget has room again, or raise JIMENG_VIDEO_DAILY_BUDGET_CNY',
      ],
      not_sent: [
        'The provider could not be reached, so nothing was sent.',
        'check the network, the proxy and JIMENG_VIDEO_API_URL',
      ],
    },
    { retryable: true },
  ),
  ...rows(
    'operator',
    {
      internal_error: [
        'An unexpected error happened in jimeng-video-mcp; the log on stderr has the details.',
        'look at the list of tasks before anything is paid again: whatever was sent is recorded there',
      ],
    },
    { charge: 'possible' },
  ),
  ...rows(
    'provider',
    {
      unplayable_video: ['The file is not a playable MP4.', 'wait a minute'],
      no_video: ['The provider finished the task without a video.', 'wait a few minutes'],
    },
    { retryable: true },
  ),
  ...rows(
    'provider',
    {
      not_found: ['The provider does not know this task.', 'ask the user before paying for it again'],
      expired: [
        'The provider keeps a task for 12 hours, and this time has passed.',
        'ask the user before paying for it again',
      ],
    },
    { charge: 'possible' },
  ),
  ...rows('unknown', {
    unknown_code: ['The provider answered with a code that is not documented.', "read the provider's words"],
  }),
  ...rows(
    'unknown',
    {
      timeout: [
        'No answer came within JIMENG_VIDEO_API_TIMEOUT.',
        'check the network, or increase JIMENG_VIDEO_API_TIMEOUT',
      ],
      connection_lost: ['The connection was cut before the answer came.', 'check the network'],
      unreadable_answer: [
        'The response was incomplete, or did not come from the provider.',
        'check the network and the proxy',
      ],
    },
    { charge: 'possible', retryable: true },
  ),
  ...rows(
    'unknown',
    {
      interrupted: [
        'The process ended before the answer to the submit came.',
        "look for the task in the provider's console",
      ],
    },
    { charge: 'possible' },
  ),
};

export const PROBLEMS = { ...BUSINESS, ...GATEWAY, ...OWN } as const;
export type ProblemCode = keyof typeof PROBLEMS;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** The fix is a setting: a server has to be restarted for it. */
const FIXED_IN_SETTINGS: ReadonlySet<string> = new Set<ProblemCode>([
  'invalid_settings',
  'missing_credentials',
  'InvalidAccessKey',
  'SignatureDoesNotMatch',
  'InvalidSecretToken',
]);

export function isFixedInSettings(code: string): boolean {
  return FIXED_IN_SETTINGS.has(code);
}

/** Of the database of the records: where it is, and what is wrong with it, is for the operator alone. */
const OF_STORE: ReadonlySet<string> = new Set<ProblemCode>([
  ...(['state_not_writable', 'state_busy', 'state_damaged'] as const),
  ...(['store_replaced', 'store_unavailable'] as const),
]);

export function isOfStore(code: string): boolean {
  return OF_STORE.has(code);
}

/** Of the operator's problems those whose hint is for whoever calls, also where the operator is somebody else. */
export function isForCaller(code: string): boolean {
  return isOfStore(code) || ['budget_exceeded', 'conversion_failed', 'confirmation_unavailable'].includes(code);
}

export interface ProblemDetails {
  /** Replaces the row's sentence where numbers and names are known. */
  readonly what?: string | undefined;
  /** Replaces the row's hint: an imperative without a full stop, which names no tool and no option. */
  readonly hint?: string | undefined;
  /** Replaces the row's value where this case differs. */
  readonly who?: Who | undefined;
  /** Replaces the row's value where this case differs. */
  readonly retryable?: boolean | undefined;
  /** The task that has to be fetched before the call is made again. */
  readonly getFirst?: string | undefined;
  /** From when the same call can succeed, milliseconds since 1970. */
  readonly retryAt?: number | undefined;
  /** The provider's number or name for it, as text. */
  readonly providerCode?: string | undefined;
  /** The provider's own words; data, never shown unescaped or whole. */
  readonly providerText?: string | undefined;
  /** A provider code that has no row is kept, and explained by `unknown_code`. */
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

/** An expected failure, with all that its reader needs to act. Never holds a secret. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: string;
  readonly who: Who;
  readonly charge: 'none' | 'possible';
  readonly retryable: boolean;
  readonly hint: string;
  readonly providerCode: string | undefined;
  readonly providerText: string | undefined;
  readonly getFirst: string | undefined;
  readonly retryAt: number | undefined;

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    const known: ProblemRow = PROBLEMS[code];
    super(details.what ?? known.what, { cause: details.cause });
    this.code = details.code ?? code;
    this.who = details.who ?? known.who;
    this.charge = known.charge;
    this.retryable = details.retryable ?? known.retryable;
    this.hint = details.hint ?? known.hint;
    this.providerCode = details.providerCode;
    this.providerText = details.providerText;
    this.getFirst = details.getFirst;
    this.retryAt = details.retryAt;
  }
}

/** Several problems of one call as one. The code is the first one's. */
export function together([first, ...others]: readonly Problem[]): Problem {
  if (first === undefined) throw new RangeError('no problem');
  const more = others.filter(({ message }) => message !== first.message);
  if (more.length === 0) return first;
  const hints = [...new Set([first, ...more].map(({ hint }) => hint))];
  return new Problem(first.code as ProblemCode, {
    what: [first, ...more].map(({ message }) => message).join(' '),
    hint: hints.join('; '),
  });
}

/**
 * One step after the other, and all of them, because a caller who fixes one problem must not find the next at the next call.
 * @throws Problem of all that failed; anything else that a step throws, at once
 */
export async function allOrProblems<Steps extends readonly (() => Promise<unknown>)[]>(
  steps: readonly [...Steps],
): Promise<{ -readonly [Key in keyof Steps]: Awaited<ReturnType<Steps[Key]>> }> {
  const values: unknown[] = [];
  const problems: Problem[] = [];
  for (const step of steps) {
    try {
      values.push(await step());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  if (problems.length > 0) throw together(problems);
  return values as { -readonly [Key in keyof Steps]: Awaited<ReturnType<Steps[Key]>> };
}

/** Says which of several it is about: "Shot 2: …". @throws Problem, and anything else that the step throws as it is */
export async function aboutPart<Value>(name: string, step: () => Promise<Value>): Promise<Value> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Problem(error.code as ProblemCode, {
      what: `${name}: ${error.message}`,
      hint: error.hint,
      getFirst: error.getFirst,
      cause: error,
    });
  }
}
