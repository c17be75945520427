/** `list`: the videos that this computer knows of, newest first, and what was spent. */
import type { Command } from 'commander';
import * as z from 'zod';
import { compact } from '../compact.ts';
import { filmItem } from '../report/film-report.ts';
import { listRefusal, listReport } from '../report/list-report.ts';
import { renderListForTerminal } from '../report/render-terminal.ts';
import { TASK_STATUSES, type Task } from '../tasks/record.ts';
import {
  addOutputOptions,
  addWaitOption,
  numberInput,
  numberOption,
  type OutputOptions,
  parseInput,
  textOption,
  waitSecondsInput,
} from './options.ts';
import { EXIT, type Outcome, withRaw } from './outcome.ts';
import { runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_LIMIT = 10;
/** Older ones are found by their ids. */
const MAX_FILMS = 10;
const WAITS = ['any_finished', 'all_finished'] as const;

const input = z.strictObject({
  limit: numberInput('a whole number', 1, 50, z.int),
  status: z.enum(TASK_STATUSES, `must be one of ${TASK_STATUSES.join(', ')}`).optional(),
  wait_seconds: waitSecondsInput,
  wait_for: z.enum(WAITS, `must be one of ${WAITS.join(', ')}`).optional(),
});

export function addList(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('list')
    .summary('list the videos, newest first, and what was spent')
    .description('Lists the videos, newest first, and what was spent. Free.')
    .addOption(numberOption('--limit <number>', `1 to 50 (default: ${DEFAULT_LIMIT})`))
    .addOption(textOption('--status <status>', `only these: ${TASK_STATUSES.join(', ')}`))
    .addOption(textOption('--wait-for <what>', `with --wait-seconds: ${WAITS.join(', ')} (default: ${WAITS[0]})`));
  addWaitOption(command, 'how long to wait for open videos to finish (default: 0)');
  addOutputOptions(command).action(async (options: OutputOptions) => {
    end(await runSession(terminal, options, (session) => list({ ...options }, session), listRefusal));
  });
}

async function list(given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const {
    limit = DEFAULT_LIMIT,
    status,
    wait_seconds: wait = 0,
    wait_for: waitFor = WAITS[0],
  } = parseInput(input, given);
  const service = await session.app.service('read');
  const call = session.call(wait);
  const view = await service.list({ limit, status, ...(wait > 0 ? { waitFor } : {}) }, call);
  const source = await session.app.films('read');
  const films = status === undefined ? await source.list(Math.min(limit, MAX_FILMS), call.caller) : [];
  const report = listReport(view, session.phrasing, session.app, films.map(filmItem));
  const tasks = report.tasks.map((item, index) => ({ ...item, ...providerOf(view.tasks[index]) }));
  return { text: renderListForTerminal(report), json: { ...report, tasks }, exitCode: EXIT.done, isInGallery: true };
}

/** What a person who repairs something by hand needs of a task. */
function providerOf(task: Task | undefined): object {
  const provider = compact({ task_id: task?.providerTaskId, req_key: task?.reqKey, request_id: task?.requestId });
  return withRaw({ provider }, task);
}
