/** Which inputs do several tools share? */
import * as z from 'zod';
import { MODE_NAMES } from '../../jimeng/modes.ts';

export const outputInput = z
  .string('must be a text')
  .optional()
  .describe(
    'Where to save: a file or folder name inside the output folder; left out: a name from the prompt. Nothing is overwritten.',
  );

export const waitInput = z
  .number('must be a number of seconds from 0 to 1800')
  .min(0, 'must be at least 0')
  .max(1800, 'must be at most 1800')
  .optional();

export const taskIdInput = z
  .string({
    error: ({ input }) =>
      input === undefined ? 'is missing: give the id of a task (list_video_tasks has them)' : 'must be a text',
  })
  .trim()
  .min(1, 'is empty: give the id of a task (list_video_tasks has them)')
  .describe("The task_id of a report, or the provider's.");

export const modeOfUnknownTask = z
  .enum(MODE_NAMES, `must be one of ${MODE_NAMES.join(', ')}`)
  .optional()
  .describe('Only for a provider task id with no record here.');
