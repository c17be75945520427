/** The gallery of the shared server: each person sees their own, behind their token; in Chromium, and with raw requests. */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNoChromium, needsChromium, openBrowser, openPage } from '../../support/gallery-browser.ts';
import { addPeople, type HttpServer, startHttp } from '../../support/http-server.ts';
import { startCommand } from '../../support/run-command.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let sandbox: Sandbox;
let server: HttpServer;
let tokens: Map<string, string>;
const tasks = new Map<string, string>();
const place = () => ({
  env: { ...workspace.environment(sandbox.url), JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.yaml') },
  workingDir: workspace.folder,
});
beforeAll(async () => {
  workspace = await makeWorkspace();
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100 });
  tokens = await addPeople(place().env, workspace.folder, ['mei'], ['yu'], ['ann', '--admin']);
  server = await startHttp(place().env, [], workspace.folder);
  for (const person of ['mei', 'yu']) {
    const params = { name: 'generate_video', arguments: { prompt: `fox of ${person}`, wait_seconds: 30 } };
    const message = { id: 1, method: 'tools/call', params };
    const { body } = await server.post(message, { authorization: `Bearer ${tokens.get(person)}` });
    tasks.set(person, body.result.structuredContent.task_id);
  }
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await workspace.remove();
});

function get(path: string, person?: string, headers: Record<string, string> = {}, method = 'GET') {
  const cookie = person === undefined ? {} : { cookie: `jimeng-gallery=${tokens.get(person) ?? person}` };
  return fetch(`${server.url}${path}`, { method, redirect: 'manual', headers: { ...cookie, ...headers } });
}
const signIn = (token: string) =>
  fetch(`${server.url}/gallery/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token }),
  });

it('without a token there is the form and nothing else', async () => {
  expect((await get('/gallery')).headers.get('location')).toBe('/gallery/');
  for (const path of ['/gallery/', '/gallery/api/overview', `/gallery/files/${tasks.get('mei')}.mp4`]) {
    const response = await get(path);
    expect([response.status, await response.text()], path).toEqual([401, expect.stringContaining('<form')]);
  }
});

it('a cookie that cannot be read is no token: there is the form, and no error in the log', async () => {
  const response = await get('/gallery/', '%zz');
  expect([response.status, await response.text()]).toEqual([401, expect.stringContaining('<form')]);
  expect(server.stderr()).not.toContain('request failed');
});

it('a right token is kept in a cookie that no script reads and no other site sends; a wrong one is not', async () => {
  const right = await signIn(tokens.get('mei') ?? '');
  expect([right.status, right.headers.get('location')]).toEqual([303, '/gallery/']);
  expect(right.headers.get('set-cookie')).toMatch(/; Path=\/gallery; HttpOnly; SameSite=Strict$/);
  for (const token of ['', 'jv_wrong', 'x; Path=/', '\r\nset-cookie: a=b', 'x'.repeat(20_000)]) {
    const wrong = await signIn(token);
    expect([wrong.status, wrong.headers.get('set-cookie')], token.slice(0, 20)).toEqual([
      token.length > 16_000 ? 413 : 401,
      null,
    ]);
  }
});

it('each person gets their own videos, files and sums, and an admin all, with whose they are', async () => {
  const shown = async (looking: string) => {
    const { items } = (await (await get('/gallery/api/videos', looking)).json()) as {
      items: { request: { prompt: string }; person?: string }[];
    };
    return items.map(({ request, person }) => [request.prompt, person]).sort();
  };
  expect(await shown('mei')).toEqual([['fox of mei', undefined]]);
  expect(await shown('yu')).toEqual([['fox of yu', undefined]]);
  expect(await shown('ann')).toEqual([
    ['fox of mei', 'mei'],
    ['fox of yu', 'yu'],
  ]);
  expect((await get(`/gallery/files/${tasks.get('mei')}.mp4`, 'mei')).status).toBe(200);
  for (const path of [`files/${tasks.get('mei')}.mp4`, `api/videos/${tasks.get('mei')}`]) {
    expect((await get(`/gallery/${path}`, 'yu')).status, path).toBe(404);
  }
});

it('the overview names no command of the server’s computer, and a sandbox that was started apart costs nothing', async () => {
  const overview = (await (await get('/gallery/api/overview', 'mei')).json()) as object;
  expect(overview).toMatchObject({ sandbox: true, isHere: false });
  expect(overview).not.toHaveProperty('command');
});

it('nothing is changed by a request that is not the person’s own page', async () => {
  const { token } = (await (await get('/gallery/api/overview', 'mei')).json()) as { token: string };
  const cancel = (person: string, headers: Record<string, string>) =>
    get(`/gallery/api/videos/${tasks.get('mei')}/cancel`, person, headers, 'POST');
  const own = { origin: server.url, 'sec-fetch-site': 'same-origin' };
  // Right in all: the task is over, so there is nothing to withdraw.
  expect((await cancel('mei', { ...own, 'x-gallery-token': token })).status).toBe(409);
  expect((await cancel('mei', own)).status).toBe(403);
  expect((await cancel('mei', { 'x-gallery-token': token })).status).toBe(403);
  expect((await cancel('mei', { ...own, 'x-gallery-token': token, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await cancel('mei', { ...own, 'x-gallery-token': token, origin: 'https://evil.example.com' })).status).toBe(
    403,
  );
  expect((await cancel('yu', { ...own, 'x-gallery-token': token })).status).toBe(403);
  const folder = get(
    `/gallery/api/videos/${tasks.get('mei')}/folder`,
    'mei',
    { ...own, 'x-gallery-token': token },
    'POST',
  );
  expect((await folder).status, 'no folder is opened on the server').toBe(404);
});

it('a revoked token ends in the browser, too, at the next request', async () => {
  for (const [name, token] of await addPeople(place().env, workspace.folder, ['lin'])) tokens.set(name, token);
  expect((await get('/gallery/', 'lin')).status).toBe(200);
  await startCommand(['serve', 'token', 'remove', 'lin'], place()).result;
  expect((await get('/gallery/', 'lin')).status).toBe(401);
});

describe.skipIf(hasNoChromium)(`in Chromium${needsChromium}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  it('a person signs in, sees the video play, and is offered nothing that needs the server’s disk', async () => {
    const { page, troubles, close } = await openPage(browser);
    await page.goto(`${server.url}/gallery`);
    await page.getByLabel(/Your token/).fill(tokens.get('mei') ?? '');
    await page.getByRole('button', { name: /Sign in/ }).click();
    await page.waitForURL(`${server.url}/gallery/`);
    await page.getByText('fox of mei').first().click();
    await page.waitForURL(`${server.url}/gallery/?video=*`);
    const dialog = page.getByRole('dialog');
    await expect
      .poll(() => dialog.locator('video').evaluate((one: HTMLVideoElement) => one.readyState))
      .toBeGreaterThan(1);
    await expect.poll(() => dialog.getByRole('button', { name: 'Copy call' }).count()).toBe(1);
    expect(await dialog.getByRole('button', { name: /folder|path/i }).count()).toBe(0);
    expect(await page.getByText('fox of yu').count()).toBe(0);
    expect(troubles.filter((trouble) => !trouble.includes('401'))).toEqual([]);
    await close();
  });

  it('an admin sees whose a video is; its person does not see a name', async () => {
    for (const [looking, names] of [
      ['ann', ['mei']],
      ['mei', []],
    ] as const) {
      const { page, close } = await openPage(browser);
      await page.context().addCookies([{ name: 'jimeng-gallery', value: tokens.get(looking) ?? '', url: server.url }]);
      await page.goto(`${server.url}/gallery/?video=${tasks.get('mei')}`);
      const facts = page.getByRole('dialog').locator('dl.facts');
      await expect.poll(() => facts.getByText(tasks.get('mei') ?? '').count()).toBe(1);
      expect(await facts.locator('div', { hasText: 'Person' }).locator('dd').allTextContents()).toEqual(names);
      await close();
    }
  });
});
