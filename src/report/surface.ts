/** How does whoever reads a report make the next call: a tool, or the command line? */

export interface Surface {
  /** @param output where the video is to be saved, when that is not yet known to the task */
  get(taskId: string, output?: string): string;
  /** By the provider's id, with the mode that the reader has to know. */
  getElsewhere(providerTaskId: string): string;
  list(): string;
  /** How the same request is paid for again, on purpose. */
  again(): string;
  afterRefusal(mend: string): string;
  /** Of a call that was about a task, which may well have been paid. */
  afterRefusalAbout(mend: string): string;
  afterFailure(mend: string): string;
  afterCheck(): string;
  cancel(taskId: string): string;
  /** When a request is sent whose process has left it in the queue. */
  readonly whenLeft: string;
  /** What ends a sentence that ends in a call: a full stop would be copied with a command. */
  readonly stop: string;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** As a shell takes it, whatever it holds. */
function quoted(word: string): string {
  return /^[\w./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** For a model: the call, ready to be copied. */
export const toolSurface: Surface = {
  get: (taskId, output) =>
    `call get_video_task with ${JSON.stringify({ task_id: taskId, ...(output === undefined ? {} : { output }) })}`,
  getElsewhere: (providerTaskId) =>
    `call get_video_task with ${JSON.stringify({ task_id: providerTaskId })} and its "mode"`,
  list: () => 'call list_video_tasks with {}',
  again: () => 'give another seed or "allow_duplicate": true',
  afterRefusal: (mend) => `${capitalised(mend)}, then call again; nothing was sent or charged.`,
  afterRefusalAbout: (mend) => `${capitalised(mend)}, then call again; the task itself is unaffected.`,
  afterFailure: (mend) => `${capitalised(mend)}, then call generate_video again; nothing was charged for this one.`,
  afterCheck: () => 'Make the same call without "dry_run" to generate it.',
  cancel: (taskId) => `call cancel_video_task with {"task_id":"${taskId}"}`,
  whenLeft: 'by the next call of generate_video or submit_video_task, or of get_video_task for it, within an hour',
  stop: '.',
};

/**
 * For a person at a terminal.
 * @param command what starts this program there
 */
export function commandSurface(command: string): Surface {
  return {
    get: (taskId, output) =>
      `run: ${command} get ${taskId}${output === undefined ? '' : ` --output ${quoted(output)}`}`,
    getElsewhere: (providerTaskId) => `run: ${command} get ${providerTaskId} --mode MODE`,
    list: () => `run: ${command} list`,
    again: () => 'give another --seed or --allow-duplicate',
    afterRefusal: (mend) => `${capitalised(mend)}, then run it again; nothing was sent or charged.`,
    afterRefusalAbout: (mend) => `${capitalised(mend)}, then run it again; the task itself is unaffected.`,
    afterFailure: (mend) => `${capitalised(mend)}, then run generate again; nothing was charged for this one.`,
    afterCheck: () => 'Run it without --dry-run to generate it.',
    cancel: (taskId) => `run: ${command} cancel ${taskId}`,
    whenLeft: 'when `get` is run for it within an hour',
    stop: '',
  };
}

export { capitalised };
