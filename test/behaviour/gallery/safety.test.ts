/** Who may see the gallery, and what its server refuses. Requests are written by hand where a browser would tidy them. */
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNoChromium, openBrowser, openPage } from '../../support/gallery-browser.ts';
import { leaveHistory, recordAt, savedClip } from '../../support/gallery-history.ts';
import { type GalleryStage, openGalleryStage, type RunningGallery } from '../../support/gallery-stage.ts';
import { leaveRecords } from '../../support/left-records.ts';
import { readRows } from '../../support/records.ts';

let stage: GalleryStage;
let history: Awaited<ReturnType<typeof leaveHistory>>;
let gallery: RunningGallery;
let port: string;
let cookie: string;
let token: string;
beforeAll(async () => {
  stage = await openGalleryStage();
  history = await leaveHistory(stage);
  ({ gallery } = stage);
  port = new URL(gallery.origin).port;
  cookie = await cookieOf(gallery.link);
  token = ((await (await fetch(`${gallery.origin}/api/overview`, { headers: { cookie } })).json()) as { token: string })
    .token;
});
afterAll(() => stage.close());

async function cookieOf(link: string): Promise<string> {
  const answer = await fetch(link, { redirect: 'manual' });
  expect(answer.status).toBe(200);
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** @param lines the request line and the headers, exactly as they are sent */
function raw(lines: readonly string[], to: { host?: string; port?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(Number(to.port ?? port), to.host ?? '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', ...body] = text.split('\r\n\r\n');
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body: body.join('\r\n\r\n') });
    });
    socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  });
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${gallery.origin}${path}`, { headers: { cookie, ...headers } });
const post = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${gallery.origin}${path}`, {
    method: 'POST',
    headers: { cookie, origin: gallery.origin, 'x-gallery-token': token, ...headers },
  });

describe('the link', () => {
  it('answers 200 with a cookie that no script reads, that stays with this site, and whose name holds the port', async () => {
    const answer = await fetch(gallery.link, { redirect: 'manual' });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^jimeng-gallery-${port}=[\\w-]{32}; Path=/; HttpOnly; SameSite=Strict$`)),
    ]);
    expect(await answer.text()).not.toContain(gallery.link.split('/').at(-1));
  });

  it.each(['/open/wrong', '/open/', '/open/x/y', '/'])('any other path than its own is locked: %s', async (path) => {
    const answer = await fetch(`${gallery.origin}${path}`, { redirect: 'manual' });
    expect(answer.status).toBe(401);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await answer.text()).toContain('Open the gallery with its link');
  });

  it('nothing but the page’s own files is had without the cookie', async () => {
    const paths = [
      '/api/overview',
      '/api/videos',
      '/api/changes',
      `/api/videos/${history.first.id}`,
      `/files/${history.first.id}.mp4`,
    ];
    for (const path of paths) expect([path, (await fetch(`${gallery.origin}${path}`)).status]).toEqual([path, 401]);
    const wrong = `jimeng-gallery-${port}=${'x'.repeat(32)}`;
    for (const path of paths) expect((await get(path, { cookie: wrong })).status).toBe(401);
    for (const path of ['/page.js', '/page.css', '/icon.svg'])
      expect((await fetch(`${gallery.origin}${path}`)).status).toBe(200);
  });

  it.skipIf(hasNoChromium)('clicked on a page of another site, it opens the gallery', async () => {
    const elsewhere = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end(`<a href="${gallery.link}">gallery</a>`);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.2', resolve));
    const browser = await openBrowser();
    try {
      const { page } = await openPage(browser);
      await page.goto(`http://127.0.0.2:${(elsewhere.address() as AddressInfo).port}/`);
      await page.getByRole('link').click();
      await page.waitForURL(`${gallery.origin}/`);
      await page.locator('.card').first().waitFor();
      // Out of the browser's history, too.
      await page.goBack();
      expect(page.url()).not.toContain('/open/');
    } finally {
      await browser.close();
      elsewhere.close();
    }
  });
});

describe('where a request comes from', () => {
  it.each([
    'evil.example',
    'evil.example:PORT',
    '127.0.0.1:1',
    '127.0.0.1.evil.example:PORT',
    '',
    '127.0.0.1:PORT, evil',
  ])('another Host is refused: %s', async (host) => {
    const lines = ['GET /api/overview HTTP/1.1', `Host: ${host.replace('PORT', port)}`, `Cookie: ${cookie}`];
    expect((await raw(lines)).status).toBeGreaterThanOrEqual(400);
    const entry = [`GET ${new URL(gallery.link).pathname} HTTP/1.1`, `Host: ${host.replace('PORT', port)}`];
    expect((await raw(entry)).head).not.toMatch(/set-cookie/i);
  });

  it('localhost is this computer, too', async () => {
    const lines = ['GET /api/overview HTTP/1.1', `Host: localhost:${port}`, `Cookie: ${cookie}`];
    expect((await raw(lines)).status).toBe(200);
  });

  it.each(['http://evil.example', 'null', 'https://127.0.0.1:PORT', 'http://127.0.0.1:1', 'http://localhost:PORT'])(
    'another Origin is refused: %s',
    async (origin) => {
      const headers = { origin: origin.replace('PORT', port) };
      expect((await get('/api/overview', headers)).status).toBe(403);
      expect((await post(`/api/videos/${history.left.id}/cancel`, headers)).status).toBe(403);
    },
  );

  it.each(['cross-site', 'same-site'])('what a browser calls %s reads nothing', async (site) => {
    for (const path of ['/api/overview', `/files/${history.first.id}.mp4`]) {
      expect((await get(path, { 'sec-fetch-site': site })).status).toBe(403);
    }
  });

  it('an absolute-form request line is read as what it is: its own host, or refused', async () => {
    const ask = (target: string) => raw([`GET ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`]);
    expect((await ask(`http://127.0.0.1:${port}/api/overview`)).status).toBe(200);
    expect((await ask('http://evil.example/api/overview')).status).toBe(403);
    expect((await ask(`http://evil.example@127.0.0.1:${port}/api/overview`)).status).toBe(400);
    expect((await ask('//evil.example/api/overview')).status).toBe(404);
    expect((await ask('*')).status).toBe(400);
  });

  it.each([
    '/x/../api/overview',
    '/page.css/../api/overview',
    '/open/x/../../api/overview',
    '/%2e%2e/api/overview',
    '/page.css/%2E%2e/api/overview',
  ])('a path that leads to another one is judged as that: %s', async (path) => {
    const ask = (...more: string[]) => raw([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...more]);
    expect((await ask()).status).toBe(401);
    expect((await ask(`Cookie: ${cookie}`, 'Sec-Fetch-Site: cross-site')).status).toBe(403);
    expect((await ask(`Cookie: ${cookie}`)).body).toContain('"spending"');
  });

  it('on [::1] it is the same, with that address only', async () => {
    const six = await stage.startGallery('--host', '::1', '--port', '0').catch(() => undefined);
    // The first gallery's link is printed where it still runs: this one needs a store of its own.
    expect(six?.link).toBe(gallery.link);
    const other = await openGalleryStage({}, {}, ['--host', '::1']);
    try {
      const { origin, link } = other.gallery;
      expect(origin).toMatch(/^http:\/\/\[::1\]:\d+$/);
      const own = new URL(origin).port;
      const crumb = await cookieOf(link);
      expect((await fetch(`${origin}/api/overview`, { headers: { cookie: crumb } })).status).toBe(200);
      const lines = ['GET /api/overview HTTP/1.1', `Host: 127.0.0.1:${own}`, `Cookie: ${crumb}`];
      expect((await raw(lines, { host: '::1', port: own })).status).toBe(403);
    } finally {
      await other.close();
    }
  });
});

describe('what may be done', () => {
  it('a POST without the token, or with another one, does nothing', async () => {
    for (const given of ['', 'wrong', cookie]) {
      expect((await post(`/api/videos/${history.left.id}/cancel`, { 'x-gallery-token': given })).status).toBe(403);
    }
    const withoutOrigin = await fetch(`${gallery.origin}/api/videos/${history.left.id}/cancel`, {
      method: 'POST',
      headers: { cookie, 'x-gallery-token': token },
    });
    expect(withoutOrigin.status).toBe(403);
    const { item } = (await (await get(`/api/videos/${history.left.id}`)).json()) as { item: { status: string } };
    expect(item.status).toBe('queued');
  });

  it('only a queued request is withdrawn, and the slot of an unknown one is not given back', async () => {
    const slot = () => readRows(stage.workspace.stateDir).find(({ id }) => id === history.unknown.id)?.slot_until;
    expect(slot()).toBeGreaterThan(Date.now());
    expect((await post(`/api/videos/${history.unknown.id}/cancel`)).status).toBe(409);
    expect(slot()).toBeGreaterThan(Date.now());
    expect((await post(`/api/videos/${history.first.id}/cancel`)).status).toBe(409);
    expect((await post('/api/videos/jv-00000000-nnnnn/cancel')).status).toBe(404);
    expect((await post(`/api/videos/${history.left.id}/cancel`)).status).toBe(200);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is not offered', async (method) => {
    const answer = await fetch(`${gallery.origin}/api/videos/${history.first.id}`, {
      method,
      headers: { cookie, origin: gallery.origin, 'x-gallery-token': token },
    });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('a POST to anything else is not found: nothing is paid, retaken or deleted from here', async () => {
    for (const action of ['generate', 'retake', 'delete', 'submit', '']) {
      expect((await post(`/api/videos/${history.first.id}/${action}`)).status).toBe(404);
    }
    expect((await post('/api/videos')).status).toBe(404);
  });

  it('every answer has the policy: nothing from elsewhere, nothing inline, no frames', async () => {
    for (const path of [
      '/',
      '/page.js',
      '/api/overview',
      '/api/none',
      `/files/${history.first.id}.mp4`,
      '/open/wrong',
    ]) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect([path, policy]).toEqual([path, expect.stringContaining("default-src 'none'")]);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
    expect(await (await get('/')).text()).not.toMatch(/<script>|<style|style=|\son\w+=|https?:/);
  });
});

describe('files', () => {
  it.each([
    '/files/../../etc/passwd',
    '/files/..%2f..%2fetc%2fpasswd.mp4',
    '/files/%2e%2e/%2e%2e/etc/passwd',
    '/files//etc/passwd.mp4',
    '/files/..\\..\\etc\\passwd.mp4',
    '/files/ID',
    '/files/ID.mp4%00.txt',
    '/files/jv-00000000-nnnnn.mp4',
    '/files/boat.mp4',
  ])('only what a record names is served: not %s', async (path) => {
    const lines = [
      `GET ${path.replace('ID', history.first.id)} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `Cookie: ${cookie}`,
    ];
    const { status, body } = await raw(lines);
    expect(status).toBe(404);
    expect(body).not.toContain('root:');
  });

  it('a file that became a link, another kind of file or a folder is not served; one in a folder that moved is', async () => {
    const { outputDir, folder, stateDir } = stage.workspace;
    const secret = join(folder, 'secret.txt');
    writeFileSync(secret, 'a secret');
    const record = (name: string, minutes: number) =>
      recordAt(Date.now() - minutes * 60_000, { video: savedClip(outputDir, name) });
    const [linked, other, directory] = [record('linked.mp4', 3), record('other.mp4', 2), record('directory.mp4', 1)];
    const moved = recordAt(Date.now(), { video: savedClip(join(outputDir, 'moved'), 'moved.mp4') });
    const notVideo = recordAt(Date.now(), {
      video: { ...savedClip(outputDir, 'x.mp4'), file: { path: secret, bytes: 8, sha256: '' } },
    });
    await leaveRecords(stateDir, stage.sandbox, [linked, other, directory, moved, notVideo]);
    const path = (name: string) => join(outputDir, name);
    rmSync(path('linked.mp4'));
    mkdirSync(join(folder, 'private'));
    writeFileSync(join(folder, 'private', 'linked.mp4'), 'somebody’s own video');
    symlinkSync(join(folder, 'private', 'linked.mp4'), path('linked.mp4'));
    rmSync(path('directory.mp4'));
    mkdirSync(path('directory.mp4'));
    renameSync(path('moved'), path('elsewhere'));
    symlinkSync(path('elsewhere'), path('moved'));
    rmSync(path('other.mp4'));
    linkSync(path('boat.mp4'), path('other.mp4'));
    const statusOf = async ({ id }: { id: string }) => (await get(`/files/${id}.mp4`)).status;
    expect(await Promise.all([linked, directory, notVideo].map(statusOf))).toEqual([404, 404, 404]);
    expect(await Promise.all([moved, other].map(statusOf))).toEqual([200, 200]);
  });

  it('is served in ranges, with a tag that follows its content', async () => {
    const path = `/files/${history.first.id}.mp4`;
    const whole = await get(path);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const size = bytes.length;
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    const part = async (range: string, headers = {}) => {
      const answer = await get(path, { range, ...headers });
      return [answer.status, answer.headers.get('content-range'), Buffer.from(await answer.arrayBuffer())];
    };
    expect(await part('bytes=10-19')).toEqual([206, `bytes 10-19/${size}`, bytes.subarray(10, 20)]);
    expect(await part('bytes=-5')).toEqual([206, `bytes ${size - 5}-${size - 1}/${size}`, bytes.subarray(-5)]);
    expect(await part(`bytes=${size - 3}-`)).toEqual([
      206,
      `bytes ${size - 3}-${size - 1}/${size}`,
      bytes.subarray(-3),
    ]);
    expect(await part(`bytes=0-${size * 9}`)).toEqual([206, `bytes 0-${size - 1}/${size}`, bytes]);
    expect((await part(`bytes=${size}-`)).slice(0, 2)).toEqual([416, `bytes */${size}`]);
    for (const odd of ['bytes=5-2', 'bytes=1-2,5-6', 'bytes=', 'lines=1-2']) expect((await part(odd))[0]).toBe(200);
    expect((await part('bytes=10-19', { 'if-range': '"other"' }))[0]).toBe(200);
    expect((await part('bytes=10-19', { 'if-range': whole.headers.get('etag') }))[0]).toBe(206);
    const head = await fetch(`${gallery.origin}${path}`, { method: 'HEAD', headers: { cookie } });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
  });

  it('what is asked for wrongly is said to be wrong, with what is right', async () => {
    for (const query of ['mode=t2v_4k', 'state=lost', 'after=../x', 'ids=a,b']) {
      const answer = await get(`/api/videos?${query}`);
      expect([query, answer.status]).toEqual([query, 400]);
      expect(await answer.json()).toMatchObject({
        error: { code: 'invalid_input', hint: expect.stringMatching(/^use /) },
      });
    }
  });
});
