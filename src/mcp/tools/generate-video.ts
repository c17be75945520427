/** Make a video: submit, wait, save, report. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { maxCostInput, settleRequest, videoShape, withModeRules } from '../../tasks/video-request.ts';
import { taskResult } from '../results.ts';
import { defineTool, type ToolCall, type ToolResult } from '../tool.ts';
import type { ToolService } from '../tool-service.ts';
import { flagInput, outputInput, waitInput } from './inputs.ts';

/** The inputs of both paid tools. */
export const paidShape = {
  ...videoShape,
  output: outputInput,
  allow_duplicate: flagInput(
    'true: another take of the same request, paid again; without it, the call joins the first one and nothing new is made.',
  ),
  dry_run: flagInput('true: only check everything and report the price; nothing is sent.'),
  max_cost_cny: maxCostInput,
};

/** Both paid tools; they differ in what they wait for. */
export async function makeVideo(
  input: z.output<z.ZodObject<typeof paidShape>>,
  service: ToolService,
  call: ToolCall,
  until: 'accepted' | 'finished',
  waitSeconds?: number,
): Promise<ToolResult> {
  const { output, allow_duplicate: allowDuplicate, dry_run: isDryRun = false, max_cost_cny: maxCostCny } = input;
  const request = settleRequest(input);
  const options = { output, allowDuplicate, maxCostCny };
  const report = isDryRun
    ? await service.check(request, options, call)
    : await service.make(request, options, until, waitSeconds, call);
  return taskResult(report);
}

export const generateVideo = defineTool({
  name: 'generate_video',
  title: 'Generate a Jimeng video',
  cost: 'paid',
  description:
    'Makes a video with Jimeng (即梦AI) Video 3.0 from a prompt, a first image, a first and a last image, or an image and a camera movement; waits, saves the MP4 and reports it. It takes 2 to 10 minutes: when the wait ends first, the report names the next call; never repeat the request instead (it would join the first). No sound.',
  input: withModeRules(
    z.strictObject({
      ...paidShape,
      wait_seconds: waitInput(
        'Seconds to wait, 0 to 1800, default 45 unless the server is set to another; many clients give up at 60. Afterwards the report has the task_id for get_video_task, and the video goes on.',
      ),
    }),
  ),
  output: reportSchema,
  run: (input, service, call) => makeVideo(input, service, call, 'finished', input.wait_seconds),
});
