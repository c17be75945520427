/** Does a picture that is too large reach the provider small enough, upright and whole, while other calls are answered? */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../support/mcp-client.ts';
import { decodeJpeg, fillWithNoise, makePng } from '../support/pictures.ts';
import { sentPictures } from './sent-pictures.ts';

const MAX_SENT_BYTES = 4_928_307;
const ANSWER_MILLISECONDS = 3_000;
/** A few seconds' work; bench/shrink.mjs does the same with 15 MB. */
const [WIDTH, HEIGHT] = [2560, 1920];

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

function makeNoise(): Buffer {
  const rowBytes = WIDTH * 3 + 1;
  const fill = (rows: Buffer) => {
    fillWithNoise(rows, [9, 9, 9]);
    for (let row = 0; row < HEIGHT; row += 1) {
      rows[row * rowBytes] = 0;
      if (row < HEIGHT / 4) rows.fill(255, row * rowBytes + 1, row * rowBytes + 1 + (WIDTH / 4) * 3);
    }
  };
  return makePng({ width: WIDTH, height: HEIGHT, fill });
}

it('noise arrives under the limit, upright, and the result says so; another call is answered meanwhile', async () => {
  const photo = join(stage.workspace.folder, 'photo.png');
  const original = makeNoise();
  await writeFile(photo, original);
  expect(original.length).toBeGreaterThan(MAX_SENT_BYTES);

  let isOver = false;
  const shrinking = stage.call('submit_video_task', { prompt: 'noise', image: photo }).finally(() => {
    isOver = true;
  });
  let answers = 0;
  let slowest = 0;
  while (!isOver) {
    const from = performance.now();
    expect((await stage.call('list_video_tasks', {})).isError).toBe(false);
    slowest = Math.max(slowest, performance.now() - from);
    answers += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { report } = await shrinking;
  expect(answers).toBeGreaterThan(5);
  expect(slowest).toBeLessThan(ANSWER_MILLISECONDS);

  const [sent = Buffer.alloc(0)] = sentPictures(stage, 'noise');
  expect(sent.length).toBeLessThanOrEqual(MAX_SENT_BYTES);
  const tell = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  expect(report.message).toContain(
    `photo.png ${tell(original.length)} → ${tell(sent.length)} JPEG, ${WIDTH}×${HEIGHT}.`,
  );

  const picture = await decodeJpeg(sent);
  expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
  const brightness = (x: number, y: number) => {
    let sum = 0;
    for (let column = 0; column < 64; column += 1) sum += picture.data[(y * WIDTH + x + column) * 4] ?? 0;
    return sum / 64;
  };
  // White in the left upper corner only.
  const corners = [brightness(100, 100), brightness(2400, 100), brightness(100, 1800), brightness(2400, 1800)];
  expect(corners.map((corner) => corner > 220)).toEqual([true, false, false, false]);
}, 60_000);
