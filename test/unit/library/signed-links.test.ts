/** Links to videos of a shared folder: who may fetch what, and for how long. */
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { SignedLinks } from '../../../src/library/signed-links.ts';
import { answerVideo } from '../../../src/web/shared-videos.ts';

const DAY = 24 * 3600_000;
const VIDEO = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251));
let folder: string;
let server: Server;
let base: URL;
let begun = 0;
let passed = 0;
const clock: Clock = { ...systemClock, now: () => begun + passed };
const host = () => new SignedLinks({ folder, base, clock });

beforeEach(async () => {
  begun = Date.now();
  passed = 0;
  folder = await mkdtemp(join(tmpdir(), 'shared-videos-'));
  await writeFile(join(folder, 'a dog 狗.mp4'), VIDEO);
  await writeFile(join(folder, 'outside.txt'), 'not a video');
  await symlink(join(folder, 'outside.txt'), join(folder, 'link.mp4'));
  const paths: Record<string, string> = { 'jv-dog': 'a dog 狗.mp4', 'jv-gone': 'gone.mp4', 'jv-link': 'link.mp4' };
  const pathOf = async (owner: string) => paths[owner] && join(folder, paths[owner]);
  server = createServer(async (request, response) => {
    // A host of its own for each request: nothing is kept in memory but the file's key.
    if (!(await answerVideo(request, response, { links: host(), pathOf }))) response.writeHead(421).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/app`);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});
const linkTo = async (owner = 'jv-dog') => (await host().linkOf(owner)).url;

test('a link gives the video, with its type and name, on whichever host', async () => {
  const answer = await fetch(await linkTo());
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('video/mp4');
  expect(answer.headers.get('content-disposition')).toContain(encodeURIComponent('a dog 狗.mp4'));
  expect(VIDEO.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
});

test('ranges, HEAD and an ETag work as players need them', async () => {
  const url = await linkTo();
  const part = await fetch(url, { headers: { range: 'bytes=100-199' } });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100-199/50000']);
  expect(VIDEO.subarray(100, 200).equals(Buffer.from(await part.arrayBuffer()))).toBe(true);
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '50000', '']);
  const etag = head.headers.get('etag') ?? expect.fail();
  const changed = await fetch(url, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } });
  const same = await fetch(url, { headers: { range: 'bytes=0-9', 'if-range': etag } });
  expect([changed.status, same.status]).toEqual([200, 206]);
  expect((await fetch(url, { headers: { range: 'bytes=50000-' } })).status).toBe(416);
});

test('a link ends after 7 days', async () => {
  const { url, validUntil } = await host().linkOf('jv-dog');
  expect(validUntil).toBe(Math.floor((begun + 7 * DAY) / 1000) * 1000);
  passed = 7 * DAY - 1000;
  expect((await fetch(url)).status).toBe(200);
  passed = 7 * DAY + 1000;
  expect((await fetch(url)).status).toBe(410);
});

test('a link for one video opens no other, and its time cannot be changed', async () => {
  const url = new URL(await linkTo());
  const changed = (change: (copy: URL) => void) => {
    const copy = new URL(url);
    change(copy);
    return copy;
  };
  const signature = url.searchParams.get('signature') ?? '';
  for (const wrong of [
    changed((copy) => (copy.pathname = copy.pathname.replace('jv-dog', 'jv-link'))),
    changed((copy) => copy.searchParams.set('expires', String(Number(copy.searchParams.get('expires')) + 1))),
    changed((copy) => copy.searchParams.set('signature', signature.replace(/^./, signature[0] === 'A' ? 'B' : 'A'))),
    changed((copy) => copy.searchParams.set('signature', signature.slice(0, -1))),
    changed((copy) => copy.searchParams.delete('signature')),
    changed((copy) => copy.searchParams.delete('expires')),
    changed((copy) => copy.searchParams.set('expires', 'NaN')),
  ]) {
    expect((await fetch(wrong)).status, wrong.href).toBe(403);
  }
});

test('no path is read: anything but an id is not answered, and a file that is a link is not opened', async () => {
  for (const path of ['..%2foutside.txt', 'a%20dog.mp4', '%2e%2e/outside.mp4', 'jv-dog', '']) {
    expect((await fetch(new URL(`/app/videos/${path}`, base))).status, path).toBe(421);
  }
  expect((await fetch(await linkTo('jv-link'))).status).toBe(404);
  expect((await fetch(await linkTo('jv-gone'))).status).toBe(404);
  expect((await fetch(await linkTo('jv-unknown'))).status).toBe(404);
});

test('a video cannot be changed through its link', async () => {
  for (const method of ['POST', 'PUT', 'DELETE']) expect((await fetch(await linkTo(), { method })).status).toBe(405);
});

test('hosts that start at the same time agree on one key, which only this user can read', async () => {
  const links = await Promise.all(Array.from({ length: 8 }, () => linkTo()));
  for (const url of links) expect((await fetch(url)).status).toBe(200);
  expect((await readdir(folder)).filter((name) => name.includes('links'))).toEqual(['.jimeng-video-links.key']);
  if (process.platform !== 'win32') {
    expect((await stat(join(folder, '.jimeng-video-links.key'))).mode & 0o777).toBe(0o600);
  }
});

test('a damaged key signs nothing, and says what to do', async () => {
  await writeFile(join(folder, '.jimeng-video-links.key'), 'abc');
  await expect(host().linkOf('jv-dog')).rejects.toThrow('remove it, and links are signed with a new one');
});
