/** List the videos that this computer knows of, and what they cost. */
import type { Command } from 'commander';
import * as z from 'zod';
import { renderList } from '../report/render.ts';
import { listReport } from '../report/report.ts';
import { commandSurface } from '../report/surface.ts';
import type { Listed } from '../tasks/list.ts';
import { TASK_STATUSES } from '../tasks/record.ts';
import type { VideoService } from '../tasks/service.ts';
import { EXIT } from './exit-codes.ts';
import { commandHere } from './here.ts';
import { addJsonOption, addWaitOption, numberOption, parseInput, textOption, waitSecondsInput } from './options.ts';
import { type Outcome, phrased, withRaw } from './outcome.ts';
import { runSession } from './session.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_LIMIT = 10;

const input = z.strictObject({
  limit: z
    .int('must be a whole number from 1 to 50')
    .min(1, 'must be at least 1')
    .max(50, 'must be at most 50')
    .optional(),
  status: z.enum(TASK_STATUSES, `must be one of ${TASK_STATUSES.join(', ')}`).optional(),
  wait_seconds: waitSecondsInput,
});

export function addList(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('list')
    .summary('list the videos, newest first, and what was spent')
    .description('Lists the videos made from this computer, newest first, and what was spent. Free.')
    .addOption(numberOption('--limit <number>', `1 to 50 (default: ${DEFAULT_LIMIT})`))
    .addOption(textOption('--status <status>', `only these: ${TASK_STATUSES.join(', ')}`));
  addWaitOption(command, 'wait so long for any open video to change (default: 0)');
  addJsonOption(command).action(async (options: { json?: boolean }) => {
    end(await list(terminal, { ...options }, options.json === true));
  });
}

async function list(terminal: Terminal, given: Record<string, unknown>, isWanted: boolean): Promise<number> {
  const ofRefusal = (report: object) => ({ ...report, tasks: [] });
  return await runSession(terminal, { isWanted, ofRefusal }, async (session) => {
    const asked = parseInput(input, given);
    const service = await session.holder.service('read');
    if (asked.wait_seconds) {
      service.resume();
      await service.waitForAnyChange(session.call(asked.wait_seconds));
    }
    const listed = await service.list(asked.limit ?? DEFAULT_LIMIT, asked.status);
    return async () => tellList(service, listed, session.holder.sandbox);
  });
}

function tellList(service: VideoService, listed: Listed, sandbox: boolean): Outcome {
  const told = listReport(listed, commandSurface(commandHere()), service.context.clock.now(), sandbox);
  const report = { ...told, tasks: told.tasks.map((task) => phrased(task)) };
  const tasks = report.tasks.map((task, index) => withRaw(task, listed.records[index]));
  return { text: renderList(report), json: { ...report, tasks }, exitCode: EXIT.done };
}
