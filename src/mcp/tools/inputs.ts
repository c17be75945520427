/** Inputs that several tools share. The published schema carries a type and a description; limits are checked here. */
import * as z from 'zod';
import { MODE_NAMES } from '../../jimeng/modes.ts';

export const outputInput = z
  .string('must be a text')
  .optional()
  .describe(
    'Where to save: a file or folder name inside the output folder; left out: a name from the prompt. Nothing is overwritten.',
  );

const MAX_WAIT_SECONDS = 1800;

export function waitInput(description: string) {
  const message = `must be a number of seconds from 0 to ${MAX_WAIT_SECONDS}`;
  return z
    .number(message)
    .refine((seconds) => seconds >= 0 && seconds <= MAX_WAIT_SECONDS, {
      error: ({ input }) => `${message}, but is ${String(input)}`,
    })
    .optional()
    .describe(description);
}

export const taskIdInput = z
  .string({
    error: ({ input }) => {
      if (input === undefined || input === null) return 'is missing: give the id of a task (list_video_tasks has them)';
      return typeof input === 'number' ? 'must be a text: as a number it loses digits' : 'must be a text';
    },
  })
  .trim()
  .refine((id) => id !== '', 'is empty: give the id of a task (list_video_tasks has them)')
  .describe("The task_id of a report, or the provider's.");

export const modeOfUnknownTask = z
  .enum(MODE_NAMES, `must be one of ${MODE_NAMES.join(', ')}`)
  .optional()
  .describe('Only for a provider task id with no record here.');

export const flagInput = (description: string) => z.boolean('must be true or false').optional().describe(description);
