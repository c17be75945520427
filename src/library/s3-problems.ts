/** Explains what a storage answered, without repeating its text: that may hold keys. */
import { Problem } from '../problems.ts';
import { errorCode } from '../system/files.ts';

const KEYS = 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
const ADDRESS = 'check the bucket and the endpoint in JIMENG_VIDEO_STORAGE';
const NETWORK = 'check the endpoint in JIMENG_VIDEO_STORAGE and the network';

const MEANINGS: Readonly<Record<string, readonly [meaning: string, hint: string]>> = {
  SignatureDoesNotMatch: ['the secret key does not belong to the access key', KEYS],
  InvalidAccessKeyId: ['the access key is not known there', KEYS],
  ExpiredToken: ['the temporary keys have expired', 'set fresh keys, AWS_SESSION_TOKEN included'],
  InvalidToken: ['the session token is not valid', 'set fresh keys, AWS_SESSION_TOKEN included'],
  AccessDenied: ['these keys lack the permission', 'allow them to put, get and delete objects in that bucket'],
  NoSuchBucket: ['the bucket does not exist', ADDRESS],
  NoSuchKey: ['the video is no longer there', 'put it back'],
  NotFound: ['it does not exist', ADDRESS],
  InvalidBucketName: ['the bucket has no valid name', ADDRESS],
  PermanentRedirect: ['the bucket is in another region', 'correct the region in JIMENG_VIDEO_STORAGE'],
  AuthorizationHeaderMalformed: ['the bucket is in another region', 'correct the region in JIMENG_VIDEO_STORAGE'],
  RequestTimeTooSkewed: ['the clock of this computer is wrong', 'set the clock'],
  SlowDown: ['it is overloaded', 'wait a minute'],
  ENOTFOUND: ['its name does not exist', NETWORK],
  EAI_AGAIN: ['its name cannot be resolved now', NETWORK],
  ECONNREFUSED: ['it refused the connection', NETWORK],
  ETIMEDOUT: ['it did not answer', NETWORK],
  ECONNRESET: ['the connection was cut', NETWORK],
};

function explain(error: unknown): { readonly reason: string; readonly hint: string } {
  const name = error instanceof Error ? error.name : '';
  const code = errorCode(error) ?? name;
  const known = MEANINGS[name] ?? MEANINGS[code];
  const [meaning, hint] = known ?? ['the storage reported an error', 'check JIMENG_VIDEO_STORAGE and the storage'];
  return { reason: `${meaning} (${/^\w{1,60}$/.test(code) ? code : 'no code'})`, hint };
}

/** Before paying. */
export function storageNotWritable(root: string, error: unknown): Problem {
  const { reason, hint } = explain(error);
  return new Problem('output_not_writable', {
    what: `Videos cannot be saved to ${root}: ${reason}.`,
    hint,
    cause: error,
  });
}

/** Before paying. @param problem of the folder on this computer */
export function notStaged(problem: Problem): Problem {
  return new Problem('output_not_writable', {
    what: `Videos are written to the state folder before they are uploaded. ${problem.message}`,
    hint: 'set JIMENG_VIDEO_STATE_DIR to a folder that can be written and has room',
    cause: problem,
  });
}

/** After paying: the provider still has the video, so it can be saved again. */
export function notUploaded(path: string, error: unknown): Problem {
  const { reason, hint } = explain(error);
  return new Problem('save_failed', {
    what: `The video could not be saved to ${path}: ${reason}.`,
    hint,
    cause: error,
  });
}

export function notFetched(path: string, error: unknown): Problem {
  const { reason, hint } = explain(error);
  return new Problem('save_failed', { what: `${path} could not be read: ${reason}.`, hint, cause: error });
}
