/** Report a video: its state, a fresh link, the saved file. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { taskResult } from '../results.ts';
import { defineTool } from '../tool.ts';
import { modeOfUnknownTask, outputInput, taskIdInput, waitInput } from './inputs.ts';

export const getVideoTask = defineTool({
  name: 'get_video_task',
  title: 'Get a Jimeng video',
  cost: 'free',
  description:
    'Reports a submitted video: waits for it, saves it, and gives its path, a fresh link and its cost. Also to replace an expired link, or to save it elsewhere. Call it again while the report says that the video is still being made.',
  input: z.strictObject({
    task_id: taskIdInput.optional().describe("The task_id of a report, or the provider's; left out: the newest task."),
    wait_seconds: waitInput(
      'Seconds to wait for the end, 0 to 1800, default 45 unless the server is set to another; 0: one query, no wait.',
    ),
    output: outputInput,
    mode: modeOfUnknownTask,
  }),
  output: reportSchema,
  run: async ({ task_id, mode, output, wait_seconds }, service, call) =>
    taskResult(await service.get({ taskId: task_id, mode, output, waitSeconds: wait_seconds }, call)),
});
