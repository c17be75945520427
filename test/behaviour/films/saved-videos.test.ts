/** Saved videos are joined and looked at through a real client: for free, by the rules for files, without overwriting. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clip,
  decode,
  ffmpegPath,
  hasNoFfmpeg,
  likeness,
  makeClip,
  makePicture,
  makeSound,
  needsFfmpeg,
  pictureSize,
  streamSeconds,
} from '../../support/clips.ts';
import { connect, openStage, type Reported, type Stage } from '../../support/mcp-client.ts';
import { makeWorkspace } from '../../support/server-workspace.ts';
import { openHurriedStage } from '../delivery/hurried-stage.ts';

describe.skipIf(hasNoFfmpeg)(`saved videos${needsFfmpeg}`, () => {
  let stage: Stage;
  let folder: string;
  beforeAll(async () => {
    stage = await openStage({ clips: 'drawn' }, { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' });
    folder = await realpath(await mkdtemp(join(tmpdir(), 'saved-videos-')));
    makeClip(at('a.mp4'), 48);
    makeClip(at('b.mp4'), 48, '-vf', 'hflip');
    makePicture(at('tall.mp4'), 'white', '180x320', 24);
  });
  afterAll(async () => {
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  });
  const at = (name: string) => join(folder, name);
  const submits = () => stage.sandbox.submits().length;
  const picturesOf = async (path: string) => (await decode(path)).pictures;
  const nothingStaged = async () => {
    const names = await readdir(stage.workspace.outputDir);
    expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
  };

  it('a task and two files become one MP4 of exactly their pictures, for nothing, and nothing is overwritten', async () => {
    const made = await stage.call('generate_video', { prompt: 'to be joined', wait_seconds: 50 });
    const { task_id: id, video } = made.report;
    const before = submits();
    const { structured, text } = await stage.call('join_videos', { videos: [id, `task:${id}`], output: 'twice.mp4' });
    expect([structured.status, basename(structured.video.path)]).toEqual(['done', 'twice.mp4']);
    expect(structured).toMatchObject({ video: { width: 1248, height: 704, fps: 24, duration_seconds: 10.083 } });
    const once = await picturesOf(video?.path ?? '');
    expect(await picturesOf(structured.video.path)).toEqual([...once, ...once]);
    expect(text.indexOf(structured.video.path)).toBeLessThan(text.indexOf('2 videos were joined.'));
    const again = await stage.call('join_videos', { videos: [at('a.mp4'), at('b.mp4')], output: 'twice.mp4' });
    expect(basename(again.structured.video.path)).toBe('twice (2).mp4');
    expect(submits()).toBe(before);
    await nothingStaged();
  });

  it('without a name the file is named after the day and what it is', async () => {
    const { structured } = await stage.call('join_videos', { videos: JSON.stringify([at('a.mp4'), at('b.mp4')]) });
    expect(basename(structured.video.path)).toMatch(/^\d{4}-\d\d-\d\d 2 videos joined \w{6}\.mp4$/);
  });

  it('sound lies under it, as long as the pictures', async () => {
    makeSound(at('long.mp3'), 30);
    const given = { videos: [at('a.mp4'), at('b.mp4')], audio: at('long.mp3') };
    const { structured } = await stage.call('join_videos', given);
    const seconds = await streamSeconds(structured.video.path);
    expect(Math.abs(seconds.audio - seconds.video)).toBeLessThanOrEqual(1 / 24);
    expect(structured.message).toContain('give an m4a for those');
  });

  it('a video of another size is made to fit, and that is said', async () => {
    const { structured } = await stage.call('join_videos', { videos: [at('a.mp4'), at('tall.mp4')] });
    expect(structured.video).toMatchObject({ width: 320, height: 180 });
    expect(structured.message).toContain(
      'Clips 1 and 2 have different sizes: 320×180 and 180×320, so all were encoded again',
    );
  });

  it('what cannot be joined is named by its number, all of it, and nothing is written', async () => {
    await writeFile(at('broken.mp4'), (await readFile(at('a.mp4'))).subarray(0, 5000));
    await writeFile(at('text.mp4'), 'this is a text and no video at all');
    const before = await readdir(stage.workspace.outputDir);
    const refused = async (videos: unknown) => {
      const { structured, isError } = await stage.call('join_videos', { videos });
      expect([structured.status, isError]).toEqual(['refused', true]);
      return structured;
    };
    const missing = await refused([at('a.mp4'), at('nowhere.mp4'), 'jv-00000000-aaaaa', folder]);
    expect(missing.message).toContain(`Video 2: \`videos\` (${at('nowhere.mp4')}) does not exist on this computer.`);
    expect(missing.message).toContain('Video 3: The task "jv-00000000-aaaaa" is not recorded');
    expect(missing.message).toContain(`Video 4: \`videos\` (${folder}) is not a file.`);
    expect((await refused([at('a.mp4'), at('broken.mp4')])).message).toMatch(/broken\.mp4" is not a playable MP4/);
    expect((await refused([at('text.mp4'), at('a.mp4')])).error.code).toBe('unplayable_video');
    expect((await refused([at('a.mp4')])).message).toContain('must be a list of 2 to 50 task ids or paths, but has 1');
    expect((await refused(Array(51).fill(at('a.mp4')))).message).toContain('but has 51');
    expect((await refused('a.mp4')).message).toContain('must be a list of 2 to 50');
    expect(await readdir(stage.workspace.outputDir)).toEqual(before);
  });

  it('a place outside the allowed folders is refused before anything is joined', async () => {
    const given = { videos: [at('a.mp4'), at('b.mp4')], output: at('elsewhere.mp4') };
    const { structured } = await stage.call('join_videos', given);
    expect([structured.status, structured.error.code]).toEqual(['refused', 'output_not_allowed']);
  });

  it('a failed task is named, with what to do', async () => {
    stage.sandbox.faults.add({
      on: 'submit',
      fault: { kind: 'business', code: 50413 },
      when: ({ body }) => body?.prompt === 'fails',
    });
    const { report } = await stage.call('generate_video', { prompt: 'fails' });
    const { structured } = await stage.call('join_videos', { videos: [at('a.mp4'), report.task_id] });
    expect(structured.message).toContain(
      `Video 2: The task ${report.task_id} has no saved video (its status is failed)`,
    );
  });

  async function filmOf(shots: readonly object[]): Promise<Reported> {
    let film = await stage.call('generate_film', { shots, wait_seconds: 50 });
    while (film.report.status === 'running') {
      film = await stage.call('get_video_task', { task_id: film.report.film_id, wait_seconds: 50 });
    }
    return film;
  }

  const jpegOf = async ({ pictures }: Reported) => {
    const [data = '', ...others] = pictures;
    expect(others).toEqual([]);
    const jpeg = Buffer.from(data, 'base64');
    expect(jpeg.length).toBeLessThanOrEqual(200_000);
    await writeFile(at('seen.jpg'), jpeg);
    return await pictureSize(at('seen.jpg'));
  };

  it('a preview of a task is text with path and times, then one JPEG, and no base64 in structuredContent', async () => {
    const made = await stage.call('generate_video', { prompt: 'looked at', wait_seconds: 50 });
    const before = submits();
    const seen = await stage.call('preview_video', { task_id: made.report.task_id });
    const size = await jpegOf(seen);
    expect(size.codec).toBe('mjpeg');
    expect(size.width).toBeGreaterThan(980);
    expect(size.width).toBeLessThanOrEqual(1000);
    const [data = ''] = seen.pictures;
    expect(JSON.stringify(seen.structured)).not.toContain(data.slice(0, 40));
    expect(seen.structured.frames).toHaveLength(9);
    expect(seen.structured.frames[0]).toEqual({ seconds: 0 });
    expect(seen.structured.frames[8]).toEqual({ seconds: 5 });
    expect(seen.text).toContain(`- Save Path: ${made.report.video?.path}`);
    expect(seen.text).toContain('- Frames: 0:00.00, ');
    const result = await stage.client.callTool({
      name: 'preview_video',
      arguments: { task_id: made.report.task_id, frames: '1' },
    });
    expect((result.content as { type: string }[]).map(({ type }) => type)).toEqual(['text', 'image']);
    expect(submits()).toBe(before);
    // No other tool returns a picture.
    expect(made.pictures).toEqual([]);
    expect((await stage.call('get_video_task', { task_id: made.report.task_id })).pictures).toEqual([]);
  });

  it('a poster is one frame, as large as a picture of 1,000 pixels', async () => {
    const seen = await stage.call('preview_video', { path: at('a.mp4'), frames: 1 });
    expect(await jpegOf(seen)).toMatchObject({ width: 1000, height: 562 });
    expect(seen.structured.frames).toHaveLength(1);
  });

  it('of a film the frames on both sides of each cut are shown, with their shots', async () => {
    const { report } = await filmOf(['one', 'two', 'three'].map((prompt) => ({ prompt })));
    const seen = await stage.call('preview_video', { film_id: report.film_id });
    await jpegOf(seen);
    const cut = 121 / 24;
    expect(seen.structured).toMatchObject({
      film_id: report.film_id,
      video: { path: report.film?.path },
      frames: [
        { seconds: 5, shot: 1 },
        { seconds: Math.round(cut * 1000) / 1000, shot: 2 },
        { seconds: Math.round((5 + cut) * 1000) / 1000, shot: 2 },
        { seconds: Math.round(2 * cut * 1000) / 1000, shot: 3 },
      ],
    });
    expect(seen.structured.next_step).toContain(`retake_shot with {"film_id":"${report.film_id}"}`);
    const one = await stage.call('preview_video', { film_id: report.film_id, frames: 3 });
    expect(one.structured.frames).toHaveLength(2);
    expect(one.structured.message).toContain('1 more cut is not shown.');
    const joined = await stage.call('join_videos', { videos: [report.film_id, report.film_id] });
    expect(joined.structured.video.duration_seconds).toBeCloseTo(6 * cut, 2);
  });

  it('a shot that continues begins with the picture that the shot before ended with', async () => {
    const shots = [{ prompt: 'red morning' }, { prompt: 'goes on', continue: true }];
    const { report } = await filmOf(shots);
    const [before = '', after = ''] = report.shots?.map(({ path }) => path ?? '') ?? [];
    expect(await likeness([before, 120], [after, 0])).toBeGreaterThan(40);
    // Its label is another one.
    expect(await likeness([before, 120], [after, 120])).toBeLessThan(40);
    expect(await likeness([report.film?.path ?? '', 120], [report.film?.path ?? '', 121])).toBeGreaterThan(40);
  });

  it('what is no video, or not one video, is refused with what is right', async () => {
    const refusal = async (given: object) => (await stage.call('preview_video', { ...given })).structured;
    expect((await refusal({})).message).toBe('No video is named.');
    expect((await refusal({ path: at('a.mp4'), task_id: 'jv-00000000-aaaaa' })).message).toBe(
      'More than one video is named.',
    );
    expect((await refusal({ path: at('text.mp4') })).error.code).toBe('unplayable_video');
    expect((await refusal({ path: at('a.mp4'), frames: 13 })).message).toContain(
      'must be a whole number from 1 to 12, but is 13',
    );
    expect((await refusal({ film_id: 'jf-00000000-aaaaa' })).error.code).toBe('no_record');
  });
});

describe.skipIf(hasNoFfmpeg)(`with JIMENG_VIDEO_IMAGES=omit and folders that are allowed${needsFfmpeg}`, () => {
  let stage: Stage;
  let folder: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'allowed-videos-')));
    await mkdir(join(folder, 'allowed'));
    const settings = { JIMENG_VIDEO_IMAGE_DIRS: join(folder, 'allowed'), JIMENG_VIDEO_IMAGES: 'omit' };
    stage = await openStage({ clips: 'drawn' }, { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '', ...settings });
    makeClip(join(folder, 'secret.mp4'), 24);
    makeClip(join(folder, 'allowed', 'open.mp4'), 24);
    await symlink(join(folder, 'secret.mp4'), join(folder, 'allowed', 'link.mp4'));
  });
  afterAll(async () => {
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('the answer has the path of the picture instead of the picture', async () => {
    const seen = await stage.call('preview_video', { path: join(folder, 'allowed', 'open.mp4') });
    expect(seen.pictures).toEqual([]);
    expect(seen.text).toContain(`The picture is in ${seen.structured.picture_path}.`);
    expect((await pictureSize(seen.structured.picture_path)).codec).toBe('mjpeg');
    await rm(seen.structured.picture_path);
  });

  it('files in other folders, also behind a link, are neither joined nor shown', async () => {
    const open = join(folder, 'allowed', 'open.mp4');
    for (const hidden of [join(folder, 'secret.mp4'), join(folder, 'allowed', 'link.mp4'), join(folder, 'no.mp4')]) {
      const joined = await stage.call('join_videos', { videos: [open, hidden] });
      expect(joined.structured.message).toContain('Video 2: ');
      expect(joined.structured.error.code).toBe('image_not_allowed');
      const seen = await stage.call('preview_video', { path: hidden });
      expect([seen.structured.status, seen.structured.error.code]).toEqual(['refused', 'image_not_allowed']);
      const heard = await stage.call('join_videos', { videos: [open, open], audio: hidden });
      expect(heard.structured.error.code).toBe('image_not_allowed');
    }
  });
});

it('without ffmpeg a preview says that it needs it, what fits together is joined, and what does not is named', async () => {
  const stage = await openHurriedStage();
  try {
    const [wide, tall] = [clip('1248x704-121'), clip('704x1248-121')];
    const seen = await stage.call('preview_video', { path: wide });
    expect([seen.report.status, seen.report.error?.code]).toEqual(['refused', 'ffmpeg_missing']);
    expect(seen.report.message).toBe('A picture of a video needs ffmpeg, which was not found on this computer.');
    const joined = await stage.call('join_videos', { videos: [wide, wide] });
    expect([joined.report.status, joined.report.message]).toEqual(['done', '2 videos were joined.']);
    const { report } = await stage.call('join_videos', { videos: [wide, wide, tall] });
    expect([report.status, report.error?.code]).toEqual(['refused', 'ffmpeg_missing']);
    expect(report.message).toContain('clips 1 and 3 have different sizes: 1248×704 and 704×1248');
    const names = await readdir(stage.workspace.outputDir);
    expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(names).toHaveLength(1);
  } finally {
    await stage.close();
  }
});

it.skipIf(hasNoFfmpeg)(`of the sandbox's videos it is said that they are not real${needsFfmpeg}`, async () => {
  const workspace = await makeWorkspace();
  const settings = { JIMENG_VIDEO_SANDBOX_SECONDS: '0', JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' };
  const session = await connect({ ...workspace.environment('sandbox'), ...settings }, workspace.folder);
  try {
    const { report } = await session.call('generate_video', { prompt: 'not real', wait_seconds: 50 });
    const joined = await session.call('join_videos', { videos: [report.task_id, report.task_id] });
    const seen = await session.call('preview_video', { task_id: report.task_id });
    for (const { structured, text } of [joined, seen]) {
      expect(structured.sandbox).toBe(true);
      expect(text).toContain('Sandbox: not a real video');
    }
  } finally {
    await session.close();
    await workspace.remove();
  }
});
