/** How does a video get from the provider's link into a file, whole or not at all? */
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { Problem } from '../problems.ts';
import type { LinkAnswer } from './download-answer.ts';
import { hostOf, type Links, openLinks } from './download-link.ts';
import { createMemoryKeeper } from './download-memory.ts';
import { beginsMp4, isWholeMp4, MP4_HEAD_BYTES } from './download-mp4.ts';
import { PartFile } from './download-part.ts';
import { DownloadSetback, setbackOf, setbackOfStatus } from './download-setback.ts';

export { partPathFor, sweepParts } from './download-part.ts';

export interface DownloadRequest {
  readonly url: string;
  /** Asks the provider for another link to the same video; what it throws ends the download. */
  readonly freshUrl: (signal: AbortSignal) => Promise<string>;
  /** From `partPathFor`. Nobody else may write to it meanwhile. */
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
  readonly onProgress?: (bytes: number, totalBytes: number | undefined) => void;
}

export interface Downloaded {
  readonly bytes: number;
  /** The link that worked last. */
  readonly url: string;
}

/**
 * Waits before the attempts that follow one without progress; as many in a row are made. About 100 s together: a
 * router restarts in that time, and the task can be asked for again for hours.
 */
const DELAYS_MILLISECONDS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 30_000] as const;
/** A link that is refused is replaced at most this often in a row: fresh ones that are refused do not get better. */
const MAX_FRESH_LINKS = 3;
/** However much progress each of them made. */
const MAX_ATTEMPTS = 100;
/** The clips are 4 to 20 MB: a server that takes longer is dripping. */
const MAX_MILLISECONDS = 3600_000;
const STALL_MILLISECONDS = 30_000;

interface Progress {
  totalBytes: number | undefined;
  /** A strong ETag or a Last-Modified date: what If-Range takes. */
  validator: string | undefined;
}

function headerOf(answer: LinkAnswer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function validatorOf(answer: LinkAnswer): string | undefined {
  const etag = headerOf(answer, 'etag');
  return etag?.startsWith('"') ? etag : headerOf(answer, 'last-modified');
}

function contentRangeOf(answer: LinkAnswer): { start: number; totalBytes: number | undefined } | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headerOf(answer, 'content-range') ?? '');
  if (!range) return undefined;
  return { start: Number(range[1]), totalBytes: range[2] === '*' ? undefined : Number(range[2]) };
}

/** Does a 206 go on, in the same file, from the bytes that are there? */
function continues(answer: LinkAnswer, part: PartFile, progress: Progress): boolean {
  const range = contentRangeOf(answer);
  return (
    range !== undefined &&
    range.start === part.size &&
    (progress.totalBytes === undefined || range.totalBytes === undefined || range.totalBytes === progress.totalBytes) &&
    (progress.validator === undefined || [undefined, progress.validator].includes(validatorOf(answer)))
  );
}

function rangeHeaders(part: PartFile, progress: Progress): Record<string, string> {
  if (part.size === 0) return {};
  const range = { range: `bytes=${part.size}-` };
  return progress.validator === undefined ? range : { ...range, 'if-range': progress.validator };
}

/** Writes the body into the part; the bytes that are there are given up only for a body that begins an MP4. */
async function receiveBody(answer: LinkAnswer, part: PartFile, progress: Progress, onChunk: () => void) {
  const goesOn = answer.status === 206;
  if (goesOn && !continues(answer, part, progress)) {
    // Without bytes to go on from, the next attempt asks for the whole file.
    await part.restart();
    throw new DownloadSetback('the server sent another part than the one asked for');
  }
  const length = Number(headerOf(answer, 'content-length') ?? Number.NaN);
  const announced = Number.isSafeInteger(length) ? (goesOn ? part.size : 0) + length : undefined;
  let head: Uint8Array | undefined = goesOn && part.size >= MP4_HEAD_BYTES ? undefined : Buffer.alloc(0);
  if (head !== undefined && goesOn) head = await part.readAt(0, part.size);

  if (head === undefined) progress.totalBytes ??= contentRangeOf(answer)?.totalBytes;

  const begin = async (first: Uint8Array) => {
    if (!beginsMp4(first)) throw new DownloadSetback('what the server sent is no MP4 video');
    await part.restart();
    await part.append(first);
    progress.totalBytes = contentRangeOf(answer)?.totalBytes ?? announced;
    progress.validator = validatorOf(answer);
    onChunk();
  };
  await answer.receive((chunk) => {
    if (head === undefined) {
      const written = part.append(chunk);
      onChunk();
      return written;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < MP4_HEAD_BYTES) return undefined;
    const first = head;
    head = undefined;
    return begin(first);
  });
  if (head !== undefined) throw new DownloadSetback('what the server sent is no MP4 video');
}

/** @throws DownloadSetback, or what the connection or the disk threw; returns once the part is a whole MP4 */
async function attempt(url: string, links: Links, part: PartFile, progress: Progress, request: DownloadRequest) {
  const startedAt = request.clock.monotonic();
  const keepMemoryFlat = createMemoryKeeper();
  const answer = await links.get(url, rangeHeaders(part, progress), request.signal);
  try {
    if (answer.status === 416) {
      const total = /^bytes \*\/(\d+)$/i.exec(headerOf(answer, 'content-range') ?? '')?.[1];
      if (total !== undefined) progress.totalBytes = Number(total);
      if (part.size !== progress.totalBytes) await part.restart();
    } else if (answer.status === 200 || answer.status === 206) {
      await receiveBody(answer, part, progress, () => {
        keepMemoryFlat(part.size);
        request.onProgress?.(part.size, progress.totalBytes);
        if (request.clock.monotonic() - startedAt > MAX_MILLISECONDS) throw new DownloadSetback('it came too slowly');
      });
    } else {
      throw setbackOfStatus(answer.status);
    }
  } finally {
    answer.close();
  }
  await part.settle();
  await checkWhole(part, progress);
}

async function checkWhole(part: PartFile, progress: Progress): Promise<void> {
  const { totalBytes } = progress;
  if (totalBytes !== undefined && part.size < totalBytes) throw new DownloadSetback('the connection was cut');
  const isWhole = part.size === (totalBytes ?? part.size) && (await isWholeMp4(part.readAt, part.size));
  if (isWhole) return;
  await part.restart();
  throw new DownloadSetback('the video that the server sent is not whole');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function givenUp(url: string, setback: DownloadSetback, part: PartFile, progress: Progress): Problem {
  const total = progress.totalBytes === undefined ? '' : ` of ${megabytes(progress.totalBytes)}`;
  const arrived = part.size === 0 ? '' : ` (${megabytes(part.size)}${total} MB arrived)`;
  return new Problem('save_failed', {
    what: `The video could not be fetched from ${hostOf(url)}, tried several times${arrived}: ${setback.message}.`,
    mend: 'call get_video_task to fetch it again; if it fails again, check the network and the proxy, or open the link in a browser while it is valid',
    cause: setback,
  });
}

/**
 * Fetches the link into the .part file, synced to the disk: cut connections are resumed, dead links replaced. What
 * arrived before it failed is kept with a note where the server can confirm it later, else removed.
 * @throws Problem save_failed when the network or the disk will not have it; the signal's reason; what `freshUrl` throws
 */
export async function download(request: DownloadRequest): Promise<Downloaded> {
  const { clock, signal, mayReachPrivate, stallMilliseconds = STALL_MILLISECONDS } = request;
  const throughProxy = request.throughProxy ?? (async () => undefined);
  signal.throwIfAborted();
  const links = await openLinks({ throughProxy, mayReachPrivate, stallMilliseconds });
  const part = await PartFile.open(request.partPath);
  const progress: Progress = { totalBytes: part.note?.totalBytes, validator: part.note?.validator };
  const startedAt = clock.monotonic();
  let url = request.url;
  let farthest = part.size;
  let fruitless = 0;
  let freshLinks = 0;

  try {
    for (let attempts = 1; ; attempts += 1) {
      try {
        await attempt(url, links, part, progress, request);
        break;
      } catch (error) {
        signal.throwIfAborted();
        const setback = error instanceof Problem ? undefined : setbackOf(error, stallMilliseconds);
        if (setback === undefined) throw error;
        await part.settle();
        if (part.size > farthest) {
          farthest = part.size;
          fruitless = 0;
          freshLinks = 0;
        }
        const isOver = attempts >= MAX_ATTEMPTS || clock.monotonic() - startedAt > MAX_MILLISECONDS;
        const delay = DELAYS_MILLISECONDS[fruitless];
        if (isOver || delay === undefined || (setback.needsFreshLink && freshLinks >= MAX_FRESH_LINKS)) {
          throw givenUp(url, setback, part, progress);
        }
        fruitless += 1;
        // The first refusal is mostly the link's age: a fresh one need not wait.
        if (!setback.needsFreshLink || freshLinks > 0) await clock.sleep(delay, signal);
        if (setback.needsFreshLink) {
          freshLinks += 1;
          url = await request.freshUrl(signal);
        }
      }
    }
    await part.finish();
    return { bytes: part.size, url };
  } catch (error) {
    const { totalBytes, validator } = progress;
    await part.leave(totalBytes === undefined || validator === undefined ? undefined : { totalBytes, validator });
    throw error;
  } finally {
    await links.close();
  }
}
