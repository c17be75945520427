/** Turns what was typed into validated input, and declares the options that commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { Problem } from '../problems.ts';
import { invalidInput } from '../report/invalid-input.ts';
import { errorCode } from '../system/files.ts';
import { taskIdIn } from '../tasks/record.ts';

const MAX_WAIT_SECONDS = 86_400;

export interface OutputOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** @param what "a number of seconds": continues "must be" */
export function numberInput(what: string, min: number, max: number, schema: (error: string) => z.ZodNumber = z.number) {
  return schema(`must be ${what} from ${min} to ${max}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
    .optional();
}

/** Longer than a tool call may wait: no client gives up here. */
export const waitSecondsInput = numberInput('a number of seconds', 0, MAX_WAIT_SECONDS);

export const maxCostInput = z.number('must be an amount in CNY').min(0, 'must be at least 0').optional();

/** What both commands that make something new take beside what it is. */
export const paidShape = {
  output: z.string().optional(),
  allow_duplicate: z.boolean().optional(),
  dry_run: z.boolean().optional(),
  max_cost: maxCostInput,
  wait_seconds: waitSecondsInput,
};

/** The options of `paidShape`. @param what is paid for */
export function addPaidOptions(command: Command, what: 'video' | 'film'): Command {
  command
    .addOption(textOption('--output <path>', 'file or folder to save to, relative to the current folder'))
    .addOption(
      numberOption('--max-cost <cny>', `refuse the ${what} when its estimated cost is higher; nothing is sent`),
    )
    .option('--allow-duplicate', `pay again for a ${what} that already exists`)
    .option('--dry-run', 'only check everything and show the price');
  return addWaitOption(command, `how long to wait (default: until it is finished); the ${what} goes on after that`);
}

export const portInput = numberInput('a whole number', 0, 65_535, z.int);

/** @throws Problem for an address that cannot be listened on; any other error as it is */
export function rethrowListenError(error: unknown, port: number | undefined, host = '127.0.0.1'): never {
  const code = errorCode(error);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    throw new Problem('invalid_input', {
      what: `--host ${JSON.stringify(host)} is no address of this computer.`,
      hint: 'give one of its addresses, such as 127.0.0.1',
      cause: error,
    });
  }
  if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
  throw new Problem('invalid_input', {
    what: `--port ${port} ${code === 'EACCES' ? 'may not be used by this user' : 'is in use'}.`,
    hint: 'choose another --port, or --port 0 for any free one',
    cause: error,
  });
}

export const taskIdInput = z
  .string()
  .transform(taskIdIn)
  .pipe(z.string().min(1, 'is empty: give the id of a task (list has them)'));

/** What is no number stays a text, so that the schema can report it. */
function numberOrText(text: string): number | string {
  return /^[-+]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** commander takes whatever follows as the value, the next option too. */
function requireValue(text: string): string {
  if (!text.startsWith('--')) return text;
  throw new InvalidArgumentError(
    'It looks like the next option: give a value (./ before a path that begins like this).',
  );
}

export function textOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(requireValue);
}

export function numberOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => numberOrText(requireValue(text)));
}

export function addWaitOption(command: Command, description: string): Command {
  return command.addOption(numberOption('--wait-seconds <seconds>', description));
}

/** For the commands that report tasks. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--verbose', 'also show the link, the times and the ids of the provider')
    .option('--json', "print the report as JSON, with the provider's last raw response");
}

const ARGUMENT_NAMES: Readonly<Record<string, string>> = {
  prompt: 'PROMPT',
  task_id: 'TASK_ID',
  file: 'FILE',
  film_id: 'FILM_ID',
  shot: 'SHOT',
  video: 'VIDEO',
  videos: 'VIDEOS',
};

/** As a person types it. */
function typedName(input: string): string {
  return ARGUMENT_NAMES[input] ?? `--${input.replaceAll('_', '-')}`;
}

/**
 * commander's camelCase names become the contract's; what was not given is left out.
 * @throws Problem invalid_input with everything that is wrong
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  const { json: _, verbose: __, ...inputs } = given;
  const entries = Object.entries(inputs).filter(([, value]) => value !== undefined);
  const named = entries.map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]);
  const parsed = schema.safeParse(Object.fromEntries(named), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error, typedName);
}
