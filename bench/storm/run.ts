/** The fault storm by hand: `npm run storm`, with `-- --tasks 100 --sources FOLDER` and the like. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isKept, tableOf } from './figures.ts';
import { runStorm } from './storm.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000' },
    processes: { type: 'string', default: '20' },
    'at-once': { type: 'string', default: '3' },
    share: { type: 'string', default: '0.1' },
    'kill-every': { type: 'string', default: '6000' },
    seed: { type: 'string', default: '1' },
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
process.exitCode = isKept(figures) ? 0 : 1;
