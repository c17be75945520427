/** Collects the figures of the promise: prints them as tables, and keeps them as JSON beside this file. */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../test/support/postgres.ts';
import { type Outcome, type Programs, planKills, runMatrix } from './crash-matrix.ts';
import { FILM_COUNTED, FILM_ZEROS, type FilmOutcome, planFilmKills, runFilmMatrix } from './film-matrix.ts';
import { ANCHORS, buildProgram, FILM_ANCHORS, type FilmMoment, type Moment } from './moments.ts';
import { changesWithout } from './rules.ts';
import { queue, sameRequest, takeover } from './several-processes.ts';
import { runSleeps, SLEEPS, type SleepOutcome } from './suspension.ts';

const MOMENTS = Object.keys(ANCHORS) as Moment[];
const COUNTED = [
  ['accepted', 'accepted'],
  ['saved', 'saved'],
  ['unknown', 'unknown'],
  ['unknownTaken', 'of these taken'],
  ['unknownElsewhere', 'unknown elsewhere'],
  ['lost', 'lost'],
  ['submittedTwice', 'sent twice'],
  ['sentByFreeCall', 'sent by a free call'],
  ['savedTwice', 'saved twice'],
  ['stillOpen', 'still open'],
  ['unreadable', 'unreadable'],
  ['broken', 'broken'],
  ['parts', '.part left'],
] as const satisfies readonly (readonly [keyof Outcome, string])[];
/** Most of the time is waiting for a lease to run out. */
const LANES = 20;
/** Pictures and films are made by programs and threads of their own. */
const FILM_LANES = 8;
/** Each of these is 0, or the promise is broken. */
const MUST_BE_ZERO = COUNTED.slice(4).map(([name]) => name);

const COUNTED_OF_SLEEPS = [
  ['accepted', 'accepted'],
  ['saved', 'saved'],
  ['unknown', 'unknown'],
  ['sentLate', 'sent late'],
  ['lost', 'lost'],
  ['submittedTwice', 'sent twice'],
  ['savedTwice', 'saved twice'],
  ['stillOpen', 'still open'],
  ['unreadable', 'unreadable'],
  ['broken', 'broken'],
  ['parts', '.part left'],
] as const satisfies readonly (readonly [keyof SleepOutcome, string])[];
const MUST_BE_ZERO_AFTER_SLEEP = COUNTED_OF_SLEEPS.slice(3).map(([name]) => name);

const say = (line: string) => process.stdout.write(`${line}\n`);

function summarise(outcomes: readonly Outcome[]): Record<string, number> {
  const total = (name: (typeof COUNTED)[number][0]) => outcomes.reduce((sum, outcome) => sum + outcome[name], 0);
  return Object.fromEntries([['kills', outcomes.length], ...COUNTED.map(([name]) => [name, total(name)])]);
}

function printMatrix(outcomes: readonly Outcome[]): void {
  const heads = ['moment', 'kills', ...COUNTED.map(([, head]) => head)];
  say(`\n| ${heads.join(' | ')} |\n|${heads.map(() => '---').join('|')}|`);
  const line = (name: string, some: readonly Outcome[]) =>
    say(`| ${[name, ...Object.values(summarise(some))].join(' | ')} |`);
  for (const moment of MOMENTS) {
    line(
      moment,
      outcomes.filter((outcome) => outcome.moment === moment),
    );
  }
  line('**all**', outcomes);
  say('\nEach `unknown`, by the last moment that its process passed:');
  for (const { moment, afterMilliseconds, lastMoment, accepted } of outcomes.filter(({ unknown }) => unknown > 0)) {
    say(`- ${moment} + ${afterMilliseconds.toFixed(1)} ms: last passed "${lastMoment}", the provider took ${accepted}`);
  }
}

function summariseSleeps(outcomes: readonly SleepOutcome[]): Record<string, number> {
  const total = (name: (typeof COUNTED_OF_SLEEPS)[number][0]) =>
    outcomes.reduce((sum, outcome) => sum + outcome[name], 0);
  return Object.fromEntries([['sleeps', outcomes.length], ...COUNTED_OF_SLEEPS.map(([name]) => [name, total(name)])]);
}

function sleepsOf(outcomes: readonly SleepOutcome[]): Record<string, Record<string, number>> {
  return Object.fromEntries(
    SLEEPS.map(({ moment, wakes }) => [
      `${moment}, woken ${wakes}`,
      summariseSleeps(outcomes.filter((one) => one.moment === moment && one.wakes === wakes)),
    ]),
  );
}

function printSleeps(outcomes: readonly SleepOutcome[]): void {
  const heads = ['suspended', 'times', ...COUNTED_OF_SLEEPS.map(([, head]) => head)];
  say(`\n| ${heads.join(' | ')} |\n|${heads.map(() => '---').join('|')}|`);
  for (const [name, sums] of Object.entries(sleepsOf(outcomes)))
    say(`| ${[name, ...Object.values(sums)].join(' | ')} |`);
  say(`| ${['**all**', ...Object.values(summariseSleeps(outcomes))].join(' | ')} |`);
}

function summariseFilms(outcomes: readonly FilmOutcome[]): Record<string, number> {
  const total = (name: (typeof FILM_COUNTED)[number]) => outcomes.reduce((sum, outcome) => sum + outcome[name], 0);
  return Object.fromEntries([['kills', outcomes.length], ...FILM_COUNTED.map((name) => [name, total(name)])]);
}

function filmsOf(outcomes: readonly FilmOutcome[]): Record<string, Record<string, number>> {
  const nameOf = ({ moment, isSuspended }: FilmOutcome) => `${moment}${isSuspended ? ', suspended' : ''}`;
  return Object.fromEntries(
    [...new Set(outcomes.map(nameOf))]
      .sort()
      .map((name) => [name, summariseFilms(outcomes.filter((outcome) => nameOf(outcome) === name))]),
  );
}

async function films(programs: Programs, times: number): Promise<FilmOutcome[]> {
  const kills = planFilmKills(Object.keys(FILM_ANCHORS) as FilmMoment[], times);
  let done = 0;
  const outcomes = await runFilmMatrix(programs, kills, FILM_LANES, () => {
    done++;
    if (done % 25 === 0) process.stderr.write(`${done} of ${kills.length} kills of films\n`);
  });
  const heads = ['film', 'kills', ...FILM_COUNTED];
  say(`\n| ${heads.join(' | ')} |\n|${heads.map(() => '---').join('|')}|`);
  for (const [name, sums] of Object.entries(filmsOf(outcomes)))
    say(`| ${[name, ...Object.values(sums)].join(' | ')} |`);
  say(`| ${['**all**', ...Object.values(summariseFilms(outcomes))].join(' | ')} |`);
  return outcomes;
}

const areFilmsKept = (outcomes: readonly FilmOutcome[]) =>
  outcomes.every((outcome) => FILM_ZEROS.every((name) => outcome[name] === 0));

/** On a PostgreSQL of its own: `npm run promise -- 25 postgres`. */
async function onPostgres(root: string, cache: string, args: readonly string[]): Promise<number> {
  const server = await startPostgres('max_connections=600', 'autovacuum=off');
  process.env.PROMISE_POSTGRES = server.address();
  try {
    return await run(
      root,
      cache,
      args.filter((arg) => arg !== 'postgres'),
    );
  } finally {
    await server.close();
  }
}

/** @param args how often; `films` or `videos`: only these @returns the exit code */
export async function run(root: string, cache: string, args: readonly string[]): Promise<number> {
  if (args.includes('postgres')) return await onPostgres(root, cache, args);
  const startedAt = performance.now();
  const times = Number(args[0] ?? 25);
  const clips = join(root, 'assets', 'sandbox-clips');
  const without = process.env.PROMISE_WITHOUT;
  const changes = changesWithout(without);
  const plain = await buildProgram({ root, outfile: join(cache, 'plain.cjs'), marked: false, changes });
  const marked = await buildProgram({ root, outfile: join(cache, 'marked.cjs'), marked: true, changes });
  const file = process.env.PROMISE_POSTGRES === undefined ? 'figures.json' : 'figures-postgres.json';
  const path = join(root, 'bench', 'promise', file);
  const before = JSON.parse(await readFile(path, 'utf8').catch(() => '{}'));
  if (args[1] === 'films') {
    const made = await films({ plain, marked, clips }, times);
    const sums = { all: summariseFilms(made), ofMoment: filmsOf(made) };
    if (changes.length === 0) await writeFile(path, `${JSON.stringify({ ...before, films: sums }, null, 2)}\n`);
    return areFilmsKept(made) ? 0 : 1;
  }
  let done = 0;
  const kills = planKills(MOMENTS, times);
  const outcomes = await runMatrix({ plain, marked, clips }, kills, LANES, () => {
    done++;
    if (done % 50 === 0) process.stderr.write(`${done} of ${kills.length} kills\n`);
  });
  printMatrix(outcomes);
  const sleepsToDo = SLEEPS.flatMap((sleep) => Array.from({ length: times }, () => sleep));
  let woken = 0;
  const sleeps = await runSleeps({ plain, marked, clips }, sleepsToDo, LANES, () => {
    woken++;
    if (woken % 50 === 0) process.stderr.write(`${woken} of ${sleepsToDo.length} sleeps\n`);
  });
  printSleeps(sleeps);
  const ofFilms = args[1] === 'videos' ? [] : await films({ plain, marked, clips }, times);
  const same = await sameRequest(plain, clips, 8, times * 2);
  say(
    `\nThe same request from 8 processes concurrently, ${same.rounds} rounds: submits a round ${range(same.submitsARound)}.`,
  );
  const queues = [];
  for (const [processes, concurrency] of [
    [1, 2],
    [4, 2],
    [4, 5],
  ] as const) {
    const figures = await queue(plain, clips, { tasks: 20, processes, concurrency });
    queues.push(figures);
    say(`Queue: ${JSON.stringify(figures)}`);
  }
  const taken = [];
  for (let round = 0; round < 5; round++) taken.push(await takeover(plain, clips));
  say(
    `Watching process killed, 5 times: polled after ${range(taken.map((one) => one.askedAfterSeconds))} s, ${range(taken.map(({ videos }) => videos))} video each.`,
  );
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const figures = {
    at: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}, ${cpus().length} cores`,
    seconds,
    matrix: {
      all: summarise(outcomes),
      ofMoment: Object.fromEntries(
        MOMENTS.map((moment) => [moment, summarise(outcomes.filter((outcome) => outcome.moment === moment))]),
      ),
      unknown: outcomes.filter(({ unknown }) => unknown > 0),
    },
    sleeps: { all: summariseSleeps(sleeps), ofMoment: sleepsOf(sleeps) },
    films: args[1] === 'videos' ? before.films : { all: summariseFilms(ofFilms), ofMoment: filmsOf(ofFilms) },
    sameRequest: same,
    queues,
    takeovers: taken,
  };
  if (changes.length === 0) await writeFile(path, `${JSON.stringify(figures, null, 2)}\n`);
  const where = changes.length === 0 ? `the figures are in bench/promise/${file}` : `without the rule: ${without}`;
  say(`\nIt took ${seconds} s; ${where}.`);
  const isKept =
    outcomes.every((outcome) => MUST_BE_ZERO.every((name) => outcome[name] === 0)) &&
    sleeps.every((outcome) => MUST_BE_ZERO_AFTER_SLEEP.every((name) => outcome[name] === 0)) &&
    areFilmsKept(ofFilms) &&
    same.submitsARound.every((count) => count === 1) &&
    queues.every(
      ({ saved, tasks, submittedTwice, mostInFlight }) => saved === tasks && submittedTwice === 0 && mostInFlight <= 2,
    ) &&
    taken.every(({ askedAfterSeconds, videos }) => askedAfterSeconds < 10 && videos === 1);
  say(isKept ? 'The promise holds.' : 'THE PROMISE IS BROKEN.');
  return isKept ? 0 : 1;
}

function range(values: readonly number[]): string {
  const tidy = (value: number) => String(Math.round(value * 10) / 10);
  const [least, most] = [tidy(Math.min(...values)), tidy(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}
