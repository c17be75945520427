/** Submit a video and return its id immediately. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { withModeRules } from '../../tasks/video-request.ts';
import { defineTool } from '../tool.ts';
import { makeVideo, paidShape } from './generate-video.ts';

export const submitVideoTask = defineTool({
  name: 'submit_video_task',
  title: 'Submit a Jimeng video',
  cost: 'paid',
  description:
    'Like generate_video, with the same inputs, but returns as soon as the request is accepted or queued; for several videos at once, or to go on with other work. The video is made and saved automatically; get_video_task and list_video_tasks report it.',
  input: withModeRules(z.strictObject(paidShape)),
  output: reportSchema,
  run: (input, service, call) => makeVideo(input, service, call, 'accepted'),
});
