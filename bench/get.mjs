/**
 * Duration of `get_video_task` of a saved video over stdio.
 * Ours: dist/main.js, a video that was made and saved before, its file looked for and its record read from disk at each
 * call. Yardstick: a tool that does nothing, on the same SDK's Server and transport, bundled alike. The same client asks
 * both in turn, after as many calls that do not count.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interleave, median, milliseconds, printTable, verdict } from './measure.mjs';
import { PlainClient } from './plain-client.mjs';
import { bundleProgram, environmentIn, PROGRAM, startSandbox } from './server-under-test.mjs';

const CALLS = 300;
const MAX_MORE_MILLISECONDS = 3;

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-get-'));
const sandbox = await startSandbox();
const clients = [];
try {
  const emptyProgram = join(scratch, 'empty.cjs');
  await bundleProgram('bench/empty-program.ts', emptyProgram);
  const env = environmentIn(scratch, sandbox);
  const ours = new PlainClient(process.execPath, [PROGRAM], { env });
  const empty = new PlainClient(process.execPath, [emptyProgram], { env });
  clients.push(ours, empty);
  await Promise.all([ours.initialize(), empty.initialize()]);
  const made = await ours.ask('tools/call', { name: 'generate_video', arguments: { prompt: 'a saved one' } });
  const { task_id } = made.result.structuredContent;

  const timed = (client, call, check) => async () => {
    const startedAt = performance.now();
    const { result } = await client.ask('tools/call', call);
    const took = performance.now() - startedAt;
    if (!check(result)) throw new Error(`unexpected: ${JSON.stringify(result).slice(0, 300)}`);
    return { took };
  };
  const sides = {
    get: timed(ours, { name: 'get_video_task', arguments: { task_id } }, (result) => {
      const { status, video } = result.structuredContent;
      return status === 'done' && video.path !== undefined;
    }),
    nothing: timed(empty, { name: 'nothing', arguments: {} }, (result) => result.content[0].text === 'nothing'),
  };
  await interleave(sides, CALLS);
  const queriesBefore = sandbox.requests.length;
  const values = await interleave(sides, CALLS);
  const [get, nothing] = [median(values.get.took), median(values.nothing.took)];
  const more = get - nothing;
  printTable(
    ['What', 'Ours', 'An empty tool', 'More', 'Target', ''],
    [
      [
        `get_video_task of a saved video, p50 of ${CALLS}`,
        `${milliseconds(get)} ms`,
        `${milliseconds(nothing)} ms`,
        `+ ${milliseconds(more)} ms (${(get / nothing).toFixed(1)} ×)`,
        `≤ + ${MAX_MORE_MILLISECONDS} ms`,
        verdict(more <= MAX_MORE_MILLISECONDS && sandbox.requests.length === queriesBefore),
      ],
    ],
  );
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await sandbox.close();
  await rm(scratch, { recursive: true, force: true });
}
