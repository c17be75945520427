/** Fetches a video from the provider's link into a file, whole or not at all. */
import { dirname } from 'node:path';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../clock.ts';
import { Problem } from '../../problems.ts';
import { type FileSystem, freeBytes, nodeFiles } from '../../system/files.ts';
import { AttemptFailure, attemptFailureOf, attemptFailureOfStatus, DownloadProblem } from './failures.ts';
import { encodingOf, headerOf, hostOf, type LinkResponse, type Links, openLinks, receive } from './link.ts';
import { beginsMp4, MP4_HEAD_BYTES, PartFile } from './part-file.ts';

export { DownloadProblem, retryAdvice } from './failures.ts';

export interface DownloadRequest {
  readonly url: string;
  /** Fetches another link to the same video from the provider; what it throws ends the download. */
  readonly freshUrl: (signal: AbortSignal) => Promise<string>;
  /** Nobody else may write to it meanwhile. Its folder has no symbolic links in it. */
  readonly partPath: string;
  readonly clock: Clock;
  /** What reaches an address through a proxy; undefined: it is reached directly, and the names that redirects lead to are
   * checked as they are resolved. */
  readonly throughProxy?: (url: URL) => Promise<Dispatcher | undefined>;
  /** Redirects to private addresses are followed: only where the API itself is on one. */
  readonly mayReachPrivate: boolean;
  readonly signal: AbortSignal;
  /** Without a byte for this long, the connection is given up. */
  readonly stallMilliseconds?: number;
  readonly fs?: FileSystem;
}

export interface Downloaded {
  readonly bytes: number;
  /** The link that worked last. */
  readonly url: string;
}

/**
 * Waits before the attempts that follow one without progress; as many in a row are made. About 100 s together: a
 * router restarts in that time. Trying again after hours is the caller's.
 */
const DELAYS_MILLISECONDS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 30_000] as const;
/** A link that is refused is replaced at most this often in a row: fresh ones that are refused do not get better. */
const MAX_FRESH_LINKS = 3;
/** However much progress each of them made. */
const MAX_ATTEMPTS = 100;
/** The clips have 4 to 20 MB: a server that takes longer is dripping. */
const MAX_MILLISECONDS = 3600_000;
const STALL_MILLISECONDS = 30_000;

const MAX_BYTES = 1e9;
/** Left free on the disk by a file of more than USUAL_BYTES; a smaller one may fill it. */
const RESERVED_BYTES = 500e6;
const USUAL_BYTES = 64e6;
/** The free space is checked once per so many bytes. */
const SPACE_STEP_BYTES = 16e6;

const NO_MP4 = 'what the server sent is no MP4 video';

interface Progress {
  totalBytes: number | undefined;
  /** A strong ETag. Last-Modified has a resolution of a second: two files may share it. */
  validator: string | undefined;
}

function validatorOf(response: LinkResponse): string | undefined {
  const etag = headerOf(response, 'etag');
  return etag?.startsWith('"') ? etag : undefined;
}

function contentRangeOf(response: LinkResponse): { start: number; totalBytes: number | undefined } | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headerOf(response, 'content-range') ?? '');
  if (!range) return undefined;
  return { start: Number(range[1]), totalBytes: range[2] === '*' ? undefined : Number(range[2]) };
}

/** Whether a 206 continues the same file after the bytes that were received. */
function continues(response: LinkResponse, part: PartFile, progress: Progress): boolean {
  const range = contentRangeOf(response);
  return (
    range !== undefined &&
    range.start === part.size &&
    (progress.totalBytes === undefined || range.totalBytes === undefined || range.totalBytes === progress.totalBytes) &&
    progress.validator !== undefined &&
    progress.validator === validatorOf(response)
  );
}

function rangeHeaders(part: PartFile, { validator }: Progress): Record<string, string> {
  if (part.size === 0 || validator === undefined) return {};
  return { range: `bytes=${part.size}-`, 'if-range': validator };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** An endless body must not fill the disk. @param wanted bytes that the file has or is announced to have */
async function checkSpace(wanted: number, part: PartFile, request: DownloadRequest): Promise<void> {
  if (wanted > MAX_BYTES) {
    throw new DownloadProblem('never', {
      what: `The file at ${hostOf(request.url)} has ${megabytes(wanted)} MB or more, and at most ${megabytes(MAX_BYTES)} MB are saved; a video has 4 to 20 MB.`,
      hint: 'open the link in a browser while it is valid to see what it is',
    });
  }
  const free = wanted > USUAL_BYTES ? await freeBytes(dirname(request.partPath), request.fs) : undefined;
  // What may be written before the next check must leave it untouched, too.
  const needed = Math.max(wanted - part.size, 0) + SPACE_STEP_BYTES + RESERVED_BYTES;
  if (free === undefined || free >= needed) return;
  throw new DownloadProblem('later', {
    what: `The video has ${megabytes(wanted)} MB or more, and "${dirname(request.partPath)}" has ${megabytes(free)} MB free, of which ${megabytes(RESERVED_BYTES)} MB are left untouched.`,
    hint: 'free some space there',
  });
}

/** Writes the body into the part; the bytes already received are given up only for a body that begins an MP4. */
async function receiveBody(
  response: LinkResponse,
  part: PartFile,
  progress: Progress,
  request: DownloadRequest,
  onChunk: () => void,
): Promise<void> {
  const isRest = response.statusCode === 206;
  if (isRest && !continues(response, part, progress)) {
    // The next attempt requests the whole file.
    await part.restart();
    throw new AttemptFailure('the server sent another part than the one asked for');
  }
  const isPlain = encodingOf(response) === undefined;
  const length = isPlain ? Number(headerOf(response, 'content-length') ?? Number.NaN) : Number.NaN;
  const announced = Number.isSafeInteger(length) ? (isRest ? part.size : 0) + length : undefined;
  let head: Buffer | undefined = isRest ? undefined : Buffer.alloc(0);
  let checkedBytes = 0;

  await receive(response, async (arrived) => {
    let next = arrived;
    if (head !== undefined) {
      head = Buffer.concat([head, ...arrived]);
      if (head.length < MP4_HEAD_BYTES) return;
      if (!beginsMp4(head)) throw new AttemptFailure(NO_MP4);
      next = [head];
      head = undefined;
      await part.restart();
      progress.totalBytes = contentRangeOf(response)?.totalBytes ?? announced;
      progress.validator = isPlain ? validatorOf(response) : undefined;
    }
    const size = next.reduce((sum, { length }) => sum + length, part.size);
    if (size > checkedBytes) {
      await checkSpace(Math.max(announced ?? 0, size), part, request);
      checkedBytes = size + SPACE_STEP_BYTES;
    }
    await part.append(next);
    onChunk();
  });
  if (head !== undefined) throw new AttemptFailure(NO_MP4);
}

/** @throws AttemptFailure, or what the connection or the disk threw; returns once the part is a whole MP4 */
async function attempt(url: string, links: Links, part: PartFile, progress: Progress, request: DownloadRequest) {
  const startedAt = request.clock.monotonic();
  const response = await links.get(url, rangeHeaders(part, progress), request.signal);
  try {
    if (response.statusCode === 416) {
      const total = /^bytes \*\/(\d+)$/i.exec(headerOf(response, 'content-range') ?? '')?.[1];
      if (total !== undefined) progress.totalBytes = Number(total);
      if (part.size !== progress.totalBytes) await part.restart();
    } else if ([200, 203, 206].includes(response.statusCode)) {
      await receiveBody(response, part, progress, request, () => {
        if (request.clock.monotonic() - startedAt > MAX_MILLISECONDS) throw new AttemptFailure('it came too slowly');
      });
    } else {
      throw attemptFailureOfStatus(response.statusCode);
    }
  } finally {
    response.body.destroy();
  }
  const { totalBytes } = progress;
  if (totalBytes !== undefined && part.size < totalBytes) throw new AttemptFailure('the connection was cut');
  if (part.size === (totalBytes ?? part.size) && (await part.isWholeMp4())) return;
  await part.restart();
  throw new AttemptFailure('the video that the server sent is not whole');
}

function givenUp(url: string, failure: AttemptFailure, part: PartFile, { totalBytes }: Progress): DownloadProblem {
  const total = totalBytes === undefined ? '' : ` of ${megabytes(totalBytes)}`;
  const arrived = part.size === 0 ? '' : ` (${megabytes(part.size)}${total} MB arrived)`;
  const tried = failure.retry === 'never' ? '' : ', tried several times';
  return new DownloadProblem(failure.retry, {
    what: `The video could not be fetched from ${hostOf(url)}${tried}${arrived}: ${failure.message}.`,
    hint: 'check the network and the proxy, or open the link in a browser while it is valid',
    cause: failure,
  });
}

/**
 * Fetches the link into the part file, synced to the disk: cut connections are resumed, dead links replaced. After a
 * failure nothing is left of it.
 * @throws DownloadProblem, whose `retry` says what may help; Problem save_failed of the disk; the signal's reason; what
 * `freshUrl` and `throughProxy` throw
 */
export async function download(request: DownloadRequest): Promise<Downloaded> {
  const { clock, signal, mayReachPrivate, stallMilliseconds = STALL_MILLISECONDS } = request;
  const throughProxy = request.throughProxy ?? (async () => undefined);
  signal.throwIfAborted();
  const links = await openLinks({ throughProxy, mayReachPrivate, stallMilliseconds });
  const part = await PartFile.open(request.partPath, clock, request.fs ?? nodeFiles);
  const progress: Progress = { totalBytes: undefined, validator: undefined };
  const startedAt = clock.monotonic();
  let url = request.url;
  let farthest = 0;
  let fruitless = 0;
  let freshLinks = 0;

  try {
    for (let attempts = 1; ; attempts += 1) {
      try {
        await attempt(url, links, part, progress, request);
        break;
      } catch (error) {
        signal.throwIfAborted();
        const failure = error instanceof Problem ? undefined : attemptFailureOf(error, stallMilliseconds);
        if (failure === undefined) throw error;
        if (part.size > farthest) {
          farthest = part.size;
          fruitless = 0;
          freshLinks = 0;
        }
        const needsFreshLink = failure.retry === 'fresh_link';
        const isOver = attempts >= MAX_ATTEMPTS || clock.monotonic() - startedAt > MAX_MILLISECONDS;
        const delay = failure.retry === 'never' ? undefined : DELAYS_MILLISECONDS[fruitless];
        if (isOver || delay === undefined || (needsFreshLink && freshLinks >= MAX_FRESH_LINKS)) {
          throw givenUp(url, failure, part, progress);
        }
        fruitless += 1;
        // The first refusal is mostly the link's age: a fresh one need not wait.
        if (!needsFreshLink || freshLinks > 0) await clock.sleep(delay, signal);
        if (needsFreshLink) {
          freshLinks += 1;
          url = await request.freshUrl(signal);
        }
      }
    }
    await part.finish();
    return { bytes: part.size, url };
  } catch (error) {
    await part.remove();
    throw error;
  } finally {
    await links.close();
  }
}
