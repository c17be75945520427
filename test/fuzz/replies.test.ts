/** Any reply of the provider or of an intermediary is read as no more than it states, and reported truthfully. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flawOf } from '../../bench/storm/worker.ts';
import { createApp } from '../../src/app.ts';
import { type HttpAnswer, readAnswer, readQuery, readSubmit } from '../../src/jimeng/answers.ts';
import { createLog } from '../../src/log.ts';
import { PROBLEMS } from '../../src/problems.ts';
import { readSettings } from '../../src/settings.ts';
import { callInProcess } from '../support/call-tool.ts';
import { startSandbox } from '../support/sandbox.ts';

/** `npm run fuzz` sets 10000. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 1000);
const HTTP_RUNS = Math.min(Math.ceil(RUNS / 20), 500);
const SECRET = 'cmVwbGllcywgbm90L2EgcmVhbCtrZXkgYXQgYWxsIQ==';
const TASK_ID = '7392616336519610409';

const codes = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(10000, 50412, 50429, 50430, 50500, 50400, 50215, '10000', '50413', 0, 200) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(PROBLEMS)) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
);
const texts = fc.oneof(
  fc.constantFrom(
    'Success',
    `the key ${SECRET} is wrong`,
    SECRET.replaceAll('/', '\\/'),
    '**x** [a](b)\n\n# c',
    '\u0000',
  ),
  fc.string({ unit: 'binary', maxLength: 80 }),
);
const data = fc.oneof(
  fc.record(
    {
      task_id: fc.oneof(
        fc.constantFrom<unknown>(TASK_ID, 7392616336519610, '', null, 'a b'),
        fc.jsonValue({ maxDepth: 1 }),
      ),
      status: fc.oneof(
        fc.constantFrom<unknown>('in_queue', 'generating', 'done', 'expired', 'not_found', 'reviewing', 7, null),
        texts,
      ),
      video_url: fc.oneof(
        fc.constantFrom<unknown>('', null, 7, {}, 'file:///etc/passwd', 'http://127.0.0.1:9/x'),
        texts,
      ),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const business = fc.record(
  { code: codes, data, message: texts, request_id: texts, status: codes, time_elapsed: texts },
  { requiredKeys: ['code'] },
);
const gateway = fc.record({
  ResponseMetadata: fc.record(
    {
      RequestId: texts,
      Error: fc.record({ CodeN: codes, Code: codes, Message: texts }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  ),
});
const bodies = fc.oneof(
  { weight: 5, arbitrary: business.map((body) => JSON.stringify(body)) },
  { weight: 2, arbitrary: gateway.map((body) => JSON.stringify(body)) },
  { weight: 1, arbitrary: fc.tuple(business, fc.nat(300)).map(([body, at]) => JSON.stringify(body).slice(0, at)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: texts },
);
const statuses = fc.oneof(
  fc.constantFrom(200, 200, 200, 400, 401, 403, 429, 500, 502, 504, 302),
  fc.integer({ min: 200, max: 599 }),
);
const replies: fc.Arbitrary<HttpAnswer> = fc.record({ status: statuses, text: bodies });

test(`${RUNS} replies are read without throwing, and never as more than they say`, () => {
  fc.assert(
    fc.property(replies, (reply) => {
      const read = readAnswer(reply);
      if (read === undefined) return;
      const submit = readSubmit(read);
      const query = readQuery(read);
      const taskId = read.data?.task_id;
      // Refused says "nothing was charged": never of a reply that names a task, or that came with HTTP 5xx or 3xx.
      if (typeof taskId === 'string' && taskId !== '') expect(submit?.kind ?? 'accepted').toBe('accepted');
      if (reply.status >= 500 || (reply.status >= 300 && reply.status < 400)) expect(submit).toBeUndefined();
      if (submit?.kind === 'accepted') expect([read.code, submit.providerTaskId]).toEqual(['10000', taskId]);
      if (query.kind === 'done') expect([read.code, read.data?.video_url]).toEqual(['10000', query.url]);
      if (query.kind === 'failed' || query.kind === 'blocked') expect(query.problem.message).not.toBe('');
      // A garbled link is no word that there is no video.
      const link = read.data?.video_url;
      if (typeof link === 'number' && read.code === '10000') expect(query.kind).not.toBe('failed');
    }),
    { numRuns: RUNS },
  );
});

test.each([
  ['a garbled code', 200, { code: 'garbled', data: { task_id: TASK_ID } }],
  ['a code that nobody knows, and no error status', 200, { code: 12345, data: null }],
  ['an error code beside a task id', 400, { code: 50412, data: { task_id: TASK_ID } }],
])('a submit answered with %s may have been charged', (_what, status, body) => {
  const read = readAnswer({ status, text: JSON.stringify(body) });
  expect(read && readSubmit(read)).toBeUndefined();
});

test.each([5, { url: 'x' }, ['x'], true])('a finished task whose link is %j is asked for again', (link) => {
  const text = JSON.stringify({ code: 10000, data: { status: 'done', video_url: link } });
  const read = readAnswer({ status: 200, text });
  expect(read && readQuery(read)).toMatchObject({ kind: 'done_without_link', problem: { code: 'no_video' } });
});

test(`${HTTP_RUNS} replies over HTTP, to submits and queries, end in reports that are whole and hold no secret`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-replies-'));
  const sandbox = await startSandbox({
    credentials: { accessKeyId: 'AKLTreplies', secretAccessKey: SECRET },
    generationSeconds: 3600,
    tasksInFlight: 100_000,
    requestsPerSecond: 1_000_000,
  });
  const environment = {
    VOLC_ACCESSKEY: 'AKLTreplies',
    VOLC_SECRETKEY: SECRET,
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    JIMENG_VIDEO_POLL_INTERVAL: '0.02',
    JIMENG_VIDEO_CONCURRENCY: '100',
  };
  const log = createLog('silent');
  const open = (state: number) => {
    const given = { ...environment, JIMENG_VIDEO_STATE_DIR: join(folder, `state-${state}`) };
    const read = readSettings({ environment: given, homeDir: folder, workingDir: folder, platform: process.platform });
    return createApp(read, log);
  };
  // A state folder of its own every 20 runs: unknown outcomes hold their slots for ten minutes.
  let app = open(0);
  let run = 0;
  try {
    await fc.assert(
      fc.asyncProperty(replies, fc.boolean(), async (reply, isSubmit) => {
        run++;
        if (run % 20 === 0) {
          await app.end(5000);
          app = open(run);
        }
        sandbox.faults.clear();
        const fault = { kind: 'raw', status: reply.status, body: reply.text } as const;
        sandbox.faults.add(isSubmit ? { on: 'submit', fault } : { on: 'query', fault, times: 'always' });
        const asked = { prompt: `reply ${run}`, allow_duplicate: true };
        const submitted = await callInProcess(app, 'submit_video_task', asked);
        const id = submitted.structured.task_id;
        expect(id, JSON.stringify(submitted.structured)).toBeTypeOf('string');
        const got = await callInProcess(app, 'get_video_task', { task_id: id, wait_seconds: 0.06 });
        for (const answer of [submitted, got]) {
          expect(flawOf({ ...answer, rpcError: undefined })).toBeUndefined();
          const reported = JSON.stringify(answer);
          expect(reported).not.toContain(SECRET);
          expect(reported).not.toContain(SECRET.slice(4, 30));
        }
        // The last word on a task is only what the provider said of it.
        if (!isSubmit && got.structured.status === 'failed') {
          const read = readAnswer(reply);
          expect(read && readQuery(read).kind).toBe('failed');
        }
      }),
      { numRuns: HTTP_RUNS, endOnFailure: true },
    );
  } finally {
    await app.end(5000);
    await sandbox.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}, 600_000);
