/** How does a sentence that was written for a model read at a terminal? The same, with commands for tools and options for inputs. */

/** Stands for the command until all else is replaced: its path may hold any of the words. */
const COMMAND = '\0';

/** Longest first: what is left of a tool's name after the calls were replaced is the command's. */
const TOOLS: readonly (readonly [RegExp, string])[] = [
  [/call get_video_task with \{"task_id":"([^"]*)"\}/gi, `run \`${COMMAND} get $1\``],
  [/call get_video_task/gi, `run \`${COMMAND} get TASK_ID\``],
  [/call list_video_tasks(?: with \{\})?/gi, `run \`${COMMAND} list\``],
  [/(?:generate_video and )?submit_video_task|generate_video/g, `${COMMAND} generate`],
  [/list_video_tasks/g, `${COMMAND} list`],
  [/get_video_task/g, `${COMMAND} get`],
  [/cancel_video_task/g, `${COMMAND} cancel`],
];

/** Settings are the server's for a client, and the shell's here. */
const SETTINGS: readonly (readonly [RegExp, string])[] = [
  [/in the server's settings(?: and restart it)?/g, 'in the environment'],
  [/, and restart the server/g, ''],
  [/The server's settings/g, 'The settings'],
  [/this server/g, 'this program'],
];

const INPUTS = 'mode duration fps image tail_image seed aspect_ratio template_id camera_strength output';
const OTHERS = 'allow_duplicate dry_run wait_seconds limit status port generation_seconds tasks_in_flight';
const INPUT = new RegExp(`\`(${INPUTS.replaceAll(' ', '|')}|${OTHERS.replaceAll(' ', '|')})\``, 'g');

/** @param command what starts this program at the reader's terminal */
export function inCommandWords(text: string, command: string): string {
  const commands = [...TOOLS, ...SETTINGS].reduce(
    (sentence, [words, ours]) =>
      sentence.replace(words, (said, ...groups: unknown[]) => {
        const replaced = ours.replace('$1', String(groups[0]));
        return /^[A-Z]/.test(said) ? `${replaced.charAt(0).toUpperCase()}${replaced.slice(1)}` : replaced;
      }),
    text.replaceAll(command, COMMAND),
  );
  return commands
    .replace(INPUT, (_, name: string) => `--${name.replaceAll('_', '-')}`)
    .replaceAll('`prompt`', 'PROMPT')
    .replaceAll('`task_id`', 'TASK_ID')
    .replaceAll(COMMAND, () => command);
}
