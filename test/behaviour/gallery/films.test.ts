/** Films in the gallery: made over MCP, shown with their shots and takes, and what is withdrawn. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAccessible, hasNoChromium, needsChromium, openBrowser } from '../../support/gallery-browser.ts';
import { type GalleryStage, openGalleryStage } from '../../support/gallery-stage.ts';
import { type Session, until } from '../../support/mcp-client.ts';

const TITLE = 'A boat <b>comes</b> home';

describe.skipIf(hasNoChromium)(`the gallery${needsChromium}`, () => {
  let browser: Browser;
  let stage: GalleryStage;
  let session: Session;
  /** Ids. */
  let made: string;
  let broken: string;
  beforeAll(async () => {
    browser = await openBrowser();
    stage = await openGalleryStage({ clips: 'drawn' });
    session = await stage.connect();
    const shots = [{ prompt: 'A boat leaves' }, { prompt: 'A boat returns', seed: 4 }];
    made = await film({ title: TITLE, shots });
    stage.sandbox.faults.add({
      on: 'query',
      fault: { kind: 'business', code: 50516 },
      times: 'always',
      when: ({ taskId }) =>
        stage.sandbox.accepted.some((task) => task.taskId === taskId && task.request.body?.prompt === 'Refused'),
    });
    broken = await film({ title: 'Broken', shots: [{ prompt: 'Fine' }, { prompt: 'Refused' }] });
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  async function film(given: Record<string, unknown>): Promise<string> {
    let { report } = await session.call('generate_film', { ...given, wait_seconds: 50 });
    while (report.status === 'running') {
      ({ report } = await session.call('get_video_task', { task_id: report.film_id, wait_seconds: 50 }));
    }
    return report.film_id ?? '';
  }

  it('a film is shown with its picture, plays at full size, and has its shots', async () => {
    const { page, troubles } = await stage.look(browser);
    const card = page.locator('.card.film', { hasText: TITLE });
    await card.locator('video.ready').waitFor();
    await card.getByText('¥2.80').waitFor();
    await card.getByText('0:10').waitFor();
    await card.click();
    const dialog = page.locator('dialog[open]');
    const time = () => dialog.locator('.screen video').evaluate((video: HTMLVideoElement) => video.currentTime);
    await expect.poll(time).toBeGreaterThan(0.1);
    // The shots are read after the film is shown.
    await expect.poll(() => dialog.locator('.shot .number').allTextContents()).toEqual(['Shot 1', 'Shot 2']);
    await dialog.locator('.shot').nth(1).click();
    await page.locator('dialog[open] .about > .prompt', { hasText: 'A boat returns' }).waitFor();
    await page.goBack();
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    expect(troubles).toEqual([]);
  });

  it('the copied call finds the same film again over MCP, and costs nothing', async () => {
    const submits = () => stage.sandbox.submits().length;
    const before = submits();
    const { page } = await stage.look(browser, {}, `?video=${made}`);
    await page.getByRole('button', { name: 'Copy call' }).click();
    await page.getByText(/^Copied/).waitFor();
    const call = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(call).toMatchObject({ title: TITLE, shots: [{ prompt: 'A boat leaves' }, { seed: 4 }] });
    const { report } = await session.call('generate_film', call);
    expect([report.film_id, submits()]).toEqual([made, before]);
  });

  it('videos are filtered by film', async () => {
    const { page } = await stage.look(browser);
    const prompts = () => page.locator('.grid .card > .prompt').allTextContents();
    await page.getByRole('combobox', { name: 'Film' }).selectOption(made);
    await expect.poll(prompts).toEqual(['A boat returns', 'A boat leaves']);
    await page.reload();
    await expect.poll(prompts).toEqual(['A boat returns', 'A boat leaves']);
    await page.goto(`${stage.gallery.origin}/?video=${broken}`);
    await page.getByRole('button', { name: 'Show all takes in the list' }).click();
    await expect.poll(prompts).toEqual(['Refused', 'Fine']);
    expect(new URL(page.url()).search).toBe(`?film=${broken}`);
  });

  it('a film that needs a retake says which shot and why', async () => {
    const { page } = await stage.look(browser, {}, `?video=${broken}`);
    const dialog = page.locator('dialog[open]');
    await dialog.getByText('Shot 2 needs a retake, which is paid').waitFor();
    await dialog.getByText(`retake ${broken} 2`).waitFor();
    await dialog.locator('.shot', { hasText: 'Refused' }).getByText('did not pass').waitFor();
  });

  it('a retake joins the film again in the open page, and the earlier take stays', async () => {
    const { page, troubles } = await stage.look(browser, {}, `?video=${made}`);
    const dialog = page.locator('dialog[open]');
    await dialog.locator('.shot').first().waitFor();
    const source = () => dialog.locator('.screen video').getAttribute('src');
    const before = await source();
    let { report } = await session.call('retake_shot', { film_id: made, shot: 1, prompt: 'A boat leaves at night' });
    while (report.status === 'running') {
      ({ report } = await session.call('get_video_task', { task_id: made, wait_seconds: 50 }));
    }
    await dialog.locator('.shot', { hasText: 'A boat leaves at night' }).waitFor();
    await expect.poll(source).not.toBe(before);
    await dialog.getByText('1 earlier take').click();
    await dialog.locator('.other-takes .take').click();
    await page.locator('dialog[open] .about > .prompt', { hasText: /^A boat leaves$/ }).waitFor();
    expect(troubles).toEqual([]);
  });

  it('the shots that were not sent are withdrawn from the page', async ({ onTestFinished }) => {
    const slow = await openGalleryStage({ generationSeconds: 600 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    onTestFinished(() => slow.close());
    const client = await slow.connect();
    const shots = [{ prompt: 'Sent' }, { prompt: 'Not sent' }, { prompt: 'Not sent either' }];
    const { report } = await client.call('generate_film', { title: 'Slow', shots, wait_seconds: 0 });
    const statuses = async () => {
      const { report: now } = await client.call('get_video_task', { task_id: report.film_id, wait_seconds: 0 });
      return now.shots?.map(({ status }) => status);
    };
    await until('the first shot to be sent', async () => (await statuses())?.[0] === 'generating');
    const { page } = await slow.look(browser);
    await page.locator('.card.film', { hasText: '0 of 3 shots saved' }).click();
    const dialog = page.locator('dialog[open]');
    const withdraw = dialog.getByRole('button', { name: 'Withdraw', exact: true });
    await withdraw.click();
    await page.getByText('The request is withdrawn.').waitFor();
    await expect.poll(() => withdraw.count()).toBe(0);
    expect(await statuses()).toEqual(['generating', 'cancelled', 'cancelled']);
    expect(slow.sandbox.submits()).toHaveLength(1);
  });

  it('the file of a film is served, and nothing is done to a film beyond its queue', async () => {
    const { origin, link } = stage.gallery;
    const cookie = (await fetch(link)).headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const get = (path: string) => fetch(`${origin}${path}`, { headers: { cookie, range: 'bytes=4-7' } });
    expect(await (await get(`/files/${made}.mp4`)).text()).toBe('ftyp');
    expect((await get(`/files/${broken}.mp4`)).status).toBe(404);
    expect((await get('/api/films/jf-mx000000-nnnn2')).status).toBe(404);
    const { token } = (await (await get('/api/overview')).json()) as { token: string };
    const post = async (action: string) => {
      const headers = { cookie, origin, 'x-gallery-token': token };
      return (await fetch(`${origin}/api/films/${made}/${action}`, { method: 'POST', headers })).status;
    };
    expect([await post('cancel'), await post('retake'), await post('join')]).toEqual([409, 404, 404]);
  });

  it.each([
    ['light', {}],
    [
      'dark, on a phone, in Chinese',
      { colorScheme: 'dark', viewport: { width: 390, height: 844 }, isMobile: true, locale: 'zh-CN' },
    ],
  ] as const)('axe-core finds nothing: %s', async (_name, options) => {
    const { page, close } = await stage.look(browser, options);
    await page.locator('.card.film video.ready').first().waitFor();
    await expectAccessible(page);
    for (const id of [made, broken]) {
      await page.goto(`${stage.gallery.origin}/?video=${id}`);
      await page.locator('dialog[open] .shots').waitFor();
      if ((await page.locator('summary').count()) > 0) await page.locator('summary').click();
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    }
    await close();
  });
});
