/** A paid video whose file would keep its reader busy for minutes is saved all the same, and the report says what is left out. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HurriedStage, openHurriedStage } from '../delivery/hurried-stage.ts';
import { clip } from '../support/clips.ts';
import { measureSilence } from '../support/event-loop.ts';
import { patched } from '../support/mp4-boxes.ts';

let clipsFolder: string;
let delivered: Buffer;
let stage: HurriedStage;
beforeAll(async () => {
  clipsFolder = await mkdtemp(join(tmpdir(), 'hostile-clips-'));
  delivered = patched(await readFile(clip('1248x704-121')), 'stsc', 12, 0x7fff_ffff);
  await writeFile(join(clipsFolder, '1248x704-121.mp4'), delivered);
  stage = await openHurriedStage({ sandbox: { clipsFolder } });
});
afterAll(async () => {
  await stage.close();
  await rm(clipsFolder, { recursive: true, force: true });
});

test('it is saved with every byte, its facts are left out, and other calls are answered meanwhile', async () => {
  const meter = measureSilence();
  const { report } = await stage.call('generate_video', { prompt: 'a cat', wait_seconds: 50 });
  meter.stop();
  expect(report).toMatchObject({ status: 'done', video: { bytes: delivered.length } });
  expect(await readFile(report.video?.path as string)).toEqual(delivered);
  expect(report.video).not.toHaveProperty('width');
  expect(report.message).toContain(
    "The file's size, length and frame rate could not be read (its index promises more frames than any clip has); it was saved as delivered.",
  );
  expect(meter.longestMilliseconds()).toBeLessThan(250);
});

test('where it was to be trimmed, the original is kept, and the report says why', async () => {
  const { report } = await stage.call('generate_video', { prompt: 'a dog', duration: 4, wait_seconds: 50 });
  expect(report).toMatchObject({ status: 'done', video: { bytes: delivered.length } });
  expect(report.message).toMatch(
    /could not be converted to 4 s .* is not a playable MP4: its index promises more frames/,
  );
});
