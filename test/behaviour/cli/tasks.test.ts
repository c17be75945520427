/** The commands for existing tasks find them, and report how they are. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../../support/run-command.ts';
import { recordedId, setStage, until } from './stage.ts';

const QUICK = ['--wait-seconds', '0'];

describe.concurrent('the commands for tasks', () => {
  it('list shows the newest first, and takes --limit and --status', async (context) => {
    const stage = await setStage(context);
    await stage.run('generate', 'one');
    stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'business', code: 50412 } });
    await stage.run('generate', 'two');
    const text = await stage.run('list');
    expect(text.stdout).toMatch(
      /^jv-\S+ failed \(.*50412: The prompt did not pass .*\) two\njv-\S+ done \(.*\.mp4\) one\n/,
    );
    expect(text.code).toBe(0);
    const { code, json } = await stage.runJson('list', '--status', 'done', '--limit', '1');
    expect(json).toMatchObject({
      tasks: [{ status: 'done', prompt: 'one', provider: { raw: { code: 10000 } } }],
      sandbox: true,
    });
    expect(code).toBe(0);
  });

  it('list --wait-seconds returns as soon as an open task is finished', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    await stage.run('generate', 'one', ...QUICK);
    const before = stage.sandbox.requests.length;
    const begun = performance.now();
    const waiting = stage.runJson('list', '--wait-seconds', '60');
    // Finished before the list knows of it as open, it would be no change.
    await until(() => stage.sandbox.requests.length > before);
    stage.advance(60);
    const { code, json } = await waiting;
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(json).toMatchObject({ changed: [json.tasks[0].task_id], tasks: [{ status: 'done' }] });
    expect(code).toBe(0);
  });

  it('cancel withdraws what is queued and exits 0, and exits 1 for what the provider has', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 }, { JIMENG_VIDEO_CONCURRENCY: '1' });
    const running = recordedId(await stage.run('generate', 'one', ...QUICK));
    const queued = recordedId(await stage.run('generate', 'two', ...QUICK));
    const cancelled = await stage.runJson('cancel', queued);
    expect(cancelled.json).toMatchObject({ task_id: queued, status: 'cancelled', cost: { charge: 'none' } });
    expect(cancelled.code).toBe(0);
    const { code, stdout } = await stage.run('cancel', running);
    expect(stdout).toContain('Not cancelled: the request has already been sent, and the provider cannot stop it.');
    expect(stdout).toContain(running);
    expect(code).toBe(1);
  });

  it("get takes the provider's id, no id for the newest task, and a task made elsewhere with its mode", async (context) => {
    const stage = await setStage(context);
    await stage.run('generate', 'one', '--output', 'one.mp4');
    const providerId = stage.sandbox.accepted[0]?.taskId ?? '';
    const own = await stage.runJson('get', providerId);
    expect(own.json).toMatchObject({ status: 'done', prompt: 'one', provider: { task_id: providerId } });
    expect((await stage.runJson('get')).json.task_id).toBe(own.json.task_id);
    const foreign = { JIMENG_VIDEO_STATE_DIR: `${stage.stateDir}-other` };
    Object.assign(stage.env, foreign);
    const unknown = await stage.run('get', providerId);
    expect(unknown.stderr).toContain(`For the ids, run: ${COMMAND} list\n`);
    expect(unknown.code).toBe(2);
    const adopted = await stage.run('get', providerId, '--mode', 't2v_720p', '--output', 'two.mp4');
    expect(adopted.code).toBe(0);
    expect((await readdir(stage.workingDir)).sort()).toEqual(['one.mp4', 'two.mp4']);
  });

  it('collect exits 3 when its wait is over first; it waits for all, saves them, and exits 0', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    await stage.run('generate', 'one', ...QUICK);
    await stage.run('generate', 'two', ...QUICK);
    const early = await stage.runJson('collect', ...QUICK);
    expect(early.json.map(({ prompt }: { prompt: string }) => prompt).sort()).toEqual(['one', 'two']);
    expect(early.code).toBe(3);
    stage.advance(60);
    const { code, stdout } = await stage.run('collect');
    expect(stdout.match(/^ {2}File /gm)).toHaveLength(2);
    expect(code).toBe(0);
    expect(await readdir(stage.outputDir)).toHaveLength(2);
  });

  it('collect exits 1 when one of them failed, and 0 when nothing is open', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    await stage.run('generate', 'one', ...QUICK);
    stage.sandbox.faults.add({ on: 'query', fault: { kind: 'business', code: 50516 } });
    const failed = await stage.runJson('collect');
    expect(failed.json).toMatchObject([
      { status: 'failed', error: { code: '50516' }, provider: { raw: { code: 50516 } } },
    ]);
    expect(failed.code).toBe(1);
    expect(await stage.runJson('collect')).toMatchObject({ code: 0, json: [] });
  });

  it("--json does not round a number of the provider's", async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    stage.sandbox.faults.add({
      on: 'submit',
      fault: { kind: 'raw', status: 400, body: '{"code":50412,"id":9007199254740993}' },
    });
    const { json } = await stage.runJson('generate', 'one');
    expect(json.provider.raw).toBe('{"code":50412,"id":9007199254740993}');
  });

  it.skipIf(process.platform === 'win32')(
    'the next call that `generate` prints runs as it is copied',
    async (context) => {
      const stage = await setStage(context, { generationSeconds: 60 });
      const { stdout } = await stage.run('generate', 'a cat', ...QUICK);
      const command = /^To wait for it, run: (.*)$/m.exec(stdout)?.[1] ?? '';
      stage.advance(60);
      const env = { ...stage.env, PATH: process.env.PATH };
      const copied = await promisify(execFile)('/bin/sh', ['-c', command], { env, cwd: stage.workingDir });
      expect(copied.stdout).toMatch(/^Video done:/);
    },
  );
});
