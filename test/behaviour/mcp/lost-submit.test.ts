/** A submit whose answer was lost is unknown, kept and never sent again; one that never left is tried again. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiFault } from '../../support/fault-plan.ts';
import { holdPort } from '../../support/held-port.ts';
import { connect, openStage, type Stage, whenSubmitted } from '../../support/mcp-client.ts';
import { startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace } from '../../support/server-workspace.ts';

/** What befalls the answer → the code, and words of the sentence. */
const LOST = [
  ['cut before the provider took it', { kind: 'cut' }, 'connection_lost', 'cut before the answer came'],
  ['cut after the provider took it', { kind: 'cut', moment: 'after-acceptance' }, 'connection_lost', 'was cut'],
  ['a TCP reset', { kind: 'cut', reset: true, moment: 'after-acceptance' }, 'connection_lost', 'was cut'],
  ['a body cut short', { kind: 'truncated', how: 'short-body' }, 'connection_lost', 'was cut'],
  ['half a JSON', { kind: 'truncated', how: 'cut-json' }, 'unreadable_answer', 'not whole'],
  ['a 502 page', { kind: 'html', status: 502, moment: 'after-acceptance' }, 'unreadable_answer', 'HTTP 502'],
  ["a proxy's 403 page", { kind: 'html', status: 403 }, 'unreadable_answer', "not the provider's"],
  ['a page with 200', { kind: 'html', status: 200 }, 'unreadable_answer', "not the provider's"],
  ['a 500 without a code', { kind: 'raw', status: 500, body: '{}' }, 'unreadable_answer', 'HTTP 500'],
  ['a refusal with HTTP 500', { kind: 'business', code: 50411, httpStatus: 500 }, '50411', 'may have been charged'],
  ['an empty 200', { kind: 'raw', status: 200, body: '' }, 'unreadable_answer', 'not whole'],
  ['10000 without a task_id', { kind: 'no-task-id' }, 'unreadable_answer', 'code 10000'],
  ['a task_id that is null', { kind: 'wrong-type', path: 'data.task_id', value: null }, 'unreadable_answer', '10000'],
  ['a redirect', { kind: 'redirect', status: 307 }, 'unreadable_answer', 'HTTP 307'],
  ['no answer in time', { kind: 'never', moment: 'after-acceptance' }, 'timeout', '1 s (JIMENG_VIDEO_API_TIMEOUT)'],
] as const satisfies readonly (readonly [string, ApiFault, string, string])[];

describe('a submit whose answer is lost', () => {
  let patient: Stage;
  /** For what never comes alone: on a busy machine the others come later than this. */
  let hurried: Stage;
  beforeAll(async () => {
    [patient, hurried] = await Promise.all([
      openStage({ asProvider: true }),
      openStage({ asProvider: true }, { JIMENG_VIDEO_API_TIMEOUT: '1' }),
    ]);
  });
  afterAll(() => Promise.all([patient.close(), hurried.close()]));

  it.concurrent.each(LOST)('by %s: unknown, sent exactly once, and in the list', async (name, fault, code, words) => {
    const stage = code === 'timeout' ? hurried : patient;
    const prompt = `lost by ${name}`;
    stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault });
    const { report, isError, text } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    expect(report).toMatchObject({ status: 'unknown', cost: { charge: 'possible' }, error: { code } });
    expect(isError).toBe(true);
    expect(report.message).toContain('The answer to the submit was lost; the video may have been charged.');
    expect(report.message).toContain(words);
    expect(text).toContain('only if they agree to pay twice');
    const listed = await stage.call('list_video_tasks', { limit: 50, status: 'unknown' });
    expect(listed.structured.tasks).toContainEqual(expect.objectContaining({ task_id: report.task_id, prompt }));
    const again = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    expect(again.report).toMatchObject({ task_id: report.task_id, status: 'unknown' });
    expect(again.report.message).toContain('The same request already exists');
    expect(stage.sandbox.submits(prompt)).toHaveLength(1);
  });

  it('and every other went out on a connection that nothing had used before', async () => {
    const stage = patient;
    await stage.call('generate_video', { prompt: 'a quiet one', wait_seconds: 50 });
    await stage.call('generate_video', { prompt: 'another quiet one', wait_seconds: 50 });
    const { requests } = stage.sandbox;
    const submits = requests.filter(({ operation }) => operation === 'submit');
    expect(submits.length).toBeGreaterThanOrEqual(LOST.length);
    for (const submit of submits) {
      const others = requests.filter(({ connection }) => connection === submit.connection);
      expect(others, submit.rawBody).toEqual([submit]);
    }
  });
});

describe('a submit that never left', () => {
  it('is failed, unpaid, when the provider is unreachable for the whole wait', async () => {
    const workspace = await makeWorkspace();
    const { port, release } = await holdPort();
    const session = await connect(workspace.environment(`http://127.0.0.1:${port}`));
    const { report, isError } = await session.call('generate_video', { prompt: 'nobody there', wait_seconds: 1 });
    expect(report).toMatchObject({
      status: 'failed',
      cost: { charge: 'none' },
      error: { code: 'not_sent', who: 'operator', retryable: true },
    });
    expect(report.message).toContain('(ECONNREFUSED), so nothing was sent');
    expect(report.next_step).toContain('JIMENG_VIDEO_API_URL');
    expect(isError).toBe(true);
    await session.close();
    await release();
    await workspace.remove();
  });

  it('is sent once as soon as the provider can be reached inside the wait', async () => {
    const workspace = await makeWorkspace();
    const { port, release } = await holdPort();
    const session = await connect(workspace.environment(`http://127.0.0.1:${port}`));
    const asked = session.call('generate_video', { prompt: 'late', wait_seconds: 50 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const sandbox = await startSandbox({ port, generationSeconds: 0.1 });
    expect((await asked).report.status).toBe('done');
    expect(sandbox.accepted).toHaveLength(1);
    await session.close();
    await sandbox.close();
    await release();
    await workspace.remove();
  });

  it('because the proxy refused the tunnel, is unpaid; one that the proxy answered itself may be paid', async () => {
    const workspace = await makeWorkspace();
    const posts: string[] = [];
    const proxy = createHttpServer((request, response) => {
      posts.push(`${request.method} ${request.url}`);
      response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>Forbidden by policy</h1>');
    });
    proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'));
    proxy.listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    const HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const session = await connect({ ...workspace.environment('https://jimeng.invalid'), HTTPS_PROXY });
    const { report } = await session.call('generate_video', { prompt: 'through a proxy', wait_seconds: 0.2 });
    expect(report).toMatchObject({ status: 'failed', cost: { charge: 'none' }, error: { code: 'not_sent' } });
    expect(posts).toEqual([]);
    await session.close();
    proxy.close();
    await workspace.remove();
  });
});
