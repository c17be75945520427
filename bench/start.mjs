/**
 * Time from spawn to the answer to initialize, and memory after tools/list, of the built program.
 * Ours: dist/main.js; "first" with empty folders each time, "later" with the folders of an earlier start, in which Node's
 * compile cache lies. Yardstick: bare Node, bare-program.cjs, which answers each line with one line. Both get the same
 * lines from the same client and the same environment, without a warm-up.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interleave, median, megabytes, milliseconds, printTable, verdict } from './measure.mjs';
import { BARE_PROGRAM, measureStart } from './plain-client.mjs';

const ROUNDS = 25;
/** Of the later starts. */
const MAX_START_RATIO = 1.6;
const MAX_MEMORY_RATIO = 1.15;

const program = [fileURLToPath(new URL('../dist/main.js', import.meta.url))];
const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-start-'));

/** Everything that a program may keep from one start to the next lies in `folder`. */
function environmentIn(folder) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: scratch,
    XDG_CACHE_HOME: join(folder, 'cache'),
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    VOLC_ACCESSKEY: 'AKLTbench',
    VOLC_SECRETKEY: 'bench',
    LOG_LEVEL: 'warn',
  };
}

const newEnvironment = async () => environmentIn(await mkdtemp(join(scratch, 'home-')));
const start = (args, env) => measureStart(process.execPath, args, { env, cwd: scratch });

try {
  const used = await newEnvironment();
  await start(program, used);

  const { bare, first, later } = await interleave(
    {
      bare: async () => start(BARE_PROGRAM, await newEnvironment()),
      first: async () => start(program, await newEnvironment()),
      later: async () => start(program, used),
    },
    ROUNDS,
  );

  const row = (what, figure, values, format, most) => {
    const [ours, yardstick] = [median(values[figure]), median(bare[figure])];
    const ratio = ours / yardstick;
    const target = most === undefined ? ['–', 'reported'] : [`≤ ${most} ×`, verdict(ratio <= most)];
    return [what, format(ours), format(yardstick), `${ratio.toFixed(2)} ×`, ...target];
  };
  const inMilliseconds = (value) => `${milliseconds(value)} ms`;
  const inMegabytes = (value) => `${megabytes(value)} MB`;
  printTable(
    ['What', 'Ours', 'Bare Node', 'Ratio', 'Target', ''],
    [
      row('spawn → initialize, first start', 'startMilliseconds', first, inMilliseconds),
      row('spawn → initialize, later starts', 'startMilliseconds', later, inMilliseconds, MAX_START_RATIO),
      row('RSS after tools/list, first start', 'rssBytes', first, inMegabytes),
      row('RSS after tools/list, later starts', 'rssBytes', later, inMegabytes, MAX_MEMORY_RATIO),
    ],
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}
