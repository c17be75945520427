/** Submit a video and return at once with its id. */
import { z } from 'zod';
import { checkedReport, reportSchema } from '../../report/report.ts';
import { toolSurface } from '../../report/surface.ts';
import { settleRequest, withModeRules } from '../../tasks/video-request.ts';
import { defineTool } from '../tool.ts';
import { callOf, tell, tellOrRefuse, tellTask } from './answer.ts';
import { makeShape } from './generate-video.ts';

const input = withModeRules(z.strictObject(makeShape));

export const submitVideoTask = defineTool({
  name: 'submit_video_task',
  title: 'Submit a Jimeng video',
  cost: 'paid',
  description:
    'Like generate_video, with the same inputs and the same price, but returns as soon as the request is taken; for several videos at once, or to go on with other work. The video is made and saved by itself; get_video_task has it.',
  input,
  output: reportSchema,
  run: (asked, call) =>
    tellOrRefuse(call, async (service) => {
      const { output, allow_duplicate: allowDuplicate = false, dry_run: dryRun } = asked;
      const request = settleRequest(asked);
      const waiting = callOf(call, call.holder.settings.waitSeconds);
      if (dryRun) {
        const { prepared, same } = await service.check(request, { output, allowDuplicate }, waiting);
        return tell(checkedReport(prepared, same, toolSurface, call.holder.sandbox));
      }
      const { record, joined } = await service.make(request, { output, allowDuplicate }, waiting);
      return await tellTask(service, await service.waitUntilTaken(record, waiting), joined);
    }),
});
