/** A task goes through its states by the clock, within the limits, and across a restart. */
import { expect, it } from 'vitest';
import { makeTaskId, readTaskId } from '../../../src/sandbox/identifiers.ts';
import { startSandbox } from '../../support/sandbox.ts';
import { freshAgent, post, queryTask, submitTask, TEXT_BODY } from './signed-requests.ts';

const START = Date.parse('2026-09-01T00:00:00Z');

/** A sandbox whose time stands still until the test moves it. */
async function timedSandbox(options: Parameters<typeof startSandbox>[0] = {}) {
  const clock = { now: START };
  const sandbox = await startSandbox({ now: () => clock.now, requestsPerSecond: 1000, ...options });
  const state = async (taskId: string, reqKey?: string) => {
    const { status, json } = await queryTask(sandbox, taskId, reqKey, { date: new Date(clock.now) });
    return { status, code: json.code, word: json.data?.status, link: json.data?.video_url, json };
  };
  const submit = async (body: object = TEXT_BODY) => (await post(sandbox, body, { date: new Date(clock.now) })).json;
  return { sandbox, clock, state, submit };
}

it('goes from in_queue over generating to done, with a link only then', async () => {
  const { sandbox, clock, state, submit } = await timedSandbox({ generationSeconds: 5 });
  const { task_id: taskId } = (await submit()).data;
  expect((await state(taskId)).json).toMatchObject({
    code: 10000,
    data: { status: 'in_queue', video_url: '', aigc_meta_tagged: false },
    time_elapsed: expect.stringMatching(/(µs|ms)$/),
  });
  clock.now += 4999;
  expect(await state(taskId)).toMatchObject({ word: 'generating', link: '' });
  clock.now += 1;
  const first = await state(taskId);
  expect(first).toMatchObject({
    word: 'done',
    link: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[^?]+\?.*signature=/),
  });
  expect(new URL(first.link).pathname).not.toContain('.mp4');
  expect((await state(taskId)).link, 'every query mints a link').not.toBe(first.link);
  clock.now += 12 * 3600 * 1000;
  expect(await state(taskId)).toMatchObject({ status: 200, code: 10000, word: 'not_found', link: '' });
  await sandbox.close();
});

it('a restart forgets no task, and another secret knows none', async () => {
  const before = await startSandbox();
  const taskId = await submitTask(before);
  await before.close();
  const after = await startSandbox({ generationSeconds: 0 });
  expect((await queryTask(after, taskId)).json.data.status).toBe('done');
  await after.close();
  const other = await startSandbox({ credentials: { accessKeyId: 'A', secretAccessKey: 'B' } });
  expect((await queryTask(other, taskId)).json.data.status).toBe('not_found');
  await other.close();
});

it('does not know an invented id, and says so in either of the two ways', async () => {
  const { sandbox, state } = await timedSandbox();
  for (const id of ['7392616336519610409', '17392616336519610409', '1', 'x']) {
    expect(await state(id)).toMatchObject({ status: 200, word: 'not_found' });
  }
  await sandbox.close();
  const sibling = await timedSandbox({ unknownTask: '50215' });
  expect(await sibling.state('7392616336519610409')).toMatchObject({ status: 400, code: 50215 });
  await sibling.sandbox.close();
});

it('a query with another req_key than the submit fails', async () => {
  const { sandbox, state, submit } = await timedSandbox();
  const { task_id: taskId } = (await submit()).data;
  expect(await state(taskId, 'jimeng_t2v_v30_1080p')).toMatchObject({ status: 400, code: 50215 });
  await sandbox.close();
});

it('a third task of a capability gets 429/50430 until one is done; another capability has its own slots', async () => {
  const { sandbox, clock, submit } = await timedSandbox({ generationSeconds: 5 });
  await submit();
  clock.now += 1000;
  await submit();
  expect(await submit()).toMatchObject({ code: 50430, data: null });
  expect((await submit({ ...TEXT_BODY, req_key: 'jimeng_t2v_v30_1080p' })).code).toBe(10000);
  clock.now += 4000;
  expect((await submit()).code).toBe(10000);
  expect((await submit()).code).toBe(50430);
  expect(sandbox.accepted.length).toBe(4);
  await sandbox.close();
});

it('one request too many in a second gets 429/50429', async () => {
  const { sandbox, clock, state } = await timedSandbox({ requestsPerSecond: 3 });
  for (let count = 0; count < 3; count += 1) expect((await state('1')).status).toBe(200);
  expect(await state('1')).toMatchObject({ status: 429, code: 50429 });
  clock.now += 1000;
  expect((await state('1')).status).toBe(200);
  await sandbox.close();
});

it('tasks of one millisecond have ids of their own', async () => {
  const { sandbox, submit } = await timedSandbox({ tasksInFlight: 100 });
  for (let count = 0; count < 30; count += 1) await submit();
  expect(new Set(sandbox.accepted.map(({ taskId }) => taskId)).size).toBe(30);
  await sandbox.close();
});

it('a capability that is not opened answers 401/50400 to submit and query, the others do not', async () => {
  const { sandbox, state, submit } = await timedSandbox({ closedCapabilities: ['jimeng_t2v_v30_1080p'] });
  expect((await submit({ ...TEXT_BODY, req_key: 'jimeng_t2v_v30_1080p' })).code).toBe(50400);
  expect(await state('1', 'jimeng_t2v_v30_1080p')).toMatchObject({ status: 401, code: 50400 });
  expect((await submit()).code).toBe(10000);
  await sandbox.close();
});

it('records what arrived: bytes, answer, task, and which connection', async () => {
  const sandbox = await startSandbox();
  const agents = [freshAgent(), freshAgent()] as const;
  const body = ' {"req_key":"jimeng_t2v_v30","prompt":"a"}';
  await post(sandbox, body, { dispatcher: agents[0] });
  await post(sandbox, body, { dispatcher: agents[0] });
  await post(sandbox, body, { dispatcher: agents[1] });
  expect(sandbox.requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  const [request] = sandbox.requests;
  expect(request).toMatchObject({ operation: 'submit', rawBody: body, body: { prompt: 'a' }, answer: { status: 200 } });
  expect(sandbox.accepted[0]).toEqual({ taskId: request?.taskId, request });
  expect(sandbox.requests[2]).toMatchObject({ taskId: undefined, answer: { status: 429 } });
  await Promise.all(agents.map((agent) => agent.close()));
  await sandbox.close();
});

it('a storm does not fill the memory: the oldest bodies go, then the oldest requests', async () => {
  const sandbox = await startSandbox({ maxStoredRequests: 3, maxStoredBodyBytes: 130 });
  for (let count = 0; count < 5; count += 1) await post(sandbox, TEXT_BODY);
  expect(sandbox.requests.map(({ rawBody }) => rawBody !== undefined)).toEqual([false, true, true]);
  await sandbox.close();
});

it('ids have 19 or 20 digits, some beyond 2^63, hold the task, and bear no change', () => {
  const ids = new Set<string>();
  for (let count = 0; count < 400; count += 1) {
    const task = {
      acceptedAt: START + count,
      mode: 'ti2v_pro',
      frames: 241,
      ratio: '9:16',
      unreachableImage: count % 2 === 0,
    } as const;
    const id = makeTaskId(task, 'secret');
    ids.add(id);
    expect(readTaskId(id, 'secret', START + 3_600_000)).toEqual(task);
  }
  // One id only: with 18 bits of checksum, 800 tries would fail now and then.
  const [id = ''] = ids;
  expect(readTaskId(String(BigInt(id) + 1n), 'secret', START), 'a changed id').toBeUndefined();
  expect(readTaskId(id, 'secret', START + 2 ** 31 + 500), 'an id becomes valid again').toBeUndefined();
  expect(ids.size).toBe(400);
  expect(new Set([...ids].map(({ length }) => length))).toEqual(new Set([19, 20]));
  expect([...ids].some((each) => BigInt(each) > 2n ** 63n)).toBe(true);
  expect([...ids].every((each) => BigInt(each) < 2n ** 64n)).toBe(true);
});
