/** Makes many films while a tenth of all answers goes wrong and processes are killed at random, within a budget that is too small. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { currentJoin, currentTakes, type Film } from '../../src/films/film.ts';
import { findFfmpeg } from '../../src/media/clip/ffmpeg.ts';
import { withMp4Input } from '../../src/media/clip/mp4-file.ts';
import { readFacts } from '../../src/media/clip/read-facts.ts';
import type { Task } from '../../src/tasks/record.ts';
import { readFilms, readRecords } from '../../test/support/records.ts';
import type { Sandbox } from '../../test/support/sandbox.ts';
import { randomFrom, startStorm } from './faults.ts';
import { tableOf } from './figures.ts';
import { environmentIn, type Killing, killAtRandom, startBoundlessSandbox } from './stage.ts';
import { ProcessGone, StdioClient } from './stdio-client.ts';

export interface FilmStormOptions extends Killing {
  readonly films: number;
  readonly processes: number;
  readonly faultShare: number;
  /** dist/main.js of the tree. */
  readonly program: string;
  readonly onProgress?: (line: string) => void;
}

export interface FilmFigures {
  readonly films: number;
  readonly shots: number;
  readonly kills: number;
  readonly whole: number;
  /** With a shot whose outcome is unknown, or that is withdrawn, refused or expired. */
  readonly waiting: number;
  readonly refusedByBudget: number;
  readonly acceptedByProvider: number;
  readonly saved: number;
  readonly unknown: number;
  readonly lost: readonly string[];
  readonly submittedTwice: readonly string[];
  /** Recorded without a shot, or a shot without its film. */
  readonly halfReserved: readonly string[];
  /** A named file that is not the film of its shots, or has no record. */
  readonly halfFilms: readonly string[];
  readonly filmsTwice: readonly string[];
  /** Neither whole nor waiting for a reason. */
  readonly unfinished: readonly string[];
  readonly budgetExceededByFen: number;
  readonly linesThatAreNoJsonRpc: number;
  readonly seconds: number;
}

const ZEROS = ['lost', 'submittedTwice', 'halfReserved', 'halfFilms', 'filmsTwice', 'unfinished'] as const;
const FEN_OF_SHOT = 140;
const ROUNDS = 40;

interface Wish {
  readonly title: string;
  readonly shots: readonly { readonly prompt: string; readonly continue?: boolean }[];
}

function wishes({ films, seed }: FilmStormOptions): Wish[] {
  const random = randomFrom(seed + 2);
  return Array.from({ length: films }, (_, film) => {
    const count = 2 + Math.floor(random() * 5);
    const shots = Array.from({ length: count }, (_shot, shot) => ({
      prompt: `film ${film} shot ${shot + 1}`,
      ...(shot > 0 && random() < 0.4 ? { continue: true } : {}),
    }));
    return { title: `film ${film}`, shots };
  });
}

export async function runFilmStorm(options: FilmStormOptions): Promise<FilmFigures> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-film-storm-'));
  const wanted = wishes(options);
  const shots = wanted.reduce((sum, { shots: { length } }) => sum + length, 0);
  const budgetFen = Math.round(shots * FEN_OF_SHOT * 0.9);
  const sandbox = await startBoundlessSandbox(1);
  startStorm(() => sandbox, { seed: options.seed, share: options.faultShare, busyFrom: 6, generationSeconds: 1 });
  const ffmpeg = await findFfmpeg(undefined, process.env.PATH ?? '', { clock: systemClock, environment: {} });
  const environment = {
    ...environmentIn(folder, sandbox),
    JIMENG_VIDEO_DAILY_BUDGET_CNY: String(budgetFen / 100),
    JIMENG_VIDEO_FFMPEG: ffmpeg?.path ?? '',
  };
  const running = new Set<StdioClient>();
  const over = new AbortController();
  const killing = killAtRandom(() => [...running], options, over.signal);
  const badLines: string[] = [];
  const refused = new Set<string>();
  let done = 0;
  const work = async (index: number) => {
    const left = wanted.filter((_, film) => film % options.processes === index);
    while (left.length > 0) {
      const client = new StdioClient([process.execPath, options.program], environment, folder);
      try {
        await client.initialize();
        running.add(client);
        while (left[0] !== undefined) {
          if (await bring(client, left[0])) refused.add(left[0].title);
          left.shift();
          done++;
          if (done % 10 === 0) options.onProgress?.(`${done} of ${options.films} films are over`);
        }
        await client.close();
      } catch (error) {
        if (!(error instanceof ProcessGone)) throw error;
      } finally {
        running.delete(client);
        client.kill();
        badLines.push(...client.badLines);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: options.processes }, (_, index) => work(index)));
    over.abort();
    const kills = await killing;
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const books = await judge(folder, sandbox, wanted, refused);
    const paid = sandbox.accepted.length * FEN_OF_SHOT;
    return {
      ...{ films: wanted.length, shots, kills, refusedByBudget: refused.size, ...books },
      budgetExceededByFen: Math.max(0, paid - budgetFen),
      linesThatAreNoJsonRpc: badLines.length,
      seconds,
    };
  } finally {
    over.abort();
    for (const client of running) client.kill();
    await sandbox.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Makes the film, again where an earlier process died, and asks until it is over. @returns whether the budget refused it */
async function bring(client: StdioClient, wish: Wish): Promise<boolean> {
  let { structured } = await client.call('generate_film', { ...wish, wait_seconds: 20 });
  for (let round = 0; round < ROUNDS && structured.status !== 'done'; round++) {
    const id = structured.film_id;
    if (id === undefined && structured.error?.code === 'budget_exceeded') return true;
    if (id === undefined) ({ structured } = await client.call('generate_film', { ...wish, wait_seconds: 20 }));
    else {
      const before = structured.status;
      ({ structured } = await client.call('get_video_task', { task_id: id, wait_seconds: 20 }));
      // Nothing of it goes on any more, and asking again changed nothing.
      const isOpen = structured.shots?.some(({ status }: { status: string }) =>
        ['submitting', 'generating'].includes(status),
      );
      if (before === 'waiting' && structured.status === 'waiting' && !isOpen) return false;
    }
  }
  return false;
}

async function judge(folder: string, sandbox: Sandbox, wanted: readonly Wish[], refused: ReadonlySet<string>) {
  const records = readRecords(join(folder, 'state'));
  const films = readFilms(join(folder, 'state'));
  const byId = new Map(records.map((task) => [task.id, task]));
  const isSaved = (task: Task | undefined) => task?.video?.file !== undefined;
  const accepted = new Map<string, number>();
  for (const { request } of sandbox.accepted) {
    const prompt = String(request.body?.prompt);
    accepted.set(prompt, (accepted.get(prompt) ?? 0) + 1);
  }
  const lost = records.filter(
    (task) => accepted.has(task.request.prompt ?? '') && !isSaved(task) && task.status !== 'unknown',
  );
  const titles = films.map(({ title = '' }) => title);
  const missing = wanted.filter(({ title }) => !titles.includes(title) && !refused.has(title));
  const named = new Set(films.flatMap(({ joins }) => joins.map(({ file }) => file.path)));
  const shotFiles = new Set(records.flatMap(({ video }) => (video?.file === undefined ? [] : [video.file.path])));
  const halfFilms: string[] = [];
  for (const name of await readdir(join(folder, 'videos')).catch(() => [])) {
    const path = join(folder, 'videos', name);
    if (name.endsWith('.mp4') && !named.has(path) && !shotFiles.has(path)) halfFilms.push(name);
  }
  const unfinished = missing.map(({ title }) => `${title}: not recorded`);
  let [whole, waiting] = [0, 0];
  for (const film of films) {
    const tasks = currentTakes(film).map((id) => byId.get(id));
    const join_ = currentJoin(film);
    if (film.status === 'done' && join_ !== undefined && tasks.every(isSaved)) {
      whole++;
      const frames = await framesOf(join_.file.path);
      const expected = await Promise.all(tasks.map((task) => framesOf(task?.video?.file?.path ?? '')));
      if (frames !== expected.reduce((sum, count) => sum + count, 0)) halfFilms.push(film.title ?? film.id);
    } else if (hasReason(film, tasks)) waiting++;
    else unfinished.push(`${film.title}: ${film.status}, ${tasks.map((task) => task?.status).join(' ')}`);
  }
  return {
    whole,
    waiting,
    acceptedByProvider: sandbox.accepted.length,
    saved: records.filter(isSaved).length,
    unknown: records.filter(({ status }) => status === 'unknown').length,
    lost: lost.map((task) => `${task.request.prompt}: ${task.status} ${task.error?.message ?? ''}`),
    submittedTwice: [...accepted].filter(([, times]) => times > 1).map(([prompt]) => prompt),
    halfReserved: [
      ...films.filter((film) => currentTakes(film).some((id) => !byId.has(id))).map(({ id }) => id),
      ...records.filter(({ filmId }) => !films.some(({ id }) => id === filmId)).map(({ id }) => id),
    ],
    halfFilms,
    filmsTwice: titles.filter((title, index) => titles.indexOf(title) !== index),
    unfinished,
  };
}

/** A shot of it has no video, and its record says why. */
function hasReason(film: Film, tasks: readonly (Task | undefined)[]): boolean {
  return film.status !== 'done' && tasks.some((task) => task?.status === 'unknown' || task?.error !== undefined);
}

async function framesOf(path: string): Promise<number> {
  return await withMp4Input(path, (opened) => readFacts(opened)).then(
    ({ frames }) => frames,
    // Equal to nothing: a film that cannot be read is half a film.
    () => Number.NaN,
  );
}

export function filmTableOf(figures: FilmFigures): string {
  return tableOf(figures, ZEROS);
}

export function areFilmsKept(figures: FilmFigures): boolean {
  const { budgetExceededByFen, linesThatAreNoJsonRpc } = figures;
  return ZEROS.every((name) => figures[name].length === 0) && budgetExceededByFen + linesThatAreNoJsonRpc === 0;
}
