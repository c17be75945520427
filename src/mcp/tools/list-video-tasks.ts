/** List the videos that this computer knows of, and what they cost. */
import * as z from 'zod';
import { Problem } from '../../problems.ts';
import { renderList } from '../../report/render.ts';
import { listReport, listSchema, refusal } from '../../report/report.ts';
import { capitalised, toolSurface } from '../../report/surface.ts';
import { TASK_STATUSES } from '../../tasks/record.ts';
import { defineTool } from '../tool.ts';
import { callOf } from './answer.ts';
import { waitInput } from './inputs.ts';

const input = z.strictObject({
  limit: z
    .int('must be a whole number from 1 to 50')
    .min(1, 'must be at least 1')
    .max(50, 'must be at most 50')
    .optional()
    .describe('Default 10.'),
  status: z
    .enum(TASK_STATUSES, `must be one of ${TASK_STATUSES.join(', ')}`)
    .optional()
    .describe('Only these; left out: all.'),
  wait_seconds: waitInput.describe('Seconds, default 0; else waits until any open task changes.'),
});

export const listVideoTasks = defineTool({
  name: 'list_video_tasks',
  title: 'List Jimeng videos',
  cost: 'read',
  description:
    'Lists the videos made from this computer, newest first, with their ids, states, paths, and what was spent. Free. For what is still running, for an id that was lost ("my last video"), and for waiting on several at once.',
  input,
  output: listSchema,
  async run(asked, call) {
    try {
      const service = await call.holder.service('read');
      const limit = asked.limit ?? 10;
      if (asked.wait_seconds) {
        service.resume();
        await service.waitForAnyChange(callOf(call, asked.wait_seconds));
      }
      const listed = await service.list(limit, asked.status);
      const now = service.context.clock.now();
      const report = listReport(listed, toolSurface, now, call.holder.sandbox);
      return { structured: report, text: renderList(report), isError: false };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const refused = refusal(error, toolSurface, call.holder.sandbox);
      const message = `${refused.message} ${capitalised(error.mend)}, then call again.`;
      return { structured: listSchema.parse({ message, tasks: [] }), text: message, isError: true };
    }
  },
});
