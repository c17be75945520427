/** People who share a server see, join, pay and stop what is their own; an admin sees all. Through the tools. */
import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type App, createApp } from '../../../src/app.ts';
import { systemClock } from '../../../src/clock.ts';
import type { RemoteCaller } from '../../../src/library/library.ts';
import { silentLog } from '../../../src/log.ts';
import { completeTaskId, readResource } from '../../../src/mcp/resources.ts';
import { ToolService } from '../../../src/mcp/tool-service.ts';
import { readSettings } from '../../../src/settings.ts';
import { FilmApi } from '../../../src/web/film-api.ts';
import { GalleryApi } from '../../../src/web/gallery-api.ts';
import { callInProcess } from '../../support/call-tool.ts';
import { ffmpegPath, hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../support/sandbox.ts';

const MEI: RemoteCaller = { kind: 'remote-agent', person: 'mei', isAdmin: false };
const YU: RemoteCaller = { kind: 'remote-agent', person: 'yu', isAdmin: false };
const ADMIN: RemoteCaller = { kind: 'remote-agent', person: 'ann', isAdmin: true };
const NEVER_MADE = 'jv-00000000-aaaaa';
const NO_FILM = 'jf-00000000-aaaaa';
const PROMPT = 'a red fox in the snow';

// biome-ignore lint/suspicious/noExplicitAny: whatever the report holds is looked at
type Answered = any;

let folder: string;
let sandbox: Sandbox;
let app: App;

async function start(options: SandboxOptions = {}, environment: Record<string, string> = {}): Promise<void> {
  sandbox = await startSandbox({ generationSeconds: 0.05, asProvider: true, ...options });
  const { accessKeyId, secretAccessKey } = sandbox.credentials;
  const given = {
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_POLL_INTERVAL: '0.1',
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    ...(ffmpegPath === undefined ? {} : { JIMENG_VIDEO_FFMPEG: ffmpegPath }),
    VOLC_ACCESSKEY: accessKeyId,
    VOLC_SECRETKEY: secretAccessKey,
    ...environment,
  };
  const read = readSettings({ environment: given, homeDir: folder, workingDir: folder, platform: 'linux' });
  app = createApp(read, silentLog);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jimeng-persons-'));
});
afterEach(async () => {
  await app.end(0);
  await sandbox.close();
  // What was begun may be writing a file still.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function call(name: string, given: object, remote?: RemoteCaller): Promise<Answered> {
  const result = await callInProcess(app, name, given, remote === undefined ? {} : { remote });
  return { ...result.structured, text: result.text };
}

const make = (remote: RemoteCaller | undefined, prompt = PROMPT, more: object = {}) =>
  call('generate_video', { prompt, ...more }, remote);
const list = (remote: RemoteCaller | undefined, more: object = {}) => call('list_video_tasks', more, remote);
const paid = () => sandbox.submits().length;
const idsIn = ({ tasks }: Answered): string[] => tasks.map(({ task_id }: Answered) => task_id);
/** With the id that it names taken out. */
const without = (id: string, { text, ...report }: Answered) =>
  JSON.parse(JSON.stringify({ ...report, text }).replaceAll(id, 'ID'));

/** What the gallery's page of this person reads. */
async function galleryOf(caller: RemoteCaller) {
  const videos = await app.service('read');
  const library = await app.library();
  const source = { videos, library, caller, keys: app, clock: systemClock, command: 'jimeng-video-mcp', isHere: false };
  const films = new FilmApi(await app.films('read'), source);
  return { films, gallery: new GalleryApi(source, 'token') };
}

describe('somebody else’s task', () => {
  it('is answered by every tool exactly as one that does not exist, and nothing is sent', async () => {
    await start();
    const { task_id: id, status, provider } = await make(MEI);
    expect(status).toBe('done');
    const sent = sandbox.requests.length;
    for (const [named, unknown] of [
      [id, NEVER_MADE],
      [provider.task_id, '7300000000000000000'],
    ] as const) {
      for (const [tool, given] of [
        ['get_video_task', (task_id: string) => ({ task_id })],
        ['get_video_task', (task_id: string) => ({ task_id, mode: 't2v_720p', wait_seconds: 0 })],
        ['get_video_task', (task_id: string) => ({ task_id, output: 'mine.mp4' })],
        ['cancel_video_task', (task_id: string) => ({ task_id })],
        ['preview_video', (video: string) => ({ video: `task:${video}` })],
        ['join_videos', (video: string) => ({ videos: [`task:${video}`, `task:${video}`] })],
        ['generate_video', (image: string) => ({ prompt: 'next', image: `task:${image}` })],
        ['generate_video', (image: string) => ({ prompt: 'next', image: `task:${image}`, dry_run: true })],
        ['generate_film', (image: string) => ({ shots: [{ prompt: 'a', image: `task:${image}` }, { prompt: 'b' }] })],
      ] as const) {
        const [others, never] = [await call(tool, given(named), YU), await call(tool, given(unknown), YU)];
        expect(without(named, others), tool).toEqual(without(unknown, never));
        expect(others.error?.code, tool).toMatch(/no_record|invalid_input|ffmpeg_missing/);
      }
    }
    expect(sandbox.requests).toHaveLength(sent);
  });

  it('is in no list, sum, count, completion or resource', async () => {
    await start({}, { JIMENG_VIDEO_DAILY_BUDGET_CNY: '50' });
    const mei = await make(MEI);
    const mine = await make(YU, 'a boat', { mode: 't2v_1080p' });
    const listed = await list(YU);
    expect(idsIn(listed)).toEqual([mine.task_id]);
    expect(listed.counts).toEqual({ done: 1, open: 0, total: 1 });
    // The account's budget would show what others spent.
    expect(listed.spent).toEqual({ last_24h_cny: 3.15, all_time_cny: 3.15, pending_cny: 0 });
    expect(listed.text).not.toContain(mei.task_id);
    const service = new ToolService(app);
    expect(await completeTaskId('jv-', service, YU)).toEqual([mine.task_id]);
    for (const id of [mei.task_id, mei.provider.task_id]) {
      expect(await readResource(`jimeng://tasks/${id}`, service, YU)).toBeUndefined();
      expect((await readResource(`jimeng://tasks/${id}`, service, MEI))?.text).toContain(mei.task_id);
    }
  });

  it('is not the newest: without an id a person gets the own one', async () => {
    await start();
    const none = await call('get_video_task', {}, YU);
    const mei = await make(MEI);
    await make(YU, 'a boat');
    expect(none).toMatchObject({ error: { code: 'no_record' }, message: expect.stringMatching(/^You have not made/) });
    expect((await call('get_video_task', {}, MEI)).task_id).toBe(mei.task_id);
  });

  it('is waited for by its own person’s list alone', async () => {
    await start({ generationSeconds: 600 });
    await call('submit_video_task', { prompt: PROMPT }, MEI);
    const startedAt = performance.now();
    const waited = await list(YU, { wait_seconds: 20, wait_for: 'all_finished' });
    expect(waited).toMatchObject({ tasks: [], changed: [], counts: { open: 0, total: 0 } });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('is neither withdrawn nor freed, and its own person can', async () => {
    await start({ generationSeconds: 600 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    await call('submit_video_task', { prompt: 'runs' }, MEI);
    const { task_id: queued } = await call('submit_video_task', { prompt: 'waits' }, MEI);
    expect((await call('cancel_video_task', { task_id: queued }, YU)).error?.code).toBe('no_record');
    expect((await call('get_video_task', { task_id: queued, wait_seconds: 0 }, MEI)).status).toBe('queued');
    expect((await call('cancel_video_task', { task_id: queued }, MEI)).status).toBe('cancelled');
  });

  it('that holds a slot with an unknown outcome is not named to those who wait for it', async () => {
    await start({ generationSeconds: 600 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    sandbox.faults.add({ on: 'submit', fault: { kind: 'cut' } });
    const lost = await make(MEI, 'lost');
    expect(lost.status).toBe('unknown');
    const { task_id } = await call('submit_video_task', { prompt: 'waits' }, YU);
    const waiting = await call('get_video_task', { task_id, wait_seconds: 0 }, YU);
    expect(waiting).toMatchObject({ status: 'queued', message: expect.stringContaining('outcome is unknown') });
    expect(JSON.stringify(waiting)).not.toContain(lost.task_id);
    expect((await call('get_video_task', { task_id, wait_seconds: 0 }, ADMIN)).message).toContain(lost.task_id);
  });
});

describe('the gallery of a person', () => {
  it('shows, finds, plays and withdraws only what is the person’s own', async () => {
    await start({ generationSeconds: 600 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    const mei = await call('submit_video_task', { prompt: PROMPT }, MEI);
    const { task_id: queued } = await call('submit_video_task', { prompt: 'waits' }, MEI);
    const yu = await call('submit_video_task', { prompt: PROMPT }, YU);
    const { gallery, films } = await galleryOf(YU);
    const shown = async (query: string) =>
      (await gallery.page(new URLSearchParams(query), films)).items.map(({ id }) => id);
    for (const query of ['', 'text=fox', 'state=running', `ids=${mei.task_id},${yu.task_id}`]) {
      expect(await shown(query)).toEqual([yu.task_id]);
    }
    expect((await gallery.overview()).counts).toEqual({ queued: 1 });
    // The same request of somebody else is no other take of it.
    expect((await gallery.detail(yu.task_id))?.takes).toEqual([]);
    for (const id of [mei.task_id, queued]) {
      expect(await gallery.detail(id)).toBeUndefined();
      expect(await gallery.fileOf(id)).toBeUndefined();
      expect(await gallery.cancel(id)).toBeUndefined();
    }
    expect(await (await galleryOf(MEI)).gallery.cancel(queued)).toBe(true);
  });
});

describe('one queue', () => {
  it('sends another person’s first request before the second one of whoever has many', async () => {
    // However slow the machine, nothing is finished before all are in the queue; then one a minute of the provider's.
    let minutes = 0;
    const now = () => Date.now() + minutes * 60_000;
    await start({ generationSeconds: 60, now }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    const submit = (prompt: string, remote: RemoteCaller) => call('submit_video_task', { prompt }, remote);
    for (const prompt of ['mei 1', 'mei 2', 'mei 3']) await submit(prompt, MEI);
    const { task_id } = await submit('yu 1', YU);
    expect((await call('get_video_task', { task_id, wait_seconds: 0 }, YU)).message).not.toContain('2 other');
    const accepted = () => {
      minutes = sandbox.accepted.length;
      return minutes;
    };
    await expect.poll(accepted).toBe(4);
    const prompts = sandbox.accepted.map(({ request: { body } }) => body?.prompt);
    expect(prompts.indexOf('yu 1')).toBeLessThan(prompts.indexOf('mei 3'));
    expect(prompts.filter((prompt) => prompt !== 'yu 1')).toEqual(['mei 1', 'mei 2', 'mei 3']);
  });
});

describe('one account', () => {
  it('joins the same request of one person, and of nobody else', async () => {
    await start();
    const first = await make(MEI);
    expect((await make(MEI)).task_id).toBe(first.task_id);
    expect(paid()).toBe(1);
    const others = [await make(YU), await make(ADMIN), await make(undefined)].map(({ task_id }) => task_id);
    expect(new Set([first.task_id, ...others]).size).toBe(4);
    expect(paid()).toBe(4);
  });

  it('shows an admin, and whoever is at this computer, everybody’s', async () => {
    await start({}, { JIMENG_VIDEO_DAILY_BUDGET_CNY: '50' });
    const [mei, yu] = [await make(MEI), await make(YU)];
    for (const remote of [ADMIN, undefined]) {
      expect(idsIn(await list(remote))).toEqual([yu.task_id, mei.task_id]);
      expect((await list(remote)).spent).toMatchObject({ all_time_cny: 2.8, budget_cny: 50, left_cny: 47.2 });
      expect((await call('get_video_task', { task_id: mei.task_id }, remote)).status).toBe('done');
      expect((await call('get_video_task', { task_id: yu.provider.task_id }, remote)).status).toBe('done');
    }
  });

  it('lets an admin alone report a task of the provider that has no record here', async () => {
    await start();
    const { provider } = await make(MEI);
    rmSync(join(folder, 'state'), { recursive: true });
    const named = { task_id: provider.task_id, mode: 't2v_720p', wait_seconds: 10 };
    const sent = sandbox.requests.length;
    for (const remote of [MEI, YU]) expect((await call('get_video_task', named, remote)).error.code).toBe('no_record');
    expect(sandbox.requests).toHaveLength(sent);
    expect((await call('get_video_task', named, ADMIN)).status).toBe('done');
    // It is the account's: of no person.
    expect((await call('get_video_task', named, MEI)).error.code).toBe('no_record');
  });

  it('takes no path of a person who is on another computer', async () => {
    await start();
    for (const image of ['/etc/hostname', './fox.png', '~/fox.png', 'file:///etc/hostname']) {
      const refused = await make(MEI, PROMPT, { image });
      expect(refused).toMatchObject({ status: 'refused', error: { code: 'image_not_allowed' } });
      expect(refused.message).toContain('reads no files by their paths');
    }
    const shots = [{ prompt: 'a' }, { prompt: 'b' }];
    expect((await call('generate_film', { shots, audio: '/etc/hostname' }, MEI)).error.code).toBe('image_not_allowed');
    const joined = await call('join_videos', { videos: ['jv-a', 'jv-b'], audio: '/etc/hostname' }, MEI);
    expect(joined.message).toContain('`audio` is a path');
    expect(paid()).toBe(0);
  });
});

describe('a budget', () => {
  const RICH: RemoteCaller = { ...MEI, budgetFen: 300 };

  it('of a person’s own stops that person, in amounts, and nobody else', async () => {
    await start({}, { JIMENG_VIDEO_DAILY_BUDGET_CNY: '50' });
    await make(YU, 'a');
    for (const prompt of ['b', 'c']) expect((await make(RICH, prompt)).status).toBe('done');
    expect((await list(RICH)).spent).toMatchObject({ all_time_cny: 2.8, budget_cny: 3, left_cny: 0.2 });
    const refused = await make(RICH, 'd');
    expect(refused).toMatchObject({ status: 'refused', error: { code: 'budget_exceeded', retryable: true } });
    expect(refused.message).toMatch(/¥2\.80 of your own daily budget of ¥3\.00.*The call can succeed from \d{4}-/);
    expect(JSON.stringify(refused)).not.toContain('JIMENG_VIDEO');
    expect((await make(RICH, 'd', { dry_run: true })).error.code).toBe('budget_exceeded');
    expect((await make(YU, 'd')).status).toBe('done');
    expect(paid()).toBe(4);
  });

  it('of the account stops everybody, and reports nothing of what others spent', async () => {
    await start({}, { JIMENG_VIDEO_DAILY_BUDGET_CNY: '3' });
    for (const prompt of ['a', 'b']) await make(YU, prompt);
    // The smaller of both, and no amount of the account's.
    expect((await list({ ...RICH, budgetFen: 2000 })).spent).toMatchObject({ budget_cny: 20, left_cny: 0.2 });
    const refused = await make(RICH, 'c');
    expect(refused).toMatchObject({ status: 'refused', error: { code: 'budget_exceeded', retryable: true } });
    expect(refused.message).toMatch(/the account.*is exhausted for now\. The call can succeed from \d{4}-/);
    expect(JSON.stringify(refused)).not.toMatch(/¥(2\.80|3\.00|0\.20)|JIMENG_VIDEO/);
    expect((await make(undefined, 'd')).message).toContain('¥2.80 of the daily budget of ¥3.00');
    expect(paid()).toBe(2);
  });

  it('holds for a film as a whole', async () => {
    await start({}, { JIMENG_VIDEO_DAILY_BUDGET_CNY: '50' });
    const film = (count: number) => ({
      shots: Array.from({ length: count }, (_, index) => ({ prompt: `s ${index}` })),
    });
    const refused = await call('generate_film', film(3), RICH);
    expect(refused.error.code).toBe('budget_exceeded');
    expect(refused.message).toContain('your own daily budget of ¥3.00');
    expect(paid()).toBe(0);
    expect((await call('generate_film', { ...film(2), dry_run: true }, RICH)).status).toBe('checked');
  });
});

describe.skipIf(hasNoFfmpeg)(`a joined video${needsFfmpeg}`, () => {
  it('is looked at and joined again by the path that its report named, by its person alone', async () => {
    await start({ clips: 'drawn' });
    const made = [await make(MEI, 'one'), await make(MEI, 'two')];
    const joined = await call('join_videos', { videos: made.map(({ task_id: id }) => id) }, MEI);
    expect(joined.status).toBe('done');
    const { path } = joined.video;
    expect(await call('preview_video', { path }, MEI)).toMatchObject({ status: 'done', video: { path } });
    const again = await call('join_videos', { videos: [path, made[0].task_id] }, MEI);
    expect(again.video.duration_seconds).toBeCloseTo(15, 0);
    for (const [tool, given] of [
      ['preview_video', { path }],
      ['join_videos', { videos: [path, path] }],
    ] as const) {
      for (const remote of [YU, ADMIN]) {
        const refused = await call(tool, given, remote);
        expect(refused, tool).toMatchObject({ status: 'refused', error: { code: 'image_not_allowed' } });
        expect(refused.next_step).toContain('the path that join_videos reported');
      }
    }
    const audio = await call('join_videos', { videos: made.map(({ task_id: id }) => id), audio: path }, MEI);
    expect(audio.error.code).toBe('image_not_allowed');
    expect(paid()).toBe(2);
  });
});

describe.skipIf(hasNoFfmpeg)(`somebody else’s film${needsFfmpeg}`, () => {
  it('is answered as one that does not exist, and an admin’s new take of it is its owner’s', async () => {
    await start({ clips: 'drawn' });
    const shots = [{ prompt: 'one' }, { prompt: 'two' }];
    const made = await call('generate_film', { shots, wait_seconds: 60 }, MEI);
    expect(made.status).toBe('done');
    const sent = sandbox.requests.length;
    for (const [tool, given] of [
      ['get_video_task', (task_id: string) => ({ task_id })],
      ['cancel_video_task', (task_id: string) => ({ task_id })],
      ['retake_shot', (film_id: string) => ({ film_id, shot: 1 })],
      ['preview_video', (video: string) => ({ video })],
      ['join_videos', (video: string) => ({ videos: [video, video] })],
    ] as const) {
      const [others, never] = [await call(tool, given(made.film_id), YU), await call(tool, given(NO_FILM), YU)];
      expect(without(made.film_id, others), tool).toEqual(without(NO_FILM, never));
    }
    expect((await list(YU)).films ?? []).toEqual([]);
    expect(sandbox.requests).toHaveLength(sent);
    expect((await list(MEI)).films).toHaveLength(1);
    const { films } = await galleryOf(YU);
    expect([(await films.list()).items, await films.detail(made.film_id), await films.fileOf(made.film_id)]).toEqual([
      [],
      undefined,
      undefined,
    ]);
    expect(await films.cancel(made.film_id)).toBeUndefined();
    expect((await (await galleryOf(MEI)).films.detail(made.film_id))?.item.id).toBe(made.film_id);

    const again = await call('generate_film', { shots, wait_seconds: 0 }, YU);
    expect(again.film_id).not.toBe(made.film_id);
    const retaken = await call('retake_shot', { film_id: made.film_id, shot: 1, seed: 7, wait_seconds: 60 }, ADMIN);
    expect(retaken.status).toBe('done');
    const take = retaken.shots[0].task_id;
    expect((await call('get_video_task', { task_id: take }, MEI)).status).toBe('done');
    expect((await call('get_video_task', { task_id: take }, YU)).error.code).toBe('no_record');
  });
});
