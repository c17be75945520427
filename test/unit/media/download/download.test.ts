/** Every fault of a download ends in the whole file or in a Problem, never in a broken video. */
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { download, retryAdvice } from '../../../../src/media/download/download.ts';
import { attemptFailureOf } from '../../../../src/media/download/failures.ts';
import { nodeFiles } from '../../../../src/system/files.ts';
import { box } from '../../../support/mp4-boxes.ts';
import {
  cutAtOnce,
  ETAG,
  FileHost,
  HALF,
  html,
  noise,
  type Step,
  serve,
  stall,
  status,
  VIDEO,
} from './download-host.ts';

let host: FileHost;
beforeEach(async () => {
  host = await FileHost.open();
});
afterEach(async () => {
  await host.close();
});

describe('a sound download', () => {
  test('is one plain request without credentials or cookies', async () => {
    await host.expectWhole();
    expect(host.requests).toHaveLength(1);
    expect(Object.keys(host.requests[0]?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
    ]);
    expect(host.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  test('without a length is whole by its own boxes, and a cut one is seen', async () => {
    host.last = serve({ sendLength: false });
    await host.expectWhole();
    host.last = (_, response) => {
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200).end(VIDEO.subarray(0, HALF));
    };
    expect(await host.sentenceOf()).toContain('not whole');
  });
});

describe('a cut connection', () => {
  test('before anything arrived is tried again', async () => {
    host.steps = [cutAtOnce, serve({ cutAt: 0 })];
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined, undefined, undefined]);
  });

  test.each([['half', HALF] as const, ['the last byte', VIDEO.length - 1] as const])(
    'at %s is resumed where it was cut, confirmed by the ETag',
    async (_, cutAt) => {
      host.steps = [serve({ cutAt })];
      await host.expectWhole();
      expect(host.ranges).toEqual([undefined, `bytes=${cutAt}-`]);
      expect(host.requests[1]?.headers['if-range']).toBe(ETAG);
    },
  );

  test.each([
    ['weak', 'W/"v1"'],
    ['missing', ''],
  ])('starts over where the ETag is %s: a date has a resolution of a second', async (_, etag) => {
    const headers = { 'last-modified': 'Sun, 22 Nov 2026 09:00:00 GMT' };
    host.steps = [serve({ etag, cutAt: HALF, headers })];
    host.last = serve({ etag, headers });
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined, undefined]);
  });

  test('starts over where the server has no Range', async () => {
    host.steps = [serve({ cutAt: HALF, ranges: false })];
    host.last = serve({ ranges: false });
    await host.expectWhole();
    expect(host.requests).toHaveLength(2);
  });

  test('starts over when the file has changed meanwhile', async () => {
    const older = Buffer.from(VIDEO).fill(0x62, 2000);
    host.steps = [serve({ cutAt: HALF, body: older, etag: '"older"' })];
    await host.expectWhole();
  });

  test.each([
    ['another start', `bytes 5-${VIDEO.length - 1}/${VIDEO.length}`, ETAG],
    ['another length', `bytes ${HALF}-${VIDEO.length}/${VIDEO.length + 1}`, ETAG],
    ['another file', `bytes ${HALF}-${VIDEO.length - 1}/${VIDEO.length}`, '"other"'],
    ['one without an ETag', `bytes ${HALF}-${VIDEO.length - 1}/${VIDEO.length}`, undefined],
  ])('starts over when the answer to Range is %s', async (_, range, etag) => {
    const wrong: Step = (_request, response) => {
      const other = Buffer.from(VIDEO).fill(0x62, HALF);
      response.writeHead(206, { 'content-range': range, ...(etag && { etag }) }).end(other.subarray(HALF));
    };
    host.steps = [serve({ cutAt: HALF }), wrong];
    await host.expectWhole();
    expect(host.ranges.at(-1)).toBeUndefined();
  });

  test('again and again is overcome as long as each attempt brings something', async () => {
    const pieces = Array.from({ length: 30 }, (_, index) =>
      serve({ cutAt: Math.ceil(((index + 1) * VIDEO.length) / 31) }),
    );
    host.steps = pieces;
    await host.expectWhole();
    expect(new Set(host.sleeps).size).toBe(1);
  });

  test('that brings nothing new each time ends in a sentence, after waits that grow', async () => {
    host.last = serve({ cutAt: HALF, ranges: false });
    expect(await host.sentenceOf()).toMatch(/127\.0\.0\.1.*0\.2 of 0\.4 MB.*the connection was cut/);
    expect(host.requests.length).toBeLessThan(12);
    expect(host.sleeps).toEqual([...host.sleeps].sort((one, other) => one - other));
  });
});

test('a file of many batches, cut again and again, has every byte in its place', async () => {
  const body = Buffer.concat([VIDEO.subarray(0, -noise.length - 8), box('mdat', Buffer.concat(Array(14).fill(noise)))]);
  host.steps = [1_048_576, 1_048_577, 2_500_001, 5_000_000].map((cutAt) => serve({ body, cutAt }));
  host.last = serve({ body });
  const { partPath } = host.requestOf();
  expect(await download(host.requestOf())).toMatchObject({ bytes: body.length });
  expect(body.equals(await readFile(partPath))).toBe(true);
  expect(host.ranges).toEqual([undefined, ...[1_048_576, 1_048_577, 2_500_001, 5_000_000].map((at) => `bytes=${at}-`)]);
});

describe('a response that is not the video', () => {
  test('of a wrong length is never taken', async () => {
    const short: Step = (_, response) =>
      void response.writeHead(200, { 'content-length': HALF }).end(VIDEO.subarray(0, HALF));
    host.steps = [short];
    await host.expectWhole();
    host.last = short;
    expect(await host.sentenceOf()).toContain('not whole');
    expect(await readdir(host.folder)).toEqual([]);
  });

  test('a longer announced length than what comes is a cut', async () => {
    const long: Step = (_, response) => {
      response.writeHead(200, { 'content-length': VIDEO.length + 10 });
      response.write(VIDEO, () => response.destroy());
    };
    host.last = long;
    await host.sentenceOf();
    expect(await readdir(host.folder)).toEqual([]);
  });

  test('HTML with 200 is refused and tried again, and does not cost the bytes that are there', async () => {
    host.steps = [html, serve({ cutAt: HALF }), html];
    await host.expectWhole();
    expect(host.ranges.at(-1)).toBe(`bytes=${HALF}-`);
    host.last = html;
    expect(await host.sentenceOf()).toContain('no MP4');
    expect(await readdir(host.folder)).toEqual([]);
  });

  test('an empty body is refused', async () => {
    host.last = serve({ body: Buffer.alloc(4) });
    expect(await host.sentenceOf()).toContain('no MP4');
  });

  test.each([403, 404, 410])(
    'HTTP %d is answered with a fresh link immediately, and the download resumed',
    async (code) => {
      host.steps = [serve({ cutAt: HALF }), status(code)];
      const { url } = await download(host.requestOf());
      expect(url).toContain('/fresh');
      expect(host.requests[2]?.url).toMatch(/^\/fresh/);
      expect(host.ranges[2]).toBe(`bytes=${HALF}-`);
    },
  );

  test('403 for fresh links as well ends in a sentence, soon', async () => {
    host.last = status(403);
    expect(await host.sentenceOf()).toContain('HTTP 403');
    expect(host.requests).toHaveLength(4);
  });

  test('an error while requesting a fresh link ends the download', async () => {
    host.last = status(403);
    const gone = new Error('expired');
    await expect(download(host.requestOf({ freshUrl: () => Promise.reject(gone) }))).rejects.toBe(gone);
  });

  test('500 twice and 429 are overcome', async () => {
    host.steps = [status(500), status(500), status(429)];
    await host.expectWhole();
    expect(host.sleeps).toHaveLength(3);
  });

  test('416 for every Range is answered by a new start', async () => {
    host.steps = [serve({ cutAt: HALF })];
    host.last = (request, response) => (request.headers.range === undefined ? serve() : status(416))(request, response);
    await host.expectWhole();
  });

  test('416 for a file that is all there is its end, else a new start', async () => {
    const whole: Step = (_, response) => {
      response.writeHead(200, { etag: ETAG });
      response.write(VIDEO, () => response.destroy());
    };
    host.steps = [whole];
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined, `bytes=${VIDEO.length}-`]);
    host.steps = [serve({ cutAt: HALF }), status(416)];
    await host.expectWhole();
  });
});

/** One stall only: undici's own timers tick once a second. */
test('a body that stalls is given up and resumed', async () => {
  host.steps = [stall(HALF)];
  await host.expectWhole({ stallMilliseconds: 60 });
  expect(host.ranges).toEqual([undefined, `bytes=${HALF}-`]);
});

test('silence is reported as the time that nothing arrived', () => {
  const silence = Object.assign(new Error(), { code: 'UND_ERR_BODY_TIMEOUT' });
  expect(attemptFailureOf(silence, 30_000)?.message).toBe('nothing arrived for 30 s');
});

test('a programming error is not repeated', () => {
  expect(attemptFailureOf(new TypeError('x is not a function'), 30_000)).toBeUndefined();
});

test('a body that drips for an hour is given up', async () => {
  host.last = (_, response) => {
    response.writeHead(200, { 'content-length': VIDEO.length });
    response.write(VIDEO.subarray(0, 1000), () => {
      host.elapsed += 3_700_000;
      setImmediate(() => response.write(VIDEO.subarray(1000, 1010)));
    });
  };
  expect(await host.sentenceOf()).toContain('too slowly');
});

describe('a host that ignores the request', () => {
  test.each([
    ['gzip', gzipSync(VIDEO)],
    ['x-gzip', gzipSync(VIDEO)],
  ])('a body compressed with %s is read', async (encoding, body) => {
    host.last = serve({ body, headers: { 'content-encoding': encoding } });
    await host.expectWhole();
    expect(host.requests).toHaveLength(1);
  });

  test('a compressed body that was cut is fetched from its start', async () => {
    const body = gzipSync(VIDEO);
    host.steps = [serve({ body, headers: { 'content-encoding': 'gzip' }, cutAt: body.length >> 1 })];
    await host.expectWhole();
    expect(host.ranges).toEqual([undefined, undefined]);
  });

  test('an encoding that nobody here reads is reported at the first response', async () => {
    host.last = serve({ headers: { 'content-encoding': 'aws-chunked' } });
    const problem = await host.problemOf();
    expect(problem.message).toContain('"aws-chunked"');
    expect([retryAdvice(problem), host.requests.length]).toEqual(['never', 1]);
  });

  test('203 is read', async () => {
    host.last = (_, response) => void response.writeHead(203, { 'content-length': VIDEO.length }).end(VIDEO);
    await host.expectWhole();
    expect(host.requests).toHaveLength(1);
  });

  test.each([204, 405, 451])('HTTP %d is reported at the first response', async (code) => {
    host.last = (_, response) => void response.writeHead(code).end();
    const problem = await host.problemOf();
    expect(problem.message).toContain(`HTTP ${code}`);
    expect([retryAdvice(problem), host.requests.length]).toEqual(['never', 1]);
  });
});

test.each([
  ['later', 500],
  ['later', 429],
  ['fresh_link', 403],
  ['fresh_link', 404],
])('what may help is said: %s after HTTP %d', async (advice, code) => {
  host.last = status(code);
  const problem = await host.problemOf();
  expect([retryAdvice(problem), problem.retryable]).toEqual([advice, true]);
});

describe('an endless body', () => {
  const endless = (announced?: number): Step => {
    return (_, response) => {
      response.writeHead(200, announced === undefined ? {} : { 'content-length': announced });
      response.write(VIDEO.subarray(0, 20));
      const filler = Buffer.alloc(4e6);
      const pump = () => {
        while (!response.destroyed && response.write(filler));
      };
      response.on('drain', pump);
      pump();
    };
  };
  /** A disk with so many bytes free, beside the part. */
  const withFree = (bytes: number) => {
    const statfs = async () => {
      const { size } = await nodeFiles.stat(host.partPath);
      return { bavail: bytes - size, bsize: 1 };
    };
    return { ...nodeFiles, statfs: statfs as unknown as typeof nodeFiles.statfs };
  };

  test('that is announced with more than 1 GB is refused before anything is written', async () => {
    host.last = endless(2e9);
    const problem = await host.problemOf();
    expect(problem.message).toMatch(/has 2000\.0 MB or more, and at most 1000\.0 MB are saved/);
    expect([retryAdvice(problem), host.requests.length]).toEqual(['never', 1]);
    expect(await readdir(host.folder)).toEqual([]);
  });

  test('is stopped before it takes the last 500 MB of the disk, with the numbers, and leaves nothing', async () => {
    host.last = endless();
    const problem = await host.problemOf({ fs: withFree(600e6) });
    expect(problem.message).toMatch(/has 5\d\d\.\d MB free, of which 500\.0 MB are left untouched/);
    expect(retryAdvice(problem)).toBe('later');
    expect(await readdir(host.folder)).toEqual([]);
  });

  test('that a small compressed one unpacks to is stopped, too', async () => {
    const body = gzipSync(Buffer.concat([VIDEO.subarray(0, 1100), Buffer.alloc(600e6)]), { level: 1 });
    const length = body.length;
    host.last = serve({ body, headers: { 'content-encoding': 'gzip' } });
    const problem = await host.problemOf({ fs: withFree(580e6) });
    expect(length).toBeLessThan(5e6);
    expect(problem.message).toContain('500.0 MB are left untouched');
  });

  test('a file as large as clips are may use what there is', async () => {
    await host.expectWhole({ fs: withFree(5e6) });
  });
});
