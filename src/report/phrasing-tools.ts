/** Phrases next steps for a model: the calls that it makes, and what it passes on to its user. */
import { isFixedInSettings, isForCaller } from '../problems.ts';
import type { Fix, GetCall, ListStep, NextStep } from './next-step.ts';
import { capitalised, escapeMarkdown, localTime } from './text.ts';

/** How one surface speaks to its reader. */
export interface Phrasing {
  nextStep(step: NextStep): string;
  listStep(step: ListStep): string;
  /** How a request is paid for again on purpose: continues "for another take, …". */
  readonly anotherTake: string;
  /** Continues "It is sent …", of a queued request. */
  readonly sendsQueued: string;
  /** The words of the provider, or of anybody else, inside a sentence. */
  quote(text: string): string;
  /** @param milliseconds since 1970 */
  time(milliseconds: number): string;
}

/** What surfaces say alike. */
export const NOTHING_OPEN = 'No video is open, and nothing is left to do.';
export const GET_PURPOSES = {
  send: 'send it and wait for it',
  save: 'save it',
  refresh_link: 'get a fresh link',
} as const;

export function withoutKeys({ isAccountKnown, fix, why }: ListStep & { readonly action: 'set_keys' }): string {
  if (fix.code === 'invalid_settings') {
    const result = isAccountKnown ? 'Open videos are neither polled nor saved' : 'Videos are not listed';
    return `${why} ${result} until it is corrected.`;
  }
  return isAccountKnown
    ? 'Open videos are neither polled nor saved until the settings are right.'
    : 'Without keys no account is known, and videos are listed by account.';
}

/** Continues "whoever runs the server has to …". */
export const START_WORKER = 'start `jimeng-video-mcp worker`, or `serve` without --no-worker';
export const NO_WORKER = 'No process works on the queue right now, so what is queued is not sent.';

/** A tool call, ready to be copied. */
function call(tool: string, input: object): string {
  return `${tool} with ${JSON.stringify(input)}`;
}

function getCall({ taskId, output }: GetCall): string {
  return call('get_video_task', { task_id: taskId, ...(output === undefined ? {} : { output }) });
}

/**
 * @param zone the reader's time zone; undefined: this computer's
 * @param hasLinks whether videos are saved in a storage, whose links reports hold: its paths open nothing
 */
export function phrasingForTools(zone?: string, hasLinks = false): Phrasing {
  const time = (milliseconds: number) => localTime(milliseconds, zone);
  return phrasing({ time, show: hasLinks ? SHOW_LINK : SHOW_FILE, fixed });
}

/**
 * For people on other computers: they reach a link and no path, do not know this computer's time zone, and cannot fix it.
 * @param hasLinks whether reports hold links to saved videos
 */
export function phrasingForServer(hasLinks: boolean): Phrasing {
  const time = (milliseconds: number) => `${localTime(milliseconds, 'UTC')} UTC`;
  return phrasing({ time, show: hasLinks ? SHOW_LINK : SHOW_FILE, fixed: fixedByOperator });
}

/** What differs between the readers of tool results. */
interface Reader {
  readonly time: Phrasing['time'];
  /** What the user can open. */
  readonly show: { readonly video: string; readonly judged: string };
  readonly fixed: (fix: Fix) => string;
}

const SHOW_FILE = { video: 'Show the user the saved file.', judged: 'show the user its path' };
const SHOW_LINK = { video: 'Give the user the download link.', judged: 'give the user its download link' };

function phrasing(reader: Reader): Phrasing {
  return {
    nextStep: (step) => nextStep(step, reader),
    listStep: (step) => listStep(step, reader.fixed),
    anotherTake: 'pass a different seed or "allow_duplicate": true',
    sendsQueued: 'automatically',
    quote: escapeMarkdown,
    time: reader.time,
  };
}

function nextStep(step: NextStep, reader: Reader): string {
  const { time, show, fixed } = reader;
  switch (step.action) {
    case 'wait': {
      const [release] = step.release;
      const cancel = call('cancel_video_task', { task_id: step.get.taskId });
      const free =
        release === undefined ? '' : ` To free the slot, call ${call('cancel_video_task', { task_id: release })}.`;
      return `Call ${getCall(step.get)} to wait for it${step.isSent ? '' : `, or ${cancel} to withdraw it`}.${free}`;
    }
    case 'get':
      return `Call ${getCall(step.get)} to ${GET_PURPOSES[step.to]}.`;
    case 'fix_then_get':
      return `${fixed(step.fix)} Then call ${getCall(step.get)}.`;
    case 'start_worker': {
      const cancel = call('cancel_video_task', { task_id: step.get.taskId });
      return `Tell the user that whoever runs the server has to ${START_WORKER}. Call ${getCall(step.get)} later, or ${cancel} to withdraw it.`;
    }
    case 'fix_then_repeat':
      return `${fixed(step.fix)} ${REPEATS[step.repeat]}`;
    case 'get_then_repeat':
      return `Call ${getCall(step.get)} until it is saved. ${REPEATS.call}`;
    case 'show_file':
      return show.video;
    case 'judge':
      return step.filmId === undefined
        ? `Judge the picture; if the video is as wanted, ${show.judged}.`
        : `Judge the frames; to make a shot that is wrong again, call ${call('retake_shot', { film_id: step.filmId })} and its "shot".`;
    case 'give_link':
      return `Give the user the link now: it works until ${time(step.validUntil)}.`;
    case 'ask_before_paying': {
      const first = step.fix === undefined ? '' : ` Before another request: ${step.fix.hint}.`;
      const advice = step.console
        ? "Tell the user to look for it in the provider's console; send it again only if they agree to pay twice"
        : 'Ask the user before paying for it again';
      return `${advice}${step.mustDiffer ? ' (with a different seed or "allow_duplicate": true)' : ''}.${first}`;
    }
    case 'get_with_mode':
      return `If it was made in another mode, call get_video_task with {"task_id":${JSON.stringify(step.providerTaskId)}} and its "mode"; else ask the user before paying for it again.`;
    case 'list':
      return step.to === 'find_id'
        ? 'Call list_video_tasks with {} for the ids. For a task made elsewhere or with other keys, give the id of the provider and its "mode".'
        : 'Call list_video_tasks with {} before anything is paid again: whatever was sent is recorded there.';
    case 'make': {
      const { fix, ...made } = step;
      if (fix !== undefined) return `${fixed(fix)} ${nextStep(made, reader)}`;
      return step.same === undefined
        ? 'Make the same call without "dry_run" to generate it.'
        : `Call ${getCall({ taskId: step.same })} for the existing video; to pay for another take, pass a different seed or "allow_duplicate": true.`;
    }
    case 'wait_for_film':
      return `Call ${getCall({ taskId: step.filmId })} to wait for it, or ${call('cancel_video_task', { task_id: step.filmId })} to withdraw the shots that were not sent.`;
    case 'retake': {
      const retake = call('retake_shot', { film_id: step.filmId, shot: step.shot });
      if (step.mayCost === 'console') {
        return `Tell the user to look for it in the provider's console; call ${retake} only if they agree to pay twice.`;
      }
      if (step.mayCost === 'ask') return `Ask the user before paying for it again: ${retake}.`;
      const first = step.fix === undefined ? '' : `${fixed(step.fix)} Then call`;
      return step.fix === undefined ? `Call ${retake}.` : `${first} ${retake} (with what you change).`;
    }
    case 'join':
      return `Call ${call('join_videos', { videos: step.videos })} to join them again.`;
    case 'repeat_if_wanted':
      return 'Nothing is left to do; if the video is still wanted, make the same call again.';
  }
}

function fixedByOperator(fix: Fix): string {
  const { code, who, hint } = fix;
  if (who !== 'operator' || isForCaller(code)) return fixed(fix);
  return `Tell the user that the operator of this server has to fix it: ${hint}.`;
}

const REPEATS = {
  request: 'Then request the video again.',
  call: 'Then make the call again.',
  call_about_task: 'Then make the call again; the task itself is unaffected.',
} as const;

function fixed({ code, who, hint }: Fix): string {
  if (who !== 'operator') return `${capitalised(hint)}.`;
  if (!isFixedInSettings(code)) return `Tell the user to ${hint}.`;
  return `Tell the user to fix the server's settings and restart it: ${hint}.`;
}

function listStep(step: ListStep, fixed: Reader['fixed']): string {
  switch (step.action) {
    case 'wait_for_all': {
      const wait = call('list_video_tasks', { wait_seconds: 45, wait_for: 'all_finished' });
      return `Call ${wait} to wait for ${step.open === 1 ? 'the open one' : `the ${step.open} open ones`}.`;
    }
    case 'save':
      return `Call ${getCall(step.get)} to save the one that is not saved.`;
    case 'send':
      return `Call ${getCall(step.get)} to send ${step.left === 1 ? 'it' : 'the first one; the others are not sent before they are named, either'}.`;
    case 'start_worker':
      return `${NO_WORKER} Tell the user that whoever runs the server has to ${START_WORKER}. Call ${call('list_video_tasks', {})} later.`;
    case 'set_keys':
      return `${withoutKeys(step)} ${fixed(step.fix)}`;
    case 'look_at_film':
      return `Call ${getCall({ taskId: step.filmId })} to see what the film waits for.`;
    case 'none':
      return NOTHING_OPEN;
  }
}
