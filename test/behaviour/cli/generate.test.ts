/** `generate` takes every option, saves to the requested place, and reports the outcome. */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePng } from '../../support/pictures.ts';
import { COMMAND } from '../../support/run-command.ts';
import { NOBODY_LISTENS, recordedId, setStage, until } from './stage.ts';

describe.concurrent('generate', () => {
  it('waits to the end, saves relative to the current folder, and prints the report alone on stdout', async (context) => {
    const stage = await setStage(context);
    const { code, stdout, stderr } = await stage.run('generate', 'a cat', '--output', 'new/cat');
    const path = join(stage.workingDir, 'new', 'cat.mp4');
    expect(stdout).toMatch(/^Video done: The video is saved\./);
    expect(stdout).toContain(`  File    ${path}\n`);
    expect((await stat(path)).size).toBeGreaterThan(5000);
    expect(stderr).toBe(`task ${recordedId({ stderr })}: recorded\n`);
    expect(code).toBe(0);
  });

  it('sends what its options say, a negative seed too, and nothing that was not given', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    const image = 'https://example.com/a.png?x=1&y=2';
    const quick = ['--wait-seconds', '0'];
    const camera = ['--template-id', 'robo_arm', '--camera-strength', 'strong'];
    await stage.run('generate', 'one', '--image', image, '--seed', '-1', '--duration', '10', ...camera, ...quick);
    await stage.run('generate', 'two', '--mode', 't2v_1080p', '--aspect-ratio', '9:16', '--seed=0', ...quick);
    await stage.run('generate', 'three', '--image', image, '--tail-image', image, ...quick);
    await stage.run('generate', '--mode', 'ti2v_pro', '--image', image, ...quick);
    expect(stage.submits()).toEqual([
      {
        req_key: 'jimeng_i2v_recamera_v30',
        prompt: 'one',
        image_urls: [image],
        seed: -1,
        frames: 241,
        template_id: 'robo_arm',
        camera_strength: 'strong',
      },
      { req_key: 'jimeng_t2v_v30_1080p', prompt: 'two', seed: 0, frames: 121, aspect_ratio: '9:16' },
      { req_key: 'jimeng_i2v_first_tail_v30', prompt: 'three', image_urls: [image, image], frames: 121 },
      { req_key: 'jimeng_ti2v_v30_pro', image_urls: [image], frames: 121 },
    ]);
  });

  it('reads an image relative to the current folder, whatever folders the tools are kept to', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 }, { JIMENG_VIDEO_IMAGE_DIRS: '/nowhere' });
    const picture = makePng({ width: 400, height: 320 });
    await writeFile(join(stage.workingDir, 'first.png'), picture);
    const { code } = await stage.run('generate', 'go', '--image', 'first.png', '--wait-seconds', '0');
    expect(code).toBe(3);
    expect(stage.submits()[0]?.binary_data_base64).toEqual([picture.toString('base64')]);
  });

  it("prints one JSON object with --json, with the provider's last raw answer in it", async (context) => {
    const stage = await setStage(context);
    const { code, json } = await stage.runJson('generate', 'a cat');
    expect(json).toMatchObject({
      status: 'done',
      prompt: 'a cat',
      video: { duration_seconds: expect.closeTo(5.04, 1), fps: 24 },
      provider: { raw: { code: 10000, data: { status: 'done', video_url: json.video.url } } },
      sandbox: true,
    });
    expect(code).toBe(0);
  });

  it('exits 3 when the wait is over first, with the command that goes on, which asks however short its wait', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    // Nobody else would hear the answer to the submit, so it is waited for.
    stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'slow', milliseconds: 700 } });
    const { code, stdout, stderr } = await stage.run('generate', 'a cat', '--wait-seconds', '0');
    expect(stage.sandbox.accepted).toHaveLength(1);
    expect(stdout).toMatch(/^Video generating: The provider has the request in its queue/);
    const id = recordedId({ stderr });
    expect(stdout).toContain(`To wait for it, run: ${COMMAND} get ${id}\n`);
    expect(code).toBe(3);
    stage.advance(60);
    const once = () => stage.run('get', id, '--output', 'here.mp4', '--wait-seconds', '0');
    let got = await once();
    // However short the wait: an unfinished video is not reported as done, and the next command continues.
    while (got.code === 3) got = await once();
    expect(got.stdout).toContain(`  File    ${join(stage.workingDir, 'here.mp4')}\n`);
    expect(got.code).toBe(0);
    expect(stage.submits()).toHaveLength(1);
  });

  it('refuses what costs more than --max-cost, and what needs a yes that nobody can give, before anything is sent', async (context) => {
    const stage = await setStage(context, {}, { JIMENG_VIDEO_CONFIRM_ABOVE_CNY: '2' });
    const dear = await stage.runJson('generate', 'a cat', '--max-cost', '1.39');
    expect(dear.json).toMatchObject({ status: 'refused', error: { code: 'cost_too_high' } });
    expect(dear.stderr).toContain('This video costs about ¥1.40, and the limit of this call is ¥1.39.');
    const long = await stage.runJson('generate', 'a cat', '--duration', '10');
    expect(long.json).toMatchObject({ status: 'refused', error: { code: 'confirmation_unavailable' } });
    expect(long.stderr).toContain(
      'This video costs about ¥2.80, above the ¥2.00 of JIMENG_VIDEO_CONFIRM_ABOVE_CNY, and nobody can be asked here',
    );
    expect([dear.code, long.code]).toEqual([2, 2]);
    expect(stage.sandbox.requests).toEqual([]);
    expect((await stage.run('generate', 'a cat', '--max-cost', '1.4')).code).toBe(0);
  });

  it('names what is wrong as it was typed, and says nothing of chats and tools', async (context) => {
    const stage = await setStage(context);
    const { code, stderr } = await stage.run('generate', 'a cat', '--image', 'nope.png', '--output', ' ');
    expect(stderr).toContain(`--image (${join(stage.workingDir, 'nope.png')}) does not exist on this computer.`);
    expect(stderr).toContain('--output is empty.');
    expect(stderr).toMatch(/check the path, or give a public http\(s\) URL of the picture/i);
    expect(stderr).not.toMatch(/`|chat|client/);
    const mixed = await stage.run('generate', 'a cat', '--image', 'https://example.com/a.png', '--tail-image', 'b.png');
    expect(mixed.stderr).toContain('--tail-image (');
    expect([code, stage.sandbox.requests]).toEqual([2, []]);
  });

  it('checks with --dry-run, sends nothing, and exits 0', async (context) => {
    const stage = await setStage(context);
    const { code, json } = await stage.runJson('generate', 'a cat', '--duration', '8', '--dry-run');
    expect(json).toMatchObject({ status: 'checked', cost: { estimated_cny: 2.8, billed_seconds: 10, charge: 'none' } });
    expect(json.next_step).toBe('Run it without --dry-run to generate it.');
    expect(code).toBe(0);
    expect(stage.sandbox.requests).toEqual([]);
  });

  it('joins the same request, saves a copy to the requested place, and pays again with --allow-duplicate only', async (context) => {
    const stage = await setStage(context);
    await stage.run('generate', 'a cat', '--output', 'one.mp4');
    const joined = await stage.run('generate', 'a cat', '--output', 'two.mp4');
    expect(joined.stderr).toMatch(/^task jv-\S+: joined\n$/);
    expect(joined.stdout).toContain('for another take, pass a different --seed or --allow-duplicate.');
    expect(joined.code).toBe(0);
    expect(stage.submits()).toHaveLength(1);
    await stage.run('generate', 'a cat', '--output', 'three.mp4', '--allow-duplicate');
    expect(stage.submits()).toHaveLength(2);
    expect((await readdir(stage.workingDir)).sort()).toEqual(['one.mp4', 'three.mp4', 'two.mp4']);
  });

  it("exits 1 on the provider's no, and on an answer that was lost, which is not sent again", async (context) => {
    const stage = await setStage(context);
    stage.sandbox.faults.add(
      { on: 'submit', fault: { kind: 'business', code: 50412 } },
      { on: 'submit', fault: { kind: 'cut', moment: 'after-acceptance' } },
    );
    const refused = await stage.runJson('generate', 'no');
    expect(refused.json).toMatchObject({ status: 'failed', error: { code: '50412' }, cost: { charge: 'none' } });
    expect(refused.json.next_step).toContain('Then run generate again.');
    expect(refused.code).toBe(1);
    const lost = await stage.run('generate', 'lost');
    expect(lost.stdout).toMatch(/^Video unknown: The answer to the submit was lost/);
    expect(lost.code).toBe(1);
    expect(stage.submits()).toHaveLength(2);
  });

  it('gives up a provider that cannot be reached after the usual wait, with nothing charged', async (context) => {
    const unreachable = { JIMENG_VIDEO_API_URL: NOBODY_LISTENS };
    const stage = await setStage(context, {}, { ...unreachable, JIMENG_VIDEO_WAIT_SECONDS: '0.3' });
    const { code, json } = await stage.runJson('generate', 'a cat');
    expect(json).toMatchObject({ status: 'failed', error: { code: 'not_sent' }, cost: { charge: 'none' } });
    expect(code).toBe(1);
  });

  it('exits 1 for a finished video that could not be saved, and `collect` saves it later', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    const running = stage.start('generate', 'a cat');
    await running.seen('stderr', /recorded/);
    await rm(stage.outputDir, { recursive: true });
    await writeFile(stage.outputDir, 'in the way');
    await until(() => stage.sandbox.accepted.length === 1);
    stage.advance(60);
    const { code, stdout } = await running.result;
    expect(stdout).toContain('The video is finished, but not saved.');
    expect(stdout).not.toMatch(/_video_task/);
    expect(code).toBe(1);
    await rm(stage.outputDir);
    await mkdir(stage.outputDir);
    const collected = await stage.runJson('collect');
    expect(collected.json).toMatchObject([
      { status: 'done', video: { path: expect.stringContaining(stage.outputDir) } },
    ]);
    expect(collected.code).toBe(0);
  });
});
