/** `doctor` examines the storage with the probe that paid calls make, and no output folder. */
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { examine } from '../../../src/cli/doctor-examine.ts';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { makeBucket } from '../../support/bucket.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../../support/swift.ts';
import { makeWorkspace } from '../../support/workspace.ts';

async function look({ onTestFinished }: TestContext, settings: Record<string, string>) {
  const {
    env,
    folder: homeDir,
    workingDir,
    ...workspace
  } = makeWorkspace(undefined, {
    JIMENG_VIDEO_API_URL: 'sandbox',
    JIMENG_VIDEO_OUTPUT_DIR: '/proc/none',
    AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
    ...settings,
  });
  onTestFinished(() => workspace.remove());
  const from = { environment: env, homeDir, workingDir, platform: process.platform };
  const { signal } = new AbortController();
  const finding = await examine(from, { clock: systemClock, log: silentLog, signal });
  const of = (name: string) => finding.checks.filter((check) => check.name === name);
  return { ...finding, storage: of('storage'), folder: of('output folder') };
}

it('a storage that is away stops every video, and the verdict says so', async (context) => {
  const address = 's3://videos/team?endpoint=http://127.0.0.1:9&path_style=true';
  const { storage, verdict, folder } = await look(context, { JIMENG_VIDEO_STORAGE: address });
  const message = 'Videos cannot be saved to s3://videos/team: it refused the connection (ECONNREFUSED).';
  const hint = 'check the endpoint in JIMENG_VIDEO_STORAGE and the network';
  expect(storage).toEqual([{ name: 'storage', status: 'fix', message, hint, isBlocking: true }]);
  expect(verdict).toBe(`No video can be made yet: ${message}`);
  expect(folder).toEqual([]);
});

it('keys that are missing are reported once, and nothing is sent with none', async (context) => {
  const address = 's3://videos/team?endpoint=http://127.0.0.1:9&path_style=true';
  const { storage, checks } = await look(context, { JIMENG_VIDEO_STORAGE: address, AWS_SECRET_ACCESS_KEY: '' });
  expect(storage).toEqual([]);
  expect(checks.filter(({ name }) => name === 'JIMENG_VIDEO_STORAGE')).toHaveLength(1);
});

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('with a real storage (needs Swift)', () => {
  let server: SwiftServer;
  beforeAll(async () => {
    server = await startSwift();
  }, 120_000);
  afterAll(async () => await server?.close());

  it('one that takes videos is fine, and nothing is left in it', async (context) => {
    const bucket = await makeBucket(server);
    const { storage, folder, verdict } = await look(context, { JIMENG_VIDEO_STORAGE: bucket.address });
    const message = `s3://${bucket.name}/team at ${server.endpoint}, region us-east-1, path style: takes videos`;
    expect(storage).toEqual([{ name: 'storage', status: 'ok', message }]);
    expect([folder, await bucket.keys()]).toEqual([[], []]);
    expect(verdict).toMatch(/^You can try everything/);
  });

  it('a wrong secret is named, and not shown', async (context) => {
    const { address } = await makeBucket(server);
    const found = await look(context, { JIMENG_VIDEO_STORAGE: address, AWS_SECRET_ACCESS_KEY: 'another-secret' });
    expect(found.storage).toMatchObject([
      {
        status: 'fix',
        message: expect.stringContaining('(SignatureDoesNotMatch)'),
        hint: expect.stringMatching(/AWS_/),
      },
    ]);
    expect(JSON.stringify(found)).not.toContain('another-secret');
  });
});
