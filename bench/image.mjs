/**
 * Memory that a picture of 4.7 MB takes from its path to the last byte sent.
 * Ours: dist/main.js, which has listed and submitted before, so that its code is there, and has been idle for a second:
 * its resident peak during one submit_video_task of the picture, above what it had before. Yardstick: the bytes of the
 * body as the sandbox got it. Each time in a process of its own.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { median, megabytes, printTable, verdict, watchMemory } from './measure.mjs';
import { importSource, startSandbox, startServer } from './server-under-test.mjs';

const ROUNDS = 5;
const PICTURE_BYTES = 4_700_000;
const MAX_RATIO = 4;

const { fillWithNoise, makeJpeg, makePng, padJpeg, padPng } = await importSource('test/support/pictures.ts');
const noise = (rows) => {
  fillWithNoise(rows, [256, 256, 256]);
  for (let row = 0; row < 1200; row += 1) rows[row * (1280 * 3 + 1)] = 0;
};
const PICTURES = {
  'PNG, 1280×1200': padPng(makePng({ width: 1280, height: 1200, fill: noise }), PICTURE_BYTES),
  'JPEG, 2048×1536': padJpeg(await makeJpeg(2048, 1536), PICTURE_BYTES),
};

const sandbox = await startSandbox();
const rows = [];
try {
  for (const [name, bytes] of Object.entries(PICTURES)) {
    const grown = [];
    let bodyBytes = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const server = await startServer(sandbox);
      try {
        const photo = join(server.folder, 'photo');
        await writeFile(photo, bytes);
        await server.call('list_video_tasks', {});
        await server.call('submit_video_task', { prompt: `${name} before ${round}` });
        await pause(1000);
        const prompt = `${name} ${round}`;
        const work = () => server.call('submit_video_task', { prompt, image: photo });
        const { result, before, peak } = await watchMemory(server.pid, work);
        const arrived = sandbox.accepted.find(({ request }) => request.body?.prompt === prompt)?.request;
        const sent = Buffer.from(arrived?.body.binary_data_base64[0] ?? '', 'base64');
        if (!sent.equals(bytes)) throw new Error(`it did not arrive whole: ${JSON.stringify(result.content)}`);
        bodyBytes = Buffer.byteLength(arrived.rawBody);
        grown.push(peak - before);
      } finally {
        await server.close();
      }
    }
    const growth = median(grown);
    const ratio = growth / bodyBytes;
    const figures = [`${megabytes(growth)} MB`, `${megabytes(bodyBytes)} MB`, `${ratio.toFixed(2)} ×`];
    rows.push([`${name}, ${megabytes(bytes.length)} MB`, ...figures, `≤ ${MAX_RATIO} ×`, verdict(ratio <= MAX_RATIO)]);
  }
} finally {
  await sandbox.close();
}
printTable(['Picture', 'Peak above idle', 'Its body', 'Ratio', 'Target', ''], rows);
