/** Submit a video and return at once with its id. */
import * as z from 'zod';
import { reportSchema } from '../../report/report.ts';
import { withModeRules } from '../../tasks/video-request.ts';
import { defineTool } from '../tool.ts';
import { makeShape, makeVideo } from './generate-video.ts';

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
    makeVideo(asked, call, undefined, (service, record, waiting) => service.waitUntilTaken(record, waiting)),
});
