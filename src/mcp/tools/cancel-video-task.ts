/** Withdraw a request that was not sent yet. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { taskResult } from '../results.ts';
import { defineTool } from '../tool.ts';
import { taskIdInput } from './inputs.ts';

export const cancelVideoTask = defineTool({
  name: 'cancel_video_task',
  title: 'Cancel a queued Jimeng video',
  cost: 'free',
  description:
    'Withdraws a request that is still queued, which then costs nothing. A video that the provider already has cannot be stopped, and is charged if it succeeds.',
  input: z.strictObject({ task_id: taskIdInput }),
  output: reportSchema,
  run: async ({ task_id }, service, call) => taskResult(await service.cancel(task_id, call)),
});
