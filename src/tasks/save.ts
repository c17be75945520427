/** How does a finished video get from the provider's link into the user's folder, as it was asked for? */
import { randomBytes } from 'node:crypto';
import { copyFile, rm, stat } from 'node:fs/promises';
import { type ClipFacts, readClip, readDelivered, trimClip } from '../media/clip/clip.ts';
import { convertFrameRate } from '../media/clip/convert.ts';
import { download, partPathFor } from '../media/download.ts';
import { type Destination, fileNameFor, publish } from '../media/output.ts';
import { findPublished } from '../media/output-publish.ts';
import { Problem } from '../problems.ts';
import { linkOf } from './after-query.ts';
import type { TaskContext } from './context.ts';
import type { ClipNumbers, TaskRecord } from './record.ts';
import { errorOf } from './submit.ts';

/** Converting ten seconds takes a few; a machine that needs longer is stuck. */
const CONVERSION_LIMIT_MILLISECONDS = 5 * 60_000;

export interface SaveRequest {
  readonly record: TaskRecord & { readonly video: NonNullable<TaskRecord['video']> };
  readonly destination: Destination;
  /** Asks the provider for another link to the same video. */
  readonly freshUrl: (signal: AbortSignal) => Promise<string>;
  readonly signal: AbortSignal;
  /** Called before the file gets its name, with what finds it again. */
  readonly remember: (record: TaskRecord) => Promise<void>;
}

/** Has nobody moved or removed the file? */
export async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** As a record keeps it; null: only the link is wanted. */
export function keptDestination(place: Destination | undefined): TaskRecord['destination'] {
  if (place === undefined) return null;
  return { folder: place.folder, ...(place.fileName === undefined ? {} : { file_name: place.fileName }) };
}

/** Its process died between the file's name and the record's word of it: whatever the provider says now, it is saved. */
export async function isPublished(record: TaskRecord): Promise<boolean> {
  const { destination } = record;
  return destination !== null && (await findFinished(destination.folder, record)) !== undefined;
}

/** The caller holds the task's lease. @returns the record with its file @throws Problem save_failed; the signal's reason */
export async function saveVideo(context: TaskContext, request: SaveRequest): Promise<TaskRecord> {
  const { record, destination } = request;
  const { folder } = destination;
  const found = await findFinished(folder, record);
  const part = partPathFor(folder, record.id);
  const cut = partPathFor(folder, `${record.id}-cut`);
  if (found !== undefined) {
    // Killed between the new name and the end of the old one.
    for (const left of [part, cut]) await rm(left, { force: true });
    return await withFile(record, found, undefined);
  }
  await dropIfNamed(part);
  let { video } = record;
  await download({
    url: video.url,
    async freshUrl(signal) {
      const fresh = await request.freshUrl(signal);
      video = { ...video, ...linkOf(fresh, context.clock.now()) };
      return fresh;
    },
    partPath: part,
    clock: context.clock,
    throughProxy: context.network.throughProxy,
    mayReachPrivate: context.apiIsPrivate,
    signal: request.signal,
  });
  const delivered = await deliver(context, { ...record, video }, { part, cut }, request.signal);
  const fileName =
    destination.fileName ?? fileNameFor(record.request.prompt ?? '', record.id, new Date(record.created_at));
  const { ino } = await stat(delivered.path);
  const finishing = { inode: ino, file_name: fileName };
  const remembered = { ...delivered.record, video: { ...delivered.record.video, finishing } };
  await request.remember(remembered);
  const path = await publish(delivered.path, folder, fileName);
  if (delivered.path !== part) await rm(part, { force: true });
  return await withFile(remembered, path, delivered.made);
}

/** A second name of a file that its user has moved away: written to, it would change that one. */
async function dropIfNamed(part: string): Promise<void> {
  const there = await stat(part).catch(() => undefined);
  if (there !== undefined && there.nlink > 1) await rm(part, { force: true });
}

/** The file that a process named, and died before it could say so. */
async function findFinished(folder: string, record: TaskRecord): Promise<string | undefined> {
  const finishing = record.video?.finishing;
  return finishing && (await findPublished(folder, finishing.file_name, finishing.inode));
}

async function withFile(record: SaveRequest['record'], path: string, made: ClipFacts | undefined): Promise<TaskRecord> {
  const { finishing: _, ...video } = record.video;
  const { size } = await stat(path);
  const { facts, note } = await readDelivered(path);
  const file = { path, bytes: size, ...(facts === undefined ? {} : { facts: numbers(facts) }) };
  const notes = note === undefined ? record.request.notes : [...record.request.notes, note];
  const request = { ...record.request, notes };
  return { ...record, request, video: { ...video, file, ...(made === undefined ? {} : { made: numbers(made) }) } };
}

function numbers(facts: ClipFacts): ClipNumbers {
  const { width, height, durationSeconds, fps } = facts;
  return { width, height, duration_seconds: durationSeconds, fps };
}

interface Delivered {
  readonly record: SaveRequest['record'];
  readonly path: string;
  /** What the provider made, where it was changed. */
  readonly made: ClipFacts | undefined;
}

/** Trims and converts as asked. If that fails the original is what is delivered, and the record says why. */
async function deliver(
  context: TaskContext,
  record: SaveRequest['record'],
  { part, cut: target }: { readonly part: string; readonly cut: string },
  signal: AbortSignal,
): Promise<Delivered> {
  const { duration, fps } = record.request;
  const seconds = duration === 4 || duration === 6 || duration === 8 ? duration : undefined;
  const rate = fps === 25 || fps === 30 ? fps : undefined;
  if (seconds === undefined && rate === undefined) return { record, path: part, made: undefined };
  try {
    const made = await readClip(part);
    if (rate === undefined) {
      if (seconds !== undefined) await trimClip(part, target, seconds);
    } else {
      const ffmpeg = await context.ffmpeg();
      if (ffmpeg === undefined) throw new Problem('ffmpeg_missing');
      await convertFrameRate(part, target, rate, ffmpeg, {
        ...(seconds === undefined ? {} : { seconds }),
        signal,
        clock: context.clock,
        timeLimitMilliseconds: CONVERSION_LIMIT_MILLISECONDS,
      });
    }
    return { record, path: target, made };
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = error instanceof Problem ? error : new Problem('conversion_failed', { cause: error });
    const problem = new Problem('conversion_failed', {
      what: `The video could not be converted to ${duration} s at ${fps} fps (${reasonOf(cause, part)}); the original is kept.`,
      mend: cause.code === 'ffmpeg_missing' ? cause.mend : 'use the original file',
    });
    return { record: { ...record, error: errorOf(problem) }, path: part, made: undefined };
  }
}

/** Without the name that the file has only while it is made: nothing is there afterwards. */
function reasonOf(cause: Problem, part: string): string {
  return cause.message
    .replace(/; the original is kept.*$/s, '')
    .replaceAll(`"${part}"`, 'the file')
    .replace(/\.$/, '');
}

/** A second place for a video that is saved already: no download, no charge. @throws Problem save_failed */
export async function copySaved(record: TaskRecord, source: string, destination: Destination): Promise<string> {
  // A name of its own: several calls may copy at the same time, and each has a lease of nothing.
  const part = partPathFor(destination.folder, `${record.id}-copy-${randomBytes(4).toString('hex')}`);
  try {
    await copyFile(source, part);
    const name =
      destination.fileName ?? fileNameFor(record.request.prompt ?? '', record.id, new Date(record.created_at));
    return await publish(part, destination.folder, name);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error instanceof Problem
      ? error
      : new Problem('save_failed', { what: `The video could not be copied to ${destination.folder}.`, cause: error });
  }
}
