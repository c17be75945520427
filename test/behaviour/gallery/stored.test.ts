/** The gallery of stored videos: one that was deleted is reported when it is opened, and no folder is offered. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBucket } from '../../support/bucket.ts';
import { hasNoChromium, needsChromium, openBrowser } from '../../support/gallery-browser.ts';
import { type GalleryStage, openGalleryStage } from '../../support/gallery-stage.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../../support/swift.ts';

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('the gallery with storage (needs Swift)', () => {
  let server: SwiftServer;
  let bucket: Awaited<ReturnType<typeof makeBucket>>;
  let stage: GalleryStage;
  let headers: Record<string, string>;
  /** Of tasks: one that stays, and one whose video was deleted. */
  let kept: string;
  let deleted: string;
  /** Of a film whose file was deleted. */
  let film: string;
  beforeAll(async () => {
    server = await startSwift();
    bucket = await makeBucket(server);
    stage = await openGalleryStage(
      { asProvider: false },
      {
        JIMENG_VIDEO_STORAGE: bucket.address,
        AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
      },
    );
    const session = await stage.connect();
    const made = [];
    for (const prompt of ['kept', 'deleted']) {
      made.push((await session.call('generate_video', { prompt, wait_seconds: 50 })).report);
    }
    [kept = '', deleted = ''] = made.map(({ task_id: id }) => id);
    const shots = [{ prompt: 'one' }, { prompt: 'two' }];
    const { structured } = await session.call('generate_film', { shots, wait_seconds: 60 });
    film = structured.film_id;
    for (const path of [made[1]?.video?.path, structured.film.path]) await bucket.remove(path);
    const entered = await fetch(stage.gallery.link);
    headers = { cookie: entered.headers.get('set-cookie')?.split(';')[0] ?? '', 'sec-fetch-site': 'same-origin' };
  });
  afterAll(async () => {
    await stage?.close();
    await server?.close();
  });
  const get = (path: string) => fetch(`${stage.gallery.origin}${path}`, { headers });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
  const read = async (path: string): Promise<any> => await (await get(path)).json();

  it('says of one video that it was deleted, when that is opened; its file is answered with 404', async () => {
    expect((await read(`/api/videos/${kept}`)).item.file).toMatchObject({ isMissing: false, isStored: true });
    expect((await read(`/api/videos/${deleted}`)).item.file).toMatchObject({ isMissing: true, isStored: true });
    expect((await read(`/api/films/${film}`)).item.file).toMatchObject({ isMissing: true, isStored: true });
    expect((await get(`/files/${kept}.mp4`)).status).toBe(200);
    for (const id of [deleted, film]) {
      const [{ status }, { error }] = [await get(`/files/${id}.mp4`), await read(`/files/${id}.mp4`)];
      expect([status, error.code]).toEqual([404, 'not_found']);
    }
  });

  it('its list asks the storage for nothing', async () => {
    const { items } = await read(`/api/videos?ids=${kept},${deleted}`);
    expect(items.map(({ file }: { file: { isMissing: boolean } }) => file.isMissing)).toEqual([false, false]);
  });

  it('shows no folder of what is in a storage', async () => {
    const { token } = await read('/api/overview');
    const url = `${stage.gallery.origin}/api/videos/${kept}/folder`;
    const origin = { origin: stage.gallery.origin, 'x-gallery-token': token };
    expect((await fetch(url, { method: 'POST', headers: { ...headers, ...origin } })).status).toBe(404);
  });

  describe.skipIf(hasNoChromium)(`in a browser${needsChromium}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(async () => await browser?.close());

    it('a video is opened without the button for its folder, and a deleted one with the reason', async () => {
      const { page } = await stage.look(browser, {}, `?video=${kept}`);
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Copy path' }).waitFor();
      expect(await dialog.locator('video').count()).toBe(1);
      expect(await dialog.getByRole('button', { name: /folder/i }).count()).toBe(0);
      await page.goto(`${stage.gallery.origin}/?video=${deleted}`);
      await dialog.getByText('The file no longer exists.').first().waitFor();
      expect(await dialog.locator('video').count()).toBe(0);
    });
  });
});
