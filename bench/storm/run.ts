/** The fault storm by hand: `npm run storm`, with `-- --tasks 100 --sources FOLDER` and the like. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isFair, runFair } from './fair.ts';
import { isKept, stormTableOf, tableOf } from './figures.ts';
import { areFilmsKept, filmTableOf, runFilmStorm } from './films.ts';
import { hostTableOf, isHostStormKept } from './host-figures.ts';
import { runHostStorm } from './hosts.ts';
import { runStorm } from './storm.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000' },
    processes: { type: 'string', default: '20' },
    'at-once': { type: 'string', default: '3' },
    share: { type: 'string', default: '0.1' },
    'kill-every': { type: 'string', default: '6000' },
    seed: { type: 'string', default: '1' },
    films: { type: 'string', default: '100' },
    /** On so many hosts that share a PostgreSQL, and nothing else. */
    hosts: { type: 'string' },
    /** 200 requests of ten people at three servers, and nothing else. */
    fair: { type: 'boolean', default: false },
    requests: { type: 'string', default: '20' },
    without: { type: 'string' },
    kills: { type: 'string', default: '100' },
    stops: { type: 'string', default: '80' },
    partitions: { type: 'string', default: '60' },
    restarts: { type: 'string', default: '20' },
    /** Of the database's COMMITs: done, and their answer lost. */
    commits: { type: 'string', default: '0.1' },
    'partition-least': { type: 'string', default: '2100' },
    'partition-most': { type: 'string', default: '9100' },
    'restart-every': { type: 'string', default: '18000' },
    sources: { type: 'string' },
    json: { type: 'string', default: fileURLToPath(new URL('storm.json', import.meta.url)) },
  },
});

if (values.fair) await tryFairTurns();
else if (values.hosts === undefined) await stormOnOneComputer();
else await stormOnHosts(Number(values.hosts));

async function tryFairTurns(): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
  const figures = await runFair({ hosts: 3, people: 10, requests: Number(values.requests), generationSeconds: 1 });
  process.stdout.write(`${tableOf(figures)}\n`);
  await writeFile(values.json.replace(/\.json$/, '-fair.json'), `${JSON.stringify(figures, null, 2)}\n`);
  process.exitCode = isFair(figures) ? 0 : 1;
}

async function stormOnHosts(hosts: number): Promise<void> {
  const figures = await runHostStorm({
    ...{ hosts, tasks: Number(values.tasks), kills: Number(values.kills), stops: Number(values.stops) },
    ...{
      partitions: Number(values.partitions),
      restarts: Number(values.restarts),
      restartEvery: Number(values['restart-every']),
      partitionLasts: [Number(values['partition-least']), Number(values['partition-most'])] as const,
      lostCommitShare: Number(values.commits),
      seed: Number(values.seed),
    },
    ...{ faultShare: Number(values.share), generationSeconds: 1 },
    ...(values.without === undefined ? {} : { without: values.without }),
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${hostTableOf(figures)}\n`);
  await writeFile(values.json.replace(/\.json$/, '-hosts.json'), `${JSON.stringify(figures, null, 2)}\n`);
  process.exitCode = isHostStormKept(figures) ? 0 : 1;
}

async function stormOnOneComputer(): Promise<void> {
  const figures = await runStorm({
    tasks: Number(values.tasks),
    processes: Number(values.processes),
    processesAtOnce: Number(values['at-once']),
    faultShare: Number(values.share),
    killEveryMilliseconds: Number(values['kill-every']),
    seed: Number(values.seed),
    generationSeconds: 1,
    busyFrom: 6,
    ...(values.sources === undefined ? {} : { sources: values.sources }),
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${stormTableOf(figures)}\n`);
  await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  const films = await stormOfFilms(Number(values.films));
  process.exitCode = isKept(figures) && films ? 0 : 1;
}

/** The built program, because joining needs its threads. @returns whether the promise is kept */
async function stormOfFilms(count: number): Promise<boolean> {
  if (count === 0) return true;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
  const result = await runFilmStorm({
    films: count,
    processes: 4,
    faultShare: Number(values.share),
    killEveryMilliseconds: Number(values['kill-every']),
    seed: Number(values.seed),
    program: join(root, 'dist/main.js'),
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`\n${filmTableOf(result)}\n`);
  await writeFile(values.json.replace(/\.json$/, '-films.json'), `${JSON.stringify(result, null, 2)}\n`);
  return areFilmsKept(result);
}
