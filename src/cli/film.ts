/** `film` makes a film of a storyboard file; `retake` makes one of its shots again. */
import type { Command } from 'commander';
import * as z from 'zod';
import { systemClock } from '../clock.ts';
import type { FilmCall, FilmService, FilmView } from '../films/calls.ts';
import { isFilmId } from '../films/film.ts';
import { retakeShape, shotNumber } from '../films/storyboard.ts';
import { checkedFilmReport, filmReport } from '../report/film-report.ts';
import { pause } from '../system/wait.ts';
import type { VideoService } from '../tasks/calls.ts';
import { DURATIONS } from '../tasks/video-request.ts';
import { filmProgressOn } from './film-progress.ts';
import {
  addOutputOptions,
  addPaidOptions,
  addWaitOption,
  maxCostInput,
  numberOption,
  type OutputOptions,
  paidShape,
  parseInput,
  taskIdInput,
  textOption,
  waitSecondsInput,
} from './options.ts';
import { EXIT, type Outcome, reportOutcome } from './outcome.ts';
import { preparing, runSession, type Session } from './session.ts';
import { readStoryboard, storyboardSchema } from './storyboard-file.ts';
import type { Terminal } from './terminal.ts';

/** Of an interrupted command, whose submits are still out. */
const LAST_WAIT_MILLISECONDS = 3_000;
const LOOK_MILLISECONDS = 100;

const filmInput = z.strictObject({
  file: z.string('is missing: give the path of a storyboard').min(1, 'is empty: give the path of a storyboard'),
  ...paidShape,
});

export function addFilm(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('film')
    .summary('make a film of several shots from a storyboard file')
    .description(
      'Makes the shots of a storyboard (YAML or JSON), joins them into one MP4, and prints its report. Paths in the file are relative to its folder. Costs money; --dry-run shows how much.',
    )
    .argument('[file]', 'the storyboard');
  addPaidOptions(command, 'film').option('--schema', 'only print the JSON Schema of the file, for editors');
  addOutputOptions(command).action(
    async (file: string | undefined, { schema, ...options }: OutputOptions & { readonly schema?: boolean }) => {
      if (schema) return await terminal.print(JSON.stringify(storyboardSchema(), null, 2));
      end(await runSession(terminal, options, (session) => film(terminal, { file, ...options }, session)));
    },
  );
}

async function film(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { app, phrasing, verbose } = session;
  const typed = parseInput(filmInput, given);
  const board = await readStoryboard(typed.file);
  const call = filmCallOf(terminal, session, typed.wait_seconds);
  const caller = { kind: 'terminal', fromFile: true } as const;
  const options = {
    output: typed.output ?? board.output,
    allowDuplicate: typed.allow_duplicate ?? false,
    maxCostCny: typed.max_cost,
  };
  if (typed.dry_run) {
    const checked = await (await app.films('check')).check(board.film, options, { ...call, caller });
    return reportOutcome(checkedFilmReport(checked, phrasing), verbose);
  }
  const films = await app.films('paid');
  const made = await films.make(board.film, options, { ...preparing(call, session), caller });
  session.aboutTask(made.film.id);
  if (!terminal.isWatched) terminal.say(`film ${made.film.id}: ${made.joined ? 'joined' : 'recorded'}`);
  const outcome = await filmOutcome(films, await films.waitUntilOver(made, call), call, session);
  return { ...outcome, isInGallery: true };
}

const retakeInput = z.strictObject({
  film_id: taskIdInput.refine(isFilmId, { message: 'is not the id of a film: jf-…, as film printed it' }),
  shot: shotNumber,
  ...retakeShape,
  max_cost: maxCostInput,
  wait_seconds: waitSecondsInput,
});

export function addRetake(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('retake')
    .summary('make a shot of a film again, and join the film again')
    .description(
      'Makes another take of one shot of a film, keeps the earlier takes, and joins the film again under a new name. What is left out stays as it was. Costs money.',
    )
    .argument('<film-id>', 'the id that film printed')
    .argument('<shot>', 'the number of the shot, from 1')
    .addOption(textOption('--prompt <text>', 'another prompt'))
    .addOption(numberOption('--duration <seconds>', DURATIONS.join(', ')))
    .addOption(numberOption('--seed <number>', 'another seed'))
    .addOption(textOption('--image <image>', 'another first frame, relative to the current folder'))
    .addOption(textOption('--tail-image <image>', 'another last frame'))
    .option('--cascade', 'also make the shots again that continue from it')
    .addOption(numberOption('--max-cost <cny>', 'refuse it when everything that is made again costs more'));
  addWaitOption(command, 'how long to wait (default: until it is finished); the film goes on after that');
  addOutputOptions(command).action(async (filmId: string, shot: string, options: OutputOptions) => {
    const given = { filmId, shot: /^\d+$/.test(shot) ? Number(shot) : shot, ...options };
    end(await runSession(terminal, options, (session) => retake(terminal, given, session)));
  });
}

async function retake(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { film_id: id, shot, wait_seconds, max_cost: maxCostCny, ...changes } = parseInput(retakeInput, given);
  const films = await session.app.films('paid');
  session.aboutTask(id);
  const call = filmCallOf(terminal, session, wait_seconds);
  const made = await films.retake(id, shot, { ...changes, maxCostCny }, preparing(call, session));
  return await filmOutcome(films, await films.waitUntilOver(made, call), call, session);
}

/** The call of a single video, with the progress of each shot. */
export function filmCallOf(terminal: Terminal, session: Session, waitSeconds: number | undefined): FilmCall {
  const { onWait: _, ...call } = session.call(waitSeconds);
  return { ...call, onWait: filmProgressOn(terminal) };
}

/** The report, after the responses to the submits of this process, which no other process can receive. */
export async function filmOutcome(
  films: FilmService,
  view: FilmView,
  call: FilmCall,
  { app, phrasing, verbose }: Session,
): Promise<Outcome> {
  await untilTaken(view, call, await app.service('read'));
  const last = await afterSubmits(films, view, call, app.settings.apiTimeoutSeconds * 1000);
  const outcome = reportOutcome(filmReport(last, phrasing), verbose);
  return last.missingFile === undefined ? outcome : { ...outcome, exitCode: EXIT.failed };
}

/** Sends what can be sent now, even with a short wait: nothing sends it once this process has ended. */
async function untilTaken({ tasks }: FilmView, { onWait: _, ...call }: FilmCall, service: VideoService): Promise<void> {
  const wait = async (id: string) => {
    const view = await service.read(id, call.caller);
    if (view !== undefined) await service.waitUntilTaken(view, call);
  };
  await Promise.all(tasks.map((task) => (task?.status === 'queued' && task.ownerAlive ? wait(task.id) : undefined)));
}

async function afterSubmits(films: FilmService, view: FilmView, call: FilmCall, atMost: number): Promise<FilmView> {
  const startedAt = systemClock.monotonic();
  let last = view;
  for (;;) {
    const isOut = last.tasks.some((task) => task?.status === 'submitting');
    const limit = call.signal.aborted ? Math.min(atMost, LAST_WAIT_MILLISECONDS) : atMost;
    if (!isOut || systemClock.monotonic() - startedAt >= limit) return last;
    await pause(systemClock, { atMost: LOOK_MILLISECONDS });
    last = { ...((await films.read(view.film.id, call.caller)) ?? last), joined: view.joined };
  }
}
