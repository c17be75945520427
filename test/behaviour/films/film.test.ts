/** A film from its storyboard to the joined file, through a real client, with real clips. */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ffmpegPath,
  ffprobePath,
  frameTimes,
  hasNoFfmpeg,
  lastPicture,
  needsFfmpeg,
  streamSeconds,
} from '../../support/clips.ts';
import { type Arguments, openStage, type Stage } from '../../support/mcp-client.ts';

const run = promisify(execFile);

describe.skipIf(hasNoFfmpeg)(`a film${needsFfmpeg}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ clips: 'drawn' }, { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' });
  });
  afterAll(() => stage.close());

  const shots = (name: string, ...more: readonly Arguments[]): Arguments[] =>
    more.map((shot, index) => ({ prompt: `${name} ${index + 1}`, ...shot }));

  /** The hash of each picture, in order. */
  async function picturesOf(file: string): Promise<string[]> {
    const { stdout } = await run(ffmpegPath ?? '', ['-v', 'error', '-i', file, '-map', '0:v', '-f', 'framemd5', '-'], {
      maxBuffer: 64e6,
    });
    return stdout.split('\n').flatMap((line) => (/^\d/.test(line) ? [line.split(',').at(-1)?.trim() ?? ''] : []));
  }

  it('of five shots, two of which continue, one of 8 s and mp3 under it, is joined exactly', async () => {
    const audio = join(stage.workspace.folder, 'music.mp3');
    await run(ffmpegPath ?? '', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=440:d=40', '-c:a', 'libmp3lame', audio]);
    const given = {
      title: 'Five shots',
      shots: shots('five', {}, { continue: true }, { duration: 8 }, { continue: true }, {}),
      audio,
      output: 'five.mp4',
    };
    const checked = await stage.call('generate_film', { ...given, dry_run: true });
    expect(checked.report.status).toBe('checked');
    expect(checked.report.message).toContain('¥8.40 for 5 shots');
    expect(stage.sandbox.submits()).toEqual([]);

    let { report } = await stage.call('generate_film', { ...given, wait_seconds: 50 });
    while (report.status === 'running') {
      ({ report } = await stage.call('get_video_task', { task_id: report.film_id, wait_seconds: 50 }));
    }
    expect([report.status, report.shots?.map(({ status }) => status)]).toEqual(['done', Array(5).fill('done')]);
    const film = report.film?.path ?? '';
    expect(film).toMatch(/five\.mp4$/);
    const clips = (report.shots ?? []).map(({ path }) => path ?? '');
    const pictures = await Promise.all(clips.map(picturesOf));
    expect(await picturesOf(film)).toEqual(pictures.flat());
    expect(pictures.map(({ length }) => length)).toEqual([121, 121, 192, 121, 121]);
    const times = await frameTimes(film);
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(index / 24, 3);
    const seconds = await streamSeconds(film);
    expect(Math.abs(seconds.video - seconds.audio)).toBeLessThan(1 / 24 + 0.001);
    const { stderr } = await run(ffprobePath ?? '', ['-v', 'warning', '-count_frames', film]);
    expect(stderr).toBe('');
    // What is sent is the last frame of the shot before.
    for (const [index, prompt] of [
      [1, 'five 2'],
      [3, 'five 4'],
    ] as const) {
      const [sent] = (stage.sandbox.submits(prompt)[0]?.body?.binary_data_base64 ?? []) as string[];
      const file = join(stage.workspace.folder, `${index}.png`);
      await writeFile(file, Buffer.from(sent ?? '', 'base64'));
      expect(await lastPicture(file)).toBe(await lastPicture(clips[index - 1] ?? ''));
    }
    expect(stage.sandbox.accepted.length).toBe(5);

    const again = await stage.call('generate_film', given);
    expect([again.report.film_id, again.report.status]).toEqual([report.film_id, 'done']);
    expect(again.report.message).toContain('The same already exists');
    expect(stage.sandbox.accepted.length).toBe(5);
    expect((await readdir(stage.workspace.outputDir)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
