/** The fault storm by hand: `npm run storm`, with `-- --tasks 100 --sources FOLDER` and the like. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isKept, tableOf } from './figures.ts';
import { areFilmsKept, filmTableOf, runFilmStorm } from './films.ts';
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
    sources: { type: 'string' },
    json: { type: 'string', default: fileURLToPath(new URL('storm.json', import.meta.url)) },
  },
});

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
process.stdout.write(`${tableOf(figures)}\n`);
await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
const films = await stormOfFilms(Number(values.films));
process.exitCode = isKept(figures) && films ? 0 : 1;

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
