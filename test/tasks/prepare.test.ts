/** Is what stops the preparing of a request told as what it is? */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { Problem } from '../../src/problems.ts';
import { prepare } from '../../src/tasks/prepare.ts';
import { settleRequest } from '../../src/tasks/video-request.ts';
import { clip, ffmpeg } from '../support/clips.ts';
import { openWorld, type World } from './watch-world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  onTestFinished(() => world.close());
});

/** A request that begins with the last frame of this file. @returns what its preparing threw */
async function failureOf(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly thrown: unknown }> {
  const { context, submit } = world;
  const record = await submit();
  const video = { url: 'http://127.0.0.1/', url_valid_until: record.created_at, file: { path, bytes: 1 } };
  await context.journal.write({ ...record, status: 'done', video });
  const request = settleRequest({ prompt: 'goes on', image: `task:${record.id}` });
  const options = { output: undefined, unrestricted: false, signal };
  const there = { ...context, ffmpeg: async () => ffmpeg };
  return { id: record.id, thrown: await prepare(there, request, options).catch((error: unknown) => error) };
}

test('the last frame of a broken video is told as an image that cannot be used, and the task to ask again', async () => {
  const path = join(world.context.settings.stateDir, 'broken.mp4');
  await writeFile(path, 'no video at all');
  const { id, thrown } = await failureOf(path, new AbortController().signal);
  expect(thrown).toMatchObject({
    code: 'invalid_image',
    message: expect.stringContaining(`names the task ${id}. The last frame of "${path}" could not be read (`),
    mend: expect.stringContaining(`move it away and call get_video_task with {"task_id":"${id}"}`),
  });
});

test('a call whose time is over while a last frame is read is told so, and nothing of the video', async () => {
  const over = new Problem('preparation_too_long');
  expect((await failureOf(clip('1248x704-121'), AbortSignal.abort(over))).thrown).toBe(over);
});

test('everything that is wrong with a request is told at once, each with what mends it', async () => {
  const request = settleRequest({ prompt: 'wrong', image: '/nope.png', tail_image: '/nowhere.jpg' });
  const options = { output: '/etc/x.mp4', unrestricted: false, signal: new AbortController().signal };
  const thrown = await prepare(world.context, request, options).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: 'output_not_allowed' });
  const { message, mend } = thrown as Problem;
  expect(message).toMatch(/x\.mp4.* `image` .*nope\.png.* `tail_image` .*nowhere\.jpg/s);
  expect(mend.split('; ').length).toBeGreaterThanOrEqual(3);
});
