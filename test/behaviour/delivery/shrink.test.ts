/** An oversized picture reaches the provider small enough, upright and whole, while other calls are answered. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage, until } from '../../support/mcp-client.ts';
import { decodeJpeg, makeNoisePng } from '../../support/pictures.ts';
import { sentPictures } from './sent-pictures.ts';

const MAX_SENT_BYTES = 4_928_307;
const ANSWER_MILLISECONDS = 3_000;
/** A second's work; bench/shrink.mjs does the same with 15 MB. */
const [WIDTH, HEIGHT] = [1120, 840];

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it('noise arrives under the limit, upright, and the result says so; another call is answered meanwhile', async () => {
  const photo = join(stage.workspace.folder, 'photo.png');
  const original = makeNoisePng(WIDTH, HEIGHT, 256, 16);
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
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const { report } = await shrinking;
  expect(answers).toBeGreaterThan(5);
  expect(slowest).toBeLessThan(ANSWER_MILLISECONDS);

  // Where shrinking it took all of the wait, it is sent after the report.
  await until('the submit', () => stage.sandbox.submits('noise').length > 0);
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
  const corners = [brightness(99, 99), brightness(1020, 99), brightness(99, 800), brightness(1020, 800)];
  expect(corners.map((corner) => corner > 220)).toEqual([true, false, false, false]);
});
