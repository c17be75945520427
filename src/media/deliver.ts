/** Brings a finished video from the provider's link into a staged file, in the requested length and rate. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../clock.ts';
import type { Library, Place, SavedFile } from '../library/library.ts';
import { Problem } from '../problems.ts';
import { contentOf, type FileContent } from '../system/files.ts';
import type { Network } from '../system/network.ts';
import { type ClipFacts, readDelivered, type TrimmedSeconds, trimClip } from './clip/clip.ts';
import { type ConvertedFps, convertFrameRate } from './clip/convert.ts';
import { inBrackets } from './clip/failure.ts';
import type { Ffmpeg } from './clip/ffmpeg.ts';
import { download } from './download/download.ts';

/** Converting ten seconds takes a few; a machine that needs longer is stuck. */
const CONVERSION_LIMIT_MILLISECONDS = 5 * 60_000;

export interface DeliveryOptions {
  readonly library: Library;
  readonly network: Network;
  /** The API's own host is loopback or private: then its links may be, too. */
  readonly mayReachPrivate: boolean;
  /** @throws Problem ffmpeg_missing for a wrong setting */
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
  readonly clock: Clock;
}

export interface DeliveryRequest {
  readonly id: string;
  readonly url: string;
  /** Asks the provider for another link to the same video. */
  readonly freshUrl: (signal: AbortSignal) => Promise<string>;
  readonly place: Place;
  /** Requested seconds and frames per second; absent: as the provider made it. */
  readonly duration: number | undefined;
  readonly fps: number | undefined;
  readonly signal: AbortSignal;
}

export interface Delivered {
  /** The staged file, whole and synced. */
  readonly path: string;
  readonly content: FileContent;
  /** Staged files to remove once the video has been published. */
  readonly leftovers: readonly string[];
  /** Absent where the file cannot be read as a clip. */
  readonly facts?: ClipFacts;
  /** What the provider delivered, where the file was trimmed or converted. */
  readonly original?: ClipFacts;
  /** Why facts are missing. */
  readonly note?: string;
  /** Why the file differs from the request. */
  readonly problem?: Problem;
}

export class Delivery {
  private readonly options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.options = options;
  }

  /** If trimming or converting fails the original is delivered, and `problem` holds the reason. @throws Problem save_failed; the signal's reason */
  async fetch(request: DeliveryRequest): Promise<Delivered> {
    const { library, network, mayReachPrivate, clock } = this.options;
    const { id, place, signal } = request;
    const part = await library.staging(place, id);
    await download({
      url: request.url,
      freshUrl: request.freshUrl,
      partPath: part,
      clock,
      throughProxy: network.throughProxy,
      mayReachPrivate,
      signal,
    });
    const delivered = await readDelivered(part, { signal });
    const asIs = async (): Promise<Delivered> => {
      return { path: part, content: await contentOf(part), leftovers: [], ...delivered };
    };
    const change = changeOf(request);
    if (change === undefined) return await asIs();
    const cut = await library.staging(place, `${id}-cut`);
    try {
      const facts = await this.convert(part, cut, change, signal);
      const original = delivered.facts && { original: delivered.facts };
      return { path: cut, content: await contentOf(cut), leftovers: [part], facts, ...original };
    } catch (error) {
      signal.throwIfAborted();
      const cause = error instanceof Problem ? error : new Problem('conversion_failed', { cause: error });
      const problem = new Problem('conversion_failed', {
        what: `The video could not be converted to ${request.duration} s at ${request.fps} fps${inBrackets(cause.cause ?? cause)}; the original is kept.`,
        hint: cause.code === 'ffmpeg_missing' ? cause.hint : 'use the original file',
        cause,
      });
      return { ...(await asIs()), leftovers: [cut], problem };
    }
  }

  /** @returns the staged file with this content, which an earlier attempt did not publish */
  async staged(id: string, place: Place, { sha256 }: FileContent): Promise<string | undefined> {
    for (const purpose of [id, `${id}-cut`]) {
      const path = await this.options.library.staging(place, purpose);
      const content = await contentOf(path).catch(() => undefined);
      if (content?.sha256 === sha256) return path;
    }
    return undefined;
  }

  /** Removes the staged files of an attempt that died after the video had been published. */
  async removeStaged(id: string, place: Place): Promise<void> {
    const { library } = this.options;
    for (const purpose of [id, `${id}-cut`]) {
      const path = await library.staging(place, purpose).catch(() => undefined);
      if (path !== undefined) await this.remove([path]);
    }
  }

  /** Copies a saved video to a second place. @throws Problem save_failed */
  async copy(id: string, file: SavedFile, place: Place, name: string): Promise<SavedFile> {
    const { library } = this.options;
    // A name of its own: several calls may copy at the same time.
    const part = await library.staging(place, `${id}-copy-${crypto.randomUUID().slice(0, 8)}`);
    try {
      await pipeline(await library.open(file), createWriteStream(part, { flush: true }));
      return await library.publish(part, place, name);
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw error instanceof Problem
        ? error
        : new Problem('save_failed', { what: `The video could not be copied to ${place.folder}.`, cause: error });
    }
  }

  async remove(leftovers: readonly string[]): Promise<void> {
    for (const path of leftovers) await rm(path, { force: true }).catch(() => undefined);
  }

  private async convert(part: string, cut: string, { fps, seconds }: Change, signal: AbortSignal): Promise<ClipFacts> {
    if (fps === undefined) return await trimClip(part, cut, seconds, { signal });
    const ffmpeg = await this.options.ffmpeg();
    if (ffmpeg === undefined) throw new Problem('ffmpeg_missing');
    return await convertFrameRate(part, cut, fps, ffmpeg, {
      seconds,
      signal,
      clock: this.options.clock,
      timeLimitMilliseconds: CONVERSION_LIMIT_MILLISECONDS,
    });
  }
}

/** A frame rate to convert to, a length to trim to, or both. */
type Change =
  | { readonly fps: ConvertedFps; readonly seconds: TrimmedSeconds | undefined }
  | { readonly fps?: undefined; readonly seconds: TrimmedSeconds };

/** @returns undefined for what the provider makes itself: 5 and 10 seconds at 24 frames a second */
function changeOf({ duration, fps }: DeliveryRequest): Change | undefined {
  const seconds = duration === 4 || duration === 6 || duration === 8 ? duration : undefined;
  if (fps === 25 || fps === 30) return { fps, seconds };
  return seconds && { seconds };
}
