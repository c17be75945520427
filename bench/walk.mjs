/**
 * The files of tasks/ and store/ that a paid call visits, from the call to the saved video, counted by V8's coverage:
 * a file counts when one of its functions ran.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../src/app.ts';
import { systemClock } from '../src/clock.ts';
import { silentLog } from '../src/log.ts';
import { readSettings } from '../src/settings.ts';
import { settleRequest } from '../src/tasks/video-request.ts';
import { printTable, verdict } from './measure.mjs';

const MOST_FILES = 18;

const folder = await mkdtemp(join(tmpdir(), 'jimeng-bench-walk-'));
const environment = {
  JIMENG_VIDEO_API_URL: 'sandbox',
  JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
  JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
  JIMENG_VIDEO_POLL_INTERVAL: '0.1',
  JIMENG_VIDEO_SANDBOX_SECONDS: '1',
};
const read = readSettings({ environment, homeDir: folder, workingDir: folder, platform: process.platform });
const app = createApp(read, silentLog);
const session = new Session();
session.connect();
try {
  const service = await app.service('paid', 'query', 'save');
  const call = () => ({
    signal: new AbortController().signal,
    arrivedAt: systemClock.monotonic(),
    deadline: systemClock.monotonic() + 60_000,
    caller: { kind: 'local-agent' },
  });
  const walk = async (prompt) => {
    const made = await service.make(settleRequest({ prompt }), {}, call());
    const { task } = await service.waitUntilOver(made, call());
    if (task.video?.file === undefined) throw new Error(`not saved: ${JSON.stringify(task).slice(0, 300)}`);
  };
  // The first one opens the database and makes its tables.
  await walk('a first walk');
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await walk('a walk');
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const visited = result.flatMap(({ url, functions }) => {
    const file = /\/src\/((?:tasks|store)\/[^?]+)/.exec(url)?.[1];
    // The module's own body, which runs when it is loaded, is the function without a name.
    const ran = functions.filter(({ functionName, ranges }) => functionName !== '' && ranges[0].count > 0);
    return file === undefined || ran.length === 0 ? [] : [{ file, functions: ran.length }];
  });
  visited.sort((a, b) => (a.file < b.file ? -1 : 1));
  printTable(
    ['File', 'Functions that ran'],
    visited.map(({ file, functions }) => [file, String(functions)]),
  );
  process.stdout.write(`\n${visited.length} files, at most ${MOST_FILES}: ${verdict(visited.length <= MOST_FILES)}\n`);
} finally {
  session.disconnect();
  await app.end(1_000);
  await rm(folder, { recursive: true, force: true });
}
