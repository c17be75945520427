/** Make a film: several shots, joined into one MP4. */
import * as z from 'zod';
import { filmShape, withFilmRules } from '../../films/storyboard.ts';
import { reportSchema } from '../../report/report.ts';
import { maxCostInput } from '../../tasks/video-request.ts';
import { taskResult } from '../results.ts';
import { defineTool } from '../tool.ts';
import { flagInput, outputInput, waitInput } from './inputs.ts';

export const generateFilm = defineTool({
  name: 'generate_film',
  title: 'Generate a film of several shots',
  cost: 'paid',
  price: 'Costs money: each shot as in generate_video.',
  description:
    'Makes 2 to 24 shots, each as generate_video does, and joins them into one MP4. All shots are checked, priced and recorded together, or none. It takes minutes a shot: afterwards call get_video_task with the film_id. A shot that fails loses no other: see retake_shot.',
  input: withFilmRules(
    z.strictObject({
      ...filmShape,
      output: outputInput.describe('As in generate_video.'),
      wait_seconds: waitInput('As in generate_video.'),
      dry_run: flagInput('true: only check, and report the total price.'),
      max_cost_cny: maxCostInput.describe('Of all shots together.'),
      allow_duplicate: flagInput('true: pay for the same film again.'),
    }),
  ),
  output: reportSchema,
  run: async (input, service, call) => {
    const {
      output,
      wait_seconds,
      dry_run: isDryRun,
      max_cost_cny: maxCostCny,
      allow_duplicate: allowDuplicate,
      ...film
    } = input;
    const options = { output, maxCostCny, allowDuplicate };
    return taskResult(
      isDryRun
        ? await service.checkFilm(film, options, call)
        : await service.makeFilm(film, options, wait_seconds, call),
    );
  },
});
