/** Every planned fault does to the client what its name says, and leaves the task that it says. */
import { setTimeout as pass } from 'node:timers/promises';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUSINESS_CODES, GATEWAY_CODES } from '../../../src/sandbox/answers.ts';
import type { ApiFault } from '../../support/fault-plan.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { freshAgent, post, queryTask, submitTask, TEXT_BODY } from './signed-requests.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ generationSeconds: 0, requestsPerSecond: 1000, tasksInFlight: 1000 });
});
afterEach(() => sandbox.close());

/** What a submit, or the query of a finished task, gets under one fault. */
async function submitUnder(fault: ApiFault) {
  sandbox.faults.add({ on: 'submit', fault });
  return post(sandbox, TEXT_BODY);
}
async function queryUnder(fault: ApiFault) {
  const taskId = await submitTask(sandbox);
  sandbox.faults.add({ on: 'query', fault });
  return queryTask(sandbox, taskId);
}
async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = (await promise.then(
    () => expect.unreachable('an answer came'),
    (reason: unknown) => reason,
  )) as Error & { code?: string };
  return `${error.name} ${error.code ?? ''}`;
}

describe('refusals', () => {
  it('every business code comes with its HTTP status and message, and leaves no task', async () => {
    for (const [code, [status, message]] of Object.entries(BUSINESS_CODES)) {
      const reply = await submitUnder({ kind: 'business', code: Number(code) });
      expect(reply.status).toBe(status);
      expect(reply.json).toEqual({
        code: Number(code),
        data: null,
        message,
        request_id: expect.any(String),
        status: Number(code),
      });
    }
    expect(sandbox.accepted).toEqual([]);
  });

  it('every gateway code comes with its HTTP status and number', async () => {
    for (const [code, [status, number]] of Object.entries(GATEWAY_CODES)) {
      const reply = await queryUnder({ kind: 'gateway', code });
      expect(reply.status).toBe(status);
      expect(reply.json.ResponseMetadata.Error).toMatchObject({ Code: code });
      expect(reply.json.ResponseMetadata.Error.CodeN).toBe(number);
    }
  });

  it('a business number in the gateway shape, a code that nobody knows, and a 504 with the task made', async () => {
    expect(await submitUnder({ kind: 'gateway', code: '50429' })).toMatchObject({
      status: 429,
      json: { ResponseMetadata: { Error: { Code: '50429' } } },
    });
    expect(await submitUnder({ kind: 'business', code: 59999, message: 'New' })).toMatchObject({
      status: 400,
      json: { code: 59999, message: 'New' },
    });
    const late = { kind: 'gateway', code: 'InternalServiceTimeout', moment: 'after-acceptance' } as const;
    expect((await submitUnder(late)).status).toBe(504);
    expect(sandbox.accepted.length).toBe(1);
  });

  it('a page of a proxy is HTML and has nothing of the sandbox in it', async () => {
    const reply = await submitUnder({ kind: 'html', status: 502 });
    expect([reply.status, reply.headers['content-type']]).toEqual([502, 'text/html']);
    expect(reply.headers['x-jimeng-sandbox']).toBeUndefined();
    expect(reply.text).toContain('<h1>502</h1>');
  });

  it('a raw answer goes as it is written; a redirect names its place', async () => {
    const raw = await submitUnder({ kind: 'raw', status: 202, headers: { 'x-a': 'b' }, body: 'later' });
    expect([raw.status, raw.headers['x-a'], raw.text]).toEqual([202, 'b', 'later']);
    const moved = await submitUnder({ kind: 'redirect', status: 307, location: 'http://127.0.0.1:9/' });
    expect([moved.status, moved.headers.location]).toEqual([307, 'http://127.0.0.1:9/']);
  });
});

describe('connections', () => {
  it('cut before acceptance: no answer and no task', async () => {
    expect(await failureOf(submitUnder({ kind: 'cut' }))).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
    expect(sandbox.accepted).toEqual([]);
    expect(sandbox.requests[0]?.answer).toBeUndefined();
  });

  it('cut after acceptance: no answer, and a task', async () => {
    expect(await failureOf(submitUnder({ kind: 'cut', moment: 'after-acceptance', reset: true }))).toMatch(
      /ECONNRESET|SOCKET/,
    );
    expect(sandbox.accepted.length).toBe(1);
    expect((await queryTask(sandbox, sandbox.accepted[0]?.taskId ?? '')).json.data.status).toBe('done');
  });

  it('never: silence until the client goes', async () => {
    const dispatcher = freshAgent();
    sandbox.faults.add({ on: 'submit', fault: { kind: 'never', moment: 'after-acceptance' } });
    const patience = new AbortController();
    const sent = failureOf(post(sandbox, TEXT_BODY, { dispatcher, signal: patience.signal }));
    while (sandbox.accepted.length === 0) await pass(5);
    expect(await Promise.race([sent, pass(60, 'silence')])).toBe('silence');
    patience.abort(new DOMException('given up', 'TimeoutError'));
    expect(await sent).toMatch(/^TimeoutError/);
    expect(sandbox.accepted.length).toBe(1);
    await dispatcher.destroy();
  });

  it('slow: the right answer, later', async () => {
    const start = performance.now();
    const reply = await submitUnder({ kind: 'slow', milliseconds: 40 });
    expect(performance.now() - start).toBeGreaterThanOrEqual(38);
    expect(reply.json.code).toBe(10000);
  });

  it('a body that is shorter than its Content-Length', async () => {
    expect(await failureOf(submitUnder({ kind: 'truncated', how: 'short-body' }))).toMatch(/UND_ERR/);
    expect(sandbox.accepted.length).toBe(1);
  });
});

describe('answers that are not what they should be', () => {
  it('half a JSON in a whole answer', async () => {
    const reply = await submitUnder({ kind: 'truncated', how: 'cut-json' });
    expect([reply.status, reply.json]).toEqual([200, undefined]);
    expect(reply.text).toMatch(/^\{"code":10000/);
  });

  it('any place can have the wrong type, or be gone', async () => {
    const submit = async (path: string, value?: unknown) =>
      (await submitUnder({ kind: 'wrong-type', path, value })).json;
    expect(await submit('code', '10000')).toMatchObject({ code: '10000' });
    expect(await submit('data', [])).toMatchObject({ data: [] });
    expect(await submit('data.task_id', null)).toMatchObject({ data: { task_id: null } });
    expect(await submit('status')).not.toHaveProperty('status');
  });

  it('accepted without an id, or with one that a double cannot hold', async () => {
    expect((await submitUnder({ kind: 'no-task-id' })).json).toMatchObject({ code: 10000, data: {} });
    const { text } = await submitUnder({ kind: 'numeric-task-id' });
    expect(sandbox.accepted.length).toBe(2);
    expect(text).toContain(`"task_id":${sandbox.accepted[1]?.taskId}}`);
  });

  it('done without a link, done with a failing code, and any word as a state', async () => {
    const empty = await queryUnder({ kind: 'done-without-url' });
    expect(empty.json).toMatchObject({ code: 10000, data: { status: 'done', video_url: '' } });
    const failed = await queryUnder({ kind: 'done-with-code', code: 50516, httpStatus: 200 });
    expect([failed.status, failed.json.code, failed.json.data.status]).toEqual([200, 50516, 'done']);
    expect((await queryUnder({ kind: 'done-with-code', code: 50516 })).status).toBe(400);
    for (const word of ['expired', 'not_found', 'resting']) {
      expect((await queryUnder({ kind: 'status-word', word })).json.data.status).toBe(word);
    }
  });

  it('a link whose & are escapes is the same link', async () => {
    const { text, json } = await queryUnder({ kind: 'escaped-url' });
    expect(text).not.toContain('&');
    expect(text).toContain('\\u0026signature=');
    expect((await request(json.data.video_url, { method: 'HEAD' })).statusCode).toBe(200);
  });
});

describe('the plan', () => {
  it('hits as often, as late and where it says, one rule a request, and then no more', async () => {
    const busy = { kind: 'business', code: 50429 } as const;
    sandbox.faults.add({ on: 'submit', skip: 1, times: 2, fault: busy });
    sandbox.faults.add({ on: 'submit', reqKey: 'jimeng_t2v_v30_1080p', fault: { kind: 'business', code: 50400 } });
    sandbox.faults.add({
      on: 'submit',
      when: ({ body }) => body?.seed === 7,
      fault: { kind: 'business', code: 50500 },
    });
    const code = async (body: object = TEXT_BODY) => (await post(sandbox, body)).json.code;
    expect([await code(), await code(), await code(), await code()]).toEqual([10000, 50429, 50429, 10000]);
    expect(sandbox.faults.pending.length).toBe(2);
    expect(await code({ ...TEXT_BODY, req_key: 'jimeng_t2v_v30_1080p' })).toBe(50400);
    expect([await code({ ...TEXT_BODY, seed: 7 }), await code({ ...TEXT_BODY, seed: 7 })]).toEqual([50500, 10000]);
    expect(sandbox.faults.pending).toEqual([]);
  });

  it('is not spent on a request that is refused anyway', async () => {
    sandbox.faults.add({ on: 'submit', fault: { kind: 'cut' } });
    expect((await post(sandbox, { ...TEXT_BODY, fps: 24 })).json.code).toBe(50200);
    expect(sandbox.faults.pending.length).toBe(1);
  });
});
