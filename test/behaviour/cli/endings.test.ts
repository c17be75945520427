/** Nothing is lost when a command is interrupted, or its output is not read. */
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../../support/run-command.ts';
import { recordedId, setStage, until } from './stage.ts';

/** A submit that never answers is given up after three seconds; whatever else is slow, it is not by seconds. */
const LAST_WAIT_MILLISECONDS = 3_000;

describe.concurrent('the end of a command', () => {
  it.for(['SIGINT', 'SIGTERM'] as const)(
    '%s in a wait prints the id and the next step, and exits 3',
    // A busy machine may be slow once; a command that waits for its last seconds is slow each time.
    { retry: 2 },
    async (signal, context) => {
      const stage = await setStage(context, { generationSeconds: 60 });
      const running = stage.start('generate', 'a cat');
      await running.seen('stderr', /recorded/);
      await until(() => stage.sandbox.requests.some(({ operation }) => operation === 'query'));
      const begun = performance.now();
      running.child.kill(signal);
      const { code, stdout, stderr } = await running.result;
      expect(performance.now() - begun).toBeLessThan(LAST_WAIT_MILLISECONDS);
      expect(stdout).toContain(`To wait for it, run: ${COMMAND} get ${recordedId({ stderr })}\n`);
      expect(code).toBe(3);
    },
  );

  it('awaits and records a submit that is out, even when Ctrl-C comes twice', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    // Well before the command gives the answer up.
    stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 300 } });
    const running = stage.start('generate', 'a cat', '--json');
    await until(() => stage.submits().length === 1);
    running.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 50));
    running.child.kill('SIGINT');
    const { code, stdout } = await running.result;
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'generating',
      provider: { task_id: stage.sandbox.accepted[0]?.taskId },
    });
    expect(code).toBe(3);
  });

  it('gives up a submit that never answers, and reports it as unknown, as the next command does', async (context) => {
    const stage = await setStage(context);
    stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'never' } });
    const running = stage.start('generate', 'a cat');
    await until(() => stage.submits().length === 1);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.result;
    expect(stdout).toMatch(/^Video unknown: The answer to the submit was lost/);
    expect(code).toBe(1);
    const got = await stage.runJson('get', recordedId({ stderr }));
    expect(got.json).toMatchObject({ status: 'unknown', error: { code: 'interrupted' } });
    expect(got.code).toBe(1);
    expect(stage.submits()).toHaveLength(1);
  });

  it('takes no reader that went away for an error: the video is saved', async (context) => {
    const stage = await setStage(context);
    const running = stage.start('generate', 'a cat');
    running.child.stdout?.destroy();
    const { code, stderr } = await running.result;
    expect(stderr).toBe(`task ${recordedId({ stderr })}: recorded\n`);
    expect(code).toBe(0);
    expect(await readdir(stage.outputDir)).toEqual([expect.stringMatching(/a cat.*\.mp4$/)]);
  });

  it('leaves a request in the queue, says so, and `collect` sends it, waits for it and saves it', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    await stage.run('generate', 'first', '--wait-seconds', '0');
    const { code, stdout, stderr } = await stage.run('generate', 'second', '--wait-seconds', '0');
    const id = recordedId({ stderr });
    expect(stdout).toMatch(/^Video queued: .*It is sent while a command or a server that works on it is running/);
    expect(code).toBe(3);
    expect(stage.submits()).toHaveLength(1);
    stage.advance(60);
    const collecting = stage.start('collect', '--json');
    await until(() => stage.sandbox.accepted.length === 2);
    stage.advance(60);
    const collected = await collecting.result;
    expect(JSON.parse(collected.stdout)).toMatchObject([
      { status: 'done', prompt: 'first' },
      { status: 'done', prompt: 'second', task_id: id },
    ]);
    expect(collected.code).toBe(0);
  });
});
