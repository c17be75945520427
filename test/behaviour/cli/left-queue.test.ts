/** What ended processes left in the queue is sent only when a call names it: a list neither sends it nor waits for it. */
import { expect, test } from 'vitest';
import { connect } from '../../support/mcp-client.ts';
import { COMMAND } from '../../support/run-command.ts';
import { recordedId, setStage } from './stage.ts';

const QUICK = ['--wait-seconds', '0'];

test('a waiting list returns immediately where only entries of ended processes are open, and names the call that sends them', async (context) => {
  const stage = await setStage(context, { generationSeconds: 60 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
  const running = recordedId(await stage.run('generate', 'one', ...QUICK));
  const left = recordedId(await stage.run('generate', 'two', ...QUICK));
  const server = await connect(stage.env, stage.workingDir);
  context.onTestFinished(() => server.close());
  stage.advance(60);
  await server.call('get_video_task', { task_id: running });
  const begun = performance.now();
  for (const waitFor of ['any_finished', 'all_finished']) {
    const { structured } = await server.call('list_video_tasks', { wait_seconds: 25, wait_for: waitFor });
    expect(structured).toMatchObject({ counts: { open: 1 }, tasks: [{ task_id: left, status: 'queued' }] });
    expect(structured.next_step).toBe(`Call get_video_task with {"task_id":"${left}"} to send it.`);
  }
  expect(performance.now() - begun).toBeLessThan(20_000);
  expect((await stage.run('list', ...QUICK)).stdout).toContain(`To send it, run: ${COMMAND} get ${left}\n`);
  expect(stage.submits()).toHaveLength(1);

  const third = recordedId(await stage.run('generate', 'two', '--seed', '3', ...QUICK));
  stage.advance(60);
  await stage.run('get', left, '--wait-seconds', '60');
  expect(stage.submits().length).toBeGreaterThan(1);
  expect(third).not.toBe(left);
});
