/** The next shot starts with the very last frame of the one before. */
import { rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpegPath, firstPicture, hasNoFfmpeg, lastPicture, needsFfmpeg } from '../../support/clips.ts';
import { type Arguments, openStage, type Stage } from '../../support/mcp-client.ts';
import { openHurriedStage } from './hurried-stage.ts';
import { sentPictures } from './sent-pictures.ts';

describe.skipIf(hasNoFfmpeg)(`with ffmpeg${needsFfmpeg}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({}, { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' });
  });
  afterAll(() => stage.close());

  /** The hash of the decoded picture that came with this prompt. */
  async function pictureOf(prompt: string): Promise<string | undefined> {
    const [picture = '', ...more] = sentPictures(stage, prompt);
    expect(more).toEqual([]);
    const file = join(stage.workspace.folder, `${prompt}.png`);
    await writeFile(file, picture);
    return await lastPicture(file);
  }

  const shots: readonly (readonly [name: string, first: Arguments])[] = [
    ['of a whole clip', {}],
    ['of a trimmed clip', { duration: 4 }],
  ];
  it.concurrent.each(shots)(
    'the last frame %s is what is sent, by our id and by the provider’s',
    async (name, given) => {
      const first = await stage.call('generate_video', { prompt: `first ${name}`, ...given, wait_seconds: 50 });
      const last = await lastPicture(first.report.video?.path ?? '');
      expect(last).toBeDefined();
      for (const id of [first.report.task_id, first.report.provider?.task_id]) {
        const prompt = `next ${name} by ${id}`;
        const { report } = await stage.call('generate_video', { prompt, image: `task:${id}`, wait_seconds: 50 });
        expect([report.status, report.mode]).toEqual(['done', 'i2v_first_720p']);
        expect(await pictureOf(prompt)).toBe(last);
      }
    },
  );

  it.concurrent('a task that is not known is refused with the next call', async () => {
    const unknown = await stage.call('generate_video', { prompt: 'unknown', image: 'task:jv-00000000-aaaaa' });
    expect([unknown.report.status, unknown.report.error?.code]).toEqual(['refused', 'no_record']);
    expect(unknown.report.message).toContain('"jv-00000000-aaaaa", which is not recorded');
    expect(stage.sandbox.submits('unknown')).toEqual([]);
  });

  /** The provider goes on generating it until the fault is taken away. */
  function keepGenerating(prompt: string): () => void {
    let isOver = false;
    const when = ({ body }: { body: Arguments | undefined }) => !isOver && body?.task_id === stage.providerIdOf(prompt);
    const fault = { kind: 'status-word' as const, word: 'generating' };
    stage.sandbox.faults.add({ on: 'query', fault, times: 'always', when });
    return () => {
      isOver = true;
    };
  }

  it.concurrent('of a task that is being made is waited for: sent once, with that frame, when it is saved', async () => {
    const finish = keepGenerating('still being made');
    const first = await stage.call('submit_video_task', { prompt: 'still being made' });
    const next = { prompt: 'after what is being made', image: `task:${first.report.task_id}` };
    const early = await stage.call('submit_video_task', next);
    expect(early.report.status).toBe('queued');
    expect(early.report.message).toContain(`waits for the video of ${first.report.task_id}`);
    expect(early.report.cost).toMatchObject({ charge: 'none' });
    const again = await stage.call('generate_video', { ...next, wait_seconds: 0 });
    expect(again.report.task_id).toBe(early.report.task_id);
    expect(stage.sandbox.submits(next.prompt)).toEqual([]);
    finish();
    const { report } = await stage.call('get_video_task', { task_id: early.report.task_id, wait_seconds: 50 });
    expect([report.status, report.mode]).toEqual(['done', 'i2v_first_720p']);
    const saved = await stage.call('get_video_task', { task_id: first.report.task_id });
    expect(await pictureOf(next.prompt)).toBe(await lastPicture(saved.report.video?.path ?? ''));
    // The same request joins it also now that the picture is there.
    const later = await stage.call('generate_video', { ...next, wait_seconds: 50 });
    expect(later.report.task_id).toBe(early.report.task_id);
    expect(stage.sandbox.submits(next.prompt).length).toBe(1);
  });

  it.concurrent('of a task that fails ends the waiting one, which cost nothing, and says what to do', async () => {
    const finish = keepGenerating('will fail');
    const first = await stage.call('submit_video_task', { prompt: 'will fail' });
    const next = { prompt: 'after the failure', image: `task:${first.report.task_id}` };
    const early = await stage.call('submit_video_task', next);
    const when = ({ body }: { body: Arguments | undefined }) => body?.task_id === stage.providerIdOf('will fail');
    stage.sandbox.faults.add({ on: 'query', fault: { kind: 'business', code: 50516 }, times: 'always', when });
    finish();
    const { report } = await stage.call('get_video_task', { task_id: early.report.task_id, wait_seconds: 50 });
    expect([report.status, report.error?.code, report.cost?.charge]).toEqual(['failed', 'previous_failed', 'none']);
    expect(report.message).toContain(`The task ${first.report.task_id}, whose video was to give the picture`);
    expect(report.next_step).toContain('Make that video again, or give another picture');
    expect(stage.sandbox.submits(next.prompt)).toEqual([]);
  });

  it.concurrent('the first frame of a task as the tail image closes a loop', async () => {
    const first = await stage.call('generate_video', { prompt: 'the loop', wait_seconds: 50 });
    const source = `task:${first.report.task_id}`;
    const closing = { prompt: 'closes it', image: source, tail_image: source, wait_seconds: 50 };
    const { report } = await stage.call('generate_video', closing);
    expect([report.status, report.mode]).toEqual(['done', 'i2v_first_tail_720p']);
    const [from = Buffer.alloc(0), to = Buffer.alloc(0)] = sentPictures(stage, 'closes it');
    const files = [join(stage.workspace.folder, 'from.png'), join(stage.workspace.folder, 'to.png')] as const;
    await writeFile(files[0], from);
    await writeFile(files[1], to);
    const path = report.video?.path ?? '';
    expect(path).not.toBe('');
    expect(await lastPicture(files[0])).toBe(await lastPicture(first.report.video?.path ?? ''));
    expect(await lastPicture(files[1])).toBe(await firstPicture(first.report.video?.path ?? ''));
  });

  it.concurrent('a saved video that is broken is refused with what to do, and to do it helps', async () => {
    const first = await stage.call('generate_video', { prompt: 'broken', wait_seconds: 30 });
    const { task_id, video: { path = '', bytes = 0 } = {} } = first.report;
    await truncate(path, bytes >> 1);
    const next = { prompt: 'after the broken one', image: `task:${task_id}`, wait_seconds: 30 };
    const { report } = await stage.call('generate_video', next);
    expect([report.status, report.error?.code]).toEqual(['refused', 'invalid_image']);
    expect(report.message).toContain(`names the task ${task_id}. The last frame of "${path}" could not be read (`);
    expect(report.message).not.toContain('kept');
    expect(report.next_step).toBe(
      'Give a picture of that frame; or, if the file does not play, move it away and get that task again. Then make the call again.',
    );
    expect(stage.sandbox.submits(next.prompt)).toEqual([]);
    await rename(path, `${path}.broken`);
    await stage.call('get_video_task', { task_id, wait_seconds: 30 });
    expect((await stage.call('generate_video', next)).report.status).toBe('done');
  });
});

it('without ffmpeg it is refused before paying', async () => {
  const stage = await openHurriedStage();
  try {
    const first = await stage.call('generate_video', { prompt: 'first', wait_seconds: 1800 });
    const next = await stage.call('generate_video', { prompt: 'next', image: `task:${first.report.task_id}` });
    expect([next.report.status, next.report.error?.code]).toEqual(['refused', 'ffmpeg_missing']);
    expect(next.report.message).toContain('the last frame of another video needs ffmpeg');
    expect(stage.sandbox.accepted).toHaveLength(1);
  } finally {
    await stage.close();
  }
});
