/** A video that was made elsewhere can be fetched with the right mode, and is not denied with a wrong one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newPrompt, until } from '../../../bench/promise/stage.ts';
import { buildPrograms, dieAt, setStage } from './trial.ts';

let programs: Awaited<ReturnType<typeof buildPrograms>>;
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

describe.each(['not_found', '50215'] as const)('where the provider answers %s to a wrong req_key', (unknownTask) => {
  test('it is not given up, and the right mode replaces the wrong one', async () => {
    const stage = await setStage({ unknownTask });
    await dieAt('answered', stage, programs, { prompt: newPrompt('elsewhere') });
    const elsewhere = stage.sandbox.accepted[0]?.taskId;
    const server = await stage.start({ program: programs.plain });
    const wrong = await until('the answer to the wrong req_key', async () => {
      const reported = await server.call('get_video_task', { task_id: elsewhere, mode: 'ti2v_pro', wait_seconds: 1 });
      return reported.message.includes('does not know this task') ? reported : undefined;
    });
    expect(wrong).toMatchObject({ status: 'generating', mode: 'ti2v_pro' });
    expect(wrong.message).toContain('does not know this task');
    const right = await server.call('get_video_task', { task_id: elsewhere, mode: 't2v_720p', wait_seconds: 50 });
    expect(right).toMatchObject({ status: 'done', mode: 't2v_720p', task_id: wrong.task_id });
    // A wrong mode changes nothing about what is finished.
    const again = await server.call('get_video_task', { task_id: elsewhere, mode: 'ti2v_pro' });
    expect(again).toMatchObject({ status: 'done', mode: 't2v_720p' });
    expect((await stage.look()).videos).toHaveLength(1);
  });
});

test('a mode that the provider has answered to is not given up for another word', async () => {
  const stage = await setStage({ generationSeconds: 3600 });
  await dieAt('answered', stage, programs, { prompt: newPrompt('elsewhere') });
  const elsewhere = stage.sandbox.accepted[0]?.taskId;
  const server = await stage.start({ program: programs.plain });
  const right = await until('the answer to the right req_key', async () => {
    const reported = await server.call('get_video_task', { task_id: elsewhere, mode: 't2v_720p', wait_seconds: 1 });
    return reported.provider?.status === 'in_queue' ? reported : undefined;
  });
  const again = await server.call('get_video_task', { task_id: elsewhere, mode: 'ti2v_pro', wait_seconds: 1 });
  expect(again).toMatchObject({ status: 'generating', mode: 't2v_720p', task_id: right.task_id });
});
