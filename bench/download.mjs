/**
 * Speed of a 500 MB download from loopback to the synced file, and the server's memory growth meanwhile.
 * Speed: the download of src/media in a running process, from the link to the synced .part; yardstick: `curl -o` and then
 * `sync` of the file, from the spawn of the one to the end of the other; the same server, disk and bytes in turn.
 * Memory: dist/main.js, one generate_video whose link first gives 500 MB that are no whole video, then the true clip;
 * its resident peak above what it had before, after one video that does not count. Reported beside it, without a target: the
 * same as the first video of a process, where yardstick is a first small clip, which loads the same code.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { interleave, median, megabytes, printTable, verdict, watchMemory } from './measure.mjs';
import { bundleProgram, startSandbox, startServer } from './server-under-test.mjs';

const ROUNDS = 9;
const FILE_BYTES = 500e6;
const MIN_RATIO = 0.9;
const MAX_GROWTH_BYTES = 40e6;

const exec = promisify(execFile);

function box(type, length) {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(length, 0);
  header.write(type, 4, 'latin1');
  return header;
}

/** What its outermost boxes say is whole: ftyp, an empty moov, and mdat to the end. */
async function startFileServer() {
  const head = Buffer.concat([
    box('ftyp', 16),
    Buffer.from('isom\0\0\0\0'),
    box('moov', 8),
    box('mdat', FILE_BYTES - 24),
  ]);
  const piece = Buffer.alloc(1024 * 1024, 0x5a);
  const pieces = function* () {
    yield head;
    for (let left = FILE_BYTES - head.length; left > 0; left -= piece.length) yield piece.subarray(0, left);
  };
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': FILE_BYTES });
    pipeline(Readable.from(pieces()), response, () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function measureSpeed(scratch) {
  const program = join(scratch, 'download.cjs');
  await bundleProgram('bench/download-program.ts', program);
  const server = await startFileServer();
  const url = `http://127.0.0.1:${server.address().port}/clip.mp4`;
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8');
  const gone = once(child, 'close').then(() => {
    throw new Error('the download ended without a file');
  });
  gone.catch(() => undefined);
  const target = join(scratch, 'clip.part');
  const checked = async (seconds) => {
    if ((await stat(target)).size !== FILE_BYTES) throw new Error('not whole');
    await rm(target);
    return { seconds };
  };
  const sides = {
    ours: async () => {
      child.stdin.write(`${url} ${target}\n`);
      const [line] = await Promise.race([once(child.stdout, 'data'), gone]);
      return await checked(JSON.parse(line).seconds);
    },
    curl: async () => {
      const startedAt = performance.now();
      await exec('curl', ['--silent', '--show-error', '--fail', '--output', target, url]);
      await exec('sync', [target]);
      return await checked((performance.now() - startedAt) / 1000);
    },
  };
  try {
    await interleave(sides, 1);
    return await interleave(sides, ROUNDS);
  } finally {
    child.stdin.end();
    server.close();
    server.closeAllConnections();
  }
}

/** @param isFirst no video was made before in this process; @param bytes of the file before the true clip, if any */
async function measureGrowth(isFirst, bytes) {
  const sandbox = await startSandbox();
  const server = await startServer(sandbox);
  try {
    if (isFirst) await server.call('list_video_tasks', {});
    else await server.call('generate_video', { prompt: 'used before' });
    const before = sandbox.requests.length;
    if (bytes !== undefined) sandbox.faults.add({ on: 'video', fault: { kind: 'huge', bytes } });
    const work = () => server.call('generate_video', { prompt: 'a large one', wait_seconds: 300 });
    const { result, before: idle, peak } = await watchMemory(server.pid, work);
    const fetched = sandbox.requests.slice(before).filter(({ operation }) => operation === 'video').length;
    const isSaved = result.structuredContent.video?.path !== undefined;
    if (!isSaved || fetched !== (bytes === undefined ? 1 : 2)) throw new Error('not fetched and saved');
    return { growth: peak - idle, idle };
  } finally {
    await server.close();
    await sandbox.close();
  }
}

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-download-'));
try {
  const { ours, curl } = await measureSpeed(scratch);
  const [our, their] = [median(ours.seconds), median(curl.seconds)];
  const used = await measureGrowth(false, FILE_BYTES);
  const first = await measureGrowth(true, FILE_BYTES);
  const firstSmall = await measureGrowth(true, undefined);
  const speed = (seconds) => `${seconds.toFixed(2)} s, ${Math.round(FILE_BYTES / 1e6 / seconds)} MB/s`;
  const ratio = their / our;
  const rise = ({ idle, growth }) => `${megabytes(idle)} → ${megabytes(idle + growth)} MB`;
  const ratioText = `${ratio.toFixed(2)} × its speed`;
  printTable(
    ['What', 'Ours', 'curl -o, sync', 'Ratio', 'Target', ''],
    [
      [
        '500 MB from loopback, synced',
        speed(our),
        speed(their),
        ratioText,
        `≥ ${MIN_RATIO} ×`,
        verdict(ratio >= MIN_RATIO),
      ],
      [
        'memory meanwhile',
        rise(used),
        '–',
        `+ ${megabytes(used.growth)} MB`,
        `≤ + ${megabytes(MAX_GROWTH_BYTES)} MB`,
        verdict(used.growth <= MAX_GROWTH_BYTES),
      ],
      ['the same, first video of a process', rise(first), `a small clip: ${rise(firstSmall)}`, '–', '–', 'reported'],
    ],
  );
} catch (error) {
  if (error.code === 'ENOENT' && /curl|sync/.test(error.path ?? '')) process.stderr.write('curl and sync are needed\n');
  throw error;
} finally {
  await rm(scratch, { recursive: true, force: true });
}
