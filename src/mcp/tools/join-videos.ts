/** Join saved videos into one. */
import * as z from 'zod';
import { MAX_JOINED, MIN_JOINED } from '../../films/calls.ts';
import { clipSchema } from '../../report/clip-report.ts';
import { clipResult } from '../results.ts';
import { defineTool } from '../tool.ts';
import { outputInput } from './inputs.ts';

const VIDEOS = `must be a list of ${MIN_JOINED} to ${MAX_JOINED} task ids or paths`;

export const joinVideos = defineTool({
  name: 'join_videos',
  title: 'Join saved videos',
  cost: 'free',
  description:
    'Joins saved videos into one MP4, in order, unchanged where they fit together; else ffmpeg makes them one size, with black bars. Their own sound is left out.',
  input: z.strictObject({
    videos: z
      .array(z.string('must be a text: a task id or a path'), VIDEOS)
      .refine((videos) => videos.length >= MIN_JOINED && videos.length <= MAX_JOINED, {
        error: ({ input }) => `${VIDEOS}, but has ${(input as readonly unknown[]).length}`,
      })
      .describe(`${MIN_JOINED} to ${MAX_JOINED} task ids, or paths of MP4 files, in order.`),
    audio: z
      .string('must be a text: the path of a sound file')
      .optional()
      .describe('Path of a sound to lay under it (m4a, mp3), cut at its end.'),
    output: outputInput.describe(
      'Where to save: a file or folder name inside the output folder. Nothing is overwritten.',
    ),
  }),
  output: clipSchema,
  run: async ({ videos, audio, output }, service, call) =>
    clipResult(await service.join(videos, { audio, output }, call)),
});
