/**
 * Time and memory of joining 24 clips of 20 MB into one film without encoding again.
 * Ours: join_videos of dist/main.js, from the call to its answer: checked, synced, published; yardstick: `cat` of the same
 * clips into a file, and `sync` of it, on the same disk in the same round. Memory: the server's resident peak above what it
 * had before, in the first join of its process. The clips are made with ffmpeg, which is needed for that alone.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { interleave, median, megabytes, printTable, verdict, watchMemory } from './measure.mjs';
import { startSandbox, startServer } from './server-under-test.mjs';

const CLIPS = 24;
const FRAMES = 121;
const MIN_CLIP_BYTES = 19e6;
const ROUNDS = 5;
const MAX_RATIO = 10;
const MAX_GROWTH_BYTES = 200e6;

const exec = promisify(execFile);

/** Noise, so that the clip becomes as large as it is told. */
async function makeClip(path) {
  const picture = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=1248x704:r=24',
    '-vf',
    'noise=alls=60:allf=t',
    '-frames:v',
    `${FRAMES}`,
  ];
  const coding = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-bf',
    '2',
    '-b:v',
    '32M',
    '-minrate',
    '32M',
    '-bufsize',
    '32M',
  ];
  await exec('ffmpeg', ['-v', 'error', '-y', ...picture, ...coding, '-pix_fmt', 'yuv420p', path]);
  if ((await stat(path)).size < MIN_CLIP_BYTES) throw new Error('the clip is too small');
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return { seconds: (performance.now() - startedAt) / 1000 };
}

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-join-'));
const sandbox = await startSandbox();
const server = await startServer(sandbox);
try {
  const clips = Array.from({ length: CLIPS }, (_, index) => join(scratch, `${index}.mp4`));
  await makeClip(clips[0]);
  for (const clip of clips.slice(1)) await copyFile(clips[0], clip);
  const bytes = CLIPS * (await stat(clips[0])).size;
  const film = join(scratch, 'film.part');

  const joined = async () => {
    const { structuredContent } = await server.call('join_videos', { videos: clips });
    const { path, duration_seconds: seconds } = structuredContent.video ?? {};
    if (Math.abs(seconds - (CLIPS * FRAMES) / 24) > 0.01) throw new Error(JSON.stringify(structuredContent));
    await rm(path);
    return {};
  };
  const sides = {
    ours: () => timed(joined),
    cat: async () => {
      const measured = await timed(async () => {
        await exec('sh', ['-c', 'cat "$@" > "$0"', film, ...clips]);
        await exec('sync', [film]);
      });
      await rm(film);
      return measured;
    },
  };
  await server.call('list_video_tasks', {});
  const { before, peak } = await watchMemory(server.pid, joined);
  await interleave(sides, 1);
  const { ours, cat } = await interleave(sides, ROUNDS);
  const [our, their] = [median(ours.seconds), median(cat.seconds)];
  const speed = (seconds) => `${seconds.toFixed(2)} s, ${Math.round(bytes / 1e6 / seconds)} MB/s`;
  printTable(
    ['What', 'Ours', 'cat, sync', 'Ratio', 'Target', ''],
    [
      [
        `${CLIPS} clips, ${megabytes(bytes)} MB, synced`,
        speed(our),
        speed(their),
        `${(our / their).toFixed(2)} × its time`,
        `≤ ${MAX_RATIO} ×`,
        verdict(our / their <= MAX_RATIO),
      ],
      [
        'memory meanwhile',
        `${megabytes(before)} → ${megabytes(peak)} MB`,
        '–',
        `+ ${megabytes(peak - before)} MB`,
        `≤ + ${megabytes(MAX_GROWTH_BYTES)} MB`,
        verdict(peak - before <= MAX_GROWTH_BYTES),
      ],
    ],
  );
} finally {
  await server.close();
  await sandbox.close();
  await rm(scratch, { recursive: true, force: true });
}
