/** `generate`: makes a video, waits for it, saves it, and reports it. */
import type { Command } from 'commander';
import * as z from 'zod';
import {
  ASPECT_RATIOS,
  CAMERA_STRENGTHS,
  CAMERA_TEMPLATE_IDS,
  MAX_PROMPT_CHARACTERS,
  MODE_NAMES,
} from '../jimeng/modes.ts';
import { checkedReport } from '../report/report.ts';
import { DURATIONS, FRAME_RATES, settleRequest, videoShape, withModeRules } from '../tasks/video-request.ts';
import {
  addOutputOptions,
  addPaidOptions,
  numberOption,
  type OutputOptions,
  paidShape,
  parseInput,
  textOption,
} from './options.ts';
import { type Outcome, reportOutcome, taskOutcome } from './outcome.ts';
import { preparing, runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

const input = withModeRules(
  z.strictObject({
    ...videoShape,
    ...paidShape,
  }),
);

export function addGenerate(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('generate')
    .summary('make a video and save it')
    .description('Makes a video, waits for it, saves it and prints its report. Costs money; --dry-run shows how much.')
    .argument('[prompt]', `what the video shows, in quotes, 1 to ${MAX_PROMPT_CHARACTERS} characters`)
    .addOption(textOption('--mode <mode>', `${MODE_NAMES.join(', ')} (default: 720p, by the inputs)`))
    .addOption(numberOption('--duration <seconds>', `${DURATIONS.join(', ')} (default: 5)`))
    .addOption(numberOption('--fps <rate>', `${FRAME_RATES.join(', ')} (default: 24)`))
    .addOption(textOption('--image <image>', 'first frame: a path, an http(s) URL, a data URL, or task:ID'))
    .addOption(textOption('--tail-image <image>', 'last frame, for the first_tail modes'))
    .addOption(numberOption('--seed <number>', 'same seed and inputs: nearly the same video; -1: random'))
    .addOption(textOption('--aspect-ratio <ratio>', `${ASPECT_RATIOS.join(', ')} (text modes and Pro)`))
    .addOption(textOption('--template-id <template>', `camera movement: ${CAMERA_TEMPLATE_IDS.join(', ')}`))
    .addOption(textOption('--camera-strength <strength>', `${CAMERA_STRENGTHS.join(', ')} (default: medium)`));
  addPaidOptions(command, 'video');
  addOutputOptions(command).action(async (prompt: string | undefined, options: OutputOptions) => {
    end(await runSession(terminal, options, (session) => generate(terminal, { prompt, ...options }, session)));
  });
}

async function generate(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { app, phrasing, verbose } = session;
  const typed = parseInput(input, given);
  const { output, allow_duplicate: allowDuplicate = false, max_cost: maxCostCny } = typed;
  const request = settleRequest(typed);
  const options = { output, allowDuplicate, maxCostCny };
  const call = session.call(typed.wait_seconds);
  if (typed.dry_run) {
    const checked = await (await app.service('check')).check(request, options, call);
    return reportOutcome(checkedReport(checked, phrasing, app.whyNotPaid), verbose);
  }
  const service = await app.service('paid');
  const made = await service.make(request, options, preparing(call, session));
  const { id } = made.task;
  session.aboutTask(id);
  if (!terminal.isWatched) terminal.say(`task ${id}: ${made.joined ? 'joined' : 'recorded'}`);
  // A joined task may be finished, and saved at another place than this command requests.
  const over = made.joined
    ? { ...(await service.get(id, { output }, call)), joined: true }
    : await service.waitUntilOver(made, call);
  const outcome = taskOutcome(await session.lastView(service, over), phrasing, verbose);
  return { ...outcome, isInGallery: true };
}
