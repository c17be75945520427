/** `collect`: sends what is queued, waits for everything that is open, and saves what is not saved. For CI and cron. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { FilmCall } from '../films/calls.ts';
import { Problem } from '../problems.ts';
import { isPastLife } from '../report/next-step.ts';
import { refusal } from '../report/report.ts';
import type { Call, TaskView, VideoService } from '../tasks/calls.ts';
import { filmOutcome } from './film.ts';
import { MIN_WAIT_SECONDS } from './get.ts';
import { addOutputOptions, addWaitOption, type OutputOptions, parseInput, waitSecondsInput } from './options.ts';
import { EXIT, type Outcome, taskOutcome, worstExitCode } from './outcome.ts';
import { runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Newest first; no account has more than this many videos in the 12 hours that the provider keeps them. */
const MAX_UNSAVED = 1000;

const input = z.strictObject({ wait_seconds: waitSecondsInput });

export function addCollect(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('collect')
    .summary('wait for all open videos and save them')
    .description(
      'Sends the requests that ended commands left in the queue, waits for all open videos, and saves them and those that could not be saved before.',
    );
  addWaitOption(command, `how long to wait (default: to the end; at least ${MIN_WAIT_SECONDS})`);
  addOutputOptions(command).action(async (options: OutputOptions) => {
    const run = (session: Session) => collect(terminal, { ...options }, session);
    end(await runSession(terminal, options, run, (problem, phrasing) => [refusal(problem, phrasing)]));
  });
}

async function collect(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { wait_seconds: wait } = parseInput(input, given);
  const service = await session.app.service('paid');
  const call = session.call(wait === undefined ? undefined : Math.max(wait, MIN_WAIT_SECONDS));
  const films = await session.app.films('paid');
  const openFilms = await films.openIds(call.caller);
  const unsaved = await unsavedIds(service, call);
  const open = await service.openIds(call.caller);
  await service.sendLeft();
  const filmCall: FilmCall = { ...call, onWait: () => undefined };
  const [joined] = await Promise.all([
    Promise.all(openFilms.map((id) => films.get(id, filmCall))),
    waitForAll(terminal, service, open, call),
    saveAll(service, unsaved, call),
  ]);
  const outcomes: Outcome[] = [];
  for (const id of [...new Set([...unsaved, ...open])].sort()) {
    const view = await service.read(id, call.caller);
    if (view === undefined) continue;
    const { warning: _, ...last } = await session.lastView(service, view);
    outcomes.push(taskOutcome(last, session.phrasing, session.verbose));
  }
  for (const film of joined) outcomes.push(await filmOutcome(films, film, filmCall, session));
  const { warning } = await service.list({ limit: 1 }, call);
  if (warning !== undefined) outcomes.push(incomplete(warning, session));
  return {
    text: outcomes.length === 0 ? 'Nothing is open, and everything is saved.' : texts(outcomes),
    json: outcomes.map(({ json }) => json),
    exitCode: outcomes.length === 0 ? EXIT.done : worstExitCode(outcomes.map(({ exitCode }) => exitCode)),
  };
}

/** A script must not continue as if everything paid for were saved. */
function incomplete(warning: string, { phrasing }: Session): Outcome {
  const hint = 'inspect the state folder before you pay again';
  const report = refusal(new Problem('state_damaged', { what: warning, hint }), phrasing);
  return { text: `${report.message}\n\n${report.next_step}`, json: report, exitCode: EXIT.failed };
}

function texts(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ text }) => text).join('\n\n---\n\n');
}

/** Finished, to be saved, and not saved; the provider still has them. */
async function unsavedIds(service: VideoService, call: Call): Promise<string[]> {
  const { tasks, now } = await service.list({ limit: MAX_UNSAVED, status: 'done' }, call);
  return tasks
    .filter((task) => task.place !== null && task.video?.file === undefined && !isPastLife(task, now))
    .map(({ id }) => id);
}

async function waitForAll(
  terminal: Terminal,
  service: VideoService,
  ids: readonly string[],
  call: Call,
): Promise<void> {
  let left = ids.length;
  const showLeft = () => terminal.showProgress(`${left} of ${ids.length} videos open`);
  const wait = async (view: TaskView | undefined) => {
    if (view !== undefined) await service.waitUntilOver(view, { ...call, onWait: showLeft });
    left--;
  };
  await Promise.all(ids.map(async (id) => wait(await service.read(id, call.caller))));
}

/** One after the other: ten concurrent downloads do not help where saving failed before. */
async function saveAll(service: VideoService, ids: readonly string[], call: Call): Promise<void> {
  for (const id of ids) {
    if (call.signal.aborted) return;
    await service.get(id, {}, call);
  }
}
