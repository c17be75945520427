/** Says what happened to a video, and what to do: the page's phrasing of the same facts that tools and terminal phrase. */
import { PROBLEMS_IN_CHINESE } from '../../../scripts/docs-problems-zh.mjs';
import type { NextStep } from '../../report/next-step.ts';
import { SOON_SECONDS, timingOf } from '../../report/time-left.ts';
import type { TaskError } from '../../tasks/record.ts';
import type { Notice, VideoItem } from '../api.ts';
import { aboutDuration, exactDuration, wholeMoment } from './format.ts';
import type { Words } from './words/en.ts';

const TRANSLATED: Readonly<Record<string, readonly string[]>> = PROBLEMS_IN_CHINESE;

/** What happened, and an imperative. In Chinese the problem's own sentence, where there is one. */
export function problemWords(
  { locale }: Words,
  { code, message, hint }: Notice,
): readonly [what: string, hint: string] {
  const [what = message, todo = hint] = locale.startsWith('zh') ? (TRANSLATED[code] ?? []) : [];
  return [what, todo];
}

/** "50 s so far · about 1 min 20 s left" @param now by the server's clock */
export function timeLine(words: Words, item: VideoItem, now: number): string {
  const timing = timingOf(item, item.usual, now);
  const soFar = words.soFar(exactDuration(words, timing.soFar));
  if (item.isGenerated) return soFar;
  if (timing.usual === undefined) return item.sandbox ? soFar : `${soFar} · ${words.usualDefault}`;
  return `${soFar} · ${restLine(words, timing)}`;
}

function restLine(words: Words, { usual, left }: ReturnType<typeof timingOf>): string {
  const [low, high] = (usual ?? [0, 0]).map((seconds) => aboutDuration(words, seconds)) as [string, string];
  if (left === 'late') return words.late;
  if (left === undefined) return words.usually(low, high);
  const [least, most] = left;
  if (most < SOON_SECONDS) return words.dueNow;
  if (least < SOON_SECONDS) return words.under(aboutDuration(words, most));
  return words.left(aboutDuration(words, least), aboutDuration(words, most));
}

/** 0 to 1, by the usual time; undefined: not known. */
export function progressOf(item: VideoItem, now: number): number | undefined {
  if (item.isGenerated) return 0.98;
  const { soFar, usual } = timingOf(item, item.usual, now);
  return usual === undefined || item.acceptedAt === undefined ? undefined : Math.min(0.97, soFar / usual[1]);
}

export function happened(words: Words, item: VideoItem): readonly string[] {
  const { status, error, charge } = item;
  const charged = { none: [words.notCharged], possible: [words.mayBeCharged], made: [] }[charge];
  const cost = item.sandbox ? [] : charged;
  const why = error === undefined ? [] : errorLines(words, error);
  switch (status) {
    case 'queued':
      return why.length > 0 ? why : [waiting(words, item)];
    case 'submitting':
      return [words.submitting, ...why];
    case 'generating':
      return [
        item.isGenerated ? words.saving : item.providerStatus === 'in_queue' ? words.inQueue : words.generating,
        ...why,
      ];
    case 'done':
      if (item.file !== undefined) return why;
      return [...(item.next.action === 'give_link' ? [words.linkOnly] : [words.doneNotSaved]), ...why];
    case 'failed':
      return [...why, ...cost];
    case 'unknown':
      return [words.unknown, ...why, ...cost];
    case 'not_found':
      return [words.notFound, ...cost];
    case 'expired':
      return [charge === 'none' && !item.sandbox ? words.expiredUnsent : words.expired, ...cost];
    case 'cancelled':
      return [words.cancelled];
  }
}

function errorLines(words: Words, error: TaskError): readonly string[] {
  const [what] = problemWords(words, error);
  return [what, ...(error.providerText ? [words.providerSays(error.providerText)] : [])];
}

function waiting(words: Words, { queue }: VideoItem): string {
  switch (queue?.waitsFor) {
    case undefined:
      return words.aboutToBeSent;
    case 'unknown':
      return words.waitsForUnknown(queue?.unknowns.join(', ') ?? '');
    case 'pause':
      return words.waitsForProvider;
    case 'process':
      return words.waitsForProcess;
    case 'worker':
      return words.waitsForWorker;
    default:
      return words.waitsForSlot(queue?.before ?? 0);
  }
}

/** What to do: sentences, and a command to copy where one does it. */
export interface Advice {
  readonly sentences: readonly string[];
  readonly command?: string;
}

/** @param program starts this program in the reader's shell; undefined: the reader has no such shell */
export function adviceOf(
  words: Words,
  item: VideoItem,
  program: string | undefined,
  isMissing: boolean,
): Advice | undefined {
  const advice = isMissing
    ? { sentences: [words.toFetchAgain], command: `${program} get ${item.id}` }
    : phraseStep(words, item.next, program ?? '');
  if (program !== undefined || advice?.command === undefined) return advice;
  // The last sentence says what the command is for.
  return { sentences: [...advice.sentences.slice(0, -1), words.askAssistant] };
}

function phraseStep(words: Words, step: NextStep, program: string): Advice | undefined {
  const get = (taskId: string) => `${program} get ${taskId}`;
  switch (step.action) {
    case 'wait': {
      const [release] = step.release;
      return release === undefined
        ? { sentences: [words.updatesItself] }
        : { sentences: [words.toRelease], command: `${program} cancel ${release}` };
    }
    case 'get':
      return {
        sentences: [{ send: words.toSend, save: words.toSave, refresh_link: words.toRefresh }[step.to]],
        command: get(step.get.taskId),
      };
    case 'fix_then_get':
      return { sentences: [hint(words, step.fix), words.thenRun], command: get(step.get.taskId) };
    case 'start_worker':
      return { sentences: [words.startWorker] };
    case 'fix_then_repeat':
      return { sentences: [hint(words, step.fix), words.repeat] };
    case 'get_with_mode':
      return { sentences: [words.withMode], command: `${program} get ${step.providerTaskId} --mode MODE` };
    case 'give_link':
      return { sentences: [words.openLinkBefore(wholeMoment(words, step.validUntil))] };
    case 'ask_before_paying':
      return {
        sentences: [
          step.console ? words.lookInConsole : words.askBeforePaying,
          ...(step.mustDiffer ? [words.mustDiffer] : []),
          ...(step.fix === undefined ? [] : [hint(words, step.fix)]),
        ],
      };
    case 'repeat_if_wanted':
      return { sentences: [words.repeatIfWanted] };
    // Nothing to do; and what only a call, and no record, leads to.
    default:
      return undefined;
  }
}

function hint(words: Words, fix: { readonly code: string; readonly hint: string }): string {
  return imperative(words, problemWords(words, { ...fix, message: '' })[1]);
}

/** A hint is written without its full stop. */
export function imperative({ locale }: Words, text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${locale.startsWith('zh') ? '。' : '.'}`;
}
