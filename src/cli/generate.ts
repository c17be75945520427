/** Make a video: submit, wait, save, report. */
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
import { commandSurface } from '../report/surface.ts';
import type { TaskRecord } from '../tasks/record.ts';
import type { Call, VideoService } from '../tasks/service.ts';
import { DURATIONS, FRAME_RATES, settleRequest, videoShape, withModeRules } from '../tasks/video-request.ts';
import { commandHere } from './here.ts';
import { addJsonOption, addWaitOption, numberOption, parseInput, textOption, waitSecondsInput } from './options.ts';
import { tellAtEnd, tellReport } from './outcome.ts';
import { runSession } from './session.ts';
import type { Terminal } from './terminal.ts';

const input = withModeRules(
  z.strictObject({
    ...videoShape,
    output: z.string().optional(),
    allow_duplicate: z.boolean().optional(),
    dry_run: z.boolean().optional(),
    wait_seconds: waitSecondsInput,
  }),
);

export function addGenerate(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('generate')
    .summary('make a video and save it')
    .description('Makes a video, waits for it, saves it and prints its report. Costs money; --dry-run says how much.')
    .argument('[prompt]', `what the video shows, in quotes, 1 to ${MAX_PROMPT_CHARACTERS} characters`)
    .addOption(textOption('--mode <mode>', `${MODE_NAMES.join(', ')} (default: 720p, by the inputs)`))
    .addOption(numberOption('--duration <seconds>', `${DURATIONS.join(', ')} (default: 5)`))
    .addOption(numberOption('--fps <rate>', `${FRAME_RATES.join(', ')} (default: 24)`))
    .addOption(textOption('--image <image>', 'first frame: a path, an http(s) URL, a data URL, or task:ID'))
    .addOption(textOption('--tail-image <image>', 'last frame, for the first_tail modes'))
    .addOption(numberOption('--seed <number>', 'same seed and inputs: nearly the same video; -1: random'))
    .addOption(textOption('--aspect-ratio <ratio>', `${ASPECT_RATIOS.join(', ')} (text modes and Pro)`))
    .addOption(textOption('--template-id <template>', `camera movement: ${CAMERA_TEMPLATE_IDS.join(', ')}`))
    .addOption(textOption('--camera-strength <strength>', `${CAMERA_STRENGTHS.join(', ')} (default: medium)`))
    .addOption(textOption('--output <path>', 'file or folder to save to, relative to the current folder'))
    .option('--allow-duplicate', 'pay again for a request that is there already')
    .option('--dry-run', 'only check everything and say the price');
  addWaitOption(command, 'how long to wait (default: to the end); what is not over by then goes on');
  addJsonOption(command).action(async (prompt: string | undefined, options: { json?: boolean }) => {
    end(await generate(terminal, { prompt, ...options }, options.json === true));
  });
}

async function generate(terminal: Terminal, given: Record<string, unknown>, isWanted: boolean): Promise<number> {
  return await runSession(terminal, { isWanted }, async (session) => {
    const asked = parseInput(input, given);
    const request = settleRequest(asked);
    const service = await session.holder.service('paid');
    const call = session.call(asked.wait_seconds);
    const { output, allow_duplicate: allowDuplicate = false } = asked;
    if (asked.dry_run) {
      const { prepared, same } = await service.check(request, { output, allowDuplicate }, call);
      return async () =>
        tellReport(checkedReport(prepared, same, commandSurface(commandHere()), session.holder.sandbox));
    }
    const sending = { ...call, deadline: Math.min(call.deadline, defaultDeadline(service)) };
    const { record, joined } = await service.make(request, { output, allowDuplicate }, sending);
    session.aboutTask(record.id);
    if (!terminal.isWatched) terminal.say(`task ${record.id}: ${joined ? 'joined' : 'recorded'}`);
    // What was there already may be finished, and saved at another place than the one that is asked for now.
    const over = joined
      ? await service.get(record.id, undefined, output, call)
      : await service.waitUntilOver(record, call);
    if (over.status === 'submitting' && !call.signal.aborted) await awaitAnswer(service, over, call);
    return () => tellAtEnd(service, over, { joined, output: joined ? output : undefined });
  });
}

/** Without an end to the wait an unreachable provider would be tried for ever. */
function defaultDeadline({ context }: VideoService): number {
  return context.clock.monotonic() + context.settings.waitSeconds * 1000;
}

/** This process is about to end, and nobody else hears the answer: without it the task would be `unknown`. */
async function awaitAnswer(service: VideoService, record: TaskRecord, call: Call): Promise<void> {
  const { clock, settings } = service.context;
  await service.waitUntilTaken(record, { ...call, deadline: clock.monotonic() + settings.apiTimeoutSeconds * 1000 });
}
