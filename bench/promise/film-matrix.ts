/** Kills a process at a given moment of a film's life, lets another one go on, and looks at what is left of the film. */
import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { currentJoin, type Film } from '../../src/films/film.ts';
import type { Report } from '../../src/report/report.ts';
import type { Task } from '../../src/tasks/record.ts';
import type { Sandbox } from '../../test/support/sandbox.ts';
import { DEATH_SECONDS, dead, type Programs, untilSettled } from './crash-matrix.ts';
import { inLanes } from './lanes.ts';
import type { FilmMoment, Moment } from './moments.ts';
import { newPrompt, openStage, type ServerProcess, type Stage, until } from './stage.ts';

export interface FilmKill {
  readonly moment: FilmMoment;
  /** Milliseconds after the moment; 0: exactly there. */
  readonly afterMilliseconds: number;
  /** Not killed but stopped, until another process has the film. */
  readonly isSuspended?: boolean;
}

export interface FilmOutcome extends FilmKill {
  readonly accepted: number;
  readonly whole: number;
  /** Waits for a retake of a shot whose submit was open when its process died. */
  readonly waiting: number;
  /** Neither whole nor waiting for such a reason. */
  readonly unfinished: number;
  readonly submittedTwice: number;
  /** Accepted, and neither saved nor unknown. */
  readonly lost: number;
  /** Sent by a call that is free. */
  readonly sentByFreeCall: number;
  /** Films recorded without a shot, and shots without their film. */
  readonly halfReserved: number;
  /** Takes that no film names any more. */
  readonly takesLost: number;
  readonly filmsTwice: number;
  /** Named files that no record has, or that are not what the record says. */
  readonly halfFiles: number;
  /** Unfinished files that no sweep removes. */
  readonly parts: number;
  readonly seconds: number;
}

export const FILM_COUNTED = [
  'accepted',
  'whole',
  'waiting',
  'unfinished',
  'submittedTwice',
  'lost',
  'sentByFreeCall',
  'halfReserved',
  'takesLost',
  'filmsTwice',
  'halfFiles',
  'parts',
] as const satisfies readonly (keyof FilmOutcome)[];
/** Each of these is 0, or the promise is broken. */
export const FILM_ZEROS = FILM_COUNTED.slice(3);

/** What a dead process was joining into, a hidden file of its own: any process removes it when it is 15 minutes old. */
const SWEPT = /^\.jimeng-video-jf-[\w-]+-join-[0-9a-f]{8}\.part/;
const SHOTS = 3;
const FRAMES_OF_SHOT = 121;
const MOST_ROUNDS = 6;

interface Trial {
  readonly film: object;
  readonly prompts: readonly string[];
  /** The paid call that the process died in; the client makes it again. */
  readonly again: (server: ServerProcess) => Promise<Report>;
}

async function killOnce(programs: Programs, kill: FilmKill, shared: Sandbox): Promise<FilmOutcome> {
  const startedAt = performance.now();
  const stage = await openStage(programs.clips, {}, shared);
  try {
    const trace = join(stage.folder, 'trace');
    await appendFile(trace, '');
    const sleeper: { process?: ServerProcess } = {};
    const trial = await bringToMoment(stage, programs, kill, trace, sleeper);
    const fresh = await stage.start({ program: programs.plain });
    // By now the provider has read what the dead process sent.
    const before = acceptedOf(stage, trial);
    if (sleeper.process === undefined) await untilSettled(() => fresh.list(0));
    const sentByFreeCall = acceptedOf(stage, trial) - before;
    const report = await bringToEnd(fresh, trial);
    if (sleeper.process !== undefined) {
      process.kill(sleeper.process.pid, 'SIGCONT');
      await sleeper.process.close();
    }
    await fresh.close();
    const isOpen = openSubmits(await readFile(trace, 'utf8')) > 0;
    return {
      ...kill,
      ...(await judge(stage, trial, report, isOpen)),
      sentByFreeCall: sleeper.process === undefined ? sentByFreeCall : 0,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await stage.close();
  }
}

async function bringToMoment(
  stage: Stage,
  programs: Programs,
  { moment, afterMilliseconds, isSuspended = false }: FilmKill,
  trace: string,
  sleeper: { process?: ServerProcess },
): Promise<Trial> {
  const prompts = Array.from({ length: SHOTS }, (_, index) => newPrompt(`shot ${index + 1}`));
  const film = {
    shots: prompts.map((prompt, index) => (index === 1 ? { prompt, continue: true } : { prompt })),
    wait_seconds: 50,
  };
  const make = (server: ServerProcess) => server.call('generate_film', film);
  if (isSuspended) {
    const process = await stage.start({ program: programs.marked, environment: { STOP_AT: moment, TRACE: trace } });
    sleeper.process = process;
    make(process).catch(() => undefined);
    await until(`it is stopped: ${moment}`, async () => ((await has(trace, moment)) ? true : undefined), DEATH_SECONDS);
    return { film, prompts, again: make };
  }
  const deadly = { CRASH_AT: moment, CRASH_AFTER: String(afterMilliseconds), TRACE: trace };
  if (moment.startsWith('takeover')) {
    const environment = { CRASH_AT: "film: before the film's name", TRACE: trace };
    const first = await stage.start({ program: programs.marked, environment });
    await make(first).catch(() => undefined);
    await first.gone;
    const second = await stage.start({ program: programs.marked, environment: deadly });
    second.list(0).catch(() => undefined);
    await dead(second, moment);
    return { film, prompts, again: make };
  }
  if (!moment.startsWith('retake')) {
    const server = await stage.start({ program: programs.marked, environment: deadly });
    await make(server).catch(() => undefined);
    await dead(server, moment);
    return { film, prompts, again: make };
  }
  const first = await stage.start({ program: programs.plain });
  const made = await make(first);
  await first.close();
  if (made.status !== 'done') throw new Error(`the film to retake is ${made.status}: ${made.message}`);
  const prompt = newPrompt('another take');
  const retake = (server: ServerProcess) =>
    server.call('retake_shot', { film_id: made.film_id, shot: 1, prompt, cascade: true, wait_seconds: 50 });
  const server = await stage.start({ program: programs.marked, environment: deadly });
  await retake(server).catch(() => undefined);
  await dead(server, moment);
  return { film, prompts: [...prompts, prompt], again: retake };
}

async function has(trace: string, moment: string): Promise<boolean> {
  return (await readFile(trace, 'utf8')).split('\n').includes(moment);
}

/** As a client does that got no answer: the same call again, then `get` until nothing goes on. */
async function bringToEnd(server: ServerProcess, { again }: Trial): Promise<Report> {
  let report = await again(server);
  for (let round = 0; report.status === 'running' && round < MOST_ROUNDS; round++) {
    report = await server.call('get_video_task', { task_id: report.film_id, wait_seconds: 30 });
  }
  return report;
}

/** Claims without a recorded outcome. */
function openSubmits(trace: string): number {
  const count = (name: Moment) => trace.split('\n').filter((line) => line === name).length;
  return count('claim written') - count('outcome recorded');
}

function acceptedOf(stage: Stage, { prompts }: Trial): number {
  return prompts.reduce((sum, prompt) => sum + stage.accepted(prompt), 0);
}

async function judge(stage: Stage, trial: Trial, report: Report, isSubmitOpen: boolean) {
  const { records } = await stage.look();
  const films = await stage.films();
  const takes = films.flatMap(({ shots }) => shots.flatMap((shot) => shot.takes));
  const [film] = films;
  const isWhole = report.status === 'done' && film !== undefined && isRightFilm(film, report);
  const isWaiting = report.status === 'waiting' && isSubmitOpen && hasTrueReason(report, records);
  const ofPrompt = (prompt: string) => records.filter(({ request }) => request.prompt === prompt);
  const isKept = ({ status, video }: Task) => video?.file !== undefined || status === 'unknown';
  const { halfFiles, parts } = await filesOf(stage, films, records);
  return {
    accepted: acceptedOf(stage, trial),
    whole: isWhole ? 1 : 0,
    waiting: isWaiting ? 1 : 0,
    unfinished: isWhole || isWaiting ? 0 : 1,
    // A take is a request of its own; one retake that was called twice is one take.
    submittedTwice:
      trial.prompts.filter((prompt) => stage.accepted(prompt) > ofPrompt(prompt).length).length +
      films.flatMap(({ shots }) => shots).filter((shot) => shot.takes.length > 2).length,
    lost: trial.prompts.filter((prompt) => stage.accepted(prompt) > ofPrompt(prompt).filter(isKept).length).length,
    halfReserved: takes.filter((id) => records.every((record) => record.id !== id)).length,
    takesLost: records.filter(({ id }) => !takes.includes(id)).length,
    filmsTwice: Math.max(0, films.length - 1),
    halfFiles,
    parts,
  };
}

function isRightFilm(film: Film, { film: shown }: Report): boolean {
  const frames = Math.round((shown?.duration_seconds ?? 0) * 24);
  return currentJoin(film)?.file.path === shown?.path && frames === SHOTS * FRAMES_OF_SHOT;
}

/** The report says of a shot that it is not known whether it was made, and so does its record. */
function hasTrueReason({ message, shots = [] }: Report, records: readonly Task[]): boolean {
  const unknown = shots.filter(({ status }) => status === 'unknown');
  const isRecorded = unknown.every(({ task_id: id }) =>
    records.some((record) => record.id === id && record.status === 'unknown'),
  );
  return unknown.length > 0 && isRecorded && /is not known/.test(message);
}

async function filesOf(stage: Stage, films: readonly Film[], records: readonly Task[]) {
  const known = new Map(
    [...films.flatMap(({ joins }) => joins.map(({ file }) => file)), ...records.map(({ video }) => video?.file)]
      .filter((file) => file !== undefined)
      .map(({ path, sha256 }) => [path, sha256]),
  );
  const names = await readdir(stage.videosDir);
  let halfFiles = 0;
  for (const name of names.filter((one) => one.endsWith('.mp4'))) {
    const path = join(stage.videosDir, name);
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    if (known.get(path) !== sha256) halfFiles++;
  }
  return { halfFiles, parts: names.filter((one) => !one.endsWith('.mp4') && !SWEPT.test(one)).length };
}

export async function runFilmMatrix(
  programs: Programs,
  kills: readonly FilmKill[],
  lanes: number,
  each?: (outcome: FilmOutcome) => void,
): Promise<FilmOutcome[]> {
  return await inLanes(kills, lanes, (kill, sandbox) => killOnce(programs, kill, sandbox), each);
}

/** Half of them exactly there, the others up to 20 ms later, while the process goes on; and as often it is suspended before the name. */
export function planFilmKills(moments: readonly FilmMoment[], times: number): FilmKill[] {
  const kills = moments.flatMap((moment) =>
    Array.from({ length: times }, (_, index) => ({
      moment,
      afterMilliseconds: index % 2 === 0 ? 0 : (index * 20) / times,
    })),
  );
  const sleep = { moment: "film: before the film's name", afterMilliseconds: 0, isSuspended: true } as const;
  return [...kills, ...Array.from({ length: times }, () => sleep)];
}
