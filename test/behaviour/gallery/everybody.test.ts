/** The page for everybody: keyboard, phone, dark and light, both languages, and what axe-core finds. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAccessible, hasNoChromium, needsChromium, openBrowser } from '../../support/gallery-browser.ts';
import { leaveHistory } from '../../support/gallery-history.ts';
import { type GalleryStage, openGalleryStage } from '../../support/gallery-stage.ts';

describe.skipIf(hasNoChromium)(`the gallery${needsChromium}`, () => {
  let browser: Browser;
  let stage: GalleryStage;
  let history: Awaited<ReturnType<typeof leaveHistory>>;
  beforeAll(async () => {
    browser = await openBrowser();
    stage = await openGalleryStage({ generationSeconds: 600 });
    history = await leaveHistory(stage);
    const session = await stage.connect();
    await session.call('submit_video_task', { prompt: 'Being made all the while' });
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

  /** What has the focus, and whether it can be seen that it has. */
  const focused = (page: Page) =>
    page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { top, bottom } = element.getBoundingClientRect();
      return {
        name: (element.getAttribute('aria-label') ?? element.textContent ?? '').trim(),
        tag: element.localName,
        isSeen: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 && top < innerHeight && bottom > 0,
      };
    });

  describe('with the keyboard only', () => {
    it('every control is reached in order, and its focus is seen', async () => {
      const { page } = await stage.look(browser);
      await page.locator('.card').first().waitFor();
      const count = 1 + 1 + 5 + 1 + Object.keys(history).length + 1;
      const steps = [];
      for (let step = 0; step < count; step++) {
        await page.keyboard.press('Tab');
        steps.push(await focused(page));
      }
      expect(steps.filter(({ isSeen }) => !isSeen)).toEqual([]);
      expect(steps[0]).toMatchObject({ tag: 'input' });
      expect(steps[1]?.name).toBe('切换到中文');
      expect(steps.slice(2, 8).map(({ tag }) => tag)).toEqual([
        'button',
        'button',
        'button',
        'button',
        'button',
        'select',
      ]);
      expect(steps.at(8)?.name).toContain('Being made all the while');
      expect(steps.at(-1)?.name).toContain('A lighthouse in a storm');
    });

    it('a focused video plays, opens with Enter, steps with the arrows, and closes with Escape back to where it was', async () => {
      const { page } = await stage.look(browser);
      const card = page.locator('.card', { hasText: '金毛犬' });
      await card.locator('video.ready').waitFor();
      await page.locator('body').press('Tab');
      for (let step = 0; step < 30 && !(await focused(page)).name.includes('金毛犬'); step++)
        await page.keyboard.press('Tab');
      await expect
        .poll(() => card.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime))
        .toBeGreaterThan(0.1);
      await page.keyboard.press('Enter');
      const dialog = page.locator('dialog[open]');
      await dialog.getByText('金毛犬').first().waitFor();
      await page.keyboard.press('ArrowRight');
      await dialog.locator('.about > .prompt', { hasText: 'A paper boat' }).waitFor();
      await page.keyboard.press('ArrowLeft');
      await dialog.locator('.about > .prompt', { hasText: '金毛犬' }).waitFor();
      for (const name of ['Copy call', 'Copy prompt', 'Copy path', 'Open folder']) {
        for (let step = 0; step < 30 && (await focused(page)).name !== name; step++) await page.keyboard.press('Tab');
        expect(await focused(page)).toMatchObject({ name, isSeen: true });
      }
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      expect((await focused(page)).name).toContain('金毛犬');
    });
  });

  describe('on a phone', () => {
    it('nothing is wider than its 390 pixels, and every control is at least 24 pixels high', async () => {
      const { page } = await stage.look(browser, PHONE, '?q=金毛犬');
      await page.locator('.card').first().waitFor();
      const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(await widths()).toEqual([390, 390]);
      await page.locator('.card', { hasText: '金毛犬' }).locator('.prompt').tap();
      await page.locator('dialog[open]').waitFor();
      expect(await widths()).toEqual([390, 390]);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('button, input, select')]
          .filter((element) => element.getBoundingClientRect().height < 24)
          .map((element) => element.outerHTML.slice(0, 100)),
      );
      expect(small).toEqual([]);
    });

    it('a tap on the picture plays it there, and the next one opens it', async () => {
      const { page } = await stage.look(browser, PHONE, '?q=金毛犬');
      const card = page.locator('.card', { hasText: '金毛犬' });
      await card.locator('video.ready').waitFor();
      await card.locator('.picture').tap();
      await expect
        .poll(() => card.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime))
        .toBeGreaterThan(0.1);
      expect(await page.locator('dialog[open]').count()).toBe(0);
      await card.locator('.picture').tap();
      await page.locator('dialog[open]').waitFor();
    });
  });

  describe('in either language', () => {
    it('the browser’s language is taken, money and dates in its form', async () => {
      const { page } = await stage.look(browser, { locale: 'zh-CN' });
      await page.getByText('近 24 小时').waitFor();
      expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
      const latin = await page.evaluate(() =>
        [...document.querySelectorAll('header *, .badge, .what, .card .line span')]
          .filter(
            (element) => element.children.length === 0 && element.closest('[lang=en], option[value=ti2v_pro]') === null,
          )
          .map((element) => element.textContent ?? '')
          .filter((text) => /[a-z]{4,}/i.test(text)),
      );
      expect(latin).toEqual([]);
    });

    it('an error is said in Chinese, with the words of the provider as they are', async () => {
      const { page } = await stage.look(browser, { locale: 'zh-CN' }, `?video=${history.refused.id}`);
      const dialog = page.locator('dialog[open] .about');
      await dialog.getByText('提示词含有服务方认定的敏感词或受版权保护的词。').waitFor();
      await dialog.getByText('Post Text Risk: <b>not</b> passed').waitFor();
      await dialog.getByText('然后重新请求。').waitFor();
    });

    it('it is switched with a button, and stays so', async () => {
      const { page } = await stage.look(browser);
      await page.getByRole('button', { name: '切换到中文' }).click();
      await page.getByText('近 24 小时').waitFor();
      await page.reload();
      await page.getByText('近 24 小时').waitFor();
      await page.getByRole('button', { name: 'Switch to English' }).click();
      await page.getByText('Last 24 hours').waitFor();
    });
  });

  it('motion that nobody asked for stays away where the system says so', async () => {
    const { page } = await stage.look(browser, { reducedMotion: 'reduce' });
    const card = page.locator('.card', { hasText: '金毛犬' });
    await card.locator('video.ready').waitFor();
    await card.hover();
    await page.waitForTimeout(300);
    expect(await card.locator('video').evaluate((video: HTMLVideoElement) => video.paused)).toBe(true);
  });

  describe.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone, dark, in Chinese', { ...PHONE, colorScheme: 'dark', locale: 'zh-CN' }],
  ] as const)('axe-core finds nothing: %s', (_name, options) => {
    it('in the list', async () => {
      const { page, troubles, close } = await stage.look(browser, options, '?q=paper');
      await page.locator('.card').first().waitFor();
      await page.locator('video.ready').first().waitFor();
      await expectAccessible(page);
      expect(troubles).toEqual([]);
      await close();
    });

    it('in a video of each state', async () => {
      const { page, close } = await stage.look(browser, options);
      for (const { id } of Object.values(history)) {
        await page.goto(`${stage.gallery.origin}/?video=${id}`);
        await page.locator('dialog[open] .facts').waitFor();
        await expectAccessible(page);
      }
      await close();
    });

    it('where nothing matches, where it cannot be loaded, and without the link', async () => {
      const { page, close } = await stage.look(browser, options, '?q=nothing+of+the+kind');
      await page.locator('.empty button').waitFor();
      await expectAccessible(page);
      await page.route('**/api/videos*', (route) => route.fulfill({ status: 503, body: '{}' }));
      await page.reload();
      await page.locator('.empty[role=alert]').waitFor();
      await expectAccessible(page);
      await page.route('**/api/changes', (route) => route.fulfill({ status: 401, body: '' }));
      await page.reload();
      await page.locator('.notice').waitFor();
      await expectAccessible(page);
      await page.context().clearCookies();
      await page.goto(stage.gallery.origin);
      await page.getByText('Open the gallery with its link').waitFor();
      await expectAccessible(page);
      await close();
    });
  });
});
