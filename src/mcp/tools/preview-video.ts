/** Show frames of a saved video as a picture. */
import * as z from 'zod';
import { MAX_PREVIEW_FRAMES } from '../../films/calls.ts';
import { Problem } from '../../problems.ts';
import { clipSchema } from '../../report/clip-report.ts';
import { clipResult } from '../results.ts';
import { defineTool } from '../tool.ts';

const FRAMES = `must be a whole number from 1 to ${MAX_PREVIEW_FRAMES}`;
const ONE_VIDEO = 'give one of `task_id`, `film_id` and `path`';

const text = (description: string) => z.string('must be a text').optional().describe(description);

export const previewVideo = defineTool({
  name: 'preview_video',
  title: 'Look at a saved video',
  cost: 'free',
  isReadOnly: true,
  description:
    'Shows frames of a saved video with their times as one picture, so that you can judge it; of a film the frames on both sides of each cut. Give one of task_id, film_id and path. Needs ffmpeg.',
  input: z.strictObject({
    task_id: text('Of a saved video.'),
    film_id: text('Of a joined film.'),
    path: text('Of an MP4 file on this computer.'),
    frames: z
      .number(FRAMES)
      .refine((frames) => Number.isInteger(frames) && frames >= 1 && frames <= MAX_PREVIEW_FRAMES, {
        error: ({ input }) => `${FRAMES}, but is ${String(input)}`,
      })
      .optional()
      .meta({
        type: 'integer',
        description: `1 to ${MAX_PREVIEW_FRAMES}; default 9, of a film up to 12; 1: a poster.`,
      }),
  }),
  output: clipSchema,
  run: async ({ task_id, film_id, path, frames }, service, call) => {
    const given = [task_id, film_id, path].filter((video) => video !== undefined);
    const [video] = given;
    if (video === undefined || given.length > 1) {
      const what = video === undefined ? 'No video is named.' : 'More than one video is named.';
      throw new Problem('invalid_input', { what, hint: ONE_VIDEO });
    }
    const { report, jpeg } = await service.preview(video, frames, call);
    return clipResult(report, jpeg);
  },
});
