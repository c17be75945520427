/** Ask for a video: its state, a fresh link, the saved file. */
import type { Command } from 'commander';
import * as z from 'zod';
import { MODE_NAMES } from '../jimeng/modes.ts';
import { addJsonOption, addWaitOption, parseInput, textOption, waitSecondsInput } from './options.ts';
import { tellAtEnd } from './outcome.ts';
import { runSession } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Nobody asks on when the command has ended, so its one question is given the time to be answered. */
export const LEAST_WAIT_SECONDS = 3;

export const taskIdInput = z.string().trim().min(1, 'is empty: give the id of a task (list_video_tasks has them)');

const input = z.strictObject({
  task_id: taskIdInput,
  mode: z.enum(MODE_NAMES, `must be one of ${MODE_NAMES.join(', ')}`).optional(),
  output: z.string().optional(),
  wait_seconds: waitSecondsInput,
});

export function addGet(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('get')
    .summary('wait for a video, save it, and get a fresh link')
    .description('Asks for a video that was submitted: waits for it, saves it, and prints its report. Free.')
    .argument('<task-id>', "the id that generate printed, or the provider's")
    .addOption(textOption('--mode <mode>', "only for a provider's id that was made elsewhere"))
    .addOption(textOption('--output <path>', 'file or folder to save to, relative to the current folder'));
  addWaitOption(command, `how long to wait (default: to the end; at least ${LEAST_WAIT_SECONDS})`);
  addJsonOption(command).action(async (taskId: string, options: { json?: boolean }) => {
    end(await get(terminal, { taskId, ...options }, options.json === true));
  });
}

async function get(terminal: Terminal, given: Record<string, unknown>, isWanted: boolean): Promise<number> {
  return await runSession(terminal, { isWanted }, async (session) => {
    const asked = parseInput(input, given);
    const { wait_seconds: wait, task_id: taskId } = asked;
    const service = await session.holder.service('query', 'save');
    const call = session.call(wait === undefined ? undefined : Math.max(wait, LEAST_WAIT_SECONDS));
    session.aboutTask(taskId);
    const record = await service.get(taskId, asked.mode, asked.output, call);
    return () => tellAtEnd(service, record, { output: asked.output });
  });
}
