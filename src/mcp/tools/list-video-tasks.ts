/** List the videos of this computer, and their cost. */
import * as z from 'zod';
import { listSchema } from '../../report/list-report.ts';
import { TASK_STATUSES } from '../../tasks/record.ts';
import { listResult } from '../results.ts';
import { defineTool } from '../tool.ts';
import { waitInput } from './inputs.ts';

const WAITS = ['any_finished', 'all_finished'] as const;
const LIMIT = 'must be a whole number from 1 to 50';

export const listVideoTasks = defineTool({
  name: 'list_video_tasks',
  title: 'List Jimeng videos',
  cost: 'free',
  isReadOnly: true,
  description:
    'Lists your videos, newest first, with their ids, states, paths, and what was spent. For what is still running, for a lost id, and for waiting for several videos at once.',
  input: z.strictObject({
    limit: z
      .number(LIMIT)
      .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= 50, {
        error: ({ input }) => `${LIMIT}, but is ${String(input)}`,
      })
      .optional()
      .meta({ type: 'integer', description: '1 to 50; default 10.' }),
    status: z
      .enum(TASK_STATUSES, `must be one of ${TASK_STATUSES.join(', ')}`)
      .optional()
      .describe('Only these; left out: all.'),
    wait_seconds: waitInput('Seconds, 0 to 1800, default 0; else waits first, as wait_for says.'),
    wait_for: z
      .enum(WAITS, `must be ${WAITS.join(' or ')}`)
      .optional()
      .describe('With wait_seconds: until any open video is finished (the default), or all are.'),
  }),
  output: listSchema,
  run: async ({ limit = 10, status, wait_seconds = 0, wait_for = 'any_finished' }, service, call) =>
    listResult(await service.list({ limit, status, waitSeconds: wait_seconds, waitFor: wait_for }, call)),
});
