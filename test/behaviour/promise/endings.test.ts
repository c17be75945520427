/** A submit's answer is recorded when the client goes, or the process is ended, while it is out. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPrompt, until } from '../../../bench/promise/stage.ts';
import { lockDatabase } from '../../support/records.ts';
import { buildPlain, setStage, submit } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPlain>>;
beforeAll(async () => {
  programs = await buildPlain();
});
afterAll(() => programs.remove());

test.each(['SIGTERM', 'stdin closed'])('%s with a submit outstanding: its answer is recorded', async (ending) => {
  const stage = await setStage();
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 700 } });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('ending');
  submit(server, prompt).catch(() => undefined);
  await until('it is sent', () => (stage.accepted(prompt) === 1 ? true : undefined));
  await (ending === 'SIGTERM' ? server.kill('SIGTERM') : server.close());
  const [record] = (await stage.look()).records;
  expect(record).toMatchObject({ status: 'generating', providerTaskId: stage.sandbox.accepted[0]?.taskId });
});

test('an answer that never comes does not hold the process, and is recorded as unknown when it ends', async () => {
  const stage = await setStage();
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'never', moment: 'after-acceptance' } });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('never');
  submit(server, prompt).catch(() => undefined);
  await until('it is sent', () => (stage.accepted(prompt) === 1 ? true : undefined));
  await server.kill('SIGTERM');
  expect((await stage.look()).records).toMatchObject([{ status: 'unknown', error: { code: 'interrupted' } }]);
  expect(stage.accepted(prompt)).toBe(1);
});

test('what a killed process was sending is reported as unknown by a list of the next one', async () => {
  const stage = await setStage();
  stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'never', moment: 'after-acceptance' } });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('killed');
  submit(server, prompt).catch(() => undefined);
  await until('it is sent', () => (stage.accepted(prompt) === 1 ? true : undefined));
  await server.kill('SIGKILL');
  const next = await stage.start({ program: programs.plain });
  const listed = await until('its lease has run out', async () => {
    const [task] = await next.list();
    return task?.status === 'unknown' ? task : undefined;
  });
  expect(listed.error?.code).toBe('interrupted');
  const report = await next.call('get_video_task', { task_id: listed.task_id });
  expect(report).toMatchObject({ status: 'unknown', cost: { charge: 'possible' } });
  expect(report.message).toContain('may have been charged');
  expect(stage.accepted(prompt)).toBe(1);
});

test('a client that cancels its call ends the waiting only', async () => {
  const stage = await setStage({ generationSeconds: 1 });
  const server = await stage.start({ program: programs.plain });
  const prompt = newPrompt('cancelled');
  const leaving = new AbortController();
  const call = server.callUntil('generate_video', { prompt }, leaving.signal);
  await until('it is sent', () => (stage.accepted(prompt) === 1 ? true : undefined));
  leaving.abort();
  await expect(call).rejects.toThrow();
  await until('it is saved', async () => ((await stage.look()).videos.length === 1 ? true : undefined));
  expect(stage.accepted(prompt)).toBe(1);
});

test('a call that is cancelled before its intent is written records and sends nothing', async () => {
  const stage = await setStage();
  const server = await stage.start({ program: programs.plain });
  await server.list();
  // The call waits for its transaction.
  const unlock = lockDatabase(stage.stateDir);
  const leaving = new AbortController();
  const call = server.callUntil('submit_video_task', { prompt: newPrompt('never') }, leaving.signal);
  // Answered after the call has begun: the pipe keeps their order.
  for (let round = 0; round < 10; round++) await server.list();
  leaving.abort();
  await expect(call).rejects.toThrow();
  await server.list();
  unlock();
  // The next request has its turn after it.
  await submit(server, newPrompt('next'));
  expect((await stage.look()).records).toHaveLength(1);
  expect(stage.sandbox.accepted).toHaveLength(1);
});
