/** A paid video whose file would keep its reader busy for minutes is saved all the same, and the report says what is left out. */
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { DiskLibrary } from '../../../src/library/disk.ts';
import { Delivery } from '../../../src/media/deliver.ts';
import { createNetwork } from '../../../src/system/network.ts';
import { clip } from '../../support/clips.ts';
import { measureSilence } from '../../support/event-loop.ts';
import { patched } from '../../support/mp4-boxes.ts';

let folder: string;
let video: Buffer;
let host: Server;
let delivery: Delivery;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(`${tmpdir()}/hostile-video-`));
  video = patched(await readFile(clip('1248x704-121')), 'stsc', 12, 0x7fff_ffff);
  host = createServer((_request, response) => response.end(video)).listen(0, '127.0.0.1');
  await new Promise((resolve) => host.once('listening', resolve));
  const library = new DiskLibrary({
    ...{ outputDir: folder, allowedDirs: [], workingDir: folder, homeDir: folder, clock: systemClock },
  });
  const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
  delivery = new Delivery({
    library,
    network,
    mayReachPrivate: true,
    ffmpeg: async () => undefined,
    clock: systemClock,
  });
});
afterAll(async () => {
  host.close();
  await rm(folder, { recursive: true, force: true });
});

async function fetch(id: string, duration?: number) {
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/video.mp4`;
  const freshUrl = async () => url;
  const { signal } = new AbortController();
  return await delivery.fetch({ id, url, freshUrl, place: { folder }, duration, fps: undefined, signal });
}

test('every byte is delivered, the facts are left out with the reason, and timers fire meanwhile', async () => {
  const meter = measureSilence();
  const delivered = await fetch('as-it-is');
  meter.stop();
  expect(await readFile(delivered.path)).toEqual(video);
  expect(delivered).not.toHaveProperty('facts');
  expect(delivered.note).toBe(
    "The file's size, length and frame rate could not be read (its index promises more frames than any clip has); it was saved as delivered",
  );
  expect(meter.longestMilliseconds()).toBeLessThan(250);
});

test('where it was to be trimmed, the original is delivered, and the problem says so', async () => {
  const delivered = await fetch('to-be-trimmed', 4);
  expect(await readFile(delivered.path)).toEqual(video);
  expect(delivered.problem).toMatchObject({
    code: 'conversion_failed',
    cause: { message: expect.stringContaining('its index promises more frames') },
  });
});
