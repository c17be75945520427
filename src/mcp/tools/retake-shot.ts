/** Make one shot of a film again. */
import * as z from 'zod';
import { retakeShape, shotNumber } from '../../films/storyboard.ts';
import { reportSchema } from '../../report/report.ts';
import { maxCostInput } from '../../tasks/video-request.ts';
import { taskResult } from '../results.ts';
import { defineTool } from '../tool.ts';
import { waitInput } from './inputs.ts';

export const retakeShot = defineTool({
  name: 'retake_shot',
  title: 'Make a shot of a film again',
  cost: 'paid',
  price: 'Costs money, as generate_video.',
  description:
    'Makes another take of one shot, keeps the earlier ones, and joins the film again under a new name. What is left out stays as it was. For a third take of the same, give another seed.',
  input: z.strictObject({
    film_id: z.string('must be a text: the film_id of a report').trim().describe('The film_id of a report.'),
    shot: shotNumber.meta({ type: 'integer', description: 'Its number, from 1.' }),
    ...retakeShape,
    max_cost_cny: maxCostInput.describe('Of all that is made again.'),
    wait_seconds: waitInput('As in generate_video.'),
  }),
  output: reportSchema,
  run: async ({ film_id, shot, wait_seconds, max_cost_cny: maxCostCny, ...changes }, service, call) =>
    taskResult(await service.retakeShot(film_id, shot, { ...changes, maxCostCny }, wait_seconds, call)),
});
