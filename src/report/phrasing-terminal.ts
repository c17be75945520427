/** Phrases next steps for a person at a terminal: the command to run. */
import type { Fix, GetCall, NextStep } from './next-step.ts';
import { GET_PURPOSES, NO_WORKER, NOTHING_OPEN, type Phrasing, START_WORKER, withoutKeys } from './phrasing-tools.ts';
import { capitalised, localTime, oneLine, shellWord } from './text.ts';

/**
 * @param command what starts this program in the reader's shell
 * @param zone the reader's time zone; undefined: this computer's
 */
export function phrasingForTerminal(command: string, zone?: string): Phrasing {
  const get = ({ taskId, output }: GetCall) =>
    `run: ${command} get ${taskId}${output === undefined ? '' : ` --output ${shellWord(output)}`}`;
  return {
    nextStep: (step) => capitalised(nextStep(step, command, get, zone)),
    listStep: (step) => {
      if (step.action === 'none') return NOTHING_OPEN;
      if (step.action === 'set_keys') return `${withoutKeys(step)} ${fixed(step.fix)}`;
      if (step.action === 'start_worker') return `${NO_WORKER} Whoever runs the server has to ${START_WORKER}.`;
      if (step.action === 'look_at_film') return `To see what the film waits for, ${get({ taskId: step.filmId })}`;
      if (step.action === 'save') return `To save the one that is not saved, ${get(step.get)}`;
      if (step.action === 'send') {
        return step.left === 1
          ? `To send it, ${get(step.get)}`
          : `To send the ${step.left} queued ones, wait for them and save them, run: ${command} collect`;
      }
      return `To wait for ${step.open === 1 ? 'the open one' : `the ${step.open} open ones`} and save ${step.open === 1 ? 'it' : 'them'}, run: ${command} collect`;
    },
    anotherTake: 'pass a different --seed or --allow-duplicate',
    sendsQueued: 'while a command or a server that works on it is running',
    quote: oneLine,
    time: (milliseconds) => localTime(milliseconds, zone),
  };
}

/** A sentence that ends in a command has no full stop: it would be copied. */
function nextStep(step: NextStep, command: string, get: (call: GetCall) => string, zone?: string): string {
  switch (step.action) {
    case 'wait': {
      const [release] = step.release;
      const lines = [
        `to wait for it, ${get(step.get)}`,
        ...(step.isSent ? [] : [`To withdraw it, run: ${command} cancel ${step.get.taskId}`]),
        ...(release === undefined ? [] : [`To free the slot, run: ${command} cancel ${release}`]),
      ];
      return lines.join('\n');
    }
    case 'get':
      return `to ${GET_PURPOSES[step.to]}, ${get(step.get)}`;
    case 'fix_then_get':
      return `${fixed(step.fix)} Then ${get(step.get)}`;
    case 'start_worker':
      return [
        `whoever runs the server has to ${START_WORKER}. Then ${get(step.get)}`,
        `To withdraw it, run: ${command} cancel ${step.get.taskId}`,
      ].join('\n');
    case 'fix_then_repeat':
      return `${fixed(step.fix)} ${REPEATS[step.repeat]}`;
    case 'get_then_repeat':
      return `${get(step.get)}\nThen run this again.`;
    case 'show_file':
      return 'nothing is left to do.';
    case 'judge':
      return step.filmId === undefined
        ? 'look at the picture.'
        : `look at the picture; \`retake ${step.filmId} SHOT\` makes a shot again.`;
    case 'give_link':
      return `open the link before ${localTime(step.validUntil, zone)}.`;
    case 'ask_before_paying': {
      const look = step.console
        ? "look for it in the provider's console before paying again"
        : 'to make it again is paid again';
      const first = step.fix === undefined ? '' : ` Before another request: ${step.fix.hint}.`;
      return `${look}${step.mustDiffer ? ' (with a different --seed or --allow-duplicate)' : ''}.${first}`;
    }
    case 'get_with_mode':
      return `if it was made in another mode, run: ${command} get ${step.providerTaskId} --mode MODE`;
    case 'list':
      return step.to === 'find_id'
        ? `for the ids, run: ${command} list\nFor a task made elsewhere or with other keys, give the id of the provider and its --mode.`
        : `before paying again, run: ${command} list\nWhatever was sent is recorded there.`;
    case 'make': {
      const { fix, ...made } = step;
      if (fix !== undefined) return `${fixed(fix)} Then ${nextStep(made, command, get, zone)}`;
      return step.same === undefined
        ? 'run it without --dry-run to generate it.'
        : `for the existing video, ${get({ taskId: step.same })}`;
    }
    case 'wait_for_film':
      return [
        `to wait for it, ${get({ taskId: step.filmId })}`,
        `To withdraw the shots that were not sent, run: ${command} cancel ${step.filmId}`,
      ].join('\n');
    case 'retake': {
      const retake = `run: ${command} retake ${step.filmId} ${step.shot}`;
      if (step.mayCost === 'console') {
        return `look for it in the provider's console; to pay for it again, ${retake}`;
      }
      if (step.mayCost === 'ask') return `it may have been charged; to pay for it again, ${retake}`;
      return step.fix === undefined ? retake : `${fixed(step.fix)} Then, with what you change, ${retake}`;
    }
    case 'join':
      return `to join them again, run: ${command} join ${step.videos.join(' ')}`;
    case 'repeat_if_wanted':
      return 'nothing is left to do; if the video is still wanted, run generate again.';
  }
}

const REPEATS = {
  request: 'Then run generate again.',
  call: 'Then run it again.',
  call_about_task: 'Then run it again; the task itself is unaffected.',
} as const;

function fixed({ hint }: Fix): string {
  return `${capitalised(hint)}.`;
}
