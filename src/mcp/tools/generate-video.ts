/** Make a video: submit, wait, save, report. */
import * as z from 'zod';
import { checkedReport, reportSchema } from '../../report/report.ts';
import { toolSurface } from '../../report/surface.ts';
import type { TaskRecord } from '../../tasks/record.ts';
import type { Call, VideoService } from '../../tasks/service.ts';
import { settleRequest, videoShape, withModeRules } from '../../tasks/video-request.ts';
import { defineTool, type ToolCall, type ToolResult } from '../tool.ts';
import { callOf, tell, tellOrRefuse, tellTask } from './answer.ts';
import { outputInput, waitInput } from './inputs.ts';

/** What both paid tools take. */
export const makeShape = {
  ...videoShape,
  output: outputInput,
  allow_duplicate: z
    .boolean('must be true or false')
    .optional()
    .describe(
      'true: another take of the same request, paid again; without it, it joins the first and nothing new is made.',
    ),
  dry_run: z
    .boolean('must be true or false')
    .optional()
    .describe('true: only check everything and say the price; nothing is sent.'),
};

/** What both paid tools do; they differ in what they wait for. */
export function makeVideo(
  asked: z.output<z.ZodObject<typeof makeShape>>,
  call: ToolCall,
  waitSeconds: number | undefined,
  wait: (service: VideoService, record: TaskRecord, waiting: Call) => Promise<TaskRecord>,
): Promise<ToolResult> {
  return tellOrRefuse(call, async (service, about) => {
    const { output, allow_duplicate: allowDuplicate = false, dry_run: dryRun } = asked;
    const request = settleRequest(asked);
    const waiting = callOf(call, waitSeconds ?? call.holder.settings.waitSeconds);
    if (dryRun) {
      const { prepared, same } = await service.check(request, { output, allowDuplicate }, waiting);
      return tell(checkedReport(prepared, same, toolSurface, call.holder.sandbox));
    }
    const { record, joined } = await service.make(request, { output, allowDuplicate }, waiting);
    about(record.id);
    const waited = await wait(service, record, waiting);
    if (!joined) return await tellTask(service, waited);
    // The first call's file may lie elsewhere than this one wants it, or be gone.
    const placed = waited.status === 'done' ? await service.get(waited.id, undefined, output, waiting) : waited;
    return await tellTask(service, placed, { joined, output });
  });
}

const input = withModeRules(
  z.strictObject({
    ...makeShape,
    wait_seconds: waitInput.describe(
      'Seconds to wait, default 45 unless the server is set to another; many clients give up at 60. When it is over the report has the task_id for get_video_task; the video goes on.',
    ),
  }),
);

export const generateVideo = defineTool({
  name: 'generate_video',
  title: 'Generate a Jimeng video',
  cost: 'paid',
  description:
    'Makes a video with Jimeng (即梦AI) Video 3.0 from a prompt, a first image, a first and a last image, or an image and a camera movement; waits, saves the MP4 and reports it. Costs money: 5 s are ¥1.40 in 720p, ¥3.15 in 1080p, ¥5.00 in pro; 10 s twice that; only a finished video is charged. It takes 2 to 10 minutes: when the wait is over first, the report says so and names the next call; never make the same request again instead (it would join the first). No sound.',
  input,
  output: reportSchema,
  run: (asked, call) =>
    makeVideo(asked, call, asked.wait_seconds, (service, record, waiting) => service.waitUntilOver(record, waiting)),
});
