/** Says in plain sentences what happened to a task. Pure. */
import { PROVIDER_FPS } from '../jimeng/modes.ts';
import type { QueueState, TaskView } from '../tasks/calls.ts';
import { isAdopted, type TaskError, type TaskRecord } from '../tasks/record.ts';
import { hasLink, isPastLife } from './next-step.ts';
import type { Phrasing } from './phrasing-tools.ts';
import { cut, oneLine, rounded, WHOLE_SECOND_TOLERANCE } from './text.ts';
import { timeWords } from './time-left.ts';

/** Of one text by the provider; its documented ones are shorter. Less beside a long sentence and hint: an error stays under 500. */
const MAX_PROVIDER_CHARACTERS = 120;
const MIN_PROVIDER_CHARACTERS = 24;
const MAX_EXPLANATION_CHARACTERS = 230;
/** Of a sentence that was made elsewhere and may hold a path or a prompt. */
const MAX_SENTENCE_CHARACTERS = 400;
/** Of requests that are waited for: the text of one task stays under 600 characters. */
const MAX_IDS = 2;

/** One sentence of what a waiting caller sees: "jv-…: generating, 50 s so far, usually 2 to 10 minutes". */
export function progressOf({ task, usual, now, problem }: TaskView): string {
  const state = task.video === undefined ? task.status : 'saving';
  const blockedBy = problem ?? task.pollingProblem ?? task.sendingProblem;
  return `${task.id}: ${state}, ${timeWords(task, usual, now)}${blockedBy === undefined ? '' : ` (${sentenceOf(blockedBy)})`}`;
}

export function messageOf(view: TaskView, phrasing: Phrasing): string {
  const { task, joined, isUnwritten, warning } = view;
  return [
    ...(joined ? [joinedSentence(task, phrasing)] : []),
    ...whatHappened(view, phrasing),
    ...(isUnwritten ? [unwritten(task)] : []),
    ...(warning === undefined ? [] : [oneLine(warning)]),
    ...(task.sandbox ? [SANDBOX] : []),
  ].join(' ');
}

export const SANDBOX = 'Sandbox: not a real video, and nothing is charged.';

function joinedSentence({ id, sandbox }: TaskRecord, { anotherTake }: Phrasing): string {
  const money = sandbox ? 'nothing new was made' : 'nothing new was charged';
  return `The same request already exists as task ${id}, so ${money}; for another take, ${anotherTake}.`;
}

function unwritten({ providerTaskId, reqKey }: TaskRecord): string {
  return `The record could not be written, and writing is retried; keep these ids: provider task ${providerTaskId ?? '(none)'}, req_key ${reqKey}.`;
}

function whatHappened(view: TaskView, phrasing: Phrasing): string[] {
  const { task } = view;
  const { error } = task;
  switch (task.status) {
    case 'queued':
      return [queued(view, phrasing), ...notesOf(task)];
    case 'submitting':
      return [
        'The request is being sent, and the provider has not answered yet.',
        ...(task.sendingProblem === undefined ? [] : [`${sentenceOf(task.sendingProblem)} It is tried again.`]),
      ];
    case 'generating':
      return [...generating(view), ...notesOf(task)];
    case 'done':
      return [...done(view, phrasing), ...labelOf(task), ...task.request.notes.map(sentence)];
    case 'failed':
      return [...explained(error, phrasing), ...(task.sandbox ? [] : ['Nothing was charged.'])];
    case 'unknown':
      return [`The answer to the submit was lost${mayCost(task)}.`, ...explained(error, phrasing)];
    case 'not_found':
      return [`The provider has reported for two minutes that it does not know this task${mayCost(task)}.`];
    case 'expired':
      if (task.sentAt === undefined && !isAdopted(task)) {
        return [
          'The request was never sent: it waited for over an hour after its process had ended. Nothing was charged.',
        ];
      }
      return [...explained(error, phrasing), `The video can no longer be fetched${mayCost(task)}.`];
    case 'cancelled':
      return ['The request was withdrawn before it was sent; nothing was charged.'];
  }
}

function mayCost({ sandbox }: TaskRecord): string {
  return sandbox ? '' : '; the video may have been charged';
}

function queued({ task, queue, problem }: TaskView, phrasing: Phrasing): string {
  if (queue?.waitsFor === 'worker') {
    return 'No process works on the queue right now. The request is recorded, costs nothing yet, and is sent as soon as one runs.';
  }
  const blockedBy = problem ?? task.sendingProblem;
  if (blockedBy !== undefined)
    return `${sentenceOf(blockedBy)} The request is recorded, costs nothing yet, and is tried again.`;
  if (queue?.waitsFor === 'process') {
    return 'The request is recorded, but the process that queued it has ended, so it is not sent yet, and costs nothing.';
  }
  if (queue?.waitsFor === undefined) return 'The request is recorded and about to be sent.';
  return `The request waits for ${waitsFor(queue, phrasing)}. It is sent ${phrasing.sendsQueued}, and costs nothing until then.`;
}

/** Each of them is freed by its id, one after the other. */
function firstOf(ids: readonly string[]): string {
  const more = ids.length - MAX_IDS;
  return more > 0 ? `${ids.slice(0, MAX_IDS).join(', ')} and ${more} more` : ids.join(' and ');
}

/** "a free slot, after 2 other requests" */
export function waitsFor(
  { waitsFor, before, unknowns, until, task }: QueueState,
  phrasing: Pick<Phrasing, 'time'>,
): string {
  const after = before === 0 ? '' : `, after ${before} other request${before === 1 ? '' : 's'}`;
  const atTheLatest = until === undefined ? '' : `, until ${phrasing.time(until)} at the latest`;
  switch (waitsFor) {
    case 'unknown':
      // Of other people's requests no more is known here than that they are there.
      return unknowns.length === 0
        ? `a slot of another request, whose outcome is unknown${atTheLatest}${after}`
        : `the slot of ${firstOf(unknowns)}, whose outcome is unknown${atTheLatest}${after}`;
    case 'pause':
      return `the provider, which takes no more requests for now${atTheLatest}${after}`;
    case 'process':
      return 'a process to send it';
    case 'worker':
      return 'a process that works on the queue';
    case 'task':
      return `the video of ${task ?? 'another task'}, which its picture is taken from`;
    default:
      return `a free slot${after}`;
  }
}

function generating({ task, usual, now, problem }: TaskView): string[] {
  const { pollingProblem } = task;
  if (problem === undefined && pollingProblem === undefined && task.firstNotFoundAt !== undefined) {
    const check = isAdopted(task) ? ' The id, the mode or the keys may be wrong.' : '';
    return [
      `The provider reports that it does not know this task. If it still does after two minutes, the task ends as not_found.${check}`,
    ];
  }
  const state =
    task.video !== undefined
      ? 'The video is finished and being saved'
      : task.providerStatus === 'in_queue'
        ? 'The provider has the request in its queue'
        : 'The provider is generating the video';
  const sentences = [`${state} (${timeWords(task, usual, now)}).`];
  if (problem !== undefined) return [...sentences, sentenceOf(problem), 'The task is unaffected.'];
  if (pollingProblem === undefined) return sentences;
  const times = pollingProblem.count > 1 ? ` ${pollingProblem.count} times in a row` : '';
  return [
    ...sentences,
    `Polling failed${times}: ${sentenceOf(pollingProblem)}`,
    'The task is unaffected, and polling goes on.',
  ];
}

/** What will be done to the video that the provider generates, and what was done to the input. */
function notesOf({ request, billedSeconds }: TaskRecord): string[] {
  return [...conversionNotes(request, billedSeconds), ...request.notes.map(sentence)];
}

/** "10 s are generated and billed, then trimmed to 8 s." */
export function conversionNotes(
  { duration, fps }: { readonly duration?: number | undefined; readonly fps?: number | undefined },
  billedSeconds: number | undefined,
): string[] {
  const isTrimmed = duration !== undefined && billedSeconds !== undefined && billedSeconds > duration;
  return [
    ...(isTrimmed ? [`${billedSeconds} s are generated and billed, then trimmed to ${duration} s.`] : []),
    ...(fps === undefined || fps === PROVIDER_FPS
      ? []
      : [`${PROVIDER_FPS} fps are generated, then converted to ${fps}.`]),
  ];
}

/** A note is a sentence without its full stop. */
export function sentence(note: string): string {
  const text = cut(oneLine(note), MAX_SENTENCE_CHARACTERS);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export function sentenceOf({ message }: { readonly message: string }): string {
  return cut(oneLine(message), MAX_SENTENCE_CHARACTERS);
}

/** The row's sentence, and the provider's own words behind it. */
export function explained(error: TaskError | undefined, { quote }: Phrasing): string[] {
  if (error === undefined) return ['The provider refused the request.'];
  const words = error.providerText === undefined ? '' : oneLine(error.providerText);
  const room = MAX_EXPLANATION_CHARACTERS - error.message.length - error.hint.length;
  const max = Math.min(MAX_PROVIDER_CHARACTERS, Math.max(MIN_PROVIDER_CHARACTERS, room));
  const said = words === '' ? [] : [`The provider says: ${quotation(quote(cut(words, max)))}`];
  return [sentenceOf(error), ...said];
}

/** The quoted words end the sentence: a full stop of their own is the only one. */
function quotation(words: string): string {
  return `"${words}"${/[.!?…。！？]$/.test(words) ? '' : '.'}`;
}

function done({ task, now, problem, missingFile, copy }: TaskView, phrasing: Phrasing): string[] {
  const { video, error } = task;
  const trouble = problem === undefined ? [] : explained(problem, phrasing);
  if (copy !== undefined) {
    const first = video?.file === undefined ? '' : `; the first file is ${oneLine(video.file.path)}`;
    return [`This is a copy${first}.`, ...trouble];
  }
  const failure = problem ?? error;
  const isTriedAgain = problem === undefined && error !== undefined && task.saveAgainAt !== undefined;
  const saving = isTriedAgain ? [`Saving is tried again at ${phrasing.time(task.saveAgainAt ?? now)}.`] : [];
  if (missingFile !== undefined) {
    const reason = failure === undefined ? [] : explained(failure, phrasing);
    return [`The video was saved, but ${oneLine(missingFile)} no longer exists.`, ...reason, ...saving];
  }
  if (video?.file !== undefined) {
    const news = error === undefined ? differences(task) : explained(error, phrasing);
    return [...(news.length === 0 ? ['The video is saved.'] : []), ...news, ...trouble];
  }
  if (error?.code === 'no_video') {
    const cost = task.sandbox ? [] : ['It may have been charged.'];
    const { saveAgainAt } = task;
    const again = saveAgainAt === undefined ? [] : [`The provider is asked again at ${phrasing.time(saveAgainAt)}.`];
    return [...explained(error, phrasing), ...cost, ...again, ...trouble];
  }
  if (failure !== undefined) {
    const state = task.place === null ? 'The video is finished.' : 'The video is finished, but not saved.';
    return [state, ...explained(failure, phrasing), ...saving];
  }
  if (hasLink(task, now)) return ['The video is finished.'];
  const gone = isPastLife(task, now) ? 'the provider keeps a video for 12 hours only' : 'its link has expired';
  return [`The video is finished, but not saved, and ${gone}.`];
}

/** The implicit label of generated content, where one was sent. */
function labelOf({ video }: TaskRecord): string[] {
  if (video?.isLabelled === undefined) return [];
  return [
    video.isLabelled
      ? 'The provider wrote the content label (JIMENG_VIDEO_AIGC_META) into the video.'
      : 'The provider did not write the content label (JIMENG_VIDEO_AIGC_META) into the video.',
  ];
}

/** How the file differs from the delivered one, and from the request. */
function differences({ request, video, billedSeconds }: TaskRecord): string[] {
  const facts = video?.file?.facts;
  if (facts === undefined || request.duration === undefined || request.fps === undefined) return [];
  const isOtherLength = Math.abs(facts.durationSeconds - request.duration) > WHOLE_SECOND_TOLERANCE;
  const isOtherRate = Math.abs(facts.fps - request.fps) > 0.05;
  if (isOtherLength || isOtherRate) {
    const has = `${rounded(facts.durationSeconds)} s at ${rounded(facts.fps)} fps`;
    return [`The file has ${has}; the request was for ${request.duration} s at ${request.fps} fps.`];
  }
  const isTrimmed = billedSeconds !== undefined && billedSeconds > request.duration;
  return isTrimmed
    ? [`${billedSeconds} s were generated and billed; the file is trimmed to ${request.duration} s.`]
    : [];
}
