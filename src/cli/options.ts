/** How does what was typed become input? Values are checked by the same schemas as the tools' own. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { invalidInput } from '../report/invalid-input.ts';

const MAX_WAIT_SECONDS = 86_400;

/** Longer than a tool call may wait: no client gives up here. */
export const waitSecondsInput = z
  .number(`must be a number of seconds from 0 to ${MAX_WAIT_SECONDS}`)
  .min(0, 'must be at least 0')
  .max(MAX_WAIT_SECONDS, `must be at most ${MAX_WAIT_SECONDS}`)
  .optional();

/** What is no number stays a text, so that the schema can say what was wrong with it. */
function numberOrText(text: string): number | string {
  return /^[-+]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** commander takes whatever follows as the value, the next option too. */
function requireValue(text: string): string {
  if (!text.startsWith('--')) return text;
  throw new InvalidArgumentError('It looks like the next option: give a value (./ in front of a path that begins so).');
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

export function addJsonOption(command: Command): Command {
  return command.option('--json', "print the report as JSON, with the provider's last raw answer");
}

/**
 * commander's camelCase names become the contract's; what was not given is left out.
 * @throws Problem invalid_input with everything that is wrong
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  const { json: _, ...inputs } = given;
  const entries = Object.entries(inputs).filter(([, value]) => value !== undefined);
  const named = entries.map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]);
  const parsed = schema.safeParse(Object.fromEntries(named), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}
