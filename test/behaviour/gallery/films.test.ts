/** Films in the gallery: their shots and takes, their filter, and what is withdrawn. */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { readSettings } from '../../../src/settings.ts';
import type { ShownFilm } from '../../../src/web/films.ts';
import { type Gallery, openGallery } from '../../../src/web/server.ts';
import { expectAccessible, openBrowser, openPage } from '../../support/gallery-browser.ts';
import { leaveHistory, savedClip } from '../../support/gallery-history.ts';
import { type GalleryStage, openGalleryStage } from '../../support/gallery-stage.ts';

let browser: Browser;
let stage: GalleryStage;
let app: ReturnType<typeof createApp>;
let gallery: Gallery;
let history: Awaited<ReturnType<typeof leaveHistory>>;
const withdrawn: string[] = [];

const FILM = 'jf-mx000000-ffff2';
const BROKEN = 'jf-mx000000-ffff3';

/** Films as the service that makes them tells of them; their tasks are recorded. */
function filmsOf({ first, another, hostile, refused, left }: typeof history): ShownFilm[] {
  const shot = (number: number, takes: readonly string[], request = {}) => ({
    request: { prompt: `Shot ${number}`, duration: 5, ...request },
    continues: number > 1,
    takes,
  });
  const common = { sandbox: false, reservedAt: Date.now() - 600_000, quality: '720p' };
  const { file } = savedClip(stage.workspace.outputDir, 'film.mp4');
  return [
    {
      status: 'waiting',
      film: {
        ...common,
        id: BROKEN,
        joins: [],
        shots: [[first.id], [refused.id], [left.id]].map((takes, at) => shot(at + 1, takes)),
      },
    },
    {
      status: 'done',
      film: {
        ...common,
        id: FILM,
        title: 'A boat <b>comes</b> home',
        aspectRatio: '16:9',
        shots: [shot(1, [first.id, another.id], { image: 'data URL', seed: 4 }), shot(2, [hostile.id])],
        joins: [{ file, notes: ['the sound was cut'] }],
      },
    },
  ];
}

beforeAll(async () => {
  browser = await openBrowser();
  stage = await openGalleryStage();
  history = await leaveHistory(stage);
  const { env, folder, workingDir } = stage.workspace;
  app = createApp(
    readSettings({ environment: env, homeDir: folder, workingDir, platform: process.platform }),
    silentLog,
  );
  const videos = await app.service('read');
  const films = filmsOf(history);
  gallery = await openGallery({
    ...{
      videos,
      keys: app,
      clock: systemClock,
      log: silentLog,
      host: '127.0.0.1',
      port: 0,
      command: 'jimeng-video-mcp',
    },
    assetFolder: fileURLToPath(new URL('../../../dist/gallery', import.meta.url)),
    showInFolder: async () => undefined,
    films: {
      list: async () => films,
      read: async (id) => films.find(({ film }) => film.id === id),
      cancel: async (id) => void withdrawn.push(id),
    },
  });
});
afterAll(async () => {
  await gallery.close();
  await app.end(0);
  await browser.close();
  await stage.close();
});

async function look(search = '', options: BrowserContextOptions = {}) {
  const watched = await openPage(browser, options);
  await watched.page.goto(gallery.link);
  await watched.page.waitForURL(`${gallery.origin}/`);
  if (search !== '') await watched.page.goto(`${gallery.origin}/${search}`);
  await watched.page.locator('header h1').waitFor();
  return watched;
}

it('a film is shown with its picture, plays at full size, and has its shots and earlier takes', async () => {
  const { page, troubles } = await look();
  const card = page.locator('.card.film', { hasText: 'A boat <b>comes</b> home' });
  await card.locator('video.ready').waitFor();
  await card.getByText('¥4.20').waitFor();
  await card.click();
  const dialog = page.locator('dialog[open]');
  const time = () => dialog.locator('.screen video').evaluate((video: HTMLVideoElement) => video.currentTime);
  await expect.poll(time).toBeGreaterThan(0.1);
  expect(await dialog.locator('.shot .number').allTextContents()).toEqual(['Shot 1', 'Shot 2']);
  await dialog.getByText('the sound was cut').waitFor();
  await dialog.getByText('1 earlier take').click();
  await dialog.getByRole('button', { name: 'Seed 7' }).click();
  await page.locator('dialog[open] .about > .prompt', { hasText: 'A paper boat' }).waitFor();
  await page.goBack();
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
  expect(troubles).toEqual([]);
});

it('the call is copied as it was made, and says which picture it lacks', async () => {
  const { page } = await look(`?video=${FILM}`);
  await page.getByRole('button', { name: 'Copy call' }).click();
  await page.getByText('Copied. Add shots[0].image').waitFor();
  expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual({
    title: 'A boat <b>comes</b> home',
    quality: '720p',
    aspect_ratio: '16:9',
    shots: [
      { prompt: 'Shot 1', duration: 5, seed: 4 },
      { prompt: 'Shot 2', duration: 5, continue: true },
    ],
  });
});

it('videos are filtered by film: every take of every shot', async () => {
  const { page } = await look();
  await page.getByRole('combobox', { name: 'Film' }).selectOption(FILM);
  await expect.poll(() => page.locator('.grid .card > .prompt').allTextContents()).toHaveLength(3);
  expect(new URL(page.url()).searchParams.get('film')).toBe(FILM);
  await page.reload();
  await expect.poll(() => page.locator('.grid .card > .prompt').allTextContents()).toHaveLength(3);
  await page.goto(`${gallery.origin}/?video=${BROKEN}`);
  await page.getByRole('button', { name: 'Show all takes in the list' }).click();
  await expect.poll(() => page.locator('.grid .card > .prompt').allTextContents()).toHaveLength(3);
  expect(new URL(page.url()).search).toBe(`?film=${BROKEN}`);
});

it('a film that needs a retake says which shot and why, and what was not sent can be withdrawn', async () => {
  const { page } = await look(`?video=${BROKEN}`);
  const dialog = page.locator('dialog[open]');
  await dialog.getByText('Shot 2 needs a retake, which is paid').waitFor();
  await dialog.getByText(`jimeng-video-mcp retake ${BROKEN} 2`).waitFor();
  await dialog.getByText('The prompt contains words').first().waitFor();
  await dialog.getByText('Waits for a shot that needs a retake.').waitFor();
  await dialog.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('The request is withdrawn.').waitFor();
  expect(withdrawn).toEqual([BROKEN]);
});

it('the file of a film is served, and nothing is done to a film beyond its queue', async () => {
  const entered = await fetch(gallery.link);
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const get = (path: string) => fetch(`${gallery.origin}${path}`, { headers: { cookie, range: 'bytes=4-7' } });
  expect(await (await get(`/files/${FILM}.mp4`)).text()).toBe('ftyp');
  expect((await get(`/files/${BROKEN}.mp4`)).status).toBe(404);
  expect((await get('/api/films/jf-mx000000-nnnn2')).status).toBe(404);
  const { token } = (await (await get('/api/overview')).json()) as { token: string };
  const post = async (action: string) => {
    const headers = { cookie, origin: gallery.origin, 'x-gallery-token': token };
    return (await fetch(`${gallery.origin}/api/films/${FILM}/${action}`, { method: 'POST', headers })).status;
  };
  expect([await post('cancel'), await post('retake'), await post('join'), await post('folder')]).toEqual([
    409, 404, 404, 200,
  ]);
});

it.each([
  ['light', {}],
  [
    'dark, on a phone, in Chinese',
    { colorScheme: 'dark', viewport: { width: 390, height: 844 }, isMobile: true, locale: 'zh-CN' },
  ],
] as const)('axe-core finds nothing: %s', async (_name, options) => {
  const { page, close } = await look('', options);
  await page.locator('.card.film video.ready').first().waitFor();
  await expectAccessible(page);
  for (const id of [FILM, BROKEN]) {
    await page.goto(`${gallery.origin}/?video=${id}`);
    await page.locator('dialog[open] .shots').waitFor();
    if (id === FILM) await page.locator('summary').click();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  }
  await close();
});
