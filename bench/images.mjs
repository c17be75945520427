/** How long does the built server take to make a picture of 15 MB small enough, what memory does that take, and does it answer meanwhile? */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { megabytes, printTable, watchMemory } from './measure.mjs';
import { importSource, startSandbox, startServer } from './server-under-test.mjs';

const MAX_SENT_BYTES = 4_928_307;
const { decodeJpeg, fillWithNoise, makeNoisePng, makePng, padPng } = await importSource('test/support/pictures.ts');

function makeSmallNoise() {
  const fill = (rows) => {
    fillWithNoise(rows, [9, 9, 9]);
    for (let row = 0; row < 1920; row += 1) rows[row * (2560 * 3 + 1)] = 0;
  };
  return makePng({ width: 2560, height: 1920, fill });
}

const noise = makeNoisePng();
const PICTURES = [
  ['noise 4096×3072', 4096, 3072, noise],
  ['the same, 15,728,640 bytes', 4096, 3072, padPng(noise, 15_728_640)],
  ['noise 2560×1920', 2560, 1920, makeSmallNoise()],
  ['one colour 4096×4096, 15,728,640 bytes', 4096, 4096, padPng(makePng({ width: 4096, height: 4096 }), 15_728_640)],
];

/** Calls another tool again and again until the work is over. */
async function withOthers(server, work) {
  let isOver = false;
  let slowest = 0;
  const main = work().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const from = performance.now();
    await server.call('list_video_tasks', {});
    slowest = Math.max(slowest, performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { result: await main, slowest };
}

const sandbox = await startSandbox();
const rows = [];
try {
  for (const [name, width, height, bytes] of PICTURES) {
    const server = await startServer(sandbox);
    try {
      const photo = join(server.folder, 'photo.png');
      await writeFile(photo, bytes);
      await server.call('list_video_tasks', {});
      const work = () => server.call('submit_video_task', { prompt: name, image: photo });
      const { result, seconds, before, peak } = await watchMemory(server.pid, () => withOthers(server, work));
      const { report } = { report: result.result.structuredContent };
      const arrived = sandbox.accepted.find(({ request }) => request.body?.prompt === name)?.request.body;
      const sent = Buffer.from(arrived?.binary_data_base64?.[0] ?? '', 'base64');
      const isJpeg = sent[0] === 0xff;
      const picture = isJpeg ? await decodeJpeg(sent) : { width, height };
      const isRight =
        sent.length > 0 && sent.length <= MAX_SENT_BYTES && picture.width === width && picture.height === height;
      if (!isRight) process.exitCode = 1;
      if (!isRight) process.stderr.write(`${name}: ${report.message}\n`);
      const memory = [megabytes(before), megabytes(peak)];
      const sizes = [megabytes(bytes.length), megabytes(sent.length)];
      rows.push([name, ...sizes, seconds.toFixed(1), ...memory, Math.round(result.slowest), isRight ? 'yes' : 'NO']);
    } finally {
      await server.close();
    }
  }
} finally {
  await sandbox.close();
}
const heads = [
  'Picture',
  'File (MB)',
  'Sent (MB)',
  'Time (s)',
  'Before (MB)',
  'Peak (MB)',
  'Slowest other call (ms)',
  'Arrived whole',
];
printTable(heads, rows);
