/** The file host delivers videos as the service's does, and fails as planned. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type Dispatcher, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ASPECT_RATIOS } from '../../../src/jimeng/modes.ts';
import { CLIP_SIZES } from '../../../src/sandbox/check-image.ts';
import type { VideoFault } from '../../support/fault-plan.ts';
import { heldBytes } from '../../support/held-memory.ts';
import { CLIPS_FOLDER, type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { finishedLink, pngHeader, queryTask, submitTask, TEXT_BODY } from './signed-requests.ts';

const clock = { offset: 0 };
let sandbox: Sandbox;
beforeEach(async () => {
  clock.offset = 0;
  const now = () => Date.now() + clock.offset;
  sandbox = await startSandbox({ generationSeconds: 0, requestsPerSecond: 1000, now });
});
afterEach(() => sandbox.close());

const clip = (name: string) => readFileSync(`${CLIPS_FOLDER}${name}.mp4`);

async function get(url: string, headers: Record<string, string> = {}, method: Dispatcher.HttpMethod = 'GET') {
  const response = await request(url, { method, headers });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  return { status: response.statusCode, headers: response.headers, bytes };
}

describe('a link', () => {
  it('delivers the clip without credentials, with its length, type and ETag', async () => {
    const { status, headers, bytes } = await get(await finishedLink(sandbox));
    const expected = clip('1248x704-121');
    expect(bytes.equals(expected)).toBe(true);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(expected.length),
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      'last-modified': expect.stringMatching(/GMT$/),
    });
    expect(sandbox.requests.at(-1)).toMatchObject({ operation: 'video', answer: { status: 200 } });
  });

  it('answers HEAD without a body', async () => {
    const { status, headers, bytes } = await get(await finishedLink(sandbox), {}, 'HEAD');
    expect([status, headers['content-length'], bytes.length]).toEqual([200, String(clip('1248x704-121').length), 0]);
  });

  it('is for an hour from its query: then 403, and another query mints another', async () => {
    const taskId = await submitTask(sandbox);
    const link = async () =>
      (await queryTask(sandbox, taskId, undefined, { date: new Date(Date.now() + clock.offset) })).json.data.video_url;
    const old = await link();
    clock.offset = 3_590_000;
    expect((await get(old)).status).toBe(200);
    clock.offset = 3_602_000;
    expect((await get(old)).status).toBe(403);
    expect((await get(await link())).status).toBe(200);
  });

  it('bears no change: neither another order, nor another encoding, nor a later expiry', async () => {
    const link = await finishedLink(sandbox);
    const sorted = new URL(link);
    sorted.searchParams.sort();
    const changed = [
      sorted.href,
      link.replace('+', '%20'),
      link.replace(/expire=\d+/, 'expire=9999999999'),
      `${link}&a=1`,
    ];
    for (const url of changed) expect((await get(url)).status, url).toBe(403);
    expect((await get(link)).status).toBe(200);
  });
});

describe('ranges', () => {
  it.each([
    ['bytes=0-9', 206, 0, 10],
    ['bytes=100-', 206, 100, undefined],
    ['bytes=-7', 206, -7, undefined],
    ['bytes=5-99999999', 206, 5, undefined],
    ['bytes=0-1,5-6', 200, 0, undefined],
    ['lines=0-1', 200, 0, undefined],
  ])('%s → %i', async (range, status, start, end) => {
    const whole = clip('1248x704-121');
    const reply = await get(await finishedLink(sandbox), { range });
    const expected = whole.subarray(start, end);
    expect(reply.status).toBe(status);
    expect(reply.bytes.equals(expected)).toBe(true);
    const from = start < 0 ? whole.length + start : start;
    const described = `bytes ${from}-${from + expected.length - 1}/${whole.length}`;
    expect(reply.headers['content-range']).toBe(status === 206 ? described : undefined);
  });

  it('beyond the end → 416 with the length', async () => {
    const { length } = clip('1248x704-121');
    const reply = await get(await finishedLink(sandbox), { range: `bytes=${length}-` });
    expect([reply.status, reply.headers['content-range'], reply.bytes.length]).toEqual([416, `bytes */${length}`, 0]);
  });

  it('If-Range with another ETag gets the whole', async () => {
    const link = await finishedLink(sandbox);
    const { headers } = await get(link);
    expect((await get(link, { range: 'bytes=5-', 'if-range': String(headers.etag) })).status).toBe(206);
    expect((await get(link, { range: 'bytes=5-', 'if-range': '"other"' })).status).toBe(200);
  });
});

describe('the clips', () => {
  it('are one for each size and length, an MP4 ready to stream, 1 MB together at most', () => {
    const expected = Object.values(CLIP_SIZES).flatMap((row) =>
      Object.values(row).flatMap(([width, height]) => [121, 241].map((frames) => `${width}x${height}-${frames}.mp4`)),
    );
    const folder = CLIPS_FOLDER;
    expect(readdirSync(folder).sort()).toEqual(expected.sort());
    expect(expected.reduce((sum, name) => sum + statSync(folder + name).size, 0)).toBeLessThan(1_000_000);
    for (const name of expected) {
      const bytes = readFileSync(folder + name);
      const [, width, height, frames] = /(\d+)x(\d+)-(\d+)/.exec(name)?.map(Number) ?? [];
      expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
      expect(bytes.indexOf('moov'), 'faststart').toBeLessThan(bytes.indexOf('mdat'));
      const avc1 = bytes.indexOf('avc1', bytes.indexOf('stsd'));
      expect([bytes.readUInt16BE(avc1 + 28), bytes.readUInt16BE(avc1 + 30)]).toEqual([width, height]);
      const stsz = bytes.indexOf('stsz');
      expect(bytes.readUInt32BE(stsz + 12), 'frames').toBe(frames);
      expect(bytes.includes('soun'), 'sound').toBe(false);
    }
  });

  it.each(ASPECT_RATIOS)('text modes give the size of %s, in 720P, 1080P and Pro, for both lengths', async (ratio) => {
    const bodies = [
      ['jimeng_t2v_v30', '720P', 241],
      ['jimeng_t2v_v30_1080p', '1080P', 121],
      ['jimeng_ti2v_v30_pro', '1080P', 241],
    ] as const;
    for (const [reqKey, row, frames] of bodies) {
      const link = await finishedLink(sandbox, { req_key: reqKey, prompt: 'a', aspect_ratio: ratio, frames });
      const [width, height] = CLIP_SIZES[row][ratio];
      expect((await get(link)).bytes.equals(clip(`${width}x${height}-${frames}`))).toBe(true);
    }
  });

  it('an image mode has the ratio nearest to the first image, 16:9 for a URL', async () => {
    const image = { req_key: 'jimeng_i2v_first_v30', prompt: 'a' };
    const portrait = { ...image, binary_data_base64: [pngHeader(600, 1000).toString('base64')] };
    expect((await get(await finishedLink(sandbox, portrait))).bytes.equals(clip('704x1248-121'))).toBe(true);
    const linked = { ...image, image_urls: ['https://example.com/a.jpg'] };
    expect((await get(await finishedLink(sandbox, linked))).bytes.equals(clip('1248x704-121'))).toBe(true);
  });
});

describe('faults', () => {
  const whole = () => clip('1248x704-121');
  async function getUnder(fault: VideoFault, headers: Record<string, string> = {}) {
    const link = await finishedLink(sandbox);
    sandbox.faults.add({ on: 'video', fault });
    return get(link, headers);
  }
  /** @param patience how long nothing may come after the first bytes */
  async function bytesBeforeEnd(fault: VideoFault, patience?: number) {
    const link = await finishedLink(sandbox);
    sandbox.faults.add({ on: 'video', fault });
    const end = new AbortController();
    const response = await request(link, { signal: end.signal });
    let bytes = 0;
    try {
      for await (const chunk of response.body) {
        if (bytes === 0 && patience !== undefined) {
          setTimeout(() => end.abort(new DOMException('nothing comes', 'TimeoutError')), patience);
        }
        bytes += (chunk as Buffer).length;
      }
    } catch (error) {
      return { bytes, broken: true, by: (error as Error).name };
    }
    return { bytes, broken: false, by: undefined };
  }

  it('any status, an HTML page with 200, a redirect and a loop', async () => {
    expect((await getUnder({ kind: 'status', status: 503 })).status).toBe(503);
    const page = await getUnder({ kind: 'html' });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html']);
    const moved = await getUnder({ kind: 'redirect', location: 'http://127.0.0.1:9/x' });
    expect([moved.status, moved.headers.location]).toEqual([302, 'http://127.0.0.1:9/x']);
    const looping = await finishedLink(sandbox);
    sandbox.faults.add({ on: 'video', fault: { kind: 'redirect' } });
    expect(sandbox.url + (await get(looping)).headers.location).toBe(looping);
  });

  it('cut at a byte, and stalled at a byte', async () => {
    expect(await bytesBeforeEnd({ kind: 'cut', atByte: 1000 })).toMatchObject({ bytes: 1000, broken: true });
    expect(await bytesBeforeEnd({ kind: 'cut', atByte: 0 })).toMatchObject({ bytes: 0, broken: true });
    const stalled = await bytesBeforeEnd({ kind: 'stall', atByte: 500 }, 100);
    expect(stalled, 'ended by the client').toEqual({ bytes: 500, broken: true, by: 'TimeoutError' });
  });

  it('no ranges: the whole with 200', async () => {
    const reply = await getUnder({ kind: 'no-range' }, { range: 'bytes=5-' });
    expect([reply.status, reply.bytes.length, reply.headers['accept-ranges']]).toEqual([
      200,
      whole().length,
      undefined,
    ]);
  });

  it('a Content-Length that is too long breaks off; one that is too short loses the rest', async () => {
    const { length } = whole();
    expect(await bytesBeforeEnd({ kind: 'wrong-length', difference: 10 })).toMatchObject({
      bytes: length,
      broken: true,
    });
    const short = await bytesBeforeEnd({ kind: 'wrong-length', difference: -10 });
    expect(short.bytes).toBe(length - 10);
  });

  it('slow: the right file, later', async () => {
    const start = performance.now();
    expect((await getUnder({ kind: 'slow', milliseconds: 40 })).bytes.length).toBe(whole().length);
    expect(performance.now() - start).toBeGreaterThanOrEqual(38);
  });

  it('a huge file begins like an MP4, has every byte, and is held nowhere', async () => {
    const bytes = 200 * 1024 * 1024;
    const before = heldBytes();
    expect(await bytesBeforeEnd({ kind: 'huge', bytes })).toMatchObject({ bytes, broken: false });
    expect(heldBytes() - before).toBeLessThan(60 * 1024 * 1024);
    const part = await getUnder({ kind: 'huge', bytes }, { range: 'bytes=4-11' });
    expect(part.bytes.toString('latin1')).toBe('ftypmp42');
    expect(part.headers['content-range']).toBe(`bytes 4-11/${bytes}`);
  });
});

it('a link that was signed with another secret is a 403', async () => {
  const other = await startSandbox({ generationSeconds: 0, credentials: { accessKeyId: 'A', secretAccessKey: 'B' } });
  const link = (await finishedLink(other, TEXT_BODY)).replace(other.url, sandbox.url);
  expect((await get(link)).status).toBe(403);
  await other.close();
});
