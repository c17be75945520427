/** Ask for a video: its state, a fresh link, the saved file. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { defineTool } from '../tool.ts';
import { callOf, tellOrRefuse, tellTask } from './answer.ts';
import { modeOfUnknownTask, outputInput, taskIdInput, waitInput } from './inputs.ts';

const input = z.strictObject({
  task_id: taskIdInput,
  wait_seconds: waitInput.describe(
    'Seconds to wait for the end, default 45 unless the server is set to another; 0: only ask.',
  ),
  output: outputInput,
  mode: modeOfUnknownTask,
});

export const getVideoTask = defineTool({
  name: 'get_video_task',
  title: 'Get a Jimeng video',
  cost: 'free',
  description:
    'Asks for a video that was submitted: waits for it, saves it, and gives its path, a fresh link and what it cost. Also for an old link that has died, or to save it elsewhere. Free; call it again while the report says that the video is still being made.',
  input,
  output: reportSchema,
  run: (asked, call) =>
    tellOrRefuse(
      call,
      async (service) => {
        const waiting = callOf(call, asked.wait_seconds ?? call.holder.settings.waitSeconds);
        const { task_id: taskId, mode, output } = asked;
        return await tellTask(service, await service.get(taskId, mode, output, waiting), { output });
      },
      asked.task_id,
    ),
});
