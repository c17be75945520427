/** The provider's error codes: who can fix each, whether money may have been spent, what happened, and what to do. */

/** `you`: who made the call; `operator`: who set the server up and owns the account. */
export type Who = 'you' | 'operator' | 'provider' | 'unknown';

export interface ProblemRow {
  readonly who: Who;
  /** May money have been spent when this is the answer to a submit? */
  readonly charge: 'none' | 'possible';
  /** May the same request succeed later, unchanged? Only the caller sends it again. */
  readonly retryable: boolean;
  /** What happened: one sentence. */
  readonly what: string;
  /** What to do: an imperative without a full stop, for a model and a person alike. */
  readonly hint: string;
}

/** Rows that have all but their texts in common. The keys stay known: a code without a row does not compile. */
export function rows<Code extends string>(
  who: Who,
  texts: Readonly<Record<Code, readonly [what: string, hint: string]>>,
  { charge = 'none', retryable = false }: Partial<Pick<ProblemRow, 'charge' | 'retryable'>> = {},
): Record<Code, ProblemRow> {
  const entries = Object.entries<readonly [string, string]>(texts);
  return Object.fromEntries(
    entries.map(([code, [what, hint]]) => [code, { who, charge, retryable, what, hint }]),
  ) as Record<Code, ProblemRow>;
}

const WAIT = 'wait a few minutes';
const OTHER_SEED = 'change the prompt or the image, or try another seed';

/** Business codes (reference section 7: volcengine.com/docs/85621, error code pages; siblings: section 13). */
export const BUSINESS = {
  ...rows('you', {
    '50411': ["The input image did not pass the provider's content review.", 'use another image'],
    '50412': ["The prompt did not pass the provider's content review.", 'reword the prompt'],
    '50512': ["The generated text did not pass the provider's content review.", 'reword the prompt'],
    '50413': [
      'The prompt contains words the provider refuses as sensitive or protected by copyright.',
      'reword the prompt without names, brands or sensitive words',
    ],
    '50518': ['The input image was refused for copyright.', 'use an image that shows no protected work or character'],
    '50200': [
      'The provider refused a parameter.',
      'correct the parameter that the provider names, or choose another mode',
    ],
    '50215': [
      'The provider could not use the input: usually an image that it cannot read or an image URL that it cannot reach.',
      'use a JPEG or PNG at a public URL that needs no login, at most 4.7 MB',
    ],
    // Of sibling products; they may appear here.
    '50205': [
      'The provider refused the size of an image.',
      'use an image of at most 4.7 MB and 4096 × 4096 pixels, whose shorter side has at least 320',
    ],
    '50207': ['The provider could not decode an image.', 'save the image again as a JPEG or PNG, or use another one'],
    '50514': ["The audio did not pass the provider's content review.", 'change the prompt'],
    '60102': ['The provider found no face in the image.', 'use an image that shows a face clearly, or another mode'],
  }),
  ...rows(
    'you',
    {
      '50511': ["A generated image did not pass the provider's content review, so there is no video.", OTHER_SEED],
      '50516': ["The generated video did not pass the provider's content review.", OTHER_SEED],
      '50517': [
        "The generated audio did not pass the provider's content review.",
        'change the prompt, or try another seed',
      ],
      '50519': ['A generated image was refused for copyright, so there is no video.', OTHER_SEED],
    },
    { retryable: true },
  ),
  ...rows('operator', {
    '50400': [
      'The account may not use this capability: not opened (720P, 1080P and Pro are opened separately), quota used up, in arrears, or a key without permission.',
      "open it in the Volcengine console (即梦AI), check quota and balance, and give the key's user CVImageProcessFullAccess",
    ],
  }),
  ...rows('provider', {
    '50520': [
      "The provider's content review failed.",
      `${WAIT}; if the error is repeated, change the prompt or the image`,
    ],
    '50521': ["The provider's text review failed.", `${WAIT}; if the error is repeated, reword the prompt`],
    '50522': ["The provider's image copyright review failed.", `${WAIT}; if the error is repeated, use another image`],
    '50218': [
      'The provider reports that the resource already exists.',
      'look for this request in the list of tasks, then change the prompt or the seed',
    ],
  }),
  ...rows(
    'provider',
    {
      '50429': ["The provider's limit of requests per second is reached.", 'wait a minute'],
      '50430': [
        'The provider already runs as many tasks of this kind as the account may have concurrently.',
        'wait until a running video is finished',
      ],
    },
    { retryable: true },
  ),
  ...rows(
    'provider',
    {
      '50500': ['The provider had an internal error.', WAIT],
      '50501': ['The provider had an internal error between its own services.', WAIT],
    },
    { charge: 'possible', retryable: true },
  ),
};

const BUG = 'report this as a bug of jimeng-video-mcp, with the request id';
const POLICY = 'give the IAM user of these keys the policy CVImageProcessFullAccess in the Volcengine console';

/** Gateway codes (reference section 8). */
export const GATEWAY = {
  ...rows('operator', {
    MissingParameter: ["The provider's gateway reports a missing parameter.", BUG],
    MissingAuthenticationToken: ["The provider's gateway found no signature.", BUG],
    MissingSignature: ["The provider's gateway found no signature.", BUG],
    InvalidTimestamp: [
      "This computer's clock differs from the provider's by more than 15 minutes.",
      'set the clock of this computer (switch automatic time on)',
    ],
    ServiceNotFound: ["The provider's gateway does not know the service.", BUG],
    InvalidActionOrVersion: ["The provider's gateway does not know the action.", BUG],
    InvalidAccessKey: [
      'The provider does not know the access key.',
      'set VOLC_ACCESSKEY to an existing, enabled key (console.volcengine.com/iam/keymanage)',
    ],
    SignatureDoesNotMatch: [
      'The secret key does not belong to the access key.',
      'set VOLC_SECRETKEY to the secret of VOLC_ACCESSKEY, whole and unchanged, a trailing == included',
    ],
    LackPolicy: ['The user of these keys has no policy for this service.', POLICY],
    AccessDenied: ['The user of these keys may not use this service.', POLICY],
    InvalidAuthorization: ["The provider's gateway could not read the signature.", BUG],
    InvalidCredential: ["The provider's gateway could not read the credential in the signature.", BUG],
    InvalidSecretToken: [
      'The temporary token is wrong or expired.',
      'set VOLC_ACCESSKEY, VOLC_SECRETKEY and VOLC_SESSION_TOKEN to fresh credentials, or use a permanent key alone',
    ],
  }),
  ...rows(
    'provider',
    {
      FlowLimitExceeded: ["The provider's request limit is reached.", 'wait a minute'],
      AccountFlowLimitExceeded: ["The provider's request limit for this account is reached.", 'wait a minute'],
    },
    { retryable: true },
  ),
  ...rows(
    'provider',
    {
      InternalError: ["The provider's gateway had an internal error.", WAIT],
      FailToConnect: ["The provider's gateway could not reach the service behind it.", WAIT],
      InternalServiceTimeout: ["The provider's gateway got no answer in time from the service behind it.", WAIT],
      ServiceUnavailableTemp: ['The service is temporarily unavailable.', WAIT],
    },
    { charge: 'possible', retryable: true },
  ),
};

/** The gateway's numbers, for an answer that carries only these (reference section 8, column CodeN). */
export const GATEWAY_NUMBERS: Readonly<Record<string, keyof typeof GATEWAY>> = {
  '100002': 'MissingParameter',
  '100003': 'MissingAuthenticationToken',
  '100005': 'MissingSignature',
  '100006': 'InvalidTimestamp',
  '100007': 'ServiceNotFound',
  '100008': 'InvalidActionOrVersion',
  '100009': 'InvalidAccessKey',
  '100010': 'SignatureDoesNotMatch',
  '100012': 'LackPolicy',
  '100013': 'AccessDenied',
  '100014': 'InternalError',
  '100015': 'FailToConnect',
  '100016': 'InternalServiceTimeout',
};
