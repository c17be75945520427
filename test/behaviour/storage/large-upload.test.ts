/** A large file goes to storage in parts: with bounded memory, and whole or not at all. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { S3Library } from '../../../src/library/s3.ts';
import { createNetwork } from '../../../src/system/network.ts';
import { makeBucket } from '../../support/bucket.ts';
import { startStorageRelay } from '../../support/storage-relay.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../../support/swift.ts';

const run = promisify(execFile);
const UPLOAD = fileURLToPath(new URL('../../support/upload.ts', import.meta.url));
const FILE_BYTES = 60 * 1024 * 1024;
/** A few parts of 5 MB, their copies and the client itself; the file held in memory would be more. */
const MAX_GROWTH_BYTES = 100e6;
/** So large that memory which grows with it would be seen. */
const LARGE_BYTES = 4 * FILE_BYTES;

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('a large upload (needs Swift)', () => {
  let server: SwiftServer;
  let folder: string;
  beforeAll(async () => {
    server = await startSwift();
    folder = await realpath(await mkdtemp(join(tmpdir(), 'large-upload-')));
  }, 120_000);
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('of 60 MB or 240 MB grows the process by less than 100 MB', async () => {
    const bucket = await makeBucket(server);
    for (const bytes of [FILE_BYTES, LARGE_BYTES]) {
      const settings = { address: bucket.address, keys: S3_KEYS, folder, bytes };
      const { stdout } = await run(process.execPath, [UPLOAD, JSON.stringify(settings)]);
      const { saved, grown } = JSON.parse(stdout) as { saved: number; grown: number };
      expect(saved).toBe(bytes);
      expect(grown).toBeLessThan(MAX_GROWTH_BYTES);
    }
    expect(await bucket.keys()).toHaveLength(2);
  });

  it('that is cut between two parts leaves no object and no parts', async () => {
    const bucket = await makeBucket(server);
    const relay = await startStorageRelay(server.port);
    const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
    try {
      const address = {
        ...{ bucket: bucket.name, prefix: '', endpoint: new URL(relay.endpoint), region: 'us-east-1', pathStyle: true },
      };
      const library = new S3Library({
        ...{ address, keys: S3_KEYS, stateDir: folder, homeDir: folder, network, clock: systemClock },
      });
      const place = await library.choose(undefined, { kind: 'terminal' });
      const file = await library.staging(place, 'one');
      await writeFile(file, Buffer.alloc(16 * 1024 * 1024, 'video'));
      Object.assign(relay, { cutAfter: 3 * 1024 * 1024, spared: 1 });
      await expect(library.publish(file, place, 'dog.mp4')).rejects.toMatchObject({ code: 'save_failed' });
      relay.cutAfter = undefined;
      expect(relay.uploads).toBeGreaterThan(1);
      expect([await bucket.keys(), await bucket.unfinishedKeys()]).toEqual([[], []]);
      await library.publish(file, place, 'dog.mp4');
      expect(await bucket.keys()).toHaveLength(1);
    } finally {
      await network.close();
      await relay.close();
    }
  });

  it('that a killed process left in parts is removed by the first save of another one, a day later', async () => {
    const bucket = await makeBucket(server);
    const name = 'dog 0123456789abcdef.mp4';
    const left = [`team/${name}`, `team/mei/${name}`];
    // Of another folder, and of another program in ours.
    const others = ['team/backup.tar', `teams/${name}`];
    for (const key of [...left, ...others]) await bucket.beginUpload(key);
    const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
    const endpoint = new URL(server.endpoint);
    const address = { ...{ bucket: bucket.name, prefix: 'team', endpoint }, region: 'us-east-1', pathStyle: true };
    const saveAfter = async (hours: number) => {
      const clock = { ...systemClock, now: () => Date.now() + hours * 3600_000 };
      const library = new S3Library({ address, keys: S3_KEYS, stateDir: folder, homeDir: folder, network, clock });
      const place = await library.choose(undefined, { kind: 'terminal' });
      const file = await library.staging(place, 'one');
      await writeFile(file, `${hours}`);
      await library.publish(file, place, 'one.mp4');
    };
    try {
      await saveAfter(23);
      await sleep(300);
      expect(await bucket.unfinishedKeys()).toEqual([...left, ...others].sort());
      await saveAfter(25);
      await expect.poll(() => bucket.unfinishedKeys(), { timeout: 10_000 }).toEqual(others);
    } finally {
      await network.close();
    }
  });
});
