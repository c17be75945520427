/** What is being made moves in the page by itself. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasNoChromium, needsChromium, openBrowser } from '../../support/gallery-browser.ts';
import { recordAt } from '../../support/gallery-history.ts';
import { type GalleryStage, openGalleryStage } from '../../support/gallery-stage.ts';
import { leaveRecords } from '../../support/left-records.ts';
import { type Session, until } from '../../support/mcp-client.ts';

describe.skipIf(hasNoChromium)(`the gallery${needsChromium}`, () => {
  let browser: Browser;
  let stage: GalleryStage;
  let session: Session;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  /** Of the provider's clock, before this computer's. */
  let aheadMilliseconds: number;
  beforeEach(async () => {
    aheadMilliseconds = 0;
    const sandbox = { generationSeconds: 60, tasksInFlight: 1, now: () => Date.now() + aheadMilliseconds };
    stage = await openGalleryStage(sandbox, { JIMENG_VIDEO_CONCURRENCY: '1' });
    session = await stage.connect();
  });
  afterEach(() => stage.close());

  /** What is being made is finished. */
  function finish(): void {
    aheadMilliseconds += 60_000;
  }

  /** A video that takes about a second. */
  async function make(given: Record<string, unknown>) {
    const { length } = stage.sandbox.accepted;
    const made = session.call('generate_video', { ...given, wait_seconds: 60 });
    await until('the request at the provider', () => stage.sandbox.accepted.length > length);
    finish();
    return (await made).report;
  }

  it('a video that is submitted over MCP appears, moves to done and plays, without a reload', async () => {
    const { page, troubles } = await stage.look(browser);
    await page.getByText('No videos yet').waitFor();
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
    const { report } = await session.call('submit_video_task', { prompt: 'A paper boat on a pond' });
    await page.locator('.card.generating', { hasText: 'A paper boat on a pond' }).waitFor();
    finish();
    await session.call('get_video_task', { task_id: report.task_id, wait_seconds: 60 });
    const card = page.locator('.card.done', { hasText: 'A paper boat on a pond' });
    await card.locator('video.ready').waitFor();
    const time = () => card.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime);
    await page.mouse.move(0, 0);
    const still = await time();
    await card.hover();
    await expect.poll(time).toBeGreaterThan(still + 0.2);
    await page.mouse.move(0, 0);
    await expect.poll(time).toBeLessThan(0.01);
    await card.click();
    const playing = () => page.locator('dialog video').evaluate((video: HTMLVideoElement) => video.currentTime);
    await expect.poll(playing).toBeGreaterThan(0.2);
    expect(await page.evaluate(() => 'isSamePage' in globalThis)).toBe(true);
    expect(troubles).toEqual([]);
  });

  it('a record that is written while the list is on its way appears, too', async () => {
    const { page } = await stage.look(browser);
    const [answered, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await page.route(/\/api\/videos\b/, async (route) => {
      const response = await route.fetch();
      answered.resolve();
      await released.promise;
      await route.fulfill({ response });
    });
    let overviews = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/api/overview')) overviews += 1;
    });
    await page.reload();
    await answered.promise;
    // It is read with the page, when the connection for changes is made, and with each change.
    await until('the page to be connected', () => overviews >= 2);
    const before = overviews;
    await leaveRecords(stage.workspace.stateDir, stage.sandbox, [recordAt(Date.now(), { status: 'cancelled' })]);
    await until('the page to know of a change', () => overviews > before);
    released.resolve();
    await page.locator('.card.cancelled').waitFor();
  });

  it('the gallery itself sends nothing to pay for, whatever is looked at', async () => {
    await make({ prompt: 'A paper boat on a pond' });
    const submits = () => stage.sandbox.submits().length;
    const before = submits();
    const { page } = await stage.look(browser);
    await page.locator('.card').click();
    await page.getByRole('button', { name: 'Copy call' }).click();
    await page.getByText(/^Copied/).waitFor();
    expect(submits()).toBe(before);
  });

  it('a queued request can be withdrawn from the page, one that was sent cannot', async ({ onTestFinished }) => {
    const slow = await openGalleryStage({ generationSeconds: 600 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    onTestFinished(() => slow.close());
    const session = await slow.connect();
    await session.call('submit_video_task', { prompt: 'The first' });
    const { report } = await session.call('submit_video_task', { prompt: 'The second' });
    expect(report.status).toBe('queued');
    const { page, troubles } = await slow.look(browser);
    const queued = page.locator('.card.queued', { hasText: 'The second' });
    await queued.getByText('Waits for a free slot').waitFor();
    await page.locator('.card.generating', { hasText: 'The first' }).click();
    await page.getByText('The provider').first().waitFor();
    expect(await page.locator('dialog').getByRole('button', { name: 'Withdraw' }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await queued.click();
    await page.locator('dialog').getByRole('button', { name: 'Withdraw' }).click();
    await page.getByText('The request is withdrawn. Nothing was charged.').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.card.cancelled', { hasText: 'The second' }).waitFor();
    const { report: after } = await session.call('get_video_task', { task_id: report.task_id, wait_seconds: 0 });
    expect(after.status).toBe('cancelled');
    expect(troubles).toEqual([]);
  });

  it('the time that is left is told, from what past videos took', async () => {
    for (const number of [1, 2, 3, 4, 5]) await make({ prompt: `Before ${number}` });
    const { page } = await stage.look(browser);
    await session.call('submit_video_task', { prompt: 'With a history' });
    const card = page.locator('.card.generating', { hasText: 'With a history' });
    await expect
      .poll(() => card.locator('.line').textContent())
      .toMatch(/\d s so far · (about|under|due|longer|usually)/);
  });

  it('a page whose gallery has ended says so, and how to start it again', async () => {
    const { page } = await stage.look(browser);
    await page.getByText('No videos yet').waitFor();
    stage.gallery.child.kill('SIGINT');
    await stage.gallery.result;
    await page.getByText('The gallery is no longer running').waitFor();
    await page.getByText(/gallery$/).waitFor();
  });

  it('the copied call finds the same video again over MCP, and costs nothing', async () => {
    const report = await make({ prompt: 'Once only', seed: 3, fps: 24, aspect_ratio: '9:16' });
    const { page } = await stage.look(browser, {}, `?video=${report.task_id}`);
    await page.locator('dialog[open]').getByRole('button', { name: 'Copy call' }).click();
    await page.getByText(/^Copied/).waitFor();
    const call = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(call).toMatchObject({ prompt: 'Once only', seed: 3, aspect_ratio: '9:16' });
    const again = await session.call('generate_video', call);
    expect(again.report.task_id).toBe(report.task_id);
    expect(stage.sandbox.submits()).toHaveLength(1);
  });
});
