/** The next shot starts with the very last frame of the one before. */
import { rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpegPath, hasNoFfmpeg, lastPicture, needsFfmpeg } from '../../support/clips.ts';
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

  it.concurrent('a task that is not known, or has no saved video, is refused with the next call', async () => {
    const unknown = await stage.call('generate_video', { prompt: 'unknown', image: 'task:jv-00000000-aaaaa' });
    expect([unknown.report.status, unknown.report.error?.code]).toEqual(['refused', 'no_record']);
    expect(unknown.report.message).toContain('"jv-00000000-aaaaa", which is not recorded');

    const prompt = 'not saved yet';
    const when = ({ body }: { body: Arguments | undefined }) => body?.task_id === stage.providerIdOf(prompt);
    const fault = { kind: 'status-word' as const, word: 'generating' };
    stage.sandbox.faults.add({ on: 'query', fault, times: 'always', when });
    const { report } = await stage.call('submit_video_task', { prompt });
    const early = await stage.call('generate_video', { prompt: 'too early', image: `task:${report.task_id}` });
    expect(early.report.status).toBe('refused');
    expect(early.report.message).toContain(`the task ${report.task_id}, which has no saved video`);
    expect(early.report.next_step).toContain(`{"task_id":"${report.task_id}"}`);
    expect([...stage.submitsOf('unknown'), ...stage.submitsOf('too early')]).toEqual([]);
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
    expect(stage.submitsOf(next.prompt)).toEqual([]);
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
    expect(next.report.message).toContain('the last frame of an earlier video needs ffmpeg');
    expect(stage.sandbox.accepted).toHaveLength(1);
  } finally {
    await stage.close();
  }
});
