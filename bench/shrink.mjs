/**
 * Shrinking a picture of 15 MB to the provider's limit, and the latency of other calls meanwhile.
 * Ours: one submit_video_task of dist/main.js, from the path to the report, in a process of its own; its resident peak is
 * of the whole server. Yardstick: a fresh process that loads sharp (libvips, native; ours is WebAssembly) and looks for the
 * best JPEG quality from 50 to 95 that fits. Both begin with the file on disk, after their code is loaded.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedPackage } from './installed-package.mjs';
import { interleave, median, megabytes, printTable, verdict, watchMemory } from './measure.mjs';
import { importSource, startSandbox, startServer } from './server-under-test.mjs';

const SHARP_VERSION = '0.35.5';
const ROUNDS = 3;
const MAX_SENT_BYTES = 4_928_307;
const MAX_PEAK_BYTES = 512e6;
/** A call that waits for the picture would take seconds. */
const MAX_OTHER_MILLISECONDS = 1000;

const { decodeJpeg, fillWithNoise, makeNoisePng, makePng, padPng } = await importSource('test/support/pictures.ts');

function makeSmallNoise() {
  const fill = (rows) => {
    fillWithNoise(rows, [9, 9, 9]);
    for (let row = 0; row < 1920; row += 1) rows[row * (2560 * 3 + 1)] = 0;
  };
  return makePng({ width: 2560, height: 1920, fill });
}

/** Name, size, bytes, rounds. */
const PICTURES = [
  ['noise 4096×3072', 4096, 3072, padPng(makeNoisePng(), 15_728_640), ROUNDS],
  ['one colour 4096×4096', 4096, 4096, padPng(makePng({ width: 4096, height: 4096 }), 15_728_640), ROUNDS],
  ['noise 2560×1920', 2560, 1920, makeSmallNoise(), 1],
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

async function shrinkOurs(sandbox, { name, width, height, bytes }) {
  const server = await startServer(sandbox);
  try {
    const photo = join(server.folder, 'photo.png');
    await writeFile(photo, bytes);
    await server.call('list_video_tasks', {});
    const work = () => server.call('submit_video_task', { prompt: name, image: photo });
    const { result, seconds, peak } = await watchMemory(server.pid, () => withOthers(server, work));
    const arrived = sandbox.accepted.findLast(({ request }) => request.body?.prompt === name)?.request.body;
    const sent = Buffer.from(arrived?.binary_data_base64?.[0] ?? '', 'base64');
    const picture = sent[0] === 0xff ? await decodeJpeg(sent) : { width, height };
    if (sent.length === 0 || sent.length > MAX_SENT_BYTES || picture.width !== width || picture.height !== height) {
      throw new Error(`${name} did not arrive whole: ${result.result.structuredContent.message}`);
    }
    return { seconds, peak, slowest: result.slowest, bytes: sent.length };
  } finally {
    await server.close();
  }
}

async function shrinkWithSharp(sharp, photo) {
  const program = fileURLToPath(new URL('sharp-program.cjs', import.meta.url));
  const child = spawn(process.execPath, [program, sharp.folder, photo, String(MAX_SENT_BYTES)]);
  child.stdout.setEncoding('utf8');
  await once(child.stdout, 'data');
  const { result, seconds, peak } = await watchMemory(child.pid, async () => {
    child.stdin.write('go\n');
    return JSON.parse((await once(child.stdout, 'data'))[0]);
  });
  child.stdin.write('end\n');
  await once(child, 'close');
  return { seconds, peak, bytes: result.bytes };
}

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-shrink-'));
const sandbox = await startSandbox();
const sharp = await installedPackage('sharp', SHARP_VERSION).catch((error) => {
  process.stderr.write(`sharp: ${error.message}\n`);
});
if (sharp === undefined) process.exitCode = 1;
const rows = [];
try {
  for (const [name, width, height, bytes, rounds] of PICTURES) {
    const photo = join(scratch, 'photo.png');
    await writeFile(photo, bytes);
    const ours = () => shrinkOurs(sandbox, { name, width, height, bytes });
    const sides = sharp === undefined ? { ours } : { ours, sharp: () => shrinkWithSharp(sharp, photo) };
    const values = await interleave(sides, rounds);
    const cells = ({ seconds, peak, bytes: made }) => [
      `${median(seconds).toFixed(1)} s`,
      `${megabytes(Math.max(...peak))} MB`,
      `${megabytes(median(made))} MB`,
    ];
    const slowest = Math.max(...values.ours.slowest);
    const isMet = Math.max(...values.ours.peak) <= MAX_PEAK_BYTES && slowest <= MAX_OTHER_MILLISECONDS;
    const theirs = values.sharp === undefined ? ['not installed', '–', '–'] : cells(values.sharp);
    const other = `${Math.round(slowest)} ms`;
    rows.push([`${name}, ${megabytes(bytes.length)} MB`, ...cells(values.ours), other, ...theirs, verdict(isMet)]);
  }
} finally {
  await sandbox.close();
  await rm(scratch, { recursive: true, force: true });
}
const heads = ['Picture', 'Ours: time', 'highest peak', 'sent', 'slowest other call'];
printTable([...heads, `sharp ${SHARP_VERSION}: time`, 'highest peak', 'made', 'Ours ≤ 512 MB'], rows);
