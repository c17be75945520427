/** Searching and filtering, by hand and by address; what a video that is open shows. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNoChromium, needsChromium, openBrowser } from '../../support/gallery-browser.ts';
import { HOSTILE_PROMPT, leaveHistory } from '../../support/gallery-history.ts';
import { type GalleryStage, openGalleryStage } from '../../support/gallery-stage.ts';
import { until } from '../../support/mcp-client.ts';

describe.skipIf(hasNoChromium)(`the gallery${needsChromium}`, () => {
  let browser: Browser;
  let stage: GalleryStage;
  let history: Awaited<ReturnType<typeof leaveHistory>>;
  beforeAll(async () => {
    browser = await openBrowser();
    stage = await openGalleryStage();
    history = await leaveHistory(stage);
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  const promptsOf = (page: Page) => page.locator('.card > .prompt').allTextContents();

  it('words are searched for while they are typed, stay in the address, and are there after a reload', async () => {
    const { page } = await stage.look(browser);
    const search = page.getByRole('searchbox');
    const isFocused = () => search.evaluate((input) => input === document.activeElement);
    // The page listens for the key a moment after it is drawn.
    await until('the search to have the focus', async () => {
      await page.keyboard.press('/');
      return await isFocused();
    });
    await page.keyboard.type('POND paper');
    await expect.poll(() => promptsOf(page)).toEqual(['A paper boat on a pond', 'A paper boat on a pond']);
    await expect.poll(() => new URL(page.url()).search).toBe('?q=POND+paper');
    await page.reload();
    await expect.poll(() => promptsOf(page)).toHaveLength(2);
    expect(await search.inputValue()).toBe('POND paper');
    await search.fill('金毛犬');
    await expect.poll(() => promptsOf(page)).toEqual(['一只金毛犬在向日葵花田里奔跑']);
  });

  it('a letter that is typed while a search begins stays', async () => {
    const { page } = await stage.look(browser);
    await page.evaluate(() => {
      const { history } = window;
      const replace = history.replaceState.bind(history);
      history.replaceState = (...given) => {
        history.replaceState = replace;
        replace(...given);
        const input = document.querySelector<HTMLInputElement>('input[type=search]');
        if (input === null) return;
        input.value += 'd';
        input.dispatchEvent(new InputEvent('input', { bubbles: true }));
      };
    });
    await page.getByRole('searchbox').fill('pon');
    await expect.poll(() => new URL(page.url()).search).toBe('?q=pond');
    expect(await page.getByRole('searchbox').inputValue()).toBe('pond');
  });

  it('state and mode are filtered together, and cleared together', async () => {
    const { page } = await stage.look(browser);
    await page.getByRole('button', { name: /^Failed/ }).click();
    await expect
      .poll(() => promptsOf(page))
      .toEqual(['A fox in the snow', 'A portrait of somebody famous', 'A lighthouse in a storm']);
    await page.getByRole('combobox').selectOption('ti2v_pro');
    await page.getByText('No video matches').waitFor();
    expect(new URL(page.url()).search).toBe('?mode=ti2v_pro&state=failed');
    await page.getByRole('button', { name: 'Clear filters' }).last().click();
    await expect.poll(() => promptsOf(page)).toHaveLength(Object.keys(history).length);
    expect(new URL(page.url()).search).toBe('');
  });

  it('a video that is open is in the address: the back button closes it, and its address opens it', async () => {
    const { page } = await stage.look(browser);
    await page.locator('.card', { hasText: '金毛犬' }).click();
    await page.locator('dialog[open]').waitFor();
    const address = page.url();
    expect(new URL(address).searchParams.get('video')).toBe(history.chinese.id);
    await page.goBack();
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await page.locator('.card').first().waitFor();
    await page.goto(address);
    await page.locator('dialog[open]', { hasText: '一只金毛犬' }).waitFor();
  });

  it('copies the call as it was made, the prompt and the path', async () => {
    const { page } = await stage.look(browser, {}, `?video=${history.first.id}`);
    const dialog = page.locator('dialog[open]');
    const read = () => page.evaluate(() => navigator.clipboard.readText());
    const copied = async (name: string) => {
      const before = await read();
      await dialog.getByRole('button', { name }).click();
      // "Copied" may still be shown from the copy before.
      await until(`another text after ${name}`, async () => (await read()) !== before);
      await page.getByText(/^Copied/).waitFor();
      return await read();
    };
    expect(JSON.parse(await copied('Copy call'))).toEqual({
      prompt: 'A paper boat on a pond',
      mode: 't2v_720p',
      duration: 5,
      fps: 24,
      seed: 7,
    });
    expect(await copied('Copy prompt')).toBe('A paper boat on a pond');
    expect(await copied('Copy path')).toBe(history.first.video?.file?.path);
  });

  it('pictures that were given as data are told as lacking', async () => {
    const { page } = await stage.look(browser, {}, `?video=${history.chinese.id}`);
    await page.getByText('Add image: pictures given as data are not kept.').waitFor();
  });

  it('other takes of the same prompt are shown, and lead to each other', async () => {
    const { page } = await stage.look(browser, {}, `?video=${history.first.id}`);
    await page.getByRole('button', { name: /Seed 8/ }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('video')).toBe(history.another.id);
    await page.getByRole('button', { name: /Seed 7/ }).waitFor();
  });

  it.each([
    ['refused', ['The prompt', 'Post Text Risk: <b>not</b> passed', 'Then request it again.', 'Nothing was charged.']],
    ['unknown', ['The answer to the request was lost', 'console', 'It may have been charged.']],
    ['unsaved', ['The video is finished, but not saved.', 'get jv-']],
    ['linkOnly', ['there is only a link', 'Copy link']],
    ['gone', ['The file no longer exists.', 'get jv-']],
    ['expired', ['12 hours']],
    ['left', ['The process that queued it has ended', 'get jv-', 'Withdraw']],
    ['withdrawn', ['Withdrawn before it was sent.']],
  ] as const)('what happened and what to do is said: %s', async (name, texts) => {
    const { page } = await stage.look(browser, {}, `?video=${history[name].id}`);
    const dialog = page.locator('dialog[open]');
    for (const text of texts) await dialog.getByText(text).first().waitFor();
  });

  it('a prompt full of HTML is a text like any other', async () => {
    const { page, troubles } = await stage.look(browser);
    const card = page.locator('.card', { hasText: 'onerror' });
    expect(await card.locator('.prompt').textContent()).toBe(HOSTILE_PROMPT);
    await card.click();
    expect(await page.locator('dialog .about > .prompt').textContent()).toBe(HOSTILE_PROMPT);
    expect(await page.locator('#app img[src="x"], #app script').count()).toBe(0);
    expect(await page.title()).toBe('Gallery · Jimeng');
    expect(troubles).toEqual([]);
  });
});
