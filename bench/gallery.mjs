/**
 * The gallery's page in Chromium with 5,000 recorded videos, compared with 50: from the navigation to the first cards and to
 * their stills, a search, and the frames while it is scrolled to the end. Every record has a file of its own, a hard link to
 * one clip.
 */
import { linkSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser } from '../test/support/gallery-browser.ts';
import { recordAt, savedClip } from '../test/support/gallery-history.ts';
import { openGalleryStage } from '../test/support/gallery-stage.ts';
import { leaveRecords } from '../test/support/left-records.ts';
import { median, milliseconds, printTable, verdict } from './measure.mjs';

const [FEW, MANY] = [50, 5_000];
const ROUNDS = 5;
const TARGETS = { cards: 500, search: 500 };
/** Beside what the same machine takes with few videos: drawing without a graphics card is the most of a frame. */
const MOST_FRAME_RATIO = 1.5;
const WORDS = ['harbour', 'dunes', 'forest', 'lake', 'meadow', 'coast', 'peaks', 'aurora', 'street', 'garden'];

function recordsIn(folder, count) {
  const clip = savedClip(folder, 'clip.mp4');
  const from = Date.now() - count * 60_000;
  return Array.from({ length: count }, (_, number) => {
    const path = join(folder, `${number}.mp4`);
    linkSync(clip.file.path, path);
    const prompt = `${WORDS[number % WORDS.length]} at ${number} o'clock, slow camera movement, ${'soft light, '.repeat(number % 9)}calm`;
    return recordAt(from + number * 60_000, {
      request: { mode: 't2v_720p', prompt, duration: 5, fps: 24, notes: [] },
      video: { ...clip, file: { ...clip.file, path } },
    });
  });
}

/** Frame times while the page is scrolled by a screen every 50 ms, until the end of the list or for so long. */
async function scroll(page) {
  return await page.evaluate(async () => {
    const frames = [];
    let [last, isOver] = [performance.now(), false];
    const tick = (now) => {
      frames.push(now - last);
      last = now;
      if (!isOver) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    const end = performance.now() + 25_000;
    let [still, rows] = [0, 0];
    while (performance.now() < end && still < 20) {
      const before = scrollY;
      scrollBy(0, innerHeight * 0.9);
      await new Promise((resolve) => setTimeout(resolve, 50));
      still = scrollY === before ? still + 1 : 0;
      rows = Math.max(rows, document.querySelectorAll('.card').length);
    }
    isOver = true;
    const last60 = document.querySelector('.grid li:last-child')?.getAttribute('aria-posinset');
    frames.sort((a, b) => a - b);
    const at = (share) => frames[Math.floor(share * (frames.length - 1))];
    return {
      p50: at(0.5),
      p95: at(0.95),
      long: frames.filter((time) => time > 100).length,
      cards: rows,
      reached: Number(last60),
    };
  });
}

async function measure(count) {
  const stage = await openGalleryStage();
  const browser = await openBrowser();
  try {
    await leaveRecords(stage.workspace.stateDir, stage.sandbox, recordsIn(stage.workspace.outputDir, count));
    const figures = { paint: [], cards: [], stills: [], search: [] };
    const { page } = await stage.look(browser);
    for (let round = 0; round < ROUNDS; round++) {
      await page.goto('about:blank');
      await page.goto(`${stage.gallery.origin}/`, { waitUntil: 'commit' });
      await page.locator('.card').first().waitFor();
      figures.cards.push(await page.evaluate(() => performance.now()));
      await page.locator('video.ready').nth(5).waitFor();
      figures.stills.push(await page.evaluate(() => performance.now()));
      figures.paint.push(
        await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime),
      );
      const word = `${WORDS[round]} ${count - 10 + ((round + 10 - ((count - 10) % 10)) % 10)}`;
      const from = performance.now();
      await page.getByRole('searchbox').fill(word);
      await page.waitForFunction(
        (text) =>
          document.querySelector('.card .prompt')?.textContent.includes(text.split(' ')[0]) && location.search !== '',
        word,
      );
      figures.search.push(performance.now() - from);
      await page.getByRole('searchbox').fill('');
    }
    await page.goto(`${stage.gallery.origin}/`);
    await page.locator('.card').first().waitFor();
    const scrolled = await scroll(page);
    const { usedJSHeapSize } = await page.evaluate(() => ({ usedJSHeapSize: performance.memory.usedJSHeapSize }));
    const medians = Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, median(values)]));
    return { ...medians, ...scrolled, heap: usedJSHeapSize, cardsAfter: scrolled.cards, cards: medians.cards };
  } finally {
    await browser.close();
    await stage.close();
  }
}

const few = await measure(FEW);
const many = await measure(MANY);
const time = (name, target) => [
  milliseconds(many[name]),
  milliseconds(few[name]),
  target === undefined ? '–' : `≤ ${target} ms`,
  target === undefined ? 'reported' : verdict(many[name] <= target),
];
printTable(
  ['What', `${MANY} videos, ms`, `${FEW} videos, ms`, 'Target', ''],
  [
    ['first contentful paint', ...time('paint')],
    ['navigation → the first cards', ...time('cards', TARGETS.cards)],
    ['navigation → six stills', ...time('stills')],
    ['a search: typed → found (200 ms of it wait for the next letter)', ...time('search', TARGETS.search)],
    ['a frame while scrolling, p50', ...time('p50')],
    [
      'a frame while scrolling, p95',
      ...time('p95').slice(0, 2),
      `≤ ${MOST_FRAME_RATIO} ×`,
      verdict(many.p95 <= few.p95 * MOST_FRAME_RATIO),
    ],
  ],
);
process.stdout.write(
  `\nScrolled as fast as pages come, to video ${many.reached} of ${MANY}: never more than ${many.cardsAfter} cards in the page, ` +
    `${many.long} ${many.long === 1 ? 'frame' : 'frames'} over 100 ms, ${(many.heap / 1e6).toFixed(0)} MB of heap at the end.\n`,
);
