/** Videos in S3-compatible storage, through a real client and a real S3 server: saved once, whole, or still to be had. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { S3Library } from '../../../src/library/s3.ts';
import { createNetwork } from '../../../src/system/network.ts';
import { makeBucket } from '../../support/bucket.ts';
import { ffmpegPath, hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import { connect, openStage, type Stage, until } from '../../support/mcp-client.ts';
import { startCommand } from '../../support/run-command.ts';
import { type StorageRelay, startStorageRelay } from '../../support/storage-relay.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../../support/swift.ts';

const KEYS = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const VIDEO = 'dog running';

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('videos in storage (needs Swift)', () => {
  let server: SwiftServer;
  let bucket: Awaited<ReturnType<typeof makeBucket>>;
  const open: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startSwift();
  }, 120_000);
  afterAll(async () => await server?.close());
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function stageOf(settings: Record<string, string> = {}, endpoint = server.endpoint): Promise<Stage> {
    bucket = await makeBucket(server);
    const address = bucket.address.replace(server.endpoint, endpoint);
    const stage = await openStage({}, { JIMENG_VIDEO_STORAGE: address, ...KEYS, ...settings });
    open.push(stage.close);
    return stage;
  }
  async function relayed(): Promise<StorageRelay> {
    const relay = await startStorageRelay(server.port);
    open.push(relay.close);
    return relay;
  }
  const submits = (stage: Stage) => stage.sandbox.submits().length;
  const leftHere = async (stage: Stage) => ({
    staged: await readdir(join(stage.workspace.stateDir, 'uploads')),
    saved: await readdir(stage.workspace.outputDir).catch(() => []),
  });

  it('a video is saved there, its link works for 7 days, and nothing stays on this disk', async () => {
    const stage = await stageOf();
    const { report, text } = await stage.call('generate_video', { prompt: VIDEO, wait_seconds: 50 });
    expect(report.status).toBe('done');
    const { path = '', url = '', url_valid_until: until = '', bytes } = report.video ?? {};
    expect(path).toMatch(
      new RegExp(`^s3://${bucket.name}/team/\\d{4}-\\d\\d-\\d\\d dog running \\w+ [0-9a-f]{16}\\.mp4$`),
    );
    expect(text).toContain(`- Save Path: ${path}`);
    expect(text).toContain(`[Download Video](${url})`);
    expect(report.next_step).toBe('Give the user the download link.');
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(6.9 * 24 * 3600_000);
    const fetched = await fetch(url);
    expect(fetched.headers.get('content-disposition')).toMatch(/filename="[^"]*dog running \w+\.mp4"/);
    expect((await fetched.arrayBuffer()).byteLength).toBe(bytes);
    expect(await bucket.keys()).toEqual([path.slice(`s3://${bucket.name}/`.length)]);
    expect(await leftHere(stage)).toEqual({ staged: [], saved: [] });
    const again = await stage.call('get_video_task', { task_id: report.task_id });
    expect(again.report.video?.path).toBe(path);
    expect((await fetch(again.report.video?.url ?? '')).status).toBe(200);
    expect(JSON.stringify([report, again.report])).not.toContain(S3_KEYS.secretAccessKey);
  });

  it('`output` is a name; a path is refused before anything is sent', async () => {
    const stage = await stageOf();
    const wrong = await stage.call('generate_video', { prompt: VIDEO, output: 'a/dog.mp4' });
    expect(wrong.report.error?.code).toBe('output_not_allowed');
    expect(submits(stage)).toBe(0);
    const { report } = await stage.call('generate_video', { prompt: VIDEO, output: 'dog', wait_seconds: 50 });
    expect(report.video?.path).toMatch(/\/team\/dog [0-9a-f]{16}\.mp4$/);
  });

  it.each([
    [
      'a wrong secret',
      { AWS_SECRET_ACCESS_KEY: 'another' },
      /the secret key does not belong to the access key \(SignatureDoesNotMatch\)/,
    ],
    [
      'a wrong access key',
      { AWS_ACCESS_KEY_ID: 'nobody' },
      /the secret key does not belong to the access key \(SignatureDoesNotMatch\)/,
    ],
    ['a missing bucket', { JIMENG_VIDEO_STORAGE: 'missing' }, /the bucket does not exist \(NoSuchBucket\)/],
    ['a server that is away', { JIMENG_VIDEO_STORAGE: 'away' }, /it refused the connection \(ECONNREFUSED\)/],
  ])('%s is reported before paying, and nothing is sent', async (_what, settings, sentence) => {
    const addresses: Record<string, string> = {
      missing: `s3://no-such-bucket?endpoint=${server.endpoint}&path_style=true`,
      away: 's3://videos?endpoint=http://127.0.0.1:9&path_style=true',
    };
    const { JIMENG_VIDEO_STORAGE: name, ...others } = settings as Record<string, string>;
    const stage = await stageOf({
      ...others,
      ...(name === undefined ? {} : { JIMENG_VIDEO_STORAGE: addresses[name] ?? '' }),
    });
    const { report, text } = await stage.call('generate_video', { prompt: VIDEO });
    expect([report.status, report.error?.code]).toEqual(['refused', 'output_not_writable']);
    expect(report.message).toMatch(sentence);
    expect(text).not.toContain(S3_KEYS.secretAccessKey);
    expect(submits(stage)).toBe(0);
  });

  it('an upload that is cut leaves no object, keeps the video to be had, and is made up for', async () => {
    const relay = await relayed();
    const stage = await stageOf({}, relay.endpoint);
    relay.cutAfter = 5_000;
    const { report, text } = await stage.call('generate_video', { prompt: VIDEO, wait_seconds: 50 });
    expect(report).toMatchObject({ status: 'done', error: { code: 'save_failed' } });
    expect(report.message).toMatch(/could not be saved to s3:/);
    expect(report.video?.path).toBeUndefined();
    expect(text).toContain(`[Download Video](${stage.sandbox.url}`);
    expect(relay.uploads).toBeGreaterThan(1);
    expect(await bucket.keys()).toEqual([]);
    relay.cutAfter = undefined;
    const saved = await stage.call('get_video_task', { task_id: report.task_id, wait_seconds: 20 });
    expect(saved.report.error).toBeUndefined();
    expect(await bucket.keys()).toHaveLength(1);
    expect((await fetch(saved.report.video?.url ?? '')).status).toBe(200);
    expect(submits(stage)).toBe(1);
  });

  it('a storage that never answers holds up no list, and a paid call only for some seconds', async () => {
    const relay = await relayed();
    const { name } = await makeBucket(server);
    const times: number[] = [];
    const clock = {
      ...systemClock,
      sleep: (milliseconds: number, signal?: AbortSignal) => {
        times.push(milliseconds);
        return systemClock.sleep(milliseconds / 100, signal);
      },
    };
    const stateDir = await mkdtemp(join(tmpdir(), 'jimeng-silent-storage-'));
    const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
    open.push(
      () => network.close(),
      () => rm(stateDir, { recursive: true }),
    );
    const library = new S3Library({
      address: { bucket: name, prefix: '', endpoint: new URL(relay.endpoint), region: 'us-east-1', pathStyle: true },
      ...{ keys: S3_KEYS, stateDir, homeDir: stateDir, network, clock },
    });
    relay.isSilent = true;
    await expect(library.choose(undefined, { kind: 'terminal' })).rejects.toMatchObject({
      code: 'output_not_writable',
      message: expect.stringContaining('it did not answer (ETIMEDOUT)'),
    });
    const path = `s3://${name}/a.mp4`;
    // Not known is not gone.
    expect(await library.isThere({ path })).toBe(true);
    const looked = times.length;
    expect(await library.isThere({ path })).toBe(true);
    expect(times.length, 'the next one does not wait').toBe(looked);
    expect(Math.max(...times)).toBeLessThanOrEqual(15_000);
  });

  it('a state folder that cannot be written is named with its setting before anything is paid', async () => {
    const stage = await stageOf();
    await mkdir(stage.workspace.stateDir, { recursive: true });
    await writeFile(join(stage.workspace.stateDir, 'uploads'), 'in the way');
    const { report, text } = await stage.call('generate_video', { prompt: VIDEO });
    expect(report).toMatchObject({ status: 'refused', error: { code: 'output_not_writable' } });
    expect(text).toContain('set JIMENG_VIDEO_STATE_DIR');
    expect(text).not.toContain('JIMENG_VIDEO_OUTPUT_DIR');
    expect(submits(stage)).toBe(0);
  });

  it('a process that is killed between the upload and its record: found again, and uploaded once', async () => {
    const relay = await relayed();
    const stage = await stageOf({}, relay.endpoint);
    relay.onceUploaded = () => process.kill(stage.pid, 'SIGKILL');
    const { report } = await stage.call('submit_video_task', { prompt: VIDEO });
    await until('the upload', () => relay.uploads === 1);
    await until('the end of the process', () => !isAlive(stage.pid));
    relay.onceUploaded = undefined;
    const keys = await bucket.keys();
    expect(keys).toHaveLength(1);
    const environment = stage.workspace.environment(stage.sandbox.url);
    const address = bucket.address.replace(server.endpoint, relay.endpoint);
    const next = await connect({ ...environment, ...KEYS, JIMENG_VIDEO_STORAGE: address }, stage.workspace.folder);
    open.push(next.close);
    const found = await next.call('get_video_task', { task_id: report.task_id, wait_seconds: 50 });
    expect(found.report).toMatchObject({ status: 'done', video: { path: `s3://${bucket.name}/${keys[0]}` } });
    expect(await bucket.keys()).toEqual(keys);
    expect(relay.uploads).toBe(1);
    expect(submits(stage)).toBe(1);
  });

  it('the gallery plays it, in ranges, from this computer', async () => {
    const stage = await stageOf();
    const { report } = await stage.call('generate_video', { prompt: VIDEO, wait_seconds: 50 });
    const { workspace, sandbox } = stage;
    const own = { PATH: process.env.PATH ?? '', JIMENG_VIDEO_STORAGE: bucket.address, ...KEYS };
    const env = { ...workspace.environment(sandbox.url), ...own };
    const gallery = startCommand(['gallery', '--no-open'], { env, workingDir: workspace.folder });
    open.push(async () => {
      gallery.child.kill('SIGINT');
      await gallery.result;
    });
    const [link] = await gallery.seen('stdout', /^http:\S+$/m);
    const entered = await fetch(link);
    const [cookie = ''] = entered.headers.get('set-cookie')?.split(';') ?? [];
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    const url = `${new URL(link).origin}/files/${report.task_id}.mp4`;
    const whole = await fetch(url, { headers });
    expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, report.video?.bytes]);
    const part = await fetch(url, { headers: { ...headers, range: 'bytes=4-7' } });
    expect([part.status, await part.text()]).toEqual([206, 'ftyp']);
  });

  it.skipIf(hasNoFfmpeg)(`films, joins, previews and frames read what is saved there${needsFfmpeg}`, async () => {
    const stage = await stageOf({ JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' });
    const film = await stage.call('generate_film', {
      title: 'Dogs',
      shots: [{ prompt: 'one dog' }, { prompt: 'two dogs', continue: true }],
      wait_seconds: 60,
    });
    expect(film.report.status).toBe('done');
    expect(film.report.film?.path).toMatch(/^s3:.*Dogs \w+ [0-9a-f]{16}\.mp4$/);
    expect((await fetch(film.report.film?.url ?? '')).status).toBe(200);
    const before = submits(stage);
    const seen = await stage.call('preview_video', { film_id: film.report.film_id });
    expect(seen.pictures).toHaveLength(1);
    const [first, second] = film.report.shots ?? [];
    const joined = await stage.call('join_videos', { videos: [first?.task_id, second?.task_id] });
    expect(joined.structured.video.path).toMatch(/^s3:/);
    expect((await fetch(joined.structured.video.url)).status).toBe(200);
    expect(submits(stage)).toBe(before);
    const next = await stage.call('generate_video', {
      prompt: 'three',
      image: `task:${first?.task_id}`,
      wait_seconds: 50,
    });
    expect(next.report.status).toBe('done');
    expect(await leftHere(stage)).toEqual({ staged: [], saved: [] });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
