/**
 * Makes the pictures of the gallery in docs/ from the sandbox: `npm run screenshots`. Build first. Needs Chromium, and a font
 * with Chinese characters (Debian: chromium, fonts-wqy-zenhei).
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../src/problems.ts';
import { errorOf } from '../src/tasks/record.ts';
import { openBrowser } from '../test/support/gallery-browser.ts';
import { recordAt } from '../test/support/gallery-history.ts';
import { openGalleryStage } from '../test/support/gallery-stage.ts';
import { leaveRecords } from '../test/support/left-records.ts';
import { ageTask, rewriteRecord } from '../test/support/records.ts';
import { paintScene } from './paint-scenes.mjs';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const MAX_BYTES = 600_000;
const NAMES = { list: 'gallery.jpg', video: 'gallery-video.jpg', film: 'gallery-film.jpg', phone: 'gallery-phone.jpg' };

const FILMS = [
  {
    title: '山与海的一天',
    shots: [
      ['coast', '清晨的海岸，长浪涌上沙滩'],
      ['meadow', '正午的花田，微风拂过'],
      ['dunes', '傍晚的沙丘，影子渐长'],
    ],
  },
  {
    title: 'From dusk to dawn',
    shots: [
      ['harbour', 'Dusk over the harbour, the first lights come on'],
      ['lake', 'Night: stars over the lake, not a ripple'],
      ['aurora', 'Aurora above the frozen valley'],
      ['peaks', 'First light on the peaks, clouds drift between them'],
    ],
  },
];

const VIDEOS = [
  ['harbour', 'A harbour city at dusk, lights coming on one by one, slow push in', {}],
  ['aurora', 'Aurora over a frozen valley, time-lapse', {}],
  ['dunes', '夕阳下的沙丘，风吹起细沙，镜头缓慢横移', {}],
  ['lake', 'A mountain lake under the stars, mirror-still water, a single meteor', {}],
  ['forest', 'Morning fog in a pine forest, light shafts between the trees', {}],
  ['meadow', 'A golden retriever running through a field of sunflowers, warm afternoon sunlight', {}],
  ['coast', 'Long waves rolling onto a beach at golden hour, seen from above', {}],
  ['peaks', 'Clouds drifting between mountain peaks, aerial shot', { seed: 7 }],
  ['peaks', 'Clouds drifting between mountain peaks, aerial shot', { seed: 8 }],
];

const RUNNING = [
  'A paper boat drifting across a still pond at dawn, soft mist, gentle ripples',
  'Rain on a neon street at night, reflections in the puddles, people with umbrellas',
];

const browser = await openBrowser();
/** The provider's clock: standing still, it finishes nothing. */
let standsAt;
const stage = await openGalleryStage(
  { clips: 'drawn', generationSeconds: 0.3, now: () => standsAt ?? Date.now() },
  { JIMENG_VIDEO_DAILY_BUDGET_CNY: '50', JIMENG_VIDEO_CONCURRENCY: '1' },
);
try {
  const session = await stage.connect();
  const painter = await browser.newPage();
  const pictureOf = async (scene) => {
    const image = join(stage.workspace.workingDir, `${scene}.jpg`);
    writeFileSync(image, await paintScene(painter, scene));
    return image;
  };
  /** As if it had been made so many hours ago, and had taken as long as a real one takes. */
  const age = (id, hours) => {
    ageTask(stage.workspace.stateDir, id, hours);
    rewriteRecord(stage.workspace.stateDir, id, (record) => {
      record.acceptedAt -= hours * 3_600_000 + 96_000;
    });
  };
  const films = [];
  for (const [index, { title, shots }] of FILMS.entries()) {
    const listed = [];
    for (const [scene, prompt] of shots) listed.push({ prompt, image: await pictureOf(scene) });
    const { report } = await session.call('generate_film', { title, shots: listed, wait_seconds: 120 });
    if (report.status !== 'done') throw new Error(report.message);
    films.push(report.film_id);
    for (const { task_id: id } of report.shots) age(id, 46 - 10 * index);
  }
  const retake = { film_id: films[1], shot: 2, prompt: 'Night: a meteor over the lake, not a ripple' };
  await session.call('retake_shot', { ...retake, wait_seconds: 120 });
  const made = [];
  for (const [index, [scene, prompt, { seed }]] of VIDEOS.entries()) {
    const image = await pictureOf(scene);
    const { report } = await session.call('generate_video', {
      prompt,
      image,
      wait_seconds: 120,
      ...(seed ? { seed } : {}),
    });
    if (report.status !== 'done') throw new Error(report.message);
    age(report.task_id, 0.4 + (VIDEOS.length - 1 - index) * 2.7);
    made.push(report.task_id);
  }
  const error = { ...errorOf(new Problem('50413')), providerCode: '50413', providerText: 'Text Risk Not Pass' };
  await leaveRecords(stage.workspace.stateDir, stage.sandbox, [
    recordAt(Date.now() - 240_000, {
      status: 'failed',
      request: { mode: 't2v_720p', prompt: 'A portrait of a famous actor, close up', duration: 5, fps: 24, notes: [] },
      error,
    }),
  ]);
  standsAt = Date.now();
  for (const prompt of RUNNING) await session.call('submit_video_task', { prompt });
  mkdirSync(DOCS, { recursive: true });
  /** @param ready a selector of what has to be there */
  const shoot = async (name, options, search, ready) => {
    const { page, close } = await stage.look(
      browser,
      { timezoneId: 'UTC', reducedMotion: 'reduce', ...options },
      search,
    );
    await page.locator(ready).first().waitFor();
    await page.waitForFunction(() =>
      [...document.querySelectorAll('video')].every(({ readyState }) => readyState >= 2),
    );
    // They are faded in.
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: join(DOCS, name), type: 'jpeg', quality: 84 });
    await close();
  };
  const wide = { viewport: { width: 1280, height: 800 } };
  await shoot(NAMES.list, { ...wide, colorScheme: 'light' }, '', 'video.ready');
  await shoot(NAMES.video, { ...wide, colorScheme: 'dark' }, `?video=${made[7]}`, 'dialog video');
  await shoot(NAMES.film, { ...wide, colorScheme: 'light' }, `?video=${films[1]}`, 'dialog .shot video.ready');
  const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 1.5 };
  await shoot(
    NAMES.phone,
    { ...phone, colorScheme: 'dark', locale: 'zh-CN', timezoneId: 'Asia/Shanghai' },
    '',
    'video.ready',
  );
} finally {
  await browser.close();
  await stage.close();
}

const sizes = Object.values(NAMES).map((name) => ({ name, bytes: statSync(join(DOCS, name)).size }));
for (const { name, bytes } of sizes) process.stdout.write(`docs/${name}: ${Math.round(bytes / 1000)} kB\n`);
if (sizes.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_BYTES) throw new Error(`together over ${MAX_BYTES} bytes`);
