/** Withdraw a request that was not sent yet. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { toolSurface } from '../../report/surface.ts';
import { defineTool } from '../tool.ts';
import { tell, tellOrRefuse, tellTask } from './answer.ts';
import { taskIdInput } from './inputs.ts';

const input = z.strictObject({ task_id: taskIdInput });

export const cancelVideoTask = defineTool({
  name: 'cancel_video_task',
  title: 'Cancel a queued Jimeng video',
  cost: 'free',
  description:
    'Withdraws a request that is still queued; it costs nothing then. A video that the provider has already cannot be stopped, and is charged if it succeeds.',
  input,
  output: reportSchema,
  run: (asked, call) =>
    tellOrRefuse(
      call,
      async (service) => {
        const { record, withdrawn } = await service.cancel(asked.task_id);
        const told = await tellTask(service, record);
        if (withdrawn || record.status === 'cancelled') return told;
        const report = reportSchema.parse(told.structured);
        return tell({
          ...report,
          message: `It is not queued any more, so it cannot be withdrawn. ${report.message}`,
          next_step: report.next_step ?? toolSurface.list(),
        });
      },
      asked.task_id,
    ),
});
