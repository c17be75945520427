/** What does each error code of the provider mean, who can mend it, and was money spent? */

/** `you`: who made the call; `operator`: who set the server up and owns the account. */
export type Who = 'you' | 'operator' | 'provider' | 'unknown';

export interface ProblemRow {
  readonly who: Who;
  /** May money have been spent when this is the answer to a submit? */
  readonly charge: 'none' | 'possible';
  /** May the same request succeed later, unchanged? Sent again only by whoever pays. */
  readonly retryable: boolean;
  /** What happened: one sentence. */
  readonly what: string;
  /** What to do: an imperative without a full stop, so that a report can say what follows from it. */
  readonly mend: string;
}

/** `satisfies` keeps the keys known: a code that is not here does not compile. */
export function row(who: Who, charge: 'none' | 'possible', retryable: boolean, what: string, mend: string): ProblemRow {
  return { who, charge, retryable, what, mend };
}

/** Business codes (reference section 7: volcengine.com/docs/85621, error code pages). */
export const BUSINESS = {
  '50411': row(
    'you',
    'none',
    false,
    "The input image did not pass the provider's content review.",
    'use another image',
  ),
  '50511': row(
    'you',
    'none',
    true,
    "A generated image did not pass the provider's content review, so there is no video.",
    'change the prompt or the image, or try another seed',
  ),
  '50412': row('you', 'none', false, "The prompt did not pass the provider's content review.", 'reword the prompt'),
  '50512': row(
    'you',
    'none',
    false,
    "The generated text did not pass the provider's content review.",
    'reword the prompt',
  ),
  '50413': row(
    'you',
    'none',
    false,
    'The prompt contains words the provider refuses as sensitive or protected by copyright.',
    'reword the prompt without names, brands or sensitive words',
  ),
  '50516': row(
    'you',
    'none',
    true,
    "The generated video did not pass the provider's content review.",
    'change the prompt or the image, or try another seed',
  ),
  '50517': row(
    'you',
    'none',
    true,
    "The generated audio did not pass the provider's content review.",
    'change the prompt, or try another seed',
  ),
  '50518': row(
    'you',
    'none',
    false,
    'The input image was refused for copyright.',
    'use an image that shows no protected work or character',
  ),
  '50519': row(
    'you',
    'none',
    true,
    'A generated image was refused for copyright, so there is no video.',
    'change the prompt or the image, or try another seed',
  ),
  '50520': row(
    'provider',
    'none',
    false,
    "The provider's content review failed by itself.",
    'wait a few minutes; if it comes back, change the prompt or the image',
  ),
  '50521': row(
    'provider',
    'none',
    false,
    "The provider's text review failed by itself.",
    'wait a few minutes; if it comes back, reword the prompt',
  ),
  '50522': row(
    'provider',
    'none',
    false,
    "The provider's image copyright review failed by itself.",
    'wait a few minutes; if it comes back, use another image',
  ),
  '50429': row(
    'provider',
    'none',
    true,
    'The provider takes no more requests this second.',
    'wait a minute before the next request',
  ),
  '50430': row(
    'provider',
    'none',
    true,
    'The provider already runs as many tasks of this kind as the account may have at once.',
    'wait until a running video is finished (list_video_tasks shows them)',
  ),
  '50500': row('provider', 'possible', true, 'The provider had an internal error.', 'wait a few minutes'),
  '50501': row(
    'provider',
    'possible',
    true,
    'The provider had an internal error between its own services.',
    'wait a few minutes',
  ),
  '50400': row(
    'operator',
    'none',
    false,
    'The provider refuses this capability: it is not opened for the account (720P, 1080P and Pro are opened separately), its free quota is used up or the account is in arrears, or the key is wrong or its user lacks the policy.',
    "open this mode's capability in the Volcengine console (即梦AI, Visual Intelligence), check its quota and the balance, and give the user of VOLC_ACCESSKEY the policy CVImageProcessFullAccess",
  ),
  '50200': row(
    'you',
    'none',
    false,
    'The provider refused a parameter.',
    'correct the parameter that the provider names, or choose another mode',
  ),
  '50215': row(
    'you',
    'none',
    false,
    'The provider could not use the input: mostly an image that it cannot read or an image URL that it cannot reach.',
    'use a JPEG or PNG at a public URL that needs no login, at most 4.7 MB',
  ),
  // Of sibling products; they may appear here (reference section 13).
  '50205': row(
    'you',
    'none',
    false,
    'The provider refused the size of an image.',
    'use an image of at most 4.7 MB and 4096 × 4096 pixels, whose shorter side has at least 320',
  ),
  '50207': row(
    'you',
    'none',
    false,
    'The provider could not decode an image.',
    'save the image again as a JPEG or PNG, or use another one',
  ),
  '50218': row(
    'provider',
    'none',
    false,
    'The provider reports that the resource already exists.',
    'check list_video_tasks for this request, then change the prompt or the seed',
  ),
  '50514': row('you', 'none', false, "The audio did not pass the provider's content review.", 'change the prompt'),
  '60102': row(
    'you',
    'none',
    false,
    'The provider found no face in the image.',
    'use an image that shows a face clearly, or another mode',
  ),
} satisfies Record<string, ProblemRow>;

const PROGRAM = 'report this as a bug of jimeng-video-mcp, with the request id';
const IAM = 'give the IAM user of these keys the policy CVImageProcessFullAccess in the Volcengine console';

/** Gateway codes (reference section 8). */
export const GATEWAY = {
  MissingParameter: row('operator', 'none', false, "The provider's gateway missed a parameter.", PROGRAM),
  MissingAuthenticationToken: row('operator', 'none', false, "The provider's gateway found no signature.", PROGRAM),
  MissingSignature: row('operator', 'none', false, "The provider's gateway found no signature.", PROGRAM),
  InvalidTimestamp: row(
    'operator',
    'none',
    false,
    "This computer's clock differs from the provider's by more than 15 minutes.",
    'set the clock of this computer (switch automatic time on)',
  ),
  ServiceNotFound: row('operator', 'none', false, "The provider's gateway does not know the service.", PROGRAM),
  InvalidActionOrVersion: row('operator', 'none', false, "The provider's gateway does not know the action.", PROGRAM),
  InvalidAccessKey: row(
    'operator',
    'none',
    false,
    'The provider does not know the access key.',
    'set VOLC_ACCESSKEY to an existing, enabled key (console.volcengine.com/iam/keymanage), and restart the server',
  ),
  SignatureDoesNotMatch: row(
    'operator',
    'none',
    false,
    'The secret key does not belong to the access key.',
    'set VOLC_SECRETKEY to the secret of VOLC_ACCESSKEY, whole and unchanged, a trailing == included, and restart the server',
  ),
  LackPolicy: row('operator', 'none', false, 'The user of these keys has no policy for this service.', IAM),
  AccessDenied: row('operator', 'none', false, 'The user of these keys may not use this service.', IAM),
  InvalidAuthorization: row('operator', 'none', false, "The provider's gateway could not read the signature.", PROGRAM),
  InvalidCredential: row(
    'operator',
    'none',
    false,
    "The provider's gateway could not read the credential in the signature.",
    PROGRAM,
  ),
  InvalidSecretToken: row(
    'operator',
    'none',
    false,
    'The temporary token is wrong or expired.',
    'set VOLC_ACCESSKEY, VOLC_SECRETKEY and VOLC_SESSION_TOKEN to fresh temporary credentials, or use a permanent key without VOLC_SESSION_TOKEN, and restart the server',
  ),
  InternalError: row(
    'provider',
    'possible',
    true,
    "The provider's gateway had an internal error.",
    'wait a few minutes',
  ),
  FailToConnect: row(
    'provider',
    'possible',
    true,
    "The provider's gateway could not reach the service behind it.",
    'wait a few minutes',
  ),
  InternalServiceTimeout: row(
    'provider',
    'possible',
    true,
    "The provider's gateway got no answer in time from the service behind it.",
    'wait a few minutes',
  ),
  FlowLimitExceeded: row('provider', 'none', true, 'The provider takes no more requests now.', 'wait a minute'),
  AccountFlowLimitExceeded: row(
    'provider',
    'none',
    true,
    'The provider takes no more requests of this account now.',
    'wait a minute',
  ),
  ServiceUnavailableTemp: row(
    'provider',
    'possible',
    true,
    'The service is unavailable for the moment.',
    'wait a few minutes',
  ),
} satisfies Record<string, ProblemRow>;

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
