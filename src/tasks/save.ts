/** How does a finished video get from the provider's link into the user's folder, as it was asked for? */
import { randomBytes } from 'node:crypto';
import { copyFile, rm, stat } from 'node:fs/promises';
import { fileNameFor } from '../library/file-name.ts';
import type { Place, SavedFile } from '../library/library.ts';
import { type ClipFacts, readClip } from '../media/clip.ts';
import { convertFrameRate } from '../media/clip-convert.ts';
import { trimClip } from '../media/clip-trim.ts';
import { download } from '../media/download/download.ts';
import { Problem } from '../problems.ts';
import { contentOf } from '../system/files.ts';
import { linkOf } from './after-query.ts';
import type { TaskContext } from './context.ts';
import type { ClipNumbers, TaskRecord } from './record.ts';
import { errorOf } from './submit.ts';

/** Converting ten seconds takes a few; a machine that needs longer is stuck. */
const CONVERSION_LIMIT_MILLISECONDS = 5 * 60_000;

export interface SaveRequest {
  readonly record: TaskRecord & { readonly video: NonNullable<TaskRecord['video']> };
  readonly destination: Place;
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
export function keptDestination(place: Place | undefined): TaskRecord['destination'] {
  if (place === undefined) return null;
  return { folder: place.folder, ...(place.name === undefined ? {} : { file_name: place.name }) };
}

export function placeOf({ folder, file_name }: NonNullable<TaskRecord['destination']>): Place {
  return { folder, ...(file_name === undefined ? {} : { name: file_name }) };
}

/** Its process died between the file's name and the record's word of it: whatever the provider says now, it is saved. */
export async function isPublished(context: TaskContext, record: TaskRecord): Promise<boolean> {
  const { destination } = record;
  return destination !== null && (await findFinished(context, placeOf(destination), record)) !== undefined;
}

/** The caller holds the task's lease. @returns the record with its file @throws Problem save_failed; the signal's reason */
export async function saveVideo(context: TaskContext, request: SaveRequest): Promise<TaskRecord> {
  const { record, destination } = request;
  const { library } = context;
  const found = await findFinished(context, destination, record);
  const part = await library.staging(destination, record.id);
  const cut = await library.staging(destination, `${record.id}-cut`);
  if (found !== undefined) {
    // Killed between the new name and the end of the old one.
    for (const left of [part, cut]) await rm(left, { force: true });
    return await withFile(record, found, undefined);
  }
  const unnamed = await findUnnamed(record, [part, cut]);
  if (unnamed !== undefined) {
    const named = await library.publish(unnamed.path, destination, unnamed.name);
    return await withFile(record, named, undefined);
  }
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
  const fileName = destination.name ?? fileNameFor(record.request.prompt ?? '', record.id, new Date(record.created_at));
  const finishing = { file_name: fileName, ...(await contentOf(delivered.path)) };
  const remembered = { ...delivered.record, video: { ...delivered.record.video, finishing } };
  await request.remember(remembered);
  const file = await library.publish(delivered.path, destination, fileName);
  if (delivered.path !== part) await rm(part, { force: true });
  return await withFile(remembered, file, delivered.made);
}

/** The file that a process published and died before it could record so. */
async function findFinished(context: TaskContext, place: Place, record: TaskRecord): Promise<SavedFile | undefined> {
  const finishing = record.video?.finishing;
  return finishing && (await context.library.find(finishing, place, finishing.file_name));
}

/** The whole file that an earlier attempt could not give its name to. */
async function findUnnamed(record: TaskRecord, staged: readonly string[]) {
  const finishing = record.video?.finishing;
  if (finishing === undefined) return undefined;
  for (const path of staged) {
    const content = await contentOf(path).catch(() => undefined);
    if (content?.sha256 === finishing.sha256) return { path, name: finishing.file_name };
  }
  return undefined;
}

async function withFile(
  record: SaveRequest['record'],
  { path, bytes }: SavedFile,
  made: ClipFacts | undefined,
): Promise<TaskRecord> {
  const { finishing: _, ...video } = record.video;
  const facts = await readClip(path).catch(() => undefined);
  const file = { path, bytes, ...(facts === undefined ? {} : { facts: numbers(facts) }) };
  return { ...record, video: { ...video, file, ...(made === undefined ? {} : { made: numbers(made) }) } };
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
export async function copySaved(
  { library }: TaskContext,
  record: TaskRecord,
  source: string,
  destination: Place,
): Promise<string> {
  // A name of its own: several calls may copy at the same time, and each has a lease of nothing.
  const part = await library.staging(destination, `${record.id}-copy-${randomBytes(4).toString('hex')}`);
  try {
    await copyFile(source, part);
    const name = destination.name ?? fileNameFor(record.request.prompt ?? '', record.id, new Date(record.created_at));
    return (await library.publish(part, destination, name)).path;
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error instanceof Problem
      ? error
      : new Problem('save_failed', { what: `The video could not be copied to ${destination.folder}.`, cause: error });
  }
}
