/** What happened to a task, and what is to be done next, each in words that a model or a person can act on. */
import { isPastLife } from '../tasks/after-query.ts';
import { isAlive } from '../tasks/process-identity.ts';
import { isAdopted, isOpen, type TaskError, type TaskRecord } from '../tasks/record.ts';
import { escapeMarkdown } from './markdown.ts';
import type { Circumstances } from './report.ts';
import { capitalised } from './surface.ts';
import { timeWords } from './time-left.ts';

export const SANDBOX = 'This is the sandbox: no real video, and nothing is charged.';

/** As problems name the call that saves; told with the task's id. */
const GET = 'call get_video_task';

/** Whole seconds are told where the file is that close to them: 121 frames are 5.04 s. */
const WHOLE_SECOND_TOLERANCE = 0.1;

export function messageOf(record: TaskRecord, circumstances: Circumstances): string {
  return [
    circumstances.joined ? joined(record, circumstances) : '',
    whatHappened(record, circumstances),
    ...notesOf(record).map((note) => `${capitalised(note)}.`),
    circumstances.unwritten ? unwritten(record) : '',
    record.sandbox ? SANDBOX : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** What was only intended is not told once it has failed. */
function notesOf({ request, error }: TaskRecord): readonly string[] {
  if (error?.code !== 'conversion_failed') return request.notes;
  return request.notes.map((note) => note.replace(/, and (trimmed|converted) to \d+( s)?$/, ''));
}

function joined(record: TaskRecord, { surface }: Circumstances): string {
  return `The same request is there already as task ${record.id}, so this call joined it and nothing new is paid; for another take ${surface.again()}.`;
}

function unwritten(record: TaskRecord): string {
  return `The state folder could not be written, so keep these ids: provider task ${record.provider_task_id ?? '(none)'}, req_key ${record.req_key}; writing is tried again.`;
}

function whatHappened(record: TaskRecord, circumstances: Circumstances): string {
  const { status } = record;
  switch (status) {
    case 'queued':
      return queued(record, circumstances);
    case 'submitting':
      return submitting(record);
    case 'in_queue':
    case 'generating':
      return running(record, circumstances);
    case 'done':
      return done(record, circumstances);
    case 'failed':
      return `${told(record) || 'The provider refused the request.'} Nothing was charged.`;
    case 'unknown':
      return `Whether the provider took the request is not known: it may have been charged, and it is not sent again. ${told(record)}`.trim();
    case 'not_found':
      return 'The provider says that it does not know this task, and has said so for two minutes; it may have been charged.';
    case 'expired':
      return record.sent_at === undefined
        ? 'The request waited in the queue for over an hour after its process had ended, and expired unsent; nothing was charged.'
        : `${record.error?.message ?? ''} The video can no longer be fetched; it may have been charged.`.trim();
    case 'cancelled':
      return 'The request was withdrawn from the queue before it was sent; nothing was charged.';
  }
}

function submitting({ hindrance }: TaskRecord): string {
  return hindrance === undefined
    ? 'The request is being sent, and the provider has not answered yet; it is never sent twice.'
    : `${hindrance.message} It is tried again.`;
}

function queued({ owner }: TaskRecord, { placeInQueue, surface }: Circumstances): string {
  if (isAlive(owner) === false) {
    return `The request is recorded; no process is left to send it, so it is sent ${surface.whenLeft}, and costs nothing until then.`;
  }
  const place =
    placeInQueue === undefined ? '' : placeInQueue === 0 ? ' as the next one' : `, ${placeInQueue} before it`;
  return `The request is recorded and waits for a free slot${place}; it is sent by itself, and costs nothing until then.`;
}

function running(record: TaskRecord, { now, usual }: Circumstances): string {
  const doing =
    record.video !== undefined
      ? 'The video is finished and is being saved'
      : record.status === 'in_queue'
        ? 'The provider has accepted the request and has it in its queue'
        : 'The provider is making the video';
  const { hindrance } = record;
  if (hindrance === undefined && record.first_not_found_at !== undefined) return notKnownNow(record);
  const since = `${doing} (${timeWords(record, usual, now)}).`;
  if (hindrance === undefined) return since;
  const times = hindrance.count > 1 ? ` (at least ${hindrance.count} times in a row)` : '';
  return `${since} Asking for it is hindered${times}: ${hindrance.message} The task itself is unaffected, and asking goes on.`;
}

function notKnownNow(record: TaskRecord): string {
  const check = isAdopted(record) ? '; the id, the mode or the keys may be others' : '';
  return `The provider answers that it does not know this task${check}; it is asked again, and believed after two minutes.`;
}

/** The sentence of the row, and the provider's own words behind it. */
function told({ error }: TaskRecord): string {
  if (error === undefined) return '';
  const words = error.provider_text === undefined ? '' : ` The provider says: "${shorten(error.provider_text)}".`;
  return `${error.message}${words}`;
}

/** Provider texts are not shown whole. Cut before it is escaped: half an escape would be worse than none. */
function shorten(text: string): string {
  const characters = [...text.trim()];
  return escapeMarkdown(characters.length > 200 ? `${characters.slice(0, 200).join('')}…` : text);
}

function done(record: TaskRecord, { now }: Circumstances): string {
  const { video, error } = record;
  if (video?.file === undefined) {
    const what =
      record.destination === null ? 'The video is finished.' : 'The video is finished, but could not be saved:';
    if (error !== undefined) return `${what} ${error.message}`;
    return hasLink(record, now)
      ? `The video is finished; its link is good until ${video?.url_valid_until}.`
      : 'The video is finished, is not saved, and its link has expired.';
  }
  const sentences = ['The video is finished and saved.'];
  if (error !== undefined) sentences.push(error.message);
  const difference = error === undefined ? differenceOf(record) : '';
  if (difference !== '') sentences.push(difference);
  return sentences.join(' ');
}

function hasLink({ video }: TaskRecord, now: number): boolean {
  return video !== undefined && Date.parse(video.url_valid_until) > now;
}

/** What the file has and was not asked for. */
function differenceOf({ request, video }: TaskRecord): string {
  const facts = video?.file?.facts;
  if (facts === undefined || request.duration === undefined || request.fps === undefined) return '';
  const longer = Math.abs(facts.duration_seconds - request.duration) > WHOLE_SECOND_TOLERANCE;
  const faster = Math.abs(facts.fps - request.fps) > 0.05;
  if (!longer && !faster) return '';
  return `The file has ${tidy(facts.duration_seconds)} s at ${tidy(facts.fps)} fps; ${request.duration} s at ${request.fps} fps were asked for.`;
}

export function tidy(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Whole seconds where the file is within a tenth of them. */
export function wholeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return Math.abs(seconds - whole) <= WHOLE_SECOND_TOLERANCE ? String(whole) : tidy(seconds);
}

export function nextStepOf(record: TaskRecord, { surface, now, output }: Circumstances): string {
  const { status, error, video } = record;
  const get = surface.get(record.id, isOpen(status) ? output : undefined);
  switch (status) {
    case 'queued':
      return `${capitalised(get)} to wait for it; to withdraw it, ${surface.cancel(record.id)}.`;
    case 'submitting':
    case 'in_queue':
    case 'generating': {
      const mend = record.hindrance?.who === 'operator' ? `${capitalised(record.hindrance.mend)}; then ${get}.` : '';
      return mend || `${capitalised(get)} to wait for it.`;
    }
    case 'done':
      return nextStepWhenDone(record, get, now);
    case 'failed':
      return surface.afterFailure(error?.mend ?? 'change the request');
    case 'unknown': {
      const next = error?.who === 'unknown' && error.retryable ? ` Before the next request, ${error.mend}.` : '';
      return `Do not send it again unless the user accepts to pay twice: look for it in the provider's console; to make it again, ${surface.again()}.${next}`;
    }
    case 'not_found':
    case 'expired': {
      if (record.sent_at === undefined)
        return 'Send the same request again if it is still wanted; this one was never paid.';
      if (status === 'not_found' && isAdopted(record)) {
        return `If it was made in another mode, ${surface.getElsewhere(record.provider_task_id ?? '')}; ask the user before paying for it again.`;
      }
      const kept = video?.file === undefined ? '' : ` The file saved before is at ${video.file.path}.`;
      return `Ask the user before paying for it again; to make it again, send the same request once more.${kept}`;
    }
    case 'cancelled':
      return 'Nothing is left to do; send the request again if it is wanted after all.';
  }
}

function nextStepWhenDone(record: TaskRecord, get: string, now: number): string {
  const { video, error } = record;
  // The provider has forgotten it: there is no fresh link then.
  const isLost = isPastLife(record, now) && !hasLink(record, now);
  if (video?.file !== undefined) {
    return isLost
      ? 'Show the user the saved file; the provider keeps a link for 12 hours only.'
      : `Show the user the saved file; ${error?.code === 'save_failed' ? mended(error, get) : `for a fresh link ${get}`}.`;
  }
  if (isLost) return 'The provider keeps a video for 12 hours only; ask the user before paying for it again.';
  if (error?.code === 'not_found') return `${capitalised(error.mend)}.`;
  if (error !== undefined) return `${capitalised(mended(error, get))}.`;
  return hasLink(record, now) ? `Give the user the link now; for a fresh one ${get}.` : `For a fresh link ${get}.`;
}

/** What mends it, and the call that tries again. */
function mended({ mend }: TaskError, get: string): string {
  return mend.includes('get_video_task') ? mend.replace(GET, get) : `${mend}; then ${get}`;
}
