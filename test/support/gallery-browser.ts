/** Debian's Chromium without a window, driven by playwright-core: pages that report what they should not do. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const executablePath = PROGRAMS.find((path) => existsSync(path));
/** For the titles of tests that are skipped without it. */
export const needsChromium = executablePath === undefined ? ' [skipped: Chromium is not installed]' : '';
export const hasNoChromium = executablePath === undefined;

export function openBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error('Chromium is not installed: apt-get install chromium');
  return chromium.launch({ executablePath, args: ['--autoplay-policy=no-user-gesture-required'] });
}

export interface WatchedPage {
  readonly page: Page;
  /** Errors on the console, errors that nothing caught, and requests that left this computer. */
  readonly troubles: string[];
  close(): Promise<void>;
}

/** Each in a context of its own: no cookie is shared. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => undefined);
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && !['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) {
      troubles.push(`beyond loopback: ${request.url()}`);
    }
  });
  const close = () => context.close();
  // A page that is left open goes on drawing, beside all other tests.
  try {
    onTestFinished(close);
  } catch {
    // In a bench, which closes it itself.
  }
  return { page, troubles, close };
}

/** axe-core finds nothing that the page's state keeps from anybody. Run through the debugger: the page's policy lets no script in. */
export async function expectAccessible(page: Page): Promise<void> {
  // A transition in the middle has colours that are nobody's.
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      const isEndless = animation.effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY;
      animation[isEndless ? 'cancel' : 'finish']();
    }
  });
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe has put itself there.
    const { violations } = await (globalThis as any).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map((violation: { id: string; nodes: { html: string; failureSummary: string }[] }) => ({
      id: violation.id,
      nodes: violation.nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`),
    }));
  });
  expect(violations).toEqual([]);
}
