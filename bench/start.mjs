/**
 * How long after its spawn does the built program answer initialize, and what does it weigh after tools/list?
 * Ours: dist/main.js, answered by the SDK; "first" with empty folders each time, "later" with the folders that a run with
 * one tool call left. "Another Node": without what the build's own Node compiled beside it, as a package starts on a Node
 * that did not build it. Yardstick: bare Node, bare-program.cjs, which answers each line with one line. Both get the same lines from the same
 * client, the same environment, and neither a warm-up.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interleave, median, megabytes, milliseconds, printTable, verdict } from './measure.mjs';
import { BARE_PROGRAM, measureStart, PlainClient } from './plain-client.mjs';

const ROUNDS = 25;
const MAX_START_RATIO = 1.8;
const MAX_MEMORY_RATIO = 1.2;

const program = [fileURLToPath(new URL('../dist/main.js', import.meta.url))];
const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-start-'));

/** Everything that a program may remember from one start to the next lies in `folder`. */
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

async function environmentAfterCall(args) {
  const env = environmentIn(await mkdtemp(join(scratch, 'later-')));
  const client = new PlainClient(process.execPath, args, { env, cwd: scratch });
  await client.initialize();
  await client.ask('tools/call', { name: 'list_video_tasks', arguments: {} });
  await client.close();
  return env;
}

const start = (args, env) => measureStart(process.execPath, args, { env, cwd: scratch });

try {
  const plain = [join(scratch, 'dist', 'main.js')];
  const filter = (path) => !path.endsWith('.v8');
  await cp(fileURLToPath(new URL('../dist', import.meta.url)), join(scratch, 'dist'), { recursive: true, filter });
  const warm = await environmentAfterCall(program);
  const plainWarm = await environmentAfterCall(plain);

  const { bare, first, later, plainFirst, plainLater } = await interleave(
    {
      bare: async () => start(BARE_PROGRAM, environmentIn(await mkdtemp(join(scratch, 'bare-')))),
      first: async () => start(program, environmentIn(await mkdtemp(join(scratch, 'first-')))),
      later: async () => start(program, warm),
      plainFirst: async () => start(plain, environmentIn(await mkdtemp(join(scratch, 'first-')))),
      plainLater: async () => start(plain, plainWarm),
    },
    ROUNDS,
  );

  const row = (what, figure, values, tell, most) => {
    const [ours, yardstick] = [median(values[figure]), median(bare[figure])];
    const ratio = ours / yardstick;
    const reach = most === undefined ? ['–', 'told'] : [`≤ ${most} ×`, verdict(ratio <= most)];
    return [what, tell(ours), tell(yardstick), `${ratio.toFixed(2)} ×`, ...reach];
  };
  const tellTime = (value) => `${milliseconds(value)} ms`;
  const tellBytes = (value) => `${megabytes(value)} MB`;
  printTable(
    ['What', 'Ours', 'Bare Node', 'Ratio', 'Reach', ''],
    [
      row('spawn → initialize, first start', 'startMilliseconds', first, tellTime, MAX_START_RATIO),
      row('spawn → initialize, later starts', 'startMilliseconds', later, tellTime, MAX_START_RATIO),
      row('the same, another Node, first start', 'startMilliseconds', plainFirst, tellTime),
      row('the same, another Node, later starts', 'startMilliseconds', plainLater, tellTime, MAX_START_RATIO),
      row('RSS after tools/list, first start', 'rssBytes', first, tellBytes, MAX_MEMORY_RATIO),
      row('RSS after tools/list, later starts', 'rssBytes', later, tellBytes, MAX_MEMORY_RATIO),
      row('the same, another Node, first start', 'rssBytes', plainFirst, tellBytes, MAX_MEMORY_RATIO),
      row('the same, another Node, later starts', 'rssBytes', plainLater, tellBytes, MAX_MEMORY_RATIO),
    ],
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}
