/** The gallery of the shared server with storage: videos come out of the bucket through the server, to their person only. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBucket } from '../../support/bucket.ts';
import { ffmpegPath } from '../../support/clips.ts';
import { hasNoChromium, needsChromium, openBrowser, openPage } from '../../support/gallery-browser.ts';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { until } from '../../support/mcp-client.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';
import { type StorageRelay, startStorageRelay } from '../../support/storage-relay.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../../support/swift.ts';

const tokenOf = (name: string) => `token-of-${name}`;

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('/gallery with storage (needs Swift)', () => {
  let swift: SwiftServer;
  let relay: StorageRelay;
  let bucket: Awaited<ReturnType<typeof makeBucket>>;
  let workspace: Workspace;
  let sandbox: Sandbox;
  let server: HttpServer;
  /** Of mei: one that stays, with its content, one whose object was deleted, and a film. */
  let kept: { readonly id: string; readonly bytes: Buffer };
  let deleted: string;
  let film: string;
  beforeAll(async () => {
    swift = await startSwift();
    relay = await startStorageRelay(swift.port);
    bucket = await makeBucket(swift);
    workspace = await makeWorkspace();
    sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100, requestsPerSecond: 100_000 });
    const people = [{ name: 'mei' }, { name: 'yu' }, { name: 'ann', admin: true }].map((entry) => ({
      ...entry,
      sha256: createHash('sha256').update(tokenOf(entry.name)).digest('hex'),
    }));
    await writeFile(join(workspace.folder, 'people.json'), JSON.stringify(people), { mode: 0o600 });
    server = await startHttp(
      {
        ...workspace.environment(sandbox.url),
        JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.json'),
        JIMENG_VIDEO_STORAGE: bucket.address.replace(swift.endpoint, relay.endpoint),
        JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '',
        AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
      },
      [],
      workspace.folder,
    );
    const made = [];
    for (const prompt of ['kept', 'deleted']) made.push(await call('generate_video', { prompt, wait_seconds: 50 }));
    const shots = [{ prompt: 'one' }, { prompt: 'two' }];
    film = (await call('generate_film', { shots, wait_seconds: 60 })).film_id;
    const content = Buffer.from(await (await fetch(made[0].video.url)).arrayBuffer());
    kept = { id: made[0].task_id, bytes: content };
    deleted = made[1].task_id;
    await bucket.remove(made[1].video.path);
  });
  afterAll(async () => {
    await server?.stop();
    await relay?.close();
    await sandbox?.close();
    await workspace?.remove();
    await swift?.close();
  });

  async function call(name: string, given: object) {
    const message = { id: 1, method: 'tools/call', params: { name, arguments: given } };
    const { body } = await server.post(message, { authorization: `Bearer ${tokenOf('mei')}` });
    return body.result.structuredContent;
  }
  const get = (path: string, person = 'mei', headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${server.url}/gallery/${path}`, {
      method,
      redirect: 'manual',
      headers: { cookie: `jimeng-gallery=${tokenOf(person)}`, 'sec-fetch-site': 'same-origin', ...headers },
    });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
  const read = async (path: string, person?: string): Promise<any> => await (await get(path, person)).json();

  it('its overview, list, videos and films are the person’s, and none of them is a link to the bucket', async () => {
    expect((await read('api/overview')).counts).toMatchObject({ done: 4 });
    expect((await read('api/overview', 'yu')).counts).toEqual({});
    const { items } = await read('api/videos');
    expect(items).toHaveLength(4);
    for (const { file, id } of items) expect(file).toMatchObject({ isStored: true, source: `files/${id}.mp4` });
    expect((await read(`api/videos/${kept.id}`)).item.file).toMatchObject({ isMissing: false });
    expect((await read(`api/films/${film}`)).item.file).toMatchObject({ isStored: true, isMissing: false });
    expect((await read(`api/videos/${kept.id}`, 'ann')).item.person).toBe('mei');
    expect((await get(`api/videos/${kept.id}`, 'yu')).status).toBe(404);
  });

  it('a video comes whole, in ranges, and as headers alone, from this server and not by a redirect', async () => {
    const path = `files/${kept.id}.mp4`;
    const whole = await get(path);
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'video/mp4']);
    expect(Buffer.from(await whole.arrayBuffer()).equals(kept.bytes)).toBe(true);
    const part = await get(path, 'mei', { range: 'bytes=100-299' });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 100-299/${kept.bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(kept.bytes.subarray(100, 300))).toBe(true);
    const end = await get(path, 'mei', { range: 'bytes=-50' });
    expect(Buffer.from(await end.arrayBuffer()).equals(kept.bytes.subarray(-50))).toBe(true);
    const beyond = await get(path, 'mei', { range: `bytes=${kept.bytes.length}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${kept.bytes.length}`]);
    const etag = whole.headers.get('etag') ?? '';
    const changed = await get(path, 'mei', { range: 'bytes=0-9', 'if-range': '"another"' });
    const same = await get(path, 'mei', { range: 'bytes=0-9', 'if-range': etag });
    expect([changed.status, same.status]).toEqual([200, 206]);
    await changed.arrayBuffer();
    const head = await get(path, 'mei', {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(kept.bytes.length)]);
    expect((await get(`files/${film}.mp4`)).status).toBe(200);
    expect((await get(path, 'ann')).status).toBe(200);
    for (const id of [kept.id, film]) expect((await get(`files/${id}.mp4`, 'yu')).status).toBe(404);
  });

  it('an object that was deleted is told when it is opened, and its file is answered with 404', async () => {
    expect((await read(`api/videos/${deleted}`)).item.file).toMatchObject({ isMissing: true });
    expect((await get(`files/${deleted}.mp4`)).status).toBe(404);
    expect((await get(`files/${deleted}.mp4`, 'mei', { range: 'bytes=0-9' })).status).toBe(404);
    expect(server.stderr()).not.toContain('request failed');
  });

  it('players that go away in the middle keep nobody else’s video waiting', async () => {
    for (let index = 0; index < 60; index++) {
      const leaving = new AbortController();
      const response = await fetch(`${server.url}/gallery/files/${kept.id}.mp4`, {
        headers: { cookie: `jimeng-gallery=${tokenOf('mei')}` },
        signal: leaving.signal,
      });
      expect(response.status).toBe(200);
      leaving.abort();
    }
    expect((await get(`files/${kept.id}.mp4`)).status).toBe(200);
  });

  describe.skipIf(hasNoChromium)(`in Chromium${needsChromium}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(async () => await browser?.close());

    it('a person signs in, sees pictures, and the video plays, without anything that the page’s policy refuses', async () => {
      const { page, troubles, close } = await openPage(browser);
      const requested: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      await page.goto(`${server.url}/gallery`);
      await page.getByLabel(/Your token/).fill(tokenOf('mei'));
      await page.getByRole('button', { name: /Sign in/ }).click();
      await page.waitForURL(`${server.url}/gallery/`);
      const still = page.locator('.card', { hasText: 'kept' }).locator('video');
      await until('a picture', () => still.evaluate((one: HTMLVideoElement) => one.readyState > 1).catch(() => false));
      await page.getByText('kept').first().click();
      const video = page.getByRole('dialog').locator('video');
      await until('playing', () => video.evaluate((one: HTMLVideoElement) => one.currentTime > 0.2).catch(() => false));
      expect(requested.every((url) => url.startsWith(server.url))).toBe(true);
      expect(troubles.filter((trouble) => !trouble.includes('401') && !trouble.includes('404'))).toEqual([]);
      await page.goto(`${server.url}/gallery/?video=${deleted}`);
      await page.getByRole('dialog').getByText('The file no longer exists.').first().waitFor();
      await close();
    });
  });

  it('while the storage is away, a video is answered with 503 and a sentence, and the rest goes on', async () => {
    await relay.close();
    const response = await get(`files/${kept.id}.mp4`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    const { error } = (await response.json()) as { error: { code: string; message: string; hint: string } };
    expect(error.message).toContain('storage');
    expect(JSON.stringify(error)).not.toMatch(/127\.0\.0\.1|ECONN|AccessKey/);
    await until('the reason in the log', () => server.stderr().includes('a video cannot be shown'));
    expect(server.stderr()).toMatch(/could not be read: it refused the connection \(ECONNREFUSED\)/);
    expect((await read(`api/videos/${kept.id}`)).item.file).toMatchObject({ isMissing: false });
    expect((await get('')).status).toBe(200);
  });
});
