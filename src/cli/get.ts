/** `get` waits for a video, saves it and refreshes its link; `cancel` withdraws a request that was not sent yet. */
import type { Command } from 'commander';
import * as z from 'zod';
import { isFilmId } from '../films/film.ts';
import { MODE_NAMES } from '../jimeng/modes.ts';
import { cancelledFilmReport } from '../report/film-report.ts';
import { cancelReport } from '../report/report.ts';
import { filmCallOf, filmOutcome } from './film.ts';
import {
  addOutputOptions,
  addWaitOption,
  type OutputOptions,
  parseInput,
  taskIdInput,
  textOption,
  waitSecondsInput,
} from './options.ts';
import { EXIT, type Outcome, reportOutcome, taskOutcome } from './outcome.ts';
import { runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Nobody polls once the command has ended, so its one query is given the time to be answered. */
export const MIN_WAIT_SECONDS = 3;

const getInput = z.strictObject({
  task_id: taskIdInput.optional(),
  mode: z.enum(MODE_NAMES, `must be one of ${MODE_NAMES.join(', ')}`).optional(),
  output: z.string().optional(),
  wait_seconds: waitSecondsInput,
});

export function addGet(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('get')
    .summary('wait for a video, save it, and get a fresh link')
    .description('Waits for a video that was submitted, saves it, and prints its report. Free.')
    .argument('[task-id]', "the id that generate or film printed, or the provider's (default: the newest task)")
    .addOption(textOption('--mode <mode>', "only for a provider's id that was made elsewhere"))
    .addOption(textOption('--output <path>', 'file or folder to save to, relative to the current folder'));
  addWaitOption(command, `how long to wait (default: to the end; at least ${MIN_WAIT_SECONDS})`);
  addOutputOptions(command).action(async (taskId: string | undefined, options: OutputOptions) => {
    end(await runSession(terminal, options, (session) => get(terminal, { taskId, ...options }, session)));
  });
}

async function get(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { task_id: taskId, mode, output, wait_seconds: wait } = parseInput(getInput, given);
  if (taskId !== undefined) session.aboutTask(taskId);
  if (taskId !== undefined && isFilmId(taskId)) return await getFilm(taskId, wait, terminal, session);
  const service = await session.app.service('query', 'save');
  const call = session.call(wait === undefined ? undefined : Math.max(wait, MIN_WAIT_SECONDS));
  const view = await session.lastView(service, await service.get(taskId, { mode, output }, call));
  return taskOutcome(view, session.phrasing, session.verbose);
}

async function getFilm(
  filmId: string,
  wait: number | undefined,
  terminal: Terminal,
  session: Session,
): Promise<Outcome> {
  const films = await session.app.films('query', 'save');
  const call = filmCallOf(terminal, session, wait === undefined ? undefined : Math.max(wait, MIN_WAIT_SECONDS));
  return await filmOutcome(films, await films.get(filmId, call), call, session);
}

/** The command line sees all tasks of the account. */
const TERMINAL = { kind: 'terminal' } as const;
const cancelInput = z.strictObject({ task_id: taskIdInput });

export function addCancel(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('cancel')
    .summary('withdraw a request that is still queued')
    .description(
      'Withdraws a request that is still queued, or frees the slot of one whose outcome is unknown. A video that the provider has accepted cannot be stopped.',
    )
    .argument('<task-id>', 'the id that generate or film printed; of a film, every shot that was not sent');
  addOutputOptions(command).action(async (taskId: string, options: OutputOptions) => {
    end(await runSession(terminal, options, (session) => cancel(taskId, session)));
  });
}

async function cancel(taskId: string, session: Session): Promise<Outcome> {
  const { task_id: id } = parseInput(cancelInput, { taskId });
  const { whyNotPolled, isAccountKnown } = session.app;
  const service = await session.app.service('read');
  session.aboutTask(id);
  // Videos are recorded by account: without keys it is not known whose is meant.
  if (whyNotPolled !== undefined && !isAccountKnown) throw whyNotPolled;
  if (isFilmId(id)) return await cancelFilm(id, session);
  const result = await service.cancel(id, TERMINAL);
  const outcome = reportOutcome(cancelReport(result, session.phrasing), session.verbose, result.task);
  const isDone = result.withdrawn || result.slotReleased || result.task.status === 'cancelled';
  return { ...outcome, exitCode: isDone ? EXIT.done : EXIT.failed };
}

async function cancelFilm(id: string, { app, phrasing, verbose }: Session): Promise<Outcome> {
  const result = await (await app.films('read')).cancel(id, TERMINAL);
  const outcome = reportOutcome(cancelledFilmReport(result, phrasing), verbose);
  const isDone = result.withdrawn > 0 || result.status === 'cancelled';
  return { ...outcome, exitCode: isDone ? EXIT.done : EXIT.failed };
}
